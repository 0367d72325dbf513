//! Silences and maintenance windows: nobody is paged while they last, nobody is forgotten when they end.

use serde_json::{Value, json};
use watchtower_api_types::{IntegrationKind, MaintenanceWindow, QuietState, Silence};
use watchtower_hub::access::Principal;
use watchtower_hub::configure::{self, Integrations, MaintenanceWindows, Noun, Silences};
use watchtower_hub::respond::signals::{Action, Signal, sender, take};
use watchtower_hub::{Hub, HubError, respond};
use watchtower_incident::Incident;
use watchtower_model::{Labels, Severity, Timestamp};
use watchtower_testkit::postgres::Postgres;

use crate::scene::Scene;

const KIND: &[IntegrationKind] = &[IntegrationKind::Alertmanager];
const MINUTE_MS: i64 = 60_000;

async fn trigger(scene: &Scene, key: &str, labels: &[(&str, &str)]) {
    let input = serde_json::from_value(json!({"name": "prom", "kind": "alertmanager"})).unwrap();
    let admin = scene.admin().await;
    if configure::find::<Integrations>(&scene.hub, "prom").is_err() {
        configure::create::<Integrations>(&scene.hub, &admin, input).await.unwrap();
    }
    let key_of = configure::new_key(&scene.hub, &admin, "prom").await.unwrap().key.unwrap();
    let from = sender(&scene.hub, KIND, &key_of).unwrap();
    let signal = Signal {
        action: Action::Trigger,
        key: Some(key.into()),
        severity: Severity::Error,
        summary: format!("{key} is wrong"),
        description: String::new(),
        labels: Labels::from_pairs(labels.iter().copied()),
        ends_at: None,
    };
    take(&scene.hub, &from, vec![signal]).await.unwrap();
}

async fn silence(hub: &Hub, by: &Principal, matchers: &str, ends_at: Timestamp) -> Result<Silence, HubError> {
    let input = json!({"matchers": matchers, "ends_at": ends_at.to_rfc3339(), "comment": "planned"});
    configure::create::<Silences>(hub, by, serde_json::from_value(input).unwrap()).await
}

async fn window(scene: &Scene, input: Value) -> Result<MaintenanceWindow, HubError> {
    let admin = scene.admin().await;
    let input = serde_json::from_value(input).unwrap();
    configure::create::<MaintenanceWindows>(&scene.hub, &admin, input).await
}

async fn incident(hub: &Hub) -> Incident {
    let rows = hub.store.open_incidents().await.unwrap();
    assert_eq!(rows.len(), 1);
    respond::read_state(&rows[0]).unwrap()
}

/// Waits for the hub's own clockwork.
async fn until(hub: &Hub, what: &str, is_so: impl Fn(&Incident) -> bool) -> Incident {
    for _ in 0..100 {
        let now = incident(hub).await;
        if is_so(&now) {
            return now;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("waited in vain for {what}: {:?}", incident(hub).await.suppressed);
}

fn field(error: HubError) -> String {
    match error {
        HubError::Invalid { field, .. } => field,
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_begins_silenced_pages_when_the_silence_ends_by_itself() {
    let scene = Scene::new(None).await;
    let (hub, admin) = (&scene.hub, scene.admin().await);
    let ends_at = hub.now().plus_ms(1_500);
    let made = silence(hub, &admin, "alertname=\"disk is wrong\",severity=\"error\"", ends_at).await.unwrap();
    assert_eq!((made.state, made.open_alerts), (QuietState::Active, 0));
    trigger(&scene, "disk", &[]).await;
    let quiet = incident(hub).await;
    assert!(quiet.suppressed.as_deref().unwrap().ends_with(": planned"), "{quiet:?}");
    assert!(quiet.paged.is_empty() && quiet.pending_actions.is_empty() && !quiet.catch_all_paged);
    let paged = until(hub, "the page", |incident| incident.suppressed.is_none()).await;
    assert!(!paged.paged.is_empty() || paged.catch_all_paged);
    let over = configure::find::<Silences>(hub, &made.id.to_string()).unwrap();
    let over = Silences::view(hub, &over, true).await.unwrap();
    assert_eq!((over.state, over.open_alerts), (QuietState::Expired, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silence_made_at_one_hub_is_in_force_at_the_other() {
    let Some(postgres) = Postgres::start() else { return };
    let one = Scene::new(Some(postgres.database())).await;
    let two = one.beside(one.hub.config.database_url.clone().unwrap()).await;
    trigger(&one, "disk", &[("team", "db")]).await;
    assert_eq!(incident(&one.hub).await.suppressed, None);
    let made =
        silence(&two.hub, &two.admin().await, "team=\"db\"", two.hub.now().plus_ms(MINUTE_MS)).await.unwrap();
    until(&one.hub, "the silence", |incident| incident.suppressed.is_some()).await;
    // The other reads it too: what begins there is covered at once.
    let known = || configure::find::<Silences>(&one.hub, &made.id.to_string()).is_ok();
    for _ in 0..100 {
        if known() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(known(), "the other hub never read it");
    configure::expire_silence(&one.hub, &one.admin().await, &made.id.to_string()).await.unwrap();
    until(&two.hub, "its end", |incident| incident.suppressed.is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_restricted_silences_only_their_own_servers() {
    let mut scene = Scene::new(None).await;
    scene.server("web-1").await;
    let hub = scene.hub.clone();
    let admin = scene.admin().await;
    let own = Principal { servers: Some("name=\"web-2\"".parse().unwrap()), ..admin.clone() };
    let later = hub.now().plus_ms(MINUTE_MS);
    let all = silence(&hub, &admin, "team=\"ops\"", later).await.unwrap();
    let made = silence(&hub, &own, "team=\"db\"", later).await.unwrap();
    assert_eq!(made.servers.as_deref(), Some("{name=\"web-2\"}"));
    // It says that it is of web-2; what counts is whose it is.
    trigger(&scene, "disk", &[("team", "db"), ("name", "web-2")]).await;
    assert_eq!(incident(&hub).await.suppressed, None);
    assert!(matches!(
        configure::expire_silence(&hub, &own, &all.id.to_string()).await,
        Err(HubError::Forbidden(_))
    ));
    let delete = configure::delete::<Silences>(&hub, &own, &all.id.to_string()).await;
    assert!(matches!(delete, Err(HubError::Forbidden(_))));
    configure::delete::<Silences>(&hub, &own, &made.id.to_string()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_comes_again_in_its_zone_and_what_is_wrong_with_one_is_said() {
    let scene = Scene::new(None).await;
    let every_minute = json!({"name": "always", "matchers": "team=\"db\"", "cron": "* * * * *",
        "duration_seconds": 60});
    let reaches = window(&scene, every_minute.clone()).await.unwrap_err();
    assert_eq!(field(reaches), "duration_seconds");
    for (wrong, input) in [
        (
            "matchers",
            json!({"name": "w", "matchers": "team=~\".*\"", "cron": "0 3 * * *", "duration_seconds": 60}),
        ),
        ("cron", json!({"name": "w", "matchers": "a=\"b\"", "cron": "0 3 30 2 *", "duration_seconds": 60})),
        (
            "timezone",
            json!({"name": "w", "matchers": "a=\"b\"", "cron": "0 3 * * *", "duration_seconds": 60, "timezone": "Mars"}),
        ),
        ("duration_seconds", json!({"name": "w", "matchers": "a=\"b\"", "cron": "0 3 * * *"})),
        ("starts_at", json!({"name": "w", "matchers": "a=\"b\""})),
        (
            "ends_at",
            json!({"name": "w", "matchers": "a=\"b\"", "starts_at": "2030-01-02T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z"}),
        ),
    ] {
        assert_eq!(field(window(&scene, input).await.unwrap_err()), wrong);
    }
    let nightly = json!({"name": "nightly", "matchers": "team=\"db\"", "cron": "30 2 * * *",
        "timezone": "Europe/Berlin", "duration_seconds": 7200});
    let made = window(&scene, nightly).await.unwrap();
    assert_eq!((made.words.as_str(), made.next.len()), ("at 02:30 every day, Europe/Berlin, for 2h", 5));
    let lasts: Vec<i64> = made.next.iter().map(|one| one.ends_at.0.since(one.starts_at.0)).collect();
    assert_eq!(lasts, [7_200_000; 5]);

    // One that is under way covers what begins in it; switched off, it does not.
    let now = scene.hub.now();
    let once = json!({"name": "once", "matchers": "team=\"web\"", "starts_at": now.plus_ms(-MINUTE_MS).to_rfc3339(),
        "ends_at": now.plus_ms(MINUTE_MS).to_rfc3339()});
    assert_eq!(window(&scene, once.clone()).await.unwrap().state, QuietState::Active);
    trigger(&scene, "disk", &[("team", "web")]).await;
    let quiet = incident(&scene.hub).await.suppressed.unwrap();
    assert!(quiet.starts_with("the maintenance window \"once\" until"), "{quiet}");
    let mut off = once;
    off["enabled"] = json!(false);
    let admin = scene.admin().await;
    let off = serde_json::from_value(off).unwrap();
    configure::update::<MaintenanceWindows>(&scene.hub, &admin, "once", off).await.unwrap();
    until(&scene.hub, "the page", |incident| incident.suppressed.is_none()).await;
}
