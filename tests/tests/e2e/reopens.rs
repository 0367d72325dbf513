//! What comes back soon after its end is the same incident: paged again at once, and its next end is told again, once.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::postgres::Postgres;
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::operator::Operator;
use watchtower_tests::paging::{page_to, text};
use watchtower_tests::sink::{SECRET, Sink};

const SOON: Duration = Duration::from_secs(20);
const QUIET: Duration = Duration::from_secs(2);

fn set_window(api: &Api, seconds: Value) {
    let service = api.get("/services/default");
    let input =
        json!({"name": "default", "policy_id": service["policy_id"], "reopen_window_seconds": seconds});
    api.put(&format!("/services/{}", text(&service["id"])), &input);
}

fn send(api: &Api, key: &str, action: &str) {
    let payload = json!({"summary": "the disk is full", "source": "db-1", "severity": "critical"});
    let event = json!({"routing_key": key, "event_action": action, "dedup_key": "disk", "payload": payload});
    assert_eq!(api.with_token(None).call("POST", "/v2/enqueue", Some(&event)).status, 202);
}

fn events(sink: &Sink) -> Vec<String> {
    sink.calls().iter().map(|call| format!("{} {}", call.incident(), call.event())).collect()
}

fn paged_again(database_url: Option<String>) {
    let mut hub = Hub::start(Setup { database_url, ..Setup::default() });
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    set_window(&api, json!(600));
    let key = text(&api.post("/integrations", &json!({"name": "pd", "kind": "pagerduty"}))["key"]);
    send(&api, &key, "trigger");
    let number = sink.wait(SOON, "of the trouble", |call| call.event() == "incident.triggered").incident();
    send(&api, &key, "resolve");
    sink.wait(SOON, "of its end", |call| call.event() == "incident.resolved");
    // Whoever was away knows it still.
    hub.kill();
    hub.restart();
    send(&api, &key, "trigger");
    let expected = ["triggered", "resolved", "triggered"].map(|word| format!("{number} incident.{word}"));
    wait::until(SOON, "the second page", || (events(&sink) == expected).then_some(()));
    assert_ne!(sink.calls()[0].delivery, sink.calls()[2].delivery, "it is another message");
    let incident = api.get(&format!("/incidents/{number}"));
    assert_eq!((&incident["state"], &incident["reopened"]), (&json!("triggered"), &json!(1)));
    assert_eq!((&incident["resolved_at"], &incident["alert_count"]), (&Value::Null, &json!(1)));
    send(&api, &key, "resolve");
    wait::until(SOON, "its second end", || (events(&sink).len() == 4).then_some(()));
    std::thread::sleep(QUIET);
    assert_eq!(events(&sink)[3..], [format!("{number} incident.resolved")]);
    assert_eq!(api.list("/incidents").len(), 1);
}

#[test]
fn what_comes_back_soon_is_the_same_incident() {
    paged_again(None);
}

#[test]
fn and_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    paged_again(Some(postgres.database()));
}

/// Two steps: both are told of the first trouble, the first alone that it is back; then the second hears of no end.
#[test]
fn who_was_not_told_that_it_is_back_does_not_hear_of_its_end() {
    let hub = Hub::start(Setup::default());
    let (api, first, second) = (hub.api(), Sink::start(), Sink::start());
    let channel = |name: &str, sink: &Sink| {
        let config = json!({"kind": "webhook", "url": sink.url(), "secret": SECRET});
        text(&api.post("/channels", &json!({"name": name, "config": config}))["id"])
    };
    let ids = [channel("first", &first), channel("second", &second)];
    let steps = ids.map(|id| json!({"delay_seconds": 600, "targets": [{"kind": "channel", "id": id}]}));
    let policy = api.post("/policies", &json!({"name": "two", "steps": steps}));
    let service = api.get("/services/default");
    let input = json!({"name": "default", "policy_id": policy["id"]});
    api.put(&format!("/services/{}", text(&service["id"])), &input);
    let incident = api.post("/incidents", &json!({"title": "the disk is full"}));
    let path = |verb: &str| format!("/incidents/{}/{verb}", incident["number"]);
    api.post(&path("escalate"), &json!({}));
    second.wait(SOON, "of the second step", |call| call.event() == "incident.triggered");
    api.post(&path("resolve"), &json!({}));
    second.wait(SOON, "of the end", |call| call.event() == "incident.resolved");
    // By mistake: the command line says so.
    Operator::new(&hub.url()).text(&["incident", "reopen", &incident["number"].to_string()]);
    wait::until(SOON, "the page that it is not over", || (events(&first).len() == 3).then_some(()));
    let again = api.call("POST", &format!("/api/v1{}", path("reopen")), Some(&json!({})));
    assert_eq!((again.status, &again.body["code"]), (409, &json!("conflict")), "{}", again.body);
    api.post(&path("resolve"), &json!({}));
    wait::until(SOON, "the second end", || (events(&first).len() == 4).then_some(()));
    std::thread::sleep(QUIET);
    assert_eq!(events(&second).len(), 2, "{:?}", events(&second));
}

#[test]
fn the_window_is_said_on_the_command_line() {
    let hub = Hub::start(Setup::default());
    let operator = Operator::new(&hub.url());
    operator.text(&["service", "edit", "default", "--reopen-window", "10m"]);
    assert_eq!(hub.api().get("/services/default")["reopen_window_seconds"], 600.0);
    let said = operator.run(&["service", "edit", "default", "--reopen-window", "2d"]);
    assert_ne!(said.exit, 0, "{said:?}");
    // As code, too.
    let exported = operator.text(&["config", "export", "services"]);
    assert!(exported.contains("reopen_window_seconds: 600"), "{exported}");
}
