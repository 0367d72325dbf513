//! Who is told, and when: the next step at once where nobody can be reached, whoever forgot again, nobody in a maintenance.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use watchtower_model::Timestamp;
use watchtower_testkit::postgres::Postgres;
use watchtower_testkit::wait;
use watchtower_tests::agents::now_ms;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::{page_to, text};
use watchtower_tests::sink::{SECRET, Sink};

const SOON: Duration = Duration::from_secs(20);
/// A step that waited for its answer would wait for longer.
const DELAY_SECONDS: u64 = 600;
const ACK_SECONDS: u64 = 3;
const WITHIN_ACK: Duration = Duration::from_secs(15);

fn channel(api: &Api, name: &str, sink: &Sink, catch_all: bool) -> String {
    let config = json!({"kind": "webhook", "url": sink.url(), "secret": SECRET});
    text(&api.post("/channels", &json!({"name": name, "config": config, "catch_all": catch_all}))["id"])
}

/// A person without any way to be reached.
fn unreachable(api: &Api) -> String {
    let user = json!({"name": "ada", "role": "responder", "password": "correct horse battery staple"});
    text(&api.post("/users", &user)["id"])
}

/// The default service pages these, one after the other.
fn climb(api: &Api, targets: &[(&str, &str)]) {
    let step = |(kind, id): &(&str, &str)| json!({"delay_seconds": DELAY_SECONDS, "targets": [{"kind": kind, "id": id}]});
    let steps: Vec<Value> = targets.iter().map(step).collect();
    let policy = api.post("/policies", &json!({"name": "climb", "steps": steps}));
    let services = api.list("/services");
    let default = services.iter().find(|service| service["name"] == "default").expect("there is one");
    let input = json!({"name": "default", "policy_id": policy["id"]});
    api.put(&format!("/services/{}", text(&default["id"])), &input);
}

fn lines(api: &Api, incident: &Value, kind: &str) -> Vec<String> {
    let timeline = api.list(&format!("/incidents/{}/timeline", incident["number"]));
    timeline.iter().filter(|entry| entry["kind"] == kind).map(|entry| text(&entry["text"])).collect()
}

#[test]
fn a_step_that_reaches_nobody_gives_way_at_once() {
    let hub = Hub::start(Setup::default());
    let (api, first, second) = (hub.api(), Sink::start(), Sink::start());
    let person = unreachable(&api);
    let next = channel(&api, "next", &first, false);
    climb(&api, &[("user", &person), ("channel", &next)]);
    channel(&api, "catch-all", &second, true);
    let incident = api.post("/incidents", &json!({"title": "the disk is full"}));
    first.wait(SOON, "of the second step", |call| call.event() == "incident.triggered");
    let said = lines(&api, &incident, "step_empty");
    assert_eq!(said, ["nobody of step 1 could be reached: the next step begins at once"]);
    assert_eq!(lines(&api, &incident, "paged").len(), 2, "both steps are told of");
    assert!(second.calls().is_empty(), "the policy has not run out");
}

#[test]
fn a_policy_that_reaches_nobody_is_told_to_the_catch_all_at_once() {
    let hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    let person = unreachable(&api);
    channel(&api, "catch-all", &sink, true);
    climb(&api, &[("user", &person)]);
    let incident = api.post("/incidents", &json!({"title": "the disk is full"}));
    sink.wait(SOON, "of what reached nobody", |call| call.event() == "incident.triggered");
    let incident = api.get(&format!("/incidents/{}", incident["number"]));
    assert_eq!((&incident["state"], &incident["unanswered"]), (&json!("triggered"), &json!(true)));
}

#[test]
fn an_end_whose_page_did_not_arrive_says_so() {
    let hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    sink.set_busy(true);
    let incident = api.post("/incidents", &json!({"title": "the disk is full"}));
    let failed =
        wait::until(SOON, "the page to fail", || lines(&api, &incident, "delivery_failed").first().cloned());
    assert!(failed.contains("tried again in") && failed.contains(": the receiver answered 503"), "{failed}");
    api.post(&format!("/incidents/{}/resolve", incident["number"]), &json!({}));
    sink.set_busy(false);
    let began = Instant::now();
    let told = sink.wait(SOON, "of the end", |call| call.event() == "incident.resolved");
    let first_line = text(&told.body["lines"][0]);
    assert!(first_line.starts_with("its page did not arrive: the receiver answered 503"), "{first_line}");
    // And the page itself does not come behind it.
    std::thread::sleep(Duration::from_secs(5).saturating_sub(began.elapsed()));
    assert_eq!(sink.calls().len(), 1, "{:?}", sink.calls());
}

#[test]
fn an_acknowledgement_that_is_forgotten_pages_again() {
    let hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    let next = channel(&api, "next", &sink, true);
    climb(&api, &[("channel", &next)]);
    let service = api.get("/services/default");
    let input =
        json!({"name": "default", "policy_id": service["policy_id"], "ack_timeout_seconds": ACK_SECONDS});
    api.put(&format!("/services/{}", text(&service["id"])), &input);
    let incident = api.post("/incidents", &json!({"title": "the disk is full"}));
    sink.wait(SOON, "of the incident", |call| call.event() == "incident.triggered");
    let acked = api.post(&format!("/incidents/{}/ack", incident["number"]), &json!({}));
    assert_eq!(acked["pending_actions"][0]["kind"], "unacknowledge", "{acked}");
    wait::until(WITHIN_ACK, "a second page", || (sink.calls().len() == 2).then_some(()));
    assert_ne!(sink.calls()[0].delivery, sink.calls()[1].delivery, "it is another message");
    assert_eq!(api.get(&format!("/incidents/{}", incident["number"]))["state"], "triggered");
}

#[test]
fn a_maintenance_holds_pages_from_the_first_moment_of_a_restarted_hub() {
    let mut hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    api.post("/servers", &json!({"name": "web-1"}));
    let until = Timestamp(now_ms() + 3_600_000).to_rfc3339();
    let path = "/api/v1/servers/web-1";
    assert_eq!(api.call("PATCH", path, Some(&json!({"maintenance_until": until}))).status, 200);
    let before = api.post("/incidents", &json!({"title": "before", "server": "web-1"}));
    hub.kill();
    hub.restart();
    let after = api.post("/incidents", &json!({"title": "after", "server": "web-1"}));
    let elsewhere = api.post("/incidents", &json!({"title": "elsewhere"}));
    sink.wait(SOON, "of what is not in maintenance", |call| call.event() == "incident.triggered");
    for incident in [before, after] {
        assert!(lines(&api, &incident, "not_paged")[0].contains("maintenance of web-1 until"), "{incident}");
    }
    assert!(sink.calls().iter().all(|call| elsewhere["number"] == call.incident()), "{:?}", sink.calls());
}

#[test]
fn a_hub_pages_people_that_another_hub_was_told_of() {
    let Some(postgres) = Postgres::start() else { return };
    let told = Hub::start(Setup { database_url: Some(postgres.database()), ..Setup::default() });
    let (api, sink) = (told.api(), Sink::start());
    let other = told.beside();
    let page = channel(&api, "pager", &sink, false);
    let user = json!({"name": "ada", "role": "responder", "password": "correct horse battery staple", "channels": [page]});
    let person = text(&api.post("/users", &user)["id"]);
    climb(&api, &[("user", &person)]);
    let other = other.api();
    wait::until(SOON, "the other hub to know the policy", || {
        (other.status("GET", "/api/v1/policies/climb", None) == Some(200)).then_some(())
    });
    let incident = other.post("/incidents", &json!({"title": "the disk is full"}));
    sink.wait(SOON, "of the incident", |call| call.event() == "incident.triggered");
    assert_eq!(lines(&other, &incident, "step_empty"), Vec::<String>::new());
}
