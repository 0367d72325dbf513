//! remote_write out, into a real Prometheus that goes away while samples come.

use std::time::Duration;

use watchtower_testkit::prometheus::Prometheus;
use watchtower_testkit::remote_write::{Series, request};
use watchtower_testkit::wait;
use watchtower_tests::agents::now_ms;
use watchtower_tests::api::{Api, encode};
use watchtower_tests::hub::{Hub, Setup};

const SOON: Duration = Duration::from_secs(40);

/// A hub that forwards to this Prometheus, with these more lines of its table.
fn hub_to(prometheus: &Prometheus, more: &str) -> (Hub, tempfile::TempDir) {
    let dir = tempfile::TempDir::with_prefix("wt-forward-").unwrap();
    let file = dir.path().join("forward.toml");
    let table =
        format!("[[remote_write]]\nname = 'peer'\nurl = '{}/api/v1/write'\n{more}\n", prometheus.url());
    std::fs::write(&file, table).unwrap();
    let more = vec![
        format!("--remote-write={}", file.display()),
        format!("--allow-egress=127.0.0.1:{}", prometheus.port()),
    ];
    (Hub::start(Setup { more, ..Setup::default() }), dir)
}

fn write(api: &Api, name: &str, samples: &[(i64, f64)]) {
    let labels = [("__name__".to_string(), name.to_string()), ("job".to_string(), "test".to_string())];
    let sent = request(&[Series { labels: &labels, samples }]);
    let answer = api.raw("POST", "/prometheus/api/v1/write", "application/x-protobuf", &sent).unwrap();
    assert_eq!(answer.status, 204, "{}", answer.body);
}

fn value(prometheus: &Prometheus, query: &str) -> Option<f64> {
    let path = format!("/api/v1/query?query={}", encode(query));
    let answer = Api::new(&prometheus.url(), None).raw("GET", &path, "", b"").ok()?;
    answer.body["data"]["result"][0]["value"][1].as_str()?.parse().ok()
}

fn metric(hub: &Hub, name: &str) -> f64 {
    let text = hub.api().raw("GET", "/metrics", "", b"").unwrap().body.as_str().unwrap().to_string();
    let wanted = format!("{name}{{receiver=\"peer\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&wanted)?.parse().ok()).unwrap_or(f64::NAN)
}

#[test]
fn nothing_is_lost_while_the_receiver_is_away_and_the_hub_is_restarted() {
    let Some(mut prometheus) = Prometheus::start() else { return };
    let (mut hub, _dir) = hub_to(&prometheus, "external_labels = {cluster = 'eu', job = 'other'}");
    let start = now_ms() - 60_000;
    let mut sent = 0;
    let mut send = |hub: &Hub, count: i64| {
        for _ in 0..count {
            sent += 1;
            write(&hub.api(), "steps", &[(start + sent * 100, sent as f64)]);
        }
        sent
    };
    let series = "count_over_time(steps{job=\"test\",cluster=\"eu\"}[5m])";
    let first = send(&hub, 40) as f64;
    wait::until(SOON, "the first samples to arrive", || {
        (value(&prometheus, series) == Some(first)).then_some(())
    });
    prometheus.stop();
    send(&hub, 40);
    wait::until(SOON, "samples to wait", || {
        (metric(&hub, "watchtower_forward_retries_total") > 0.0).then_some(())
    });
    send(&hub, 40);
    assert_eq!(hub.stop(), Some(0));
    hub.restart();
    assert!(metric(&hub, "watchtower_forward_queue_bytes") > 0.0, "what waits is on disk");
    let all = send(&hub, 40) as f64;
    prometheus.restart();
    wait::until(SOON, "all samples to arrive", || (value(&prometheus, series) == Some(all)).then_some(()));
    assert_eq!(value(&prometheus, "sum_over_time(steps[5m])"), Some(all * (all + 1.0) / 2.0));
    let name = "watchtower_forward_";
    for lost in ["refused_samples_total", "lost_samples_total"] {
        assert_eq!(metric(&hub, &format!("{name}{lost}")), 0.0, "{lost}");
    }
    wait::until(SOON, "the queue to be empty", || {
        (metric(&hub, &format!("{name}queue_bytes")) == 0.0).then_some(())
    });
}

#[test]
fn only_what_matches_goes_and_what_is_refused_costs_nothing_else() {
    let Some(prometheus) = Prometheus::start() else { return };
    let (hub, _dir) = hub_to(&prometheus, "match = ['{__name__=~\"kept.*\"}']");
    let api = hub.api();
    let now = now_ms();
    write(&api, "dropped", &[(now, 1.0)]);
    write(&api, "kept", &[(now - 1000, 1.0), (now, 2.0)]);
    wait::until(SOON, "what matches", || {
        (value(&prometheus, "count_over_time(kept[5m])") == Some(2.0)).then_some(())
    });
    assert_eq!(value(&prometheus, "count({job=\"test\"})"), Some(1.0));
    // Prometheus takes nothing that is older than what it has, and refuses the whole request for it.
    write(&api, "kept", &[(now - 5000, 9.0)]);
    write(&api, "kept_too", &[(now, 3.0)]);
    let refused = || metric(&hub, "watchtower_forward_refused_samples_total");
    wait::until(SOON, "the late sample to be refused", || (refused() == 1.0).then_some(()));
    wait::until(SOON, "the others", || (value(&prometheus, "kept_too") == Some(3.0)).then_some(()));
    assert_eq!(value(&prometheus, "count_over_time(kept[5m])"), Some(2.0));
    assert_eq!((refused(), metric(&hub, "watchtower_forward_lost_samples_total")), (1.0, 0.0));
}
