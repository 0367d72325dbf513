//! Two incidents become one: what is said of their alerts later, by whoever knows nothing of it, and what others do at the same time.

use serde_json::json;
use watchtower_api_types::Role;
use watchtower_hub::respond::{self, AlertResolve, AlertTrigger};
use watchtower_hub::{Hub, HubError};
use watchtower_incident::{Actor, Incident, Input, RunReport, RunState, Status};
use watchtower_model::{AlertId, Id, IncidentId, RuleId, ServerId, Severity};
use watchtower_store::{AlertFilter, AttemptRow, Store};
use watchtower_testkit::postgres::Postgres;

use crate::scene::{self, Scene};

/// As often as two hubs do something at one time.
const ROUNDS: usize = 12;

fn alert(key: &str, severity: Severity, server: Option<ServerId>) -> AlertTrigger {
    AlertTrigger { severity, server_id: server, ..scene::alert(key) }
}

async fn open(hub: &Hub, key: &str) -> IncidentId {
    respond::trigger(hub, alert(key, Severity::Warning, None), Vec::new()).await.unwrap().unwrap()
}

async fn end(hub: &Hub, key: &str) {
    let end = AlertResolve { source: "api".into(), dedup_key: key.into() };
    respond::resolve(hub, end, Vec::new()).await.unwrap();
}

async fn merge(hub: &Hub, from: IncidentId, into: IncidentId) -> Result<Incident, HubError> {
    respond::merge(hub, from, into, &Actor::Api("a test".into())).await
}

async fn state(hub: &Hub, id: IncidentId) -> Incident {
    respond::read_state(&hub.store.incident(id).await.unwrap().unwrap()).unwrap()
}

async fn lines(hub: &Hub, id: IncidentId, kind: &str) -> Vec<String> {
    let timeline = hub.store.timeline(id).await.unwrap();
    timeline.into_iter().filter(|entry| entry.kind == kind).map(|entry| entry.text).collect()
}

fn refused(outcome: Result<Incident, HubError>) -> String {
    match outcome {
        Err(HubError::Conflict(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_later_of_the_source_counts_for_the_target() {
    let scene = Scene::new(None).await;
    let hub = &scene.hub;
    let (source, target) = (open(hub, "mount").await, open(hub, "disk").await);
    let moved = state(hub, source).await.open_alerts().next().unwrap();
    let attempt = attempt(source, moved);
    hub.store.commit(vec![Store::insert_attempt(&attempt)]).await.unwrap();
    merge(hub, source, target).await.unwrap();
    // The sender tells of it again, and that it is worse.
    let again = respond::trigger(hub, alert("mount", Severity::Critical, None), Vec::new()).await.unwrap();
    assert_eq!(again, Some(target));
    let grown = state(hub, target).await;
    assert_eq!((grown.severity, grown.alerts.len(), grown.open_alerts().count()), (Severity::Critical, 2, 2));
    // What a repair that began before reports, by the old name, too.
    assert_eq!(hub.store.attempt(attempt.id).await.unwrap().unwrap().incident_id, Some(target));
    let detail = "restart-mount".to_string();
    let report = RunReport { run_id: None, state: RunState::Fixed, detail, output: String::new() };
    respond::advance(hub, source, Input::Run(report), Vec::new()).await.unwrap();
    assert_eq!(lines(hub, target, "run").await, ["repair fixed: restart-mount"]);
    // It is kept for as long as the target needs it.
    let later = hub.now().plus_ms(1_000);
    hub.store.commit(vec![Store::delete_incidents_before(later)]).await.unwrap();
    assert!(hub.store.incident(source).await.unwrap().is_some());
    // Whoever answers the source's page has the target.
    respond::acknowledge(hub, source, Actor::Api("a link".into()), "link").await.unwrap();
    assert_eq!(state(hub, target).await.status, Status::Acknowledged);
    end(hub, "mount").await;
    end(hub, "disk").await;
    assert!(state(hub, target).await.is_resolved());
    assert!(hub.store.open_alerts().await.unwrap().is_empty());
    let later = hub.now().plus_ms(1_000);
    hub.store.commit(vec![Store::delete_incidents_before(later)]).await.unwrap();
    assert!(hub.store.incident(source).await.unwrap().is_none());
}

fn attempt(incident: IncidentId, alert: AlertId) -> AttemptRow {
    AttemptRow {
        id: Id::from_bytes([9; 16]),
        automation_id: Id::from_bytes([8; 16]).into(),
        server_id: Id::from_bytes([7; 16]).into(),
        alert_id: alert,
        incident_id: Some(incident),
        state: "blocked".into(),
        body: "{}".into(),
        revision: 0,
        run_id: None,
        wake_at: None,
        created_at: watchtower_model::Timestamp(1),
        finished_at: Some(watchtower_model::Timestamp(1)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_some_may_see_and_others_not_is_not_merged() {
    let mut scene = Scene::new(None).await;
    for name in ["web-1", "web-2", "db-1"] {
        scene.server(name).await;
    }
    let hub = &scene.hub;
    let on = async |name: &str| {
        let server = hub.servers.find(name).map(|server| server.id);
        respond::trigger(hub, alert(name, Severity::Error, server), Vec::new()).await.unwrap().unwrap()
    };
    let (one, two, db, nowhere) =
        (on("web-1").await, on("web-2").await, on("db-1").await, on("nowhere").await);
    let user = scene.user("eve", Role::Responder).await.user.unwrap();
    let user = hub.store.user(user).await.unwrap().unwrap();
    let patch = serde_json::from_value(json!({"servers": "name=~\"web-.\""})).unwrap();
    watchtower_hub::access::patch_user(hub, user, patch).await.unwrap();
    for apart in [db, nowhere] {
        assert!(refused(merge(hub, apart, one).await).contains("seen whole or not at all"));
        assert!(refused(merge(hub, one, apart).await).contains("seen whole or not at all"));
    }
    assert_eq!(state(hub, one).await.status, Status::Triggered, "a refusal changes nothing");
    merge(hub, two, one).await.unwrap();
    // Who sees neither of two sees neither of them as one.
    merge(hub, db, nowhere).await.unwrap();
    let drill = AlertTrigger { test: true, ..alert("drill", Severity::Error, None) };
    let drill = respond::trigger(hub, drill, Vec::new()).await.unwrap().unwrap();
    assert!(refused(merge(hub, drill, nowhere).await).contains("is a drill"));
}

/// Each open alert is an open one of an open incident, and the other way round.
async fn sound(hub: &Hub) {
    let alerts = hub.store.alerts(&AlertFilter { limit: 500, ..AlertFilter::default() }).await.unwrap();
    for alert in &alerts {
        let incident = state(hub, alert.incident_id.unwrap()).await;
        let known = incident.alerts.get(&alert.id).is_some_and(|known| known.open);
        assert_eq!(known, alert.state != "resolved", "{alert:?} of {incident:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hubs_that_merge_the_same_two_at_one_time_do_it_once() {
    let Some(postgres) = Postgres::start() else { return };
    let one = Scene::new(Some(postgres.database())).await;
    let two = one.beside(one.hub.config.database_url.clone().unwrap()).await;
    for round in 0..ROUNDS {
        let keys = ["a", "b", "c"].map(|name| format!("{name}{round}"));
        let (a, b) = (open(&one.hub, &keys[0]).await, open(&one.hub, &keys[1]).await);
        let c = open(&one.hub, &keys[2]).await;
        // There and back: one of them.
        let (there, back) = tokio::join!(merge(&one.hub, a, b), merge(&two.hub, b, a));
        assert_eq!([&there, &back].iter().filter(|done| done.is_ok()).count(), 1, "{there:?} {back:?}");
        let (left, gone) = if there.is_ok() { (b, a) } else { (a, b) };
        // What it goes on in goes on in another one meanwhile.
        let more = format!("d{round}");
        let d = open(&two.hub, &more).await;
        let (on, late) = tokio::join!(merge(&one.hub, left, c), merge(&two.hub, d, left));
        on.unwrap();
        let last = hub_row(&one.hub, gone).await;
        assert_eq!(last, Some(c), "by now");
        match late {
            Ok(_) => assert_eq!(hub_row(&one.hub, d).await, Some(c)),
            Err(HubError::Conflict(why)) => assert!(why.contains("was itself merged into"), "{why}"),
            Err(error) => panic!("{error}"),
        }
        sound(&one.hub).await;
        for key in keys.iter().chain([&more]) {
            end(&two.hub, key).await;
        }
        assert!(state(&one.hub, c).await.is_resolved());
        sound(&one.hub).await;
    }
}

async fn hub_row(hub: &Hub, id: IncidentId) -> Option<IncidentId> {
    hub.store.incident(id).await.unwrap().unwrap().merged_into
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_that_join_repeat_and_end_at_another_hub_meanwhile_are_not_lost() {
    let Some(postgres) = Postgres::start() else { return };
    let one = Scene::new(Some(postgres.database())).await;
    let two = one.beside(one.hub.config.database_url.clone().unwrap()).await;
    for round in 0..ROUNDS {
        let (first, second, last) =
            (format!("first{round}"), format!("second{round}"), format!("last{round}"));
        let rule = RuleId(Id::from_digest(first.as_bytes()));
        let of_rule = |key: &str, severity| AlertTrigger {
            source: format!("rule:{rule}"),
            rule_id: Some(rule),
            ..alert(key, severity, None)
        };
        let start = |hub: Hub, trigger| async move {
            respond::trigger(&hub, trigger, Vec::new()).await.unwrap().unwrap()
        };
        let source = start(one.hub.clone(), of_rule(&first, Severity::Warning)).await;
        let target = open(&one.hub, &last).await;
        let (_, joined, again) = tokio::join!(
            merge(&two.hub, source, target),
            start(one.hub.clone(), of_rule(&second, Severity::Warning)),
            start(one.hub.clone(), of_rule(&first, Severity::Critical)),
        );
        assert!([source, target].contains(&again), "{again}");
        sound(&one.hub).await;
        assert_eq!(state(&one.hub, target).await.severity, Severity::Critical, "whoever was first");
        let end_of_rule = |key: &str| AlertResolve { source: format!("rule:{rule}"), dedup_key: key.into() };
        let other = open(&one.hub, &format!("other{round}")).await;
        let (merged, ended) = tokio::join!(
            merge(&two.hub, target, other),
            respond::resolve(&one.hub, end_of_rule(&first), Vec::new()),
        );
        merged.unwrap();
        ended.unwrap();
        respond::resolve(&two.hub, end_of_rule(&second), Vec::new()).await.unwrap();
        sound(&one.hub).await;
        for key in [last, format!("other{round}")] {
            end(&one.hub, &key).await;
        }
        sound(&one.hub).await;
        assert!(state(&one.hub, other).await.is_resolved() && state(&one.hub, joined).await.is_resolved());
    }
}
