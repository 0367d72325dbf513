//! What other senders write: stored before the answer, told when it is not, watched by rules, and nobody else's server.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_model::Timestamp;
use watchtower_testkit::prometheus::Prometheus;
use watchtower_testkit::remote_write::{Series, request};
use watchtower_testkit::wait;
use watchtower_tests::agents::now_ms;
use watchtower_tests::api::{Answer, Api};
use watchtower_tests::hub::{BOOTSTRAP, Hub, Setup};

const WRITE: &str = "/prometheus/api/v1/write";
const PROTOBUF: &str = "application/x-protobuf";

/// Labels and samples of one series.
type Sent<'a> = (&'a [(&'a str, &'a str)], &'a [(i64, f64)]);

fn write(api: &Api, all: &[Sent<'_>]) -> Answer {
    let own = |labels: &[(&str, &str)]| labels.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    let labels: Vec<Vec<(String, String)>> = all.iter().map(|(labels, _)| own(labels)).collect();
    let series = labels.iter().zip(all).map(|(labels, (_, samples))| Series { labels, samples });
    api.raw("POST", WRITE, PROTOBUF, &request(&series.collect::<Vec<_>>())).unwrap()
}

fn value(api: &Api, query: &str) -> Option<String> {
    api.promql(query).first().map(|element| element["value"][1].as_str().unwrap_or("").to_string())
}

#[test]
fn a_write_is_durable_when_it_is_answered() {
    let mut hub = Hub::start(Setup::default());
    let api = hub.api();
    let now = now_ms();
    let sent: &[Sent<'_>] =
        &[(&[("__name__", "jobs_total"), ("queue", "mail")], &[(now - 30_000, 4.0), (now - 15_000, 6.0)])];
    assert_eq!(write(&api, sent).status, 204);
    hub.kill();
    hub.restart();
    assert_eq!(value(&api, "sum_over_time(jobs_total{queue=\"mail\"}[5m])").as_deref(), Some("10"));
    // Again, and out of order: nothing doubles, the first value of a time stays.
    let again: &[Sent<'_>] =
        &[(&[("__name__", "jobs_total"), ("queue", "mail")], &[(now - 15_000, 9.0), (now - 60_000, 1.0)])];
    assert_eq!(write(&api, again).status, 204);
    assert_eq!(value(&api, "sum_over_time(jobs_total[5m])").as_deref(), Some("11"));
}

#[test]
fn what_is_not_stored_is_told_and_the_rest_is_stored() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    api.post("/servers", &json!({"name": "web-1"}));
    let now = now_ms();
    let good: &[(&str, &str)] = &[("__name__", "good"), ("http.route", "/a")];
    let answer = write(
        &api,
        &[
            (good, &[(now, 1.0), (now - 20 * 86_400_000, 1.0), (now + 3_600_000, 1.0)]),
            (&[("job", "nameless")], &[(now, 1.0)]),
            (&[("__name__", "up"), ("instance", "web-1")], &[(now, 0.0)]),
        ],
    );
    assert_eq!(answer.status, 400);
    let text = answer.body.as_str().unwrap_or("").to_string();
    for part in ["stored 1 samples", "2 samples of refused series", "no metric name", "too old", "the future"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(value(&api, "good{\"http.route\"=\"/a\"}").as_deref(), Some("1"));
    assert!(api.promql("up{instance=\"web-1\"}").is_empty(), "only its agent speaks for a server");
    let v2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    assert_eq!(api.raw("POST", WRITE, v2, b"").unwrap().status, 415);
    assert_eq!(api.raw("POST", WRITE, "application/json", b"{}").unwrap().status, 415);
    assert_eq!(api.raw("POST", WRITE, PROTOBUF, b"not snappy at all").unwrap().status, 400);
}

#[test]
fn only_tokens_for_it_may_write_and_only_the_unrestricted_may_read_it() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let token = |body: Value| {
        let made = api.post("/tokens", &body);
        api.with_token(made["secret"].as_str().or(made["token"].as_str()))
    };
    let sent: &[Sent<'_>] = &[(&[("__name__", "x"), ("env", "prod")], &[(now_ms(), 1.0)])];
    let writer = token(json!({"name": "sender", "role": "operator", "scopes": ["metrics:write"]}));
    assert_eq!(write(&writer, sent).status, 204);
    assert_eq!(writer.status("GET", "/api/v1/servers", None), Some(403), "it may do nothing else");
    for other in [
        json!({"name": "reader", "role": "admin", "scopes": ["query"]}),
        json!({"name": "viewer", "role": "viewer"}),
    ] {
        assert_eq!(write(&token(other), sent).status, 403);
    }
    assert_eq!(write(&api.with_token(None), sent).status, 401);
    assert_eq!(write(&api.with_token(Some("wrong")), sent).status, 401);
    // The label is of the sender's choice: it opens nothing to those whose rights hang on labels.
    api.post("/servers", &json!({"name": "web-1", "labels": {"env": "prod"}}));
    let limited = token(json!({"name": "limited", "role": "operator", "servers": "env=\"prod\""}));
    assert_eq!(write(&limited, sent).status, 403);
    assert!(limited.promql("x").is_empty());
    assert_eq!(api.promql("x").len(), 1);
}

#[test]
fn rules_watch_what_other_senders_write() {
    let mut hub = Hub::start(Setup::default());
    let api = hub.api();
    for (name, expr) in [("Apart", "queue_length > 5"), ("Whole", "sum by (team) (queue_length) > 5")] {
        api.post("/rules", &json!({"name": name, "kind": "metric", "expr": expr, "paging": false}));
    }
    let labels: &[(&str, &str)] = &[("__name__", "queue_length"), ("team", "mail"), ("instance", "other:1")];
    let firing = || {
        let mut names: Vec<String> = api
            .list("/alerts?state=firing")
            .iter()
            .map(|alert| alert["labels"]["alertname"].as_str().unwrap_or("").to_string())
            .collect();
        names.sort();
        names
    };
    write(&api, &[(labels, &[(now_ms(), 9.0)])]);
    wait::until(Duration::from_secs(20), "both rules to fire", || {
        (firing() == ["Apart", "Whole"]).then_some(())
    });
    // A hub that comes back goes on watching, although nobody writes.
    hub.kill();
    hub.restart();
    let began = now_ms();
    wait::until(Duration::from_secs(20), "the rules to be evaluated again", || {
        let evaluated = |name: &str| {
            let at = api.get(&format!("/rules/{name}"))["last_evaluated_at"].as_str().map(str::to_string)?;
            Some(Timestamp::parse_rfc3339(&at).ok()?.0 > began)
        };
        (evaluated("Apart") == Some(true) && evaluated("Whole") == Some(true)).then_some(())
    });
    assert_eq!(firing(), ["Apart", "Whole"]);
    write(&api, &[(labels, &[(now_ms(), 1.0)])]);
    wait::until(Duration::from_secs(20), "both to end", || firing().is_empty().then_some(()));
}

#[test]
fn a_real_prometheus_sends_what_it_scrapes() {
    let hub = Hub::start(Setup::default());
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: self\n  metrics_path: /metrics\n  static_configs: \
         [{{targets: ['{}']}}]\n  authorization: {{credentials: {BOOTSTRAP}}}\nremote_write:\n- url: {}{WRITE}\n  \
         authorization: {{credentials: {BOOTSTRAP}}}\n",
        hub.url().trim_start_matches("http://"),
        hub.url()
    );
    let Some(_prometheus) = Prometheus::with_config(&config) else { return };
    let api = hub.api();
    wait::until(Duration::from_secs(30), "its samples to come", || {
        let up = value(&api, "up{job=\"self\"}").as_deref() == Some("1");
        let counted = api.promql("rate(watchtower_samples_total{job=\"self\"}[1m]) > 0");
        (up && !counted.is_empty()).then_some(())
    });
}
