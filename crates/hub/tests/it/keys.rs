//! Hubs on one database: what one of them rotates, the others go by.

use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use watchtower_api_types::{KeyKind, KeyState};
use watchtower_hub::keys::{self, LOOK_EVERY};
use watchtower_hub::{Hub, HubError};
use watchtower_protocol::HubMessage;
use watchtower_store::HubKeyRow;
use watchtower_testkit::postgres::Postgres;
use watchtower_testkit::redis::Redis;

use crate::scene::Scene;

async fn row(hub: &Hub, kind: KeyKind, state: KeyState) -> Option<HubKeyRow> {
    let rows = hub.store.hub_keys().await.unwrap();
    rows.into_iter().find(|row| row.kind == kind.as_str() && row.state == state.as_str())
}

/// Waits until this hub is at the other's trust bundle; how long that took.
async fn caught_up(hub: &Hub, with: &Hub) -> Duration {
    let began = Instant::now();
    while hub.keys.live().version != with.keys.live().version {
        assert!(began.elapsed() < 3 * LOOK_EVERY, "it goes by the old keys");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

/// The id of the key that signs this hub's commands.
fn signing(hub: &Hub) -> String {
    hub.keys.sign_command(b"{}").key_id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_hub_rotates_the_others_go_by() {
    let Some(postgres) = Postgres::start() else { return };
    let one = Scene::new(Some(postgres.database())).await;
    let url = one.hub.config.database_url.clone().unwrap();
    let mut two = one.beside(url).await;
    two.server("web-1").await;
    let old = signing(&two.hub);
    keys::rotate(&one.hub, KeyKind::Signing, "ada").await.unwrap();
    caught_up(&two.hub, &one.hub).await;
    let bundles = two.messages().into_iter().filter(|message| matches!(message, HubMessage::Bundle(_)));
    assert_eq!(bundles.count(), 1, "its agents are told");
    assert_eq!(signing(&two.hub), old, "published, not used");
    // The agents of neither confirm anything here.
    keys::switch(&one.hub, KeyKind::Signing, true, "ada").await.unwrap();
    let new = signing(&one.hub);
    assert_ne!(new, old);
    let began = Instant::now();
    while signing(&two.hub) != new {
        assert!(began.elapsed() < 3 * LOOK_EVERY, "it signs with the old key");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Any of them may take the next step.
    keys::retire(&two.hub, KeyKind::Signing, false, "ada").await.unwrap();
    caught_up(&one.hub, &two.hub).await;
    assert_eq!(one.hub.keys.bundle(vec![]).signing_keys, two.hub.keys.bundle(vec![]).signing_keys);
    // The root of the listeners' certificate, and the key of secrets.
    let pin = one.hub.keys.live().certificate.leaf_pin.clone();
    keys::rotate(&two.hub, KeyKind::Ca, "ada").await.unwrap();
    caught_up(&one.hub, &two.hub).await;
    keys::switch(&two.hub, KeyKind::Ca, true, "ada").await.unwrap();
    let began = Instant::now();
    while one.hub.keys.live().certificate.leaf_pin == pin {
        assert!(began.elapsed() < 3 * LOOK_EVERY, "it shows the old certificate");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(one.hub.keys.live().certificate.leaf_pin, two.hub.keys.live().certificate.leaf_pin);
}

/// One seals with the new key while the other's secrets are sealed anew by both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_master_key_reaches_every_hub_before_the_old_one_goes() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database();
    let one = Scene::new(Some(url.clone())).await;
    let two = one.beside(url).await;
    let sealed = two.hub.keys.sealer.seal("channel:x", b"before").unwrap();
    keys::rotate(&one.hub, KeyKind::Master, "ada").await.unwrap();
    let new = row(&one.hub, KeyKind::Master, KeyState::Active).await.unwrap().id;
    let began = Instant::now();
    let seals_with = |hub: &Hub| hub.keys.sealer.seal("channel:x", b"y").unwrap();
    while !seals_with(&two.hub).starts_with(&format!("v1:{new}:")) {
        assert!(began.elapsed() < 3 * LOOK_EVERY, "it seals with the old key");
        let left = row(&one.hub, KeyKind::Master, KeyState::Retiring).await;
        assert!(left.is_some(), "the old key left while another hub used it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(two.hub.keys.sealer.open("channel:x", &sealed).unwrap(), b"before");
    while row(&one.hub, KeyKind::Master, KeyState::Retiring).await.is_some() {
        assert!(began.elapsed() < 10 * LOOK_EVERY, "the old key stays for ever");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ended = row(&two.hub, KeyKind::Master, KeyState::Retired).await.unwrap();
    assert!(!two.dir.path().join("keys").join(format!("master-{}.key", ended.id)).exists());
    // It is told a moment after the row has changed.
    while one.events("key.retired").await == 0 {
        assert!(began.elapsed() < 10 * LOOK_EVERY, "nobody tells that the old key is gone");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(LOOK_EVERY).await;
    assert_eq!(one.events("key.retired").await, 1, "told by one of them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_redis_it_is_known_at_once() {
    let (Some(postgres), Some(redis)) = (Postgres::start(), Redis::start()) else { return };
    let (keys_dir, url) = (TempDir::new().unwrap(), postgres.database());
    let one = Scene::on(keys_dir.path(), &url, &redis.url()).await;
    let two = Scene::on(keys_dir.path(), &url, &redis.url()).await;
    // The connection for listening is there a moment after the start.
    tokio::time::sleep(Duration::from_secs(1)).await;
    keys::rotate(&one.hub, KeyKind::Signing, "ada").await.unwrap();
    let took = caught_up(&two.hub, &one.hub).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    keys::abort(&two.hub, KeyKind::Signing, "ada").await.unwrap();
    let took = caught_up(&one.hub, &two.hub).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
}

/// Where the folder of keys is not shared, a hub goes on with those that it has until somebody brings the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_without_the_new_file_goes_on_and_takes_it_up_later() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database();
    let one = Scene::new(Some(url.clone())).await;
    let two = one.beside_with_copies(url).await;
    let before = two.hub.keys.live().version;
    keys::rotate(&one.hub, KeyKind::Signing, "ada").await.unwrap();
    tokio::time::sleep(LOOK_EVERY + Duration::from_secs(2)).await;
    assert_eq!(two.hub.keys.live().version, before);
    let id = row(&one.hub, KeyKind::Signing, KeyState::Published).await.unwrap().id;
    let name = format!("keys/signing-{id}.key");
    std::fs::copy(one.dir.path().join(&name), two.dir.path().join(&name)).unwrap();
    caught_up(&two.hub, &one.hub).await;
}

/// A key is not retired under commands that it signed, unless somebody insists.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_waits_for_the_commands_that_it_signed() {
    let mut scene = Scene::new(None).await;
    scene.server("web-1").await;
    scene.script(json!({})).await;
    scene.automation(&scene.admin().await, json!({})).await;
    scene.next_hour().await;
    assert_eq!(scene.commands(), 1);
    keys::rotate(&scene.hub, KeyKind::Signing, "ada").await.unwrap();
    keys::switch(&scene.hub, KeyKind::Signing, true, "ada").await.unwrap();
    let Err(HubError::Conflict(refused)) = keys::retire(&scene.hub, KeyKind::Signing, false, "ada").await
    else {
        panic!("the command under way would be refused");
    };
    assert!(refused.starts_with("1 commands that signing key") && refused.contains("web-1"), "{refused}");
    scene.end_newest("succeeded").await;
    // What the new key signed is not in the way.
    scene.next_hour().await;
    assert_eq!(scene.commands(), 1);
    keys::retire(&scene.hub, KeyKind::Signing, false, "ada").await.unwrap();
    // By force: a thief's key goes at once.
    scene.end_newest("succeeded").await;
    scene.next_hour().await;
    keys::rotate(&scene.hub, KeyKind::Signing, "ada").await.unwrap();
    keys::switch(&scene.hub, KeyKind::Signing, true, "ada").await.unwrap();
    assert!(keys::retire(&scene.hub, KeyKind::Signing, false, "ada").await.is_err());
    keys::retire(&scene.hub, KeyKind::Signing, true, "ada").await.unwrap();
}
