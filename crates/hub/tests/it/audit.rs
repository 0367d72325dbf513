//! The auditor: what is due and does not happen becomes an incident of its own, and ends when it happens.

use std::time::Duration;

use tempfile::TempDir;
use watchtower_hub::{Hub, HubConfig, Timing, respond};
use watchtower_incident as engine;
use watchtower_model::{IncidentId, Timestamp};
use watchtower_store::{IncidentRow, Store};
use watchtower_testkit::postgres::Postgres;

use crate::scene::{Scene, alert, config};

const LATE_MS: i64 = 120_000;

async fn open(hub: &Hub) -> Vec<IncidentRow> {
    hub.store.open_incidents().await.unwrap()
}

async fn until(hub: &Hub, what: &str, is_so: impl Fn(&[IncidentRow]) -> bool) {
    for _ in 0..200 {
        if is_so(&open(hub).await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited in vain for {what}: {:?}", open(hub).await);
}

#[tokio::test]
async fn a_timer_that_nobody_can_run_is_told_and_its_end_too() {
    let scene = often_audited(tempfile::tempdir().unwrap(), None).await;
    let hub = &scene.hub;
    let (id, body) = unreadable(hub).await;
    until(hub, "an incident about what is overdue", told).await;
    assert!(hub.audits.last().overdue.is_some());
    mend(hub, id, body).await;
    until(hub, "its end", |rows| !told(rows)).await;
    assert!(engine::Status::Triggered.as_str() == open(hub).await[0].state, "the other goes on");
}

#[tokio::test]
async fn what_a_hub_told_before_it_ended_is_ended_by_the_next() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database();
    let scene = often_audited(tempfile::tempdir().unwrap(), Some(url.clone())).await;
    let (id, body) = unreadable(&scene.hub).await;
    until(&scene.hub, "an incident about what is overdue", told).await;
    scene.hub.stop().await;
    mend(&scene.hub, id, body).await;
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(scene.keys(), dir.path().join("keys")).unwrap();
    let next = often_audited(dir, Some(url)).await;
    until(&next.hub, "its end", |rows| !told(rows)).await;
}

fn told(rows: &[IncidentRow]) -> bool {
    rows.iter().any(|row| row.title.contains("are overdue"))
}

async fn often_audited(dir: TempDir, database_url: Option<String>) -> Scene {
    let timing = Timing { audit_every_ms: 100, ..Timing::default() };
    let config = HubConfig { timing, ..config(&dir, database_url) };
    Scene::configured(dir, config).await
}

/// An incident whose timer nobody can run; its id, and its state before.
async fn unreadable(hub: &Hub) -> (IncidentId, String) {
    respond::trigger(hub, alert("unreadable"), Vec::new()).await.unwrap();
    let row = open(hub).await.remove(0);
    let body = row.body.clone();
    // What no version of the hub can have written.
    let broken =
        IncidentRow { body: "{".into(), next_wake_at: Some(Timestamp(hub.now().0 - LATE_MS)), ..row.clone() };
    hub.store.commit(vec![Store::update_incident(&broken)]).await.unwrap();
    (row.id, body)
}

async fn mend(hub: &Hub, id: IncidentId, body: String) {
    let now = hub.store.incident(id).await.unwrap().unwrap();
    let mended = IncidentRow { body, next_wake_at: None, ..now };
    hub.store.commit(vec![Store::update_incident(&mended)]).await.unwrap();
}
