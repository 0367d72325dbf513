//! On call: a schedule on real hubs, whose clock goes on to the next turn, into an override, and into a time without anybody.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_tests::api::Api;
use watchtower_tests::hub::Hub;
use watchtower_tests::paging::text;
use watchtower_tests::sink::{SECRET, Sink};

const SOON: Duration = Duration::from_secs(10);

/// Somebody with a channel of their own, and what comes by it.
struct Person {
    id: String,
    name: &'static str,
    sink: Sink,
}

fn channel(api: &Api, name: &str, sink: &Sink, catch_all: bool) -> Value {
    let config = json!({"kind": "webhook", "url": sink.url(), "secret": SECRET});
    api.post("/channels", &json!({"name": name, "config": config, "catch_all": catch_all}))["id"].clone()
}

fn person(api: &Api, name: &'static str) -> Person {
    let sink = Sink::start();
    let channel = channel(api, name, &sink, false);
    let user = json!({"name": name, "password": "correct horse battery", "role": "responder", "channels": [channel]});
    Person { id: text(&api.post("/users", &user)["id"]), name, sink }
}

/// Turns of a week since the Monday before last; the default service pages whoever has it.
fn schedule(api: &Api, people: &[&Person]) {
    let participants: Vec<_> = people.iter().map(|person| &person.id).collect();
    let layer = json!({"name": "weeks", "participants": participants, "unit": "weekly", "handoff": "09:00", "start": "2026-01-05"});
    let input = json!({"name": "db-primary", "timezone": "America/New_York", "layers": [layer]});
    let made = api.post("/schedules", &input);
    let steps = json!([{"delay_seconds": 600, "targets": [{"kind": "schedule", "id": made["id"]}]}]);
    let policy = api.post("/policies", &json!({"name": "on call", "steps": steps}));
    let services = api.list("/services");
    let default = services.iter().find(|service| service["name"] == "default").expect("the default service");
    let input = json!({"name": "default", "policy_id": policy["id"]});
    api.put(&format!("/services/{}", text(&default["id"])), &input);
}

fn on_call(api: &Api) -> Option<String> {
    api.get("/schedules/db-primary/on-call")["on_call"][0]["user"].as_str().map(String::from)
}

/// Opens an incident, which must be paged to this person alone.
fn pages(api: &Api, title: &str, who: &Person, others: &[&Person]) -> i64 {
    let before: Vec<_> = others.iter().map(|person| person.sink.calls().len()).collect();
    let incident = api.post("/incidents", &json!({"title": title, "severity": "error"}));
    let number = incident["number"].as_i64().expect("a number");
    who.sink.wait(SOON, title, |call| call.event() == "incident.triggered" && call.incident() == number);
    let after: Vec<_> = others.iter().map(|person| person.sink.calls().len()).collect();
    assert_eq!(before, after, "nobody but {} is paged for {title}", who.name);
    let line = said(api, number, "on_call");
    assert!(line.starts_with(&format!("{}, on call for db-primary until ", who.name)), "{line}");
    number
}

fn said(api: &Api, number: i64, kind: &str) -> String {
    let timeline = api.list(&format!("/incidents/{number}/timeline"));
    let entry = timeline.iter().find(|entry| entry["kind"] == kind);
    text(&entry.unwrap_or_else(|| panic!("the timeline has no {kind}: {timeline:?}"))["text"])
}

#[test]
fn whoever_has_the_turn_by_the_clock_is_paged() {
    let Some(mut hub) = Hub::shifted("+0d") else { return };
    let api = hub.api();
    let (ann, ben) = (person(&api, "ann"), person(&api, "ben"));
    let nobody = Sink::start();
    channel(&api, "nobody answered", &nobody, true);
    schedule(&api, &[&ann, &ben]);
    let first = on_call(&api).expect("somebody is on call");
    let (now, next) = if first == "ann" { (&ann, &ben) } else { (&ben, &ann) };
    let number = pages(&api, "disk full", now, &[next]);

    // A week later it is the other's turn; the hub was away in between.
    hub.kill();
    hub.shift("+7d");
    hub.restart();
    let api = hub.api();
    assert_eq!(on_call(&api).as_deref(), Some(next.name));
    pages(&api, "disk full again", next, &[now]);
    // That the first one is over is told to who was paged for it, not to who is on call by now.
    let heard = next.sink.calls().len();
    api.post(&format!("/incidents/{number}/resolve"), &json!({}));
    let over = |call: &watchtower_tests::sink::Received| {
        call.event() == "incident.resolved" && call.incident() == number
    };
    now.sink.wait(SOON, "of the end", over);
    assert!(!next.sink.calls()[heard..].iter().any(over), "told although never paged for it");

    let schedule = api.get("/schedules/db-primary/on-call");
    let override_until = text(&schedule["on_call"][0]["until_at"]);
    let stand_in =
        json!({"kind": "replace", "user": now.name, "instead_of": next.name, "to_at": override_until});
    api.post("/schedules/db-primary/overrides", &stand_in);
    pages(&api, "cpu hot", now, &[next]);
    let off = json!({"kind": "remove", "user": now.name, "to_at": override_until});
    api.post("/schedules/db-primary/overrides", &off);
    assert_eq!(on_call(&api), None);
    let incident = api.post("/incidents", &json!({"title": "out of memory", "severity": "critical"}));
    let number = incident["number"].as_i64().expect("a number");
    nobody.wait(SOON, "of the catch-all", |call| call.incident() == number);
    assert_eq!(said(&api, number, "on_call"), "nobody is on call for db-primary");
}
