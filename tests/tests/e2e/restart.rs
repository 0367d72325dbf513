//! A restart neither loses nor repeats: rules' states, pages, and what is known of silent servers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_model::{Id, Labels, ServerId, Severity, Timestamp};
use watchtower_store::{AlertRow, Json, Store};
use watchtower_testkit::wait;
use watchtower_tests::agents::{Fleet, Pace, TROUBLE};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::local_agent::LocalAgent;
use watchtower_tests::paging::{page_to, text};
use watchtower_tests::sink::Sink;

const SOON: Duration = Duration::from_secs(40);
const PACE: Pace = Pace { every: Duration::from_secs(1), more_series: 3 };

fn rule(api: &Api, name: &str) -> Value {
    let rules = api.list("/rules?limit=500");
    rules.into_iter().find(|rule| rule["name"] == name).unwrap_or(Value::Null)
}

fn firing(api: &Api, name: &str) -> bool {
    rule(api, name)["firing"].as_i64() == Some(1)
}

#[test]
fn pending_and_firing_survive_a_restart_without_a_second_page() {
    let mut hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    let mut fleet = Fleet::start(&api, &hub.agent_address(), "state", 1, PACE);
    let expr = format!("{TROUBLE} > 0");
    api.post("/rules", &json!({"name": "at once", "kind": "metric", "expr": expr, "severity": "error"}));
    api.post("/rules", &json!({"name": "slowly", "kind": "metric", "expr": expr, "severity": "error", "for_seconds": 15, "paging": false}));
    fleet.agents[0].shared.trouble.store(1, Ordering::Relaxed);
    sink.wait(SOON, "of the first alert", |call| call.event() == "incident.triggered");
    wait::until(SOON, "both rules to be active", || {
        (firing(&api, "at once") && rule(&api, "slowly")["pending"].as_i64() == Some(1)).then_some(())
    });
    let since = rule(&api, "slowly")["instances"][0]["since_at"].clone();

    assert_eq!(hub.stop(), Some(0));
    hub.restart();
    wait::until(SOON, "the rules to be known again", || {
        (firing(&api, "at once") && !rule(&api, "slowly")["instances"].as_array().is_none_or(Vec::is_empty))
            .then_some(())
    });
    assert_eq!(rule(&api, "slowly")["instances"][0]["since_at"], since, "the wait began anew");
    wait::until(SOON, "the pending alert to fire", || firing(&api, "slowly").then_some(()));
    let pages = sink.calls().iter().filter(|call| call.event() == "incident.triggered").count();
    assert_eq!(pages, 1, "the restart paged again");
    assert_eq!(api.list("/incidents").len(), 1);

    fleet.agents[0].shared.trouble.store(0, Ordering::Relaxed);
    sink.wait(SOON, "of the resolution", |call| call.event() == "incident.resolved");
    fleet.stop();
}

#[test]
fn a_silent_server_is_lost_then_recovered() {
    let hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    let lost = json!({"name": "lost", "kind": "event", "event_kind": "server.lost", "resolve_kind": "server.recovered", "severity": "critical"});
    api.post("/rules", &lost);
    // Enough of them that one silent server is not taken for the hub being cut off.
    let mut fleet = Fleet::start(&api, &hub.agent_address(), "quiet", 8, PACE);
    let status = |name: &str| api.get(&format!("/servers/{name}"))["status"].clone();
    wait::until(SOON, "all servers to be up", || {
        fleet.agents.iter().all(|agent| status(&agent.name) == "up").then_some(())
    });
    // Past the time in which a hub that just started suspects nobody.
    std::thread::sleep(Duration::from_secs(3));

    fleet.agents[0].shared.silent.store(true, Ordering::Relaxed);
    wait::until(SOON, "the server to be lost", || (status("quiet-1") == "lost").then_some(()));
    let page = sink.wait(SOON, "of the lost server", |call| call.event() == "incident.triggered");
    assert_eq!(page.body["incident"]["server"], "quiet-1");
    wait::until(SOON, "up to be 0", || {
        api.promql("up{instance=\"quiet-1\"}")
            .first()
            .is_some_and(|series| series["value"][1] == "0")
            .then_some(())
    });
    assert_eq!(status("quiet-2"), "up");

    fleet.agents[0].shared.silent.store(false, Ordering::Relaxed);
    sink.wait(SOON, "of the recovery", |call| call.event() == "incident.resolved");
    assert_eq!(status("quiet-1"), "up");
    let kinds: Vec<Value> =
        api.list("/events?server=quiet-1").iter().map(|event| event["kind"].clone()).collect();
    assert!(kinds.contains(&json!("server.lost")) && kinds.contains(&json!("server.recovered")), "{kinds:?}");
    fleet.stop();
}

/// What a crash leaves that fell between storing an alert and asking the automations about it.
#[test]
fn a_repair_that_a_crash_kept_from_being_considered_is_taken_up() {
    let mut hub = Hub::start(Setup::default());
    let agent = LocalAgent::enrol(&hub, "here", "mode = \"full\"");
    let _running = agent.run();
    let api = hub.api();
    let marks = hub.data_dir().join("marks");
    let body = format!("#!/bin/sh\necho x >> {}\n", marks.display());
    let script = api.post("/scripts", &json!({"name": "mend", "body": body}));
    let automation = api.post(
        "/automations",
        &json!({"name": "mender", "mode": "auto", "script": text(&script["id"]), "trigger": {"matchers": "problem=\"x\""}}),
    );
    let server = text(&api.get("/servers/here")["id"]);
    assert_eq!(hub.stop(), Some(0));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let store = Store::open_sqlite(&hub.data_dir().join("watchtower.db")).unwrap();
    runtime.block_on(leave_unasked(&store, server.parse().unwrap()));
    drop(store);

    hub.restart();
    let attempts = || {
        let automation = api.get(&format!("/automations/{}", text(&automation["id"])));
        automation["attempts"].as_array().cloned().unwrap_or_default()
    };
    let attempt = wait::until(SOON, "the automation to be asked", || attempts().first().cloned());
    wait::until(SOON, "the script to have run", || marks.exists().then_some(()));
    // It is asked once: the question is forgotten, and the answer stands.
    std::thread::sleep(Duration::from_secs(12));
    let after: Vec<String> = attempts().iter().map(|attempt| text(&attempt["id"])).collect();
    assert_eq!(after, [text(&attempt["id"])]);
    assert_eq!(std::fs::read_to_string(&marks).unwrap(), "x\n");
}

async fn leave_unasked(store: &Store, server: ServerId) {
    let earlier = Timestamp(watchtower_tests::agents::now_ms() - 60_000);
    let alert = AlertRow {
        id: Id::from_bytes([7; 16]).into(),
        source: "api".into(),
        dedup_key: "x".into(),
        state: "firing".into(),
        severity: Severity::Error,
        summary: "something is wrong".into(),
        description: String::new(),
        labels: Json(Labels::from_pairs([("problem", "x")])),
        value: None,
        rule_id: None,
        server_id: Some(server),
        incident_id: None,
        count: 1,
        first_seen_at: earlier,
        last_seen_at: earlier,
        resolved_at: None,
        ends_at: None,
    };
    let question = Store::insert_consideration(alert.id, earlier);
    store.commit(vec![Store::insert_alert(&alert), question]).await.unwrap();
}
