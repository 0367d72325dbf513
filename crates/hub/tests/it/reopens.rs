//! What comes back soon is the same incident, whichever hub hears of it, and a person may say that it is not over.

use serde_json::{Value, json};
use watchtower_hub::configure::{self, Services};
use watchtower_hub::respond::{self, AlertResolve};
use watchtower_hub::{Hub, HubError};
use watchtower_incident::{Actor, Incident, Status};
use watchtower_model::IncidentId;
use watchtower_testkit::postgres::Postgres;

use crate::scene::{Scene, alert};

/// As often as two hubs do something at one time.
const ROUNDS: usize = 10;

async fn trigger(hub: &Hub, key: &str) -> IncidentId {
    respond::trigger(hub, alert(key), Vec::new()).await.unwrap().unwrap()
}

async fn end(hub: &Hub, key: &str) {
    let end = AlertResolve { source: "api".into(), dedup_key: key.into() };
    respond::resolve(hub, end, Vec::new()).await.unwrap();
}

async fn close(hub: &Hub, id: IncidentId) {
    respond::resolve_by_hand(hub, id, by(), "over".into()).await.unwrap();
}

fn by() -> Actor {
    Actor::Api("a test".into())
}

async fn state(hub: &Hub, id: IncidentId) -> Incident {
    respond::read_state(&hub.store.incident(id).await.unwrap().unwrap()).unwrap()
}

/// The default service, with another window.
async fn window(scene: &Scene, seconds: f64) {
    set(scene, json!({"reopen_window_seconds": seconds})).await.unwrap();
}

async fn set(scene: &Scene, more: Value) -> Result<(), HubError> {
    let hub = &scene.hub;
    let service = configure::find::<Services>(hub, "default").unwrap();
    let mut input = serde_json::to_value(&service.body.0).unwrap();
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let input = serde_json::from_value(input).unwrap();
    let admin = scene.admin().await;
    configure::update::<Services>(hub, &admin, "default", input).await.map(drop)
}

fn refused(outcome: Result<Incident, HubError>) -> String {
    match outcome {
        Err(HubError::Conflict(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn within_the_window_it_is_the_same_incident_and_without_one_another() {
    let scene = Scene::new(None).await;
    let hub = &scene.hub;
    let first = trigger(hub, "disk").await;
    end(hub, "disk").await;
    let second = trigger(hub, "disk").await;
    assert_ne!(first, second, "as it always was");
    assert!(state(hub, second).await.recurrence_of.is_some());
    close(hub, second).await;
    window(&scene, 600.0).await;
    // What a person resolved comes back, too; the one before it stays as it is.
    assert_eq!(trigger(hub, "disk").await, second);
    let back = state(hub, second).await;
    assert_eq!((back.status, back.reopened, back.alerts.len()), (Status::Triggered, 1, 1));
    assert_eq!(back.title, "disk is wrong");
    let row = hub.store.incident(second).await.unwrap().unwrap();
    assert_eq!((row.resolved_at, row.state.as_str()), (None, "triggered"));
    let timeline = hub.store.timeline(second).await.unwrap();
    let reopened = timeline.iter().find(|entry| entry.kind == "reopened").unwrap();
    assert!(reopened.text.starts_with("reopened 0s after its end: it came back"), "{}", reopened.text);
    assert!(state(hub, first).await.is_resolved());
    end(hub, "disk").await;
    assert!(state(hub, second).await.is_resolved());
    // Another key is another incident, and what went on elsewhere stays there.
    let (other, into) = (trigger(hub, "mount").await, trigger(hub, "share").await);
    assert!(other != second && into != second);
    respond::merge(hub, other, into, &by()).await.unwrap();
    end(hub, "mount").await;
    let again = trigger(hub, "mount").await;
    assert!(again != other && again != into);
    let too_long = set(&scene, json!({"reopen_window_seconds": 86_401.0})).await;
    assert!(matches!(too_long, Err(HubError::Invalid { field, .. }) if field == "reopen_window_seconds"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_opens_again_what_is_not_over() {
    let scene = Scene::new(None).await;
    let hub = &scene.hub;
    let disk = trigger(hub, "disk").await;
    let open = refused(respond::reopen(hub, disk, by()).await);
    assert!(open.ends_with("is open"), "{open}");
    close(hub, disk).await;
    assert!(hub.store.open_alerts().await.unwrap().is_empty());
    respond::reopen(hub, disk, by()).await.unwrap();
    // The source knows nothing of all that, and its word counts.
    assert_eq!(trigger(hub, "disk").await, disk);
    assert_eq!(state(hub, disk).await.triggers, 2);
    end(hub, "disk").await;
    assert!(state(hub, disk).await.is_resolved());
    // Where the same trouble has another incident by now, that is the one.
    let next = trigger(hub, "disk").await;
    assert_ne!(next, disk);
    let number = state(hub, next).await.number;
    let why = refused(respond::reopen(hub, disk, by()).await);
    assert_eq!(why, format!("INC-{number} is open for the same trouble"));
    // Its key is free again, and its alert is open in the target.
    let target = trigger(hub, "target").await;
    respond::merge(hub, next, target, &by()).await.unwrap();
    let why = refused(respond::reopen(hub, next, by()).await);
    assert!(why.contains("what was merged stays so"), "{why}");
    respond::reopen(hub, disk, by()).await.unwrap();
    assert_eq!(state(hub, disk).await.open_alerts().count(), 0, "its source said that it is over");
    close(hub, disk).await;
    close(hub, target).await;
    respond::reopen(hub, target, by()).await.unwrap();
    assert_eq!(state(hub, target).await.open_alerts().count(), 2);
    for key in ["disk", "target"] {
        end(hub, key).await;
    }
    assert!(state(hub, target).await.is_resolved());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hubs_that_hear_of_it_at_one_time_open_it_once() {
    let Some(postgres) = Postgres::start() else { return };
    let one = Scene::new(Some(postgres.database())).await;
    window(&one, 600.0).await;
    let two = one.beside(one.hub.config.database_url.clone().unwrap()).await;
    for round in 0..ROUNDS {
        let key = format!("disk{round}");
        let first = trigger(&one.hub, &key).await;
        end(&one.hub, &key).await;
        let (here, there) = tokio::join!(trigger(&one.hub, &key), trigger(&two.hub, &key));
        assert_eq!([here, there], [first, first]);
        let back = state(&one.hub, first).await;
        assert_eq!((back.reopened, back.open_alerts().count(), back.triggers), (1, 1, 3));
        // A person says so at the one while an alert does at the other.
        close(&one.hub, first).await;
        let (by_hand, by_alert) =
            tokio::join!(respond::reopen(&two.hub, first, by()), trigger(&one.hub, &key));
        assert_eq!(by_alert, first);
        assert_eq!(state(&one.hub, first).await.reopened, 2, "{by_hand:?}");
        end(&one.hub, &key).await;
        // The third time by an alert it is flapping, and ends later.
        let over = state(&one.hub, first).await;
        assert!(over.is_resolved() || (over.flapping && by_hand.is_err()), "{over:?}");
        assert!(one.hub.store.open_alerts().await.unwrap().is_empty());
    }
}
