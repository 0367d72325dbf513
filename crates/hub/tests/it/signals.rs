//! Alerts of other tools: many at once from many hubs, their ends, and calls that are not taken.

use std::time::Duration;

use serde_json::json;
use watchtower_api_types::{Integration, IntegrationKind};
use watchtower_hub::Hub;
use watchtower_hub::configure::{self, Integrations};
use watchtower_hub::respond::resolve_ended;
use watchtower_hub::respond::signals::{Action, Signal, end_due, sender, take};
use watchtower_model::{Labels, Severity, Timestamp};
use watchtower_store::{AlertFilter, AlertRow, IncidentFilter};
use watchtower_testkit::postgres::Postgres;

use crate::scene::Scene;

const KIND: &[IntegrationKind] = &[IntegrationKind::Alertmanager];
const HUBS: usize = 3;
const CALLS: usize = 1_000;
const KEYS: usize = 50;

async fn integration(scene: &Scene) -> Integration {
    let input = serde_json::from_value(json!({"name": "prom", "kind": "alertmanager"})).unwrap();
    let admin = scene.admin().await;
    configure::create::<Integrations>(&scene.hub, &admin, input).await.unwrap();
    configure::new_key(&scene.hub, &admin, "prom").await.unwrap()
}

fn signal(action: Action, key: &str, ends_at: Option<Timestamp>) -> Signal {
    Signal {
        action,
        key: Some(key.into()),
        severity: Severity::Error,
        summary: format!("{key} is wrong"),
        description: String::new(),
        labels: Labels::from_pairs([("alertname", key)]),
        ends_at,
    }
}

/// Number of alerts and state of each incident, oldest first.
async fn incidents(hub: &Hub) -> Vec<(String, String)> {
    let filter = IncidentFilter { limit: 500, ..IncidentFilter::default() };
    let mut rows = hub.store.incidents(&filter).await.unwrap();
    rows.sort_by_key(|row| row.number);
    rows.into_iter().map(|row| (row.title, row.state)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_triggers_at_once_on_fifty_keys_from_three_hubs_are_fifty_incidents() {
    let Some(postgres) = Postgres::start() else { return };
    let one = Scene::new(Some(postgres.database())).await;
    let key = integration(&one).await.key.unwrap();
    let url = one.hub.config.database_url.clone().unwrap();
    let (two, three) = (one.beside(url.clone()).await, one.beside(url).await);
    let hubs = [one.hub.clone(), two.hub.clone(), three.hub.clone()];
    let calls: Vec<_> = (0..CALLS)
        .map(|call| {
            let (hub, key) = (hubs[call % HUBS].clone(), key.clone());
            tokio::spawn(async move {
                let sender = sender(&hub, KIND, &key).unwrap();
                let name = format!("k{}", (call / HUBS) % KEYS);
                take(&hub, &sender, vec![signal(Action::Trigger, &name, None)]).await.unwrap()
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let all = incidents(&one.hub).await;
    assert_eq!(all.len(), KEYS, "{all:?}");
    let alerts = one.hub.store.open_alerts().await.unwrap();
    // A try that lost against another hub may have counted a repetition before it was taken anew; none is lost.
    let told: i64 = alerts.iter().map(|alert| alert.count).sum();
    assert!(alerts.len() == KEYS && told >= CALLS as i64, "{} alerts, {told} told", alerts.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_tells_again_ends_by_itself_and_what_is_acknowledged_stays() {
    let scene = Scene::new(None).await;
    let key = integration(&scene).await.key.unwrap();
    let hub = &scene.hub;
    let from = sender(hub, KIND, &key).unwrap();
    // Not over before it is told again: the hub's own clock looks, too.
    let soon = hub.now().plus_ms(1_500);
    let later = hub.now().plus_ms(600_000);
    for (name, ends_at) in [("over", Some(soon)), ("told-again", Some(soon)), ("endless", None)] {
        take(hub, &from, vec![signal(Action::Trigger, name, ends_at)]).await.unwrap();
    }
    take(hub, &from, vec![signal(Action::Trigger, "told-again", Some(later))]).await.unwrap();
    take(hub, &from, vec![signal(Action::Acknowledge, "endless", None)]).await.unwrap();
    // Of what is not open, neither an end nor an acknowledgement is an error.
    take(
        hub,
        &from,
        vec![signal(Action::Resolve, "never", None), signal(Action::Acknowledge, "never", None)],
    )
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_millis(soon.since(hub.now()).max(0) as u64 + 1)).await;
    end_due(hub).await.unwrap();
    let states: Vec<String> = incidents(hub).await.into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["resolved", "triggered", "acknowledged"]);
    take(hub, &from, vec![signal(Action::Resolve, "endless", None)]).await.unwrap();
    assert_eq!(incidents(hub).await[2].1, "resolved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_again_while_its_end_is_looked_for_stays() {
    let scene = Scene::new(None).await;
    let key = integration(&scene).await.key.unwrap();
    let hub = &scene.hub;
    let from = sender(hub, KIND, &key).unwrap();
    let later = hub.now().plus_ms(600_000);
    take(hub, &from, vec![signal(Action::Trigger, "told-again", Some(later))]).await.unwrap();
    let row = hub.store.alerts(&AlertFilter { limit: 1, ..Default::default() }).await.unwrap().remove(0);
    // As it was found before it was told again.
    let found = AlertRow { ends_at: Some(hub.now().plus_ms(-1)), ..row };
    resolve_ended(hub, &found).await.unwrap();
    assert_eq!(incidents(hub).await[0].1, "triggered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_with_a_key_that_was_replaced_is_told_to_people() {
    let scene = Scene::new(None).await;
    let (hub, admin) = (&scene.hub, scene.admin().await);
    let old = integration(&scene).await.key.unwrap();
    let new = configure::new_key(hub, &admin, "prom").await.unwrap();
    for name in ["first", "second"] {
        let from = sender(hub, KIND, &old).unwrap();
        take(hub, &from, vec![signal(Action::Trigger, name, None)]).await.unwrap();
    }
    let refused =
        ("integration prom was called with a key that was replaced".to_string(), "triggered".to_string());
    assert_eq!(incidents(hub).await, [refused]);
    let from = sender(hub, KIND, &new.key.unwrap()).unwrap();
    take(hub, &from, vec![signal(Action::Trigger, "third", None)]).await.unwrap();
    assert_eq!(incidents(hub).await.len(), 2);
    assert!(sender(hub, KIND, "0123456789abcdef0123456789abcdef").is_err(), "a key of nobody");
    assert!(sender(hub, &[IntegrationKind::Pagerduty], &old).is_err(), "a key for something else");
    // It is shown when it is made, and never again; what is stored does not tell it.
    let shown = serde_json::to_string(&configure::view_all::<Integrations>(hub).await.unwrap()).unwrap();
    assert!(!shown.contains(&old) && shown.contains("prom"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_and_goes_flaps_the_third_time_and_is_one_incident_from_then_on() {
    let scene = Scene::new(None).await;
    let key = integration(&scene).await.key.unwrap();
    let hub = &scene.hub;
    let from = sender(hub, KIND, &key).unwrap();
    let tell = async |action| take(hub, &from, vec![signal(action, "disk", None)]).await.unwrap();
    for _ in 0..2 {
        tell(Action::Trigger).await;
        tell(Action::Resolve).await;
    }
    // Another trouble has no part in it.
    take(hub, &from, vec![signal(Action::Trigger, "swap", None)]).await.unwrap();
    for _ in 0..3 {
        tell(Action::Trigger).await;
        tell(Action::Resolve).await;
    }
    let filter = IncidentFilter { limit: 500, ..IncidentFilter::default() };
    let mut rows = hub.store.incidents(&filter).await.unwrap();
    rows.sort_by_key(|row| row.number);
    let all: Vec<_> = rows.iter().map(|row| watchtower_hub::respond::read_state(row).unwrap()).collect();
    let [first, second, swap, flapping] = &all[..] else { panic!("{all:?}") };
    assert!(first.is_resolved() && second.is_resolved() && !first.flapping && !second.flapping);
    assert_eq!((first.recurrence_of, second.recurrence_of), (None, Some(first.number)));
    assert_eq!((swap.flapping, swap.recurrence_of), (false, None));
    assert!(flapping.flapping && flapping.calm.is_some(), "{flapping:?}");
    assert_eq!((flapping.recurrence_of, flapping.alerts.len()), (Some(second.number), 3));
}

async fn counting(scene: &Scene) -> watchtower_api_types::Integration {
    let input = serde_json::json!({"name": "counts", "kind": "alertmanager",
        "open_after": {"triggers": 3, "within_seconds": 600}});
    let admin = scene.admin().await;
    let input = serde_json::from_value(input).unwrap();
    configure::create::<Integrations>(&scene.hub, &admin, input).await.unwrap();
    configure::new_key(&scene.hub, &admin, "counts").await.unwrap()
}

/// Key and count of what is held.
async fn held(hub: &Hub) -> Vec<(String, u32)> {
    let all = watchtower_hub::respond::signals::held(hub, "counts", 100).await.unwrap();
    all.into_iter().map(|one| (one.key, one.count)).collect()
}

async fn opens_at_the_third(database_url: Option<String>) {
    let scene = Scene::new(database_url).await;
    let (hub, key) = (&scene.hub, counting(&scene).await.key.unwrap());
    let from = sender(hub, KIND, &key).unwrap();
    let tell = async |action, name: &str| {
        take(hub, &from, vec![signal(action, name, None)]).await.unwrap();
        hub.store.open_incidents().await.unwrap().len()
    };
    assert_eq!(tell(Action::Trigger, "disk").await, 0);
    assert_eq!(tell(Action::Trigger, "disk").await, 0);
    assert_eq!(tell(Action::Trigger, "swap").await, 0);
    let mut shown = held(hub).await;
    shown.sort();
    assert_eq!(shown, [("disk".to_string(), 2), ("swap".to_string(), 1)]);
    // An event tells of each that is held, once.
    assert_eq!(scene.events("alert.held").await, 2);
    // An end begins anew.
    assert_eq!(tell(Action::Resolve, "disk").await, 0);
    assert_eq!(tell(Action::Trigger, "disk").await, 0);
    assert_eq!(tell(Action::Trigger, "disk").await, 0);
    assert_eq!(tell(Action::Trigger, "disk").await, 1);
    assert_eq!(held(hub).await, [("swap".to_string(), 1)]);
    let alert = hub.store.open_alerts().await.unwrap().remove(0);
    assert!(alert.description.ends_with("triggered 3 times within 10m"), "{}", alert.description);
    // Open, it is an alert as any other.
    assert_eq!(tell(Action::Trigger, "disk").await, 1);
    assert_eq!(tell(Action::Resolve, "disk").await, 0);
    assert_eq!(tell(Action::Trigger, "disk").await, 0);
    // What has no key of its own cannot be counted.
    let without = Signal { key: None, ..signal(Action::Trigger, "none", None) };
    take(hub, &from, vec![without]).await.unwrap();
    assert_eq!(hub.store.open_incidents().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_that_must_come_three_times_is_held_until_then() {
    opens_at_the_third(None).await;
    if let Some(postgres) = Postgres::start() {
        opens_at_the_third(Some(postgres.database())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn triggers_are_counted_over_hubs_and_restarts() {
    let Some(postgres) = Postgres::start() else { return };
    let one = Scene::new(Some(postgres.database())).await;
    let url = one.hub.config.database_url.clone().unwrap();
    let key = counting(&one).await.key.unwrap();
    let (two, three) = (one.beside(url.clone()).await, one.beside(url).await);
    // Three hubs, three triggers of each of ten keys, all at once.
    let mut tasks = Vec::new();
    for hub in [&one.hub, &two.hub, &three.hub] {
        let (hub, key) = (hub.clone(), key.clone());
        tasks.push(tokio::spawn(async move {
            let from = sender(&hub, KIND, &key).unwrap();
            for number in 0..10 {
                let name = format!("k{number}");
                take(&hub, &from, vec![signal(Action::Trigger, &name, None)]).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(one.hub.store.open_incidents().await.unwrap().len(), 10);
    assert_eq!(held(&two.hub).await, []);
}
