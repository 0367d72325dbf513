//! Jobs ping as they ping healthchecks.io: with curl, by key and by slug, and in real time.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::{page_to, text};
use watchtower_tests::sink::Sink;

const SOON: Duration = Duration::from_secs(20);

/// Status, headers and body of a call by the real curl.
fn curl(args: &[&str]) -> (u16, String, String) {
    let out = Command::new("curl").args(["-sS", "-m", "10", "-i"]).args(args).output().expect("curl runs");
    let answer = String::from_utf8_lossy(&out.stdout).replace('\r', "");
    let (head, body) = answer.split_once("\n\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    (status.unwrap_or_else(|| panic!("{out:?}")), head.to_lowercase(), body.to_string())
}

#[test]
fn a_job_that_stops_pinging_pages_and_its_next_ping_ends_it() {
    let hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    let made = api.post("/heartbeats", &json!({"name": "backup", "period_seconds": 5, "grace_seconds": 5}));
    assert_eq!(made["state"], "new");
    let url = text(&made["url"]);
    let (status, head, body) = curl(&[&url]);
    assert_eq!((status, body.as_str()), (200, "OK"));
    assert!(
        head.contains("ping-body-limit: 10000") && head.contains("access-control-allow-origin: *"),
        "{head}"
    );
    let began = Instant::now();
    let page = sink.wait(SOON, "of the missed ping", |call| call.event() == "incident.triggered");
    assert!(began.elapsed() > Duration::from_secs(9), "after period and grace: {:?}", began.elapsed());
    assert!(text(&page.body["incident"]["title"]).starts_with("backup: did not come in time"));
    assert_eq!(curl(&["-I", &url]).0, 200);
    sink.wait(SOON, "of the end", |call| call.event() == "incident.resolved");
    assert_eq!(api.get("/heartbeats/backup")["state"], "up");
}

#[test]
fn the_calls_of_healthchecks_are_answered_as_there() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let made = api
        .post("/heartbeats", &json!({"name": "backup", "cron": "30 3 * * *", "timezone": "Europe/Berlin"}));
    let url = text(&made["url"]);
    let rid = "?rid=123e4567-e89b-12d3-a456-426614174000";
    let long = "x".repeat(12_000);
    for (args, status, body) in [
        (vec![format!("{url}/start{rid}")], 200, "OK"),
        (vec!["-d".into(), "half way".into(), format!("{url}/log")], 200, "OK"),
        (vec!["--data-binary".into(), format!("{long}end"), format!("{url}/0{rid}")], 200, "OK"),
        (vec!["-d".into(), "no space left".into(), format!("{url}/7")], 200, "OK"),
        (vec![format!("{url}/256")], 400, "invalid url format"),
        (vec![format!("{url}?rid=1")], 400, "invalid uuid format"),
        (vec![format!("{}/ping/123e4567-e89b-12d3-a456-426614174000", hub.url())], 404, "not found"),
        (vec![format!("{}/ping/nobody/backup", hub.url())], 404, "not found"),
    ] {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let (got, _, said) = curl(&args);
        assert_eq!((got, said.as_str()), (status, body), "{:?}", args.last());
    }
    let pings = api.list("/heartbeats/backup/pings");
    let kinds: Vec<String> = pings.iter().map(|ping| text(&ping["kind"])).collect();
    assert_eq!(kinds, ["fail", "success", "log", "start"]);
    assert_eq!((&pings[0]["exit_code"], &pings[0]["body"]), (&json!(7), &json!("no space left")));
    assert!(pings[1]["duration_seconds"].is_number() && text(&pings[1]["body"]).len() == 10_000);
    assert!(text(&pings[0]["sent_by"]).starts_with("POST curl/"));
    let incident = api.list("/incidents").remove(0);
    assert_eq!(incident["title"], "backup: failed with exit code 7");

    // Below an integration's key a job makes its own.
    let jobs = api.post("/integrations", &json!({"name": "jobs", "kind": "heartbeat"}));
    let base = text(&jobs["url"]).replace("/SLUG", "");
    assert_eq!(curl(&[&format!("{base}/nightly")]).0, 404);
    let (status, _, body) = curl(&[&format!("{base}/nightly?create=1")]);
    assert_eq!((status, body.as_str()), (201, "Created"));
    assert_eq!(curl(&[&format!("{base}/nightly/start?create=1")]).0, 200);
    let nightly = api.get("/heartbeats/nightly");
    assert_eq!((&nightly["state"], &nightly["period_seconds"]), (&json!("started"), &json!(86400.0)));
}

#[test]
fn a_job_that_pings_too_often_is_told_when_to_come_again() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let made = api.post("/heartbeats", &json!({"name": "busy", "period_seconds": 60}));
    let path = text(&made["url"]).replace(&hub.url(), "");
    let stranger = api.with_token(None);
    let refused = (0..2_600).find_map(|_| {
        let answer = stranger.raw("GET", &path, "", b"").expect("the hub answers");
        (answer.status >= 300).then_some(answer)
    });
    let answer = refused.expect("the limit is reached");
    assert!(answer.status == 429 && answer.retry_after.is_some_and(|s| (1..=61).contains(&s)), "{answer:?}");
    assert_eq!(api.list("/heartbeats/busy/pings?limit=500").len(), 100, "the newest are kept");
}
