//! Type, help and unit of names: what a real Prometheus knows of its targets, it tells the hub, and both answer the same.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::prometheus::Prometheus;
use watchtower_testkit::{remote_write, wait};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{BOOTSTRAP, Hub, Setup};

const PROTOBUF: &str = "application/x-protobuf";

fn ask(api: &Api, path: &str) -> (u16, Value) {
    let answer = api.raw("GET", path, "", b"").unwrap();
    (answer.status, answer.body)
}

fn ours(api: &Api, parameters: &str) -> (u16, Value) {
    ask(api, &format!("/prometheus/api/v1/metadata{parameters}"))
}

fn tell(api: &Api, all: &[(u8, &str, &str, &str)]) {
    let sent = api.raw("POST", "/prometheus/api/v1/write", PROTOBUF, &remote_write::metadata(all)).unwrap();
    assert_eq!(sent.status, 204, "{}", sent.body);
}

#[test]
fn what_a_real_prometheus_tells_is_answered_as_it_answers() {
    let hub = Hub::start(Setup::default());
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: hub\n  static_configs: [{{targets: ['{}']}}]\n  \
         authorization: {{credentials: {BOOTSTRAP}}}\nremote_write:\n- url: {}/prometheus/api/v1/write\n  \
         authorization: {{credentials: {BOOTSTRAP}}}\n  metadata_config: {{send: true, send_interval: 1s}}\n",
        hub.url().trim_start_matches("http://"),
        hub.url()
    );
    let Some(prometheus) = Prometheus::with_config(&config) else { return };
    let (api, theirs) = (hub.api(), Api::new(&prometheus.url(), None));
    wait::until(Duration::from_secs(30), "its metadata to come", || {
        let expected = ask(&theirs, "/api/v1/metadata");
        let several = expected.1["data"].as_object().is_some_and(|all| all.len() > 10);
        (several && ours(&api, "") == expected).then_some(())
    });
    let (_, all) = ours(&api, "");
    let kind = |name: &str| all["data"][name][0]["type"].as_str().unwrap_or("").to_string();
    assert_eq!(
        (kind("watchtower_samples_total"), kind("watchtower_series")),
        ("counter".into(), "gauge".into())
    );
    for parameters in
        ["?metric=watchtower_series", "?metric=none", "?limit_per_metric=1", "?limit=-1", "?limit=0"]
    {
        assert_eq!(
            ours(&api, parameters),
            ask(&theirs, &format!("/api/v1/metadata{parameters}")),
            "{parameters}"
        );
    }
    let (mut got, mut expected) = (ours(&api, "?limit=few"), ask(&theirs, "/api/v1/metadata?limit=few"));
    for answer in [&mut got, &mut expected] {
        answer.1["error"] = json!("the words are each program's own");
    }
    assert_eq!(got, expected);
    // Newer than the Prometheus that is asked here.
    assert_eq!(ours(&api, "?limit_per_metric=few").0, 400);
    let three = ours(&api, "?limit=3").1["data"].as_object().map_or(0, serde_json::Map::len);
    assert_eq!(three, 3);
}

#[test]
fn it_outlives_a_restart_and_is_not_for_those_who_do_not_see_the_series() {
    let mut hub = Hub::start(Setup::default());
    let api = hub.api();
    tell(&api, &[(1, "a_total", "As it was.", ""), (3, "b_seconds", "Latency.", "seconds")]);
    tell(&api, &[(1, "a_total", "As it is.", "")]);
    let expected = json!({
        "a_total": [
            {"type": "counter", "help": "As it is.", "unit": ""},
            {"type": "counter", "help": "As it was.", "unit": ""},
        ],
        "b_seconds": [{"type": "histogram", "help": "Latency.", "unit": "seconds"}],
    });
    assert_eq!(ours(&api, "").1, json!({"status": "success", "data": expected}));
    assert_eq!(
        ours(&api, "?limit_per_metric=1&metric=a_total").1["data"],
        json!({
            "a_total": [{"type": "counter", "help": "As it is.", "unit": ""}],
        })
    );
    let made = api.post("/tokens", &json!({"name": "limited", "role": "admin", "servers": "env=\"prod\""}));
    let limited = api.with_token(made["secret"].as_str());
    assert_eq!(ours(&limited, ""), (200, json!({"status": "success", "data": {}})));
    assert_eq!(ours(&api.with_token(None), "").0, 401);
    assert_eq!(hub.stop(), Some(0));
    hub.restart();
    assert_eq!(ours(&hub.api(), "").1["data"], expected);
    // A file that cannot be read is no reason not to start.
    assert_eq!(hub.stop(), Some(0));
    std::fs::write(hub.data_dir().join("metrics/metadata.json"), "{\"version\":1,").unwrap();
    hub.restart();
    assert_eq!(ours(&hub.api(), "").1["data"], json!({}));
    tell(&hub.api(), &[(2, "c", "", "")]);
    assert_eq!(ours(&hub.api(), "").1["data"]["c"][0]["type"], "gauge");
}
