//! A step by turns: each incident asks another one, over restarts too, and whoever cannot be told gives way at once.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::operator::Operator;
use watchtower_tests::paging::text;
use watchtower_tests::sink::{SECRET, Sink};

const SOON: Duration = Duration::from_secs(20);

fn person(api: &Api, name: &str, sink: &Sink) {
    let config = json!({"kind": "webhook", "url": sink.url(), "secret": SECRET});
    let channel = api.post("/channels", &json!({"name": name, "config": config}))["id"].clone();
    let user = json!({"name": name, "role": "responder", "password": "correct horse battery staple", "channels": [channel]});
    api.post("/users", &user);
}

fn trouble(api: &Api, title: &str) -> i64 {
    let made = api.post("/incidents", &json!({"title": title, "severity": "error"}));
    made["number"].as_i64().expect("it has one")
}

fn told(sink: &Sink, number: i64) {
    sink.wait(SOON, "of it", |call| call.incident() == number && call.event() == "incident.triggered");
}

#[test]
fn each_incident_asks_the_next_and_who_cannot_be_told_gives_way() {
    let mut hub = Hub::start(Setup::default());
    let (api, ann, ben) = (hub.api(), Sink::start(), Sink::start());
    person(&api, "ann", &ann);
    person(&api, "ben", &ben);
    let operator = Operator::new(&hub.url());
    operator.text(&["policy", "create", "round", "--step", "10m:by-turns:user=ann,user=ben"]);
    operator.text(&["service", "edit", "default", "--policy", "round"]);
    told(&ann, trouble(&api, "one"));
    hub.kill();
    hub.restart();
    let second = trouble(&api, "two");
    told(&ben, second);
    let plan = api.get("/services/default/page-plan");
    assert_eq!(plan["messages"][0]["target"], "one of ann, ben by turns; next: ann", "{plan}");
    // It is ann's turn, and her channel takes nothing any more: ben is asked at once.
    ann.set_gone();
    let third = trouble(&api, "three");
    told(&ben, third);
    let timeline = api.list(&format!("/incidents/{third}/timeline"));
    let lines: Vec<String> = timeline.iter().map(|entry| text(&entry["text"])).collect();
    for line in [
        "step 1 asks ann, one of ann, ben by turns",
        "nobody of step 1 could be reached: the next of its round is asked",
        "step 1 asks ben, one of ann, ben by turns",
    ] {
        assert!(lines.iter().any(|one| one == line), "{line:?} is not among {lines:?}");
    }
    let pending = api.get(&format!("/incidents/{third}"))["pending_actions"].clone();
    assert_eq!(pending[0]["text"], "tells the catch-all channel that nobody answered", "{pending}");
    assert_eq!(ann.calls().iter().filter(|call| call.incident() == second).count(), 0);
    let shown: Value = api.get("/policies/round");
    assert_eq!(shown["steps"][0]["strategy"], "round_robin");
}
