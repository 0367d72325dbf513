//! What channels are told that is of no incident: a window that begins and ends, a shift that changed hands.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::text;
use watchtower_tests::sink::{SECRET, Sink};

/// A try that died with its hub is tried again when its lease is over.
const SOON: Duration = Duration::from_secs(90);

fn channel(api: &Api, name: &str, sink: &Sink) -> Value {
    let config = json!({"kind": "webhook", "url": sink.url(), "secret": SECRET});
    api.post("/channels", &json!({"name": name, "config": config}))["id"].clone()
}

fn titled(sink: &Sink, words: &str) -> Value {
    let news = sink.wait(SOON, words, |call| {
        call.event() == "notice" && text(&call.body["incident"]["title"]).contains(words)
    });
    assert_eq!(
        (&news.body["incident"]["number"], &news.body["acknowledge_url"]),
        (&Value::Null, &Value::Null)
    );
    news.body
}

/// `+1h` from now, as the hub's answers have it.
fn hence(api: &Api, hours: i64) -> String {
    let at = api.get("/schedules/daily/on-call")["at"].clone();
    let at = watchtower_model::Timestamp::parse_rfc3339(&text(&at)).expect("the hub says when");
    at.plus_ms(hours * 3_600_000).to_rfc3339()
}

#[test]
fn channels_hear_of_windows_and_of_swapped_shifts_once_over_a_restart() {
    let mut hub = Hub::start(Setup::default());
    let (api, sink, hers) = (hub.api(), Sink::start(), Sink::start());
    let (ops, ann) = (channel(&api, "ops", &sink), channel(&api, "ann", &hers));
    let person = |name: &str, channels: Value| {
        let input = json!({"name": name, "role": "responder", "password": "correct horse battery"});
        let id = api.post("/users", &input)["id"].clone();
        let changed =
            api.call("PATCH", &format!("/api/v1/users/{}", text(&id)), Some(&json!({"channels": channels})));
        assert_eq!(changed.status, 200, "{}", changed.body);
        id
    };
    let (ann, ben) = (person("ann", json!([ann])), person("ben", json!([])));
    let layer = json!({"name": "days", "participants": [ann], "unit": "daily", "handoff": "00:00", "start": "2026-01-01"});
    api.post("/schedules", &json!({"name": "daily", "layers": [layer]}));

    // A receiver that is away hears of it when it is back.
    sink.set_busy(true);
    let window = json!({"name": "move", "matchers": "team=\"db\"", "comment": "rack 7", "notify": [ops],
        "starts_at": hence(&api, -1), "ends_at": hence(&api, 2)});
    let window = text(&api.post("/maintenance-windows", &window)["id"]);
    wait::until(SOON, "the window to begin", || api.list("/events?kind=maintenance.started").pop());
    hub.kill();
    sink.set_busy(false);
    hub.restart();
    let api = hub.api();
    titled(&sink, "the maintenance window \"move\" began, until");
    assert_eq!(api.status("DELETE", &format!("/api/v1/maintenance-windows/{window}"), None), Some(204));
    titled(&sink, "the maintenance window \"move\" ended: rack 7");

    let signed_in = api.signed_in("ann", "correct horse battery");
    let offer = signed_in
        .post("/schedules/daily/swaps", &json!({"from_at": hence(&api, 1), "to_at": hence(&api, 3)}));
    let id = text(&offer["id"]);
    assert_eq!(api.get("/schedules/daily")["swaps"][0]["user_id"], ann);
    let taker = api.signed_in("ben", "correct horse battery");
    let taken = taker.post(&format!("/schedules/daily/swaps/{id}/take"), &json!({}));
    assert_eq!(taken["overrides"][0]["user_id"], ben);
    titled(&hers, "on call for daily: ben instead of ann");
    let then = api.get(&format!("/schedules/daily/on-call?at={}", hence(&api, 2)));
    assert_eq!(then["on_call"][0]["user"], "ben", "{then}");
}
