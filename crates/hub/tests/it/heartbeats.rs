//! Heartbeats: missed once however many hubs look, back by the next success, and never by a job that loops.

use serde_json::{Value, json};
use watchtower_api_types::{Heartbeat, HeartbeatState, PingKind};
use watchtower_hub::configure::{self, Heartbeats};
use watchtower_hub::heartbeats::{Ping, by_key, by_slug, ping, tick};
use watchtower_hub::{Hub, HubError};
use watchtower_model::Timestamp;
use watchtower_store::IncidentFilter;
use watchtower_testkit::postgres::Postgres;

use crate::scene::Scene;

const MINUTE: i64 = 60_000;

async fn made(scene: &Scene, more: Value) -> Heartbeat {
    let mut input = json!({"name": "backup", "period_seconds": 3600, "grace_seconds": 300});
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    let input = serde_json::from_value(input).unwrap();
    configure::create::<Heartbeats>(&scene.hub, &scene.admin().await, input).await.unwrap()
}

async fn beat(hub: &Hub, heartbeat: &Heartbeat, kind: PingKind, at: Timestamp) {
    let stored = by_key(hub, heartbeat.url.rsplit('/').next().unwrap()).unwrap();
    let exit_code = (kind == PingKind::Fail).then_some(3);
    let said = Ping { kind, exit_code, rid: None, sent_by: "GET curl".into(), body: "disk full".into() };
    ping(hub, &stored, said, at).await.unwrap();
}

async fn incidents(hub: &Hub) -> Vec<(String, String)> {
    let filter = IncidentFilter { limit: 50, ..IncidentFilter::default() };
    let mut rows = hub.store.incidents(&filter).await.unwrap();
    rows.sort_by_key(|row| row.number);
    rows.into_iter().map(|row| (row.title, row.state)).collect()
}

async fn view(hub: &Hub) -> Heartbeat {
    configure::view_all::<Heartbeats>(hub).await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missed_ping_is_an_incident_and_the_next_one_ends_it() {
    let scene = Scene::new(None).await;
    let hub = &scene.hub;
    let heartbeat = made(&scene, json!({})).await;
    let start = hub.now();
    let at = |minutes: i64| start.plus_ms(minutes * MINUTE);
    tick(hub, at(600)).await.unwrap();
    assert_eq!(view(hub).await.state, HeartbeatState::New, "what never came is not missed");
    beat(hub, &heartbeat, PingKind::Success, at(0)).await;
    assert_eq!(view(hub).await.due_at.unwrap().0, at(65));
    tick(hub, at(64)).await.unwrap();
    assert!(incidents(hub).await.is_empty());
    for _ in 0..3 {
        tick(hub, at(66)).await.unwrap();
    }
    let open = incidents(hub).await;
    assert!(
        open.len() == 1 && open[0].0.starts_with("backup: did not come in time") && open[0].1 == "triggered"
    );
    assert_eq!(view(hub).await.state, HeartbeatState::Down);
    beat(hub, &heartbeat, PingKind::Start, at(70)).await;
    assert_eq!(incidents(hub).await[0].1, "triggered", "that it begins is not that it ran");
    beat(hub, &heartbeat, PingKind::Success, at(72)).await;
    assert_eq!(incidents(hub).await[0].1, "resolved");
    let back = view(hub).await;
    assert_eq!((back.state, back.last_duration_seconds), (HeartbeatState::Up, Some(120.0)));
    // A failure is told at once, with what the job said, and is not missed on top of it.
    beat(hub, &heartbeat, PingKind::Fail, at(73)).await;
    tick(hub, at(900)).await.unwrap();
    let all = incidents(hub).await;
    assert_eq!((all.len(), all[1].0.as_str()), (2, "backup: failed with exit code 3"));
    let alert = hub.store.open_alerts().await.unwrap().remove(0);
    assert_eq!(alert.description, "disk full");
    let pings = configure::pings(hub, "backup", 10).await.unwrap();
    let kinds: Vec<_> = pings.iter().map(|ping| ping.kind.as_str()).collect();
    assert_eq!(kinds, ["fail", "success", "start", "success"]);
}

/// What was due while the hub was away may have come and found nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_due_before_the_hub_started_has_its_grace_once_more() {
    let scene = Scene::new(None).await;
    let hub = &scene.hub;
    let heartbeat = made(&scene, json!({})).await;
    let start = hub.started_at;
    beat(hub, &heartbeat, PingKind::Success, start.plus_ms(-90 * MINUTE)).await;
    tick(hub, start.plus_ms(1)).await.unwrap();
    assert!(incidents(hub).await.is_empty());
    assert_eq!(view(hub).await.due_at.unwrap().0, start.plus_ms(5 * MINUTE));
    tick(hub, start.plus_ms(5 * MINUTE - 1)).await.unwrap();
    assert!(incidents(hub).await.is_empty());
    tick(hub, start.plus_ms(5 * MINUTE)).await.unwrap();
    assert_eq!(incidents(hub).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_counts_at_once_and_a_paused_one_is_not_missed() {
    let scene = Scene::new(None).await;
    let (hub, admin) = (&scene.hub, scene.admin().await);
    let heartbeat = made(&scene, json!({})).await;
    let start = hub.now();
    beat(hub, &heartbeat, PingKind::Success, start).await;
    let edit = async |more: Value| {
        let mut input = json!({"name": "backup", "grace_seconds": 300});
        more.as_object().unwrap().iter().for_each(|(name, value)| input[name] = value.clone());
        let input = serde_json::from_value(input).unwrap();
        configure::update::<Heartbeats>(hub, &admin, "backup", input).await
    };
    let shorter = edit(json!({"period_seconds": 60})).await.unwrap();
    assert_eq!(shorter.due_at.unwrap().0, start.plus_ms(6 * MINUTE));
    assert_eq!(shorter.url, heartbeat.url, "an edit keeps the address");
    tick(hub, start.plus_ms(7 * MINUTE)).await.unwrap();
    assert_eq!(incidents(hub).await[0].1, "triggered");
    let paused = edit(json!({"period_seconds": 60, "enabled": false})).await.unwrap();
    assert_eq!((paused.state, paused.due_at), (HeartbeatState::Paused, None));
    assert_eq!(incidents(hub).await[0].1, "resolved");
    beat(hub, &heartbeat, PingKind::Fail, start.plus_ms(8 * MINUTE)).await;
    beat(hub, &heartbeat, PingKind::Success, start.plus_ms(9 * MINUTE)).await;
    tick(hub, start.plus_ms(900 * MINUTE)).await.unwrap();
    assert_eq!(incidents(hub).await.len(), 1);
    let clock = edit(json!({"cron": "30 3 * * *", "timezone": "Europe/Berlin"})).await.unwrap();
    assert!(clock.due_at.is_some() && clock.period_seconds.is_none());
    for wrong in [
        json!({}),
        json!({"period_seconds": 60, "cron": "@daily"}),
        json!({"period_seconds": 1}),
        json!({"cron": "61 * * * *"}),
        json!({"cron": "@daily", "timezone": "Mars/Base"}),
        json!({"period_seconds": 60, "slug": "x"}),
        json!({"period_seconds": 60, "timezone": "UTC"}),
    ] {
        assert!(matches!(edit(wrong.clone()).await, Err(HubError::Invalid { .. })), "{wrong}");
    }
    configure::delete::<Heartbeats>(hub, &admin, "backup").await.unwrap();
    assert!(matches!(by_key(hub, heartbeat.url.rsplit('/').next().unwrap()), Err(HubError::NotFound { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hubs_tell_once_and_lose_no_ping() {
    let Some(postgres) = Postgres::start() else { return };
    let one = Scene::new(Some(postgres.database())).await;
    let url = one.hub.config.database_url.clone().unwrap();
    let (two, three) = (one.beside(url.clone()).await, one.beside(url).await);
    let hubs = [one.hub.clone(), two.hub.clone(), three.hub.clone()];
    let heartbeat = made(&one, json!({})).await;
    for hub in &hubs {
        hub.reload_objects().await.unwrap();
    }
    let start = one.hub.now();
    let calls: Vec<_> = (0..30)
        .map(|call| {
            let (hub, heartbeat) = (hubs[call % 3].clone(), heartbeat.clone());
            tokio::spawn(async move {
                beat(&hub, &heartbeat, PingKind::Success, start.plus_ms(call as i64)).await
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(configure::pings(&one.hub, "backup", 100).await.unwrap().len(), 30);
    let looks: Vec<_> = (0..9)
        .map(|look| {
            let hub = hubs[look % 3].clone();
            tokio::spawn(async move { tick(&hub, start.plus_ms(90 * MINUTE)).await.unwrap() })
        })
        .collect();
    for look in looks {
        look.await.unwrap();
    }
    let alerts = one.hub.store.open_alerts().await.unwrap();
    assert_eq!((alerts.len(), alerts[0].count, incidents(&one.hub).await.len()), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slug_is_made_once_below_its_key() {
    let scene = Scene::new(None).await;
    let (hub, admin) = (&scene.hub, scene.admin().await);
    let input = serde_json::from_value(json!({"name": "jobs", "kind": "heartbeat"})).unwrap();
    configure::create::<configure::Integrations>(hub, &admin, input).await.unwrap();
    let key = configure::new_key(hub, &admin, "jobs").await.unwrap().key.unwrap();
    assert!(matches!(by_slug(hub, &key, "backup", false).await, Err(HubError::NotFound { .. })));
    assert!(by_slug(hub, &key, "Bad Slug", true).await.is_err());
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (hub, key) = (hub.clone(), key.clone());
            tokio::spawn(async move { by_slug(&hub, &key, "backup", true).await.unwrap() })
        })
        .collect();
    let mut made = 0;
    for call in calls {
        made += usize::from(call.await.unwrap().1);
    }
    assert_eq!((made, configure::view_all::<Heartbeats>(hub).await.unwrap().len()), (1, 1));
    // A key that was replaced is told to people; nothing is made by it.
    configure::new_key(hub, &admin, "jobs").await.unwrap();
    assert!(by_slug(hub, &key, "backup", true).await.is_err());
    assert!(incidents(hub).await[0].0.contains("a key that was replaced"));
}
