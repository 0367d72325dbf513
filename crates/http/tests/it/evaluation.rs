//! From reports to alerts, and what ends them.

use std::sync::Arc;

use serde_json::json;
use watchtower_hub::ingest::{accept, learn_dictionary};
use watchtower_hub::servers::Server;
use watchtower_model::{AgentId, Labels};
use watchtower_protocol::{Dictionary, Lane, Report, SeriesEntry, Value};

use crate::hub::TestHub;

async fn server(test: &TestHub, name: &str) -> Arc<Server> {
    test.admin("POST", "/api/v1/servers", json!({"name": name})).await;
    test.hub.servers.find(name).unwrap()
}

/// A live report of one series per value: `load{part="0"}`, `load{part="1"}`, ...
async fn report(test: &TestHub, server: &Arc<Server>, seq: u64, values: &[f64]) {
    let entry = |i: usize| SeriesEntry {
        name: "load".into(),
        labels: Labels::from_pairs([("part", i.to_string().as_str())]),
    };
    let dictionary = Dictionary { series: (0..values.len()).map(entry).collect() };
    learn_dictionary(&test.hub.tsdb, server, &dictionary);
    let report = Report {
        epoch: 1,
        seq,
        lane: Lane::Live,
        t: test.hub.now(),
        age_ms: 0,
        interval_ms: 1000,
        dictionary: dictionary.hash(),
        samples: values.iter().enumerate().map(|(i, v)| (i as u32, Value(*v))).collect(),
        processes: None,
        facts: None,
        events: Vec::new(),
    };
    accept(&test.hub, server, AgentId(server.id.0), report).await.unwrap();
}

async fn open_alerts(test: &TestHub) -> usize {
    test.hub.store.open_alerts().await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_a_server_ends_its_alerts_and_incidents() {
    let test = TestHub::start().await;
    let web = server(&test, "web-1").await;
    test.admin("POST", "/api/v1/rules", json!({"name": "Load", "kind": "metric", "expr": "load > 1"})).await;
    report(&test, &web, 1, &[5.0, 7.0]).await;
    test.until("both parts fire", || async { open_alerts(&test).await == 2 }).await;
    assert_eq!(test.hub.store.open_incidents().await.unwrap().len(), 2);
    test.admin("DELETE", "/api/v1/servers/web-1", json!(null)).await;
    assert_eq!(open_alerts(&test).await, 0);
    assert_eq!(test.hub.store.open_incidents().await.unwrap().len(), 0);
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_stored_only_with_all_of_its_alerts() {
    let test = TestHub::start().await;
    let web = server(&test, "web-1").await;
    test.admin("POST", "/api/v1/rules", json!({"name": "Load", "kind": "metric", "expr": "load > 1"})).await;
    // The second alert cannot be stored.
    let trap = "CREATE TRIGGER trap BEFORE INSERT ON alerts WHEN (SELECT count(*) FROM alerts) >= 1 \
                BEGIN SELECT RAISE(ABORT, 'trapped'); END";
    test.hub.store.commit(vec![watchtower_store::Statement::new(trap, Vec::new())]).await.unwrap();
    report(&test, &web, 1, &[5.0, 7.0]).await;
    test.until("the first fires", || async { open_alerts(&test).await == 1 }).await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let states = test.hub.store.rule_states().await.unwrap();
    assert!(states.is_empty(), "a hub started now would think the second one told: {states:?}");
    test.hub
        .store
        .commit(vec![watchtower_store::Statement::new("DROP TRIGGER trap", Vec::new())])
        .await
        .unwrap();
    report(&test, &web, 2, &[5.0, 7.0]).await;
    test.until("both parts fire", || async { open_alerts(&test).await == 2 }).await;
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_edit_ends_nothing_and_a_removed_rule_leaves_nothing() {
    let test = TestHub::start().await;
    let web = server(&test, "web-1").await;
    let rule = |name: &str| json!({"name": name, "kind": "metric", "expr": "load > 1"});
    test.admin("POST", "/api/v1/rules", rule("Load")).await;
    report(&test, &web, 1, &[5.0]).await;
    test.until("it fires", || async { open_alerts(&test).await == 1 }).await;
    let taken = test.ask(crate::hub::BOOTSTRAP, "PUT", "/api/v1/rules/Load", rule("CPU busy")).await;
    assert_eq!(taken.status, 409);
    assert_eq!(open_alerts(&test).await, 1);
    test.admin("DELETE", "/api/v1/rules/Load", json!(null)).await;
    assert_eq!(open_alerts(&test).await, 0);
    assert!(test.hub.store.rule_states().await.unwrap().is_empty());
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn up_is_watched_while_a_server_is_silent() {
    let test = TestHub::start().await;
    let web = server(&test, "web-1").await;
    let rule = json!({"name": "Down", "kind": "metric", "expr": "up == 0", "for_seconds": 1});
    test.admin("POST", "/api/v1/rules", rule).await;
    report(&test, &web, 1, &[1.0]).await;
    test.until("it is down", || async { !test.hub.store.open_incidents().await.unwrap().is_empty() }).await;
    report(&test, &web, 2, &[1.0]).await;
    test.until("it is up", || async { test.hub.store.open_incidents().await.unwrap().is_empty() }).await;
    let kinds: Vec<_> = test.admin("GET", "/api/v1/events", json!(null)).await["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap().to_string())
        .collect();
    assert_eq!(kinds, ["server.recovered", "server.lost"]);
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_repeats_does_not_put_its_alert_off() {
    let test = TestHub::start().await;
    let rule = json!({"name": "Backup", "kind": "event", "event_kind": "backup.missing", "for_seconds": 1});
    test.admin("POST", "/api/v1/rules", rule.clone()).await;
    let event = json!({"kind": "backup.missing", "message": "no backup"});
    let began = std::time::Instant::now();
    while open_alerts(&test).await == 0 {
        assert!(began.elapsed().as_secs() < 8, "each repetition put it off");
        test.admin("POST", "/api/v1/events", event.clone()).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    // The event does not happen again: an edit of the text must not end its alert.
    test.admin(
        "PUT",
        "/api/v1/rules/Backup",
        json!({"annotations": {"summary": "late"}, "name": "Backup",
        "kind": "event", "event_kind": "backup.missing", "for_seconds": 1}),
    )
    .await;
    assert_eq!(open_alerts(&test).await, 1);
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_prometheus_see_what_waits_what_fires_and_what_fails() {
    let test = TestHub::start().await;
    let rule = |name: &str, expr: &str, seconds: i64| json!({"name": name, "kind": "metric", "paging": false, "expr": expr, "for_seconds": seconds});
    let two = "(label_replace(vector(1), \"n\", \"1\", \"\", \"\") or label_replace(vector(1), \"n\", \"2\", \"\", \"\"))";
    for rule in [
        rule("Fires", "vector(1)", 0),
        rule("Waits", "vector(1)", 3600),
        rule("Rests", "vector(1) > 1", 0),
        rule("Fails", &format!("{two} * on() {two}"), 0),
    ] {
        test.admin("POST", "/api/v1/rules", rule).await;
    }
    let seen = || async {
        let answer = test.admin("GET", "/prometheus/api/v1/rules", json!(null)).await;
        let all = answer["data"]["groups"][0]["rules"].as_array().cloned().unwrap_or_default();
        let text =
            |rule: &serde_json::Value, field: &str| rule[field].as_str().unwrap_or_default().to_string();
        let mine = ["Fires", "Waits", "Rests", "Fails"].map(|name| {
            let one = all.iter().find(|rule| rule["name"] == name).cloned().unwrap_or_default();
            assert_eq!(one["health"] == "err", !text(&one, "lastError").is_empty(), "{one}");
            format!("{} {}", text(&one, "state"), text(&one, "health"))
        });
        mine.join(", ")
    };
    test.until("each state", || async { seen().await == "firing ok, pending ok, inactive ok, inactive err" })
        .await;
    test.stop().await;
}
