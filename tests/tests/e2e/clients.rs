//! The real libraries of PagerDuty and Opsgenie, which know nothing of this hub but its address.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_tests::api::Api;
use watchtower_tests::clients::Clients;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::{page_to, text};
use watchtower_tests::sink::Sink;

const SOON: Duration = Duration::from_secs(10);

fn key_of(api: &Api, kind: &str) -> String {
    text(&api.post("/integrations", &json!({"name": format!("my-{kind}"), "kind": kind}))["key"])
}

fn timeline(api: &Api, incident: &Value) -> String {
    api.get(&format!("/incidents/{}/timeline", incident["number"])).to_string()
}

#[test]
fn pagerduty_s_library_works_by_its_address() {
    let Some(clients) = Clients::find() else { return };
    let hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    let key = key_of(&api, "pagerduty");
    let call = |what: &str| clients.call("pagerduty", &hub, &[&key, what]);
    assert_eq!(call("trigger"), json!({"returned": "queue"}));
    let page = sink.wait(SOON, "of the event", |call| call.event() == "incident.triggered");
    let incident = || api.get(&format!("/incidents/{}", page.incident()));
    assert_eq!((&incident()["title"], &incident()["severity"]), (&json!("queue is full"), &json!("warning")));
    let alert = api.list("/alerts?state=firing").remove(0);
    for (label, value) in
        [("source", "mail-1"), ("component", "postfix"), ("group", "prod"), ("class", "queue")]
    {
        assert_eq!(alert["labels"][label], value, "{alert}");
    }
    let described = text(&alert["description"]);
    assert!(described.contains("length: 4000") && described.contains("wiki.example/queue"), "{described}");
    assert_eq!(call("acknowledge"), json!({"returned": "queue"}));
    assert_eq!(incident()["state"], "acknowledged");
    assert_eq!(call("resolve"), json!({"returned": "queue"}));
    assert_eq!(incident()["state"], "resolved");
    let own = text(&call("trigger without a key")["returned"]);
    assert!(own.len() >= 32, "{own}");
    assert_eq!(call("change"), json!({"returned": null}));
    let change = api.list("/events?kind=change").remove(0);
    assert_eq!((&change["message"], &change["labels"]["source"]), (&json!("build 17 is out"), &json!("ci")));
    // Two lines of it are one label: what cannot be read again would stop all event rules.
    assert_eq!(change["labels"]["detail"], "commit: abc; build: https://ci.example/17");
    let nobody = clients.call("pagerduty", &hub, &["0123456789abcdef0123456789abcdef", "trigger"]);
    assert!(nobody["raised"] == "HttpError" && text(&nobody["said"]).contains("400"), "{nobody}");
}

#[test]
fn opsgenie_s_library_works_by_its_address() {
    let Some(clients) = Clients::find() else { return };
    let hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    let key = key_of(&api, "opsgenie");
    let call = |what: &str| clients.call("opsgenie", &hub, &[&key, what])["returned"].clone();
    let created = call("create");
    assert_eq!((&created["success"], &created["action"]), (&json!(true), &json!("Create")), "{created}");
    let page = sink.wait(SOON, "of the alert", |call| call.event() == "incident.triggered");
    let incident = || api.get(&format!("/incidents/{}", page.incident()));
    let shown = call("get");
    for (field, value) in [
        ("message", json!("disk is full")),
        ("status", json!("open")),
        ("priority", json!("P1")),
        ("entity", json!("web-1")),
        ("tags", json!(["prod", "disk"])),
        ("details", json!({"mount": "/var"})),
        ("acknowledged", json!(false)),
        ("tiny_id", json!(incident()["number"].to_string())),
        ("id", created["alert"].clone()),
    ] {
        assert_eq!(shown[field], value, "{field}: {shown}");
    }
    people(&call, &incident);
    words(&call, &api);
    foreign(&call, &api, &incident());
    // By each of the three names that it has.
    let by = |what: &str, identifier: &str, kind: &str| {
        clients.call("opsgenie", &hub, &[&key, what, identifier, kind])["returned"].clone()
    };
    assert_eq!(by("note", &text(&shown["id"]), "id")["success"], true);
    assert_eq!(by("close", &text(&shown["tiny_id"]), "tiny")["success"], true);
    assert_eq!(incident()["state"], "resolved");
    let told = timeline(&api, &incident());
    assert!(told.contains("looking") && told.contains("swept"), "{told}");
    // What is over is said to be, and nothing new begins for it.
    let late = by("priority", &text(&shown["id"]), "id");
    assert_eq!((&late["success"], &late["status"]), (&json!(false), &json!("Alert is already closed")));
    assert_eq!(call("acknowledge")["status"], "Alert does not exist");
    assert_eq!(api.list("/incidents").len(), 1);
    // What is deleted there ends here.
    assert_eq!(call("create")["success"], true);
    assert_eq!(call("delete")["action"], "Delete");
    assert!(api.list("/incidents").iter().all(|one| one["state"] == "resolved"));
    let stranger = clients.call("opsgenie", &hub, &["0123456789abcdef0123456789abcdef", "create"]);
    assert_eq!((&stranger["raised"], &stranger["status"]), (&json!("AuthenticationException"), &json!(401)));
}

/// Who has it, and until when.
fn people(call: &impl Fn(&str) -> Value, incident: &impl Fn() -> Value) {
    assert_eq!(call("note")["success"], true);
    assert_eq!(call("acknowledge")["success"], true);
    let now = incident();
    assert_eq!(
        (&now["state"], &now["acknowledged_by"]),
        (&json!("acknowledged"), &json!("ann by my-opsgenie"))
    );
    assert_eq!(call("get")["owner"], "ann by my-opsgenie");
    assert_eq!(call("unacknowledge")["success"], true);
    assert_eq!(incident()["state"], "triggered");
    assert_eq!(call("snooze in the past")["success"], false);
    assert_eq!(incident()["state"], "triggered");
    assert_eq!(call("snooze")["success"], true);
    let snoozed = call("get");
    assert_eq!((&snoozed["acknowledged"], &snoozed["snoozed"]), (&json!(true), &json!(true)), "{snoozed}");
    assert!(!snoozed["snoozed_until"].is_null(), "{snoozed}");
    assert_eq!(call("escalate")["success"], true);
    assert_eq!(incident()["state"], "triggered");
}

/// What it says of itself.
fn words(call: &impl Fn(&str) -> Value, api: &Api) {
    for what in
        ["add tags", "remove tags", "add details", "remove details", "message", "description", "priority"]
    {
        let done = call(what);
        assert_eq!(done["success"], true, "{what}: {done}");
    }
    let shown = call("get");
    for (field, value) in [
        ("tags", json!(["prod", "night"])),
        ("details", json!({"inode": "7"})),
        ("message", json!("disk is really full")),
        ("description", json!("99 % of /var")),
        ("priority", json!("P4")),
    ] {
        assert_eq!(shown[field], value, "{field}: {shown}");
    }
    assert_eq!(api.list("/alerts?state=firing")[0]["labels"]["inode"], "7");
}

/// What has no counterpart is said not to be done, and stands in the timeline.
fn foreign(call: &impl Fn(&str) -> Value, api: &Api, incident: &Value) {
    for (what, asked) in [
        ("assign", "assign it to bob@example.com"),
        ("responder", "add the responder cy@example.com"),
        ("action", "do the action restart"),
    ] {
        let answer = call(what);
        assert_eq!(answer["success"], false, "{what}: {answer}");
        assert!(text(&answer["status"]).contains(asked), "{what}: {answer}");
        assert!(timeline(api, incident).contains(asked), "{what}");
    }
}

#[test]
fn the_libraries_come_through_when_the_hub_was_called_too_often() {
    let Some(clients) = Clients::find() else { return };
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let (pagerduty, opsgenie) = (key_of(&api, "pagerduty"), key_of(&api, "opsgenie"));
    let (stranger, genie) = (api.with_token(None), api.with_key("GenieKey", &opsgenie));
    let end = json!({"routing_key": pagerduty, "event_action": "resolve", "dedup_key": "x"}).to_string();
    // The limit is of a minute: two of them may begin while this runs.
    let full = |send: &dyn Fn() -> u16| (0..2_600).any(|_| send() == 429);
    let json = "application/json";
    assert!(full(&|| stranger.raw("POST", "/v2/enqueue", json, end.as_bytes()).unwrap().status));
    assert!(full(&|| genie.raw("GET", "/v2/alerts/none", json, b"").unwrap().status));
    std::thread::scope(|scope| {
        let one = scope.spawn(|| clients.call("pagerduty", &hub, &[&pagerduty, "trigger"]));
        let other = scope.spawn(|| clients.call("opsgenie", &hub, &[&opsgenie, "create"]));
        assert_eq!(one.join().unwrap(), json!({"returned": "queue"}));
        let created = other.join().unwrap();
        assert_eq!(created["returned"]["success"], true, "{created}");
    });
    assert_eq!(api.list("/incidents").len(), 2);
}
