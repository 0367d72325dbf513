//! Keys by their ids, and the secrets that they seal.

use watchtower_model::{AgentId, CredentialId, Labels, ServerId};
use watchtower_store::objects::{self, Object};
use watchtower_store::{CredentialRow, DbError, HubKeyRow, RunRow, Sealer, Store, master_key_id};

use crate::place::{NOW, Place, at, commit, id};

fn row(key_id: &str, kind: &str, state: &str, bundle_version: i64) -> HubKeyRow {
    HubKeyRow {
        id: key_id.into(),
        kind: kind.into(),
        state: state.into(),
        bundle_version,
        created_at: NOW,
        switched_at: None,
        ended_at: None,
    }
}

pub async fn a_key_is_published_used_and_ended_once(place: Place) {
    let store = place.open().await;
    commit(&store, Store::insert_hub_key(&row("old", "signing", "active", 1))).await;
    commit(&store, Store::insert_hub_key(&row("new", "signing", "published", 2))).await;
    let stale = |statement| async { matches!(store.commit(vec![statement]).await, Err(DbError::Stale)) };
    assert!(stale(Store::end_hub_key("old", NOW)).await, "a key in use does not end");
    let switch = || vec![Store::relieve_hub_key("old"), Store::activate_hub_key("new", at(5))];
    store.commit(switch()).await.unwrap();
    assert!(matches!(store.commit(switch()).await, Err(DbError::Stale)));
    commit(&store, Store::end_hub_key("old", at(9))).await;
    assert!(stale(Store::end_hub_key("old", at(10))).await);
    let kept = store.hub_keys().await.unwrap();
    let states: Vec<_> = kept.iter().map(|key| (key.id.as_str(), key.state.as_str())).collect();
    assert_eq!(states, [("old", "retired"), ("new", "active")]);
    assert_eq!((kept[0].ended_at, kept[1].switched_at), (Some(at(9)), Some(at(5))));
    assert_eq!(commit(&store, Store::delete_hub_keys_ended_before(at(9))).await, 0);
    assert_eq!(commit(&store, Store::delete_hub_keys_ended_before(at(10))).await, 1);
    assert_eq!(store.hub_keys().await.unwrap(), kept[1..], "what has not ended stays");
}

pub async fn what_agents_hold_is_kept(place: Place) {
    let store = place.open().await;
    let (server, agent): (ServerId, AgentId) = (id(), id());
    commit(&store, Store::insert_server(server, "web-1", &Labels::empty(), 1_000, NOW)).await;
    commit(&store, Store::insert_enrol_token("hash", server, "ada", NOW, at(100))).await;
    store.enrol("hash", agent, server, &[1; 32], at(1)).await.unwrap();
    let before = store.agent(agent).await.unwrap().unwrap();
    assert_eq!((before.bundle_version, before.executor_bundle_version), (1, None));
    commit(&store, Store::set_agent_trust(agent, 3, Some(2))).await;
    let after = store.agent(agent).await.unwrap().unwrap();
    assert_eq!((after.bundle_version, after.executor_bundle_version), (3, Some(2)));
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Channel {
    name: String,
    sealed: String,
}

impl Object for Channel {
    const KIND: &'static str = "channel";
    fn name(&self) -> String {
        self.name.clone()
    }
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Automation {
    name: String,
    sealed: Option<String>,
}

impl Object for Automation {
    const KIND: &'static str = "automation";
    fn name(&self) -> String {
        self.name.clone()
    }
}

pub async fn every_sealed_secret_is_found_and_replaced(place: Place) {
    let store = place.open().await;
    let (old, new) = (Sealer::new([7; 32], [1; 32]), Sealer::new([8; 32], [1; 32]));
    let (old_id, new_id) = (master_key_id(&[7; 32]), master_key_id(&[8; 32]));
    let credential = CredentialRow {
        id: CredentialId(id()),
        name: "fleet key".into(),
        kind: "key".into(),
        user_name: "ops".into(),
        sealed: String::new(),
        created_by: "ada".into(),
        created_at: NOW,
        last_used_at: None,
    };
    let sealed = old.seal(&format!("credential:{}", credential.id), b"credential").unwrap();
    commit(&store, Store::insert_credential(&CredentialRow { sealed, ..credential.clone() })).await;
    let channel: watchtower_model::Id = id();
    let body = |name: &str| Channel {
        name: name.into(),
        sealed: old.seal(&format!("channel:{channel}"), b"channel").unwrap(),
    };
    store.commit(objects::insert(channel, &body("ops"), "ada", NOW)).await.unwrap();
    store.commit(objects::update(channel, 1, &body("ops 2"), "ada", NOW)).await.unwrap();
    let reply = old.seal("idempotency:k", b"reply").unwrap();
    store.commit(Store::claim_idempotency("k", "hash", NOW, at(-5))).await.unwrap();
    commit(&store, Store::save_idempotent_reply("k", "hash", 200, &reply, NOW)).await;
    store.commit(Store::claim_idempotency("under way", "hash", NOW, at(-5))).await.unwrap();

    let automation: watchtower_model::Id = id();
    let secrets = old.seal(&format!("automation:{automation}"), b"automation").unwrap();
    for (id, name, sealed) in [(automation, "nightly", Some(secrets)), (id(), "without", None)] {
        let body = Automation { name: name.into(), sealed };
        store.commit(objects::insert(id, &body, "ada", NOW)).await.unwrap();
    }
    let run = crate::runs::run(1);
    let sealed = old.seal(&format!("run:{}", run.id), b"run").unwrap();
    commit(&store, Store::insert_run(&RunRow { sealed, ..run })).await;
    commit(&store, Store::insert_run(&crate::runs::run(2))).await;

    // The channel and the automation as they are, and their versions.
    assert_eq!(store.count_sealed_with(&old_id).await.unwrap(), 8);
    assert_eq!(store.count_sealed_otherwise([&old_id, &new_id]).await.unwrap(), 0);
    assert_eq!(store.count_sealed_otherwise([&new_id, &new_id]).await.unwrap(), 8);
    loop {
        let found = store.sealed_with(&old_id, 1).await.unwrap();
        let Some(row) = found.first() else { break };
        let plain = old.open(&row.context, &row.sealed).unwrap();
        assert!(row.context.as_bytes().starts_with(&plain) || plain == b"reply", "{}", row.context);
        commit(&store, Store::reseal(row, &new.seal(&row.context, &plain).unwrap())).await;
        assert_eq!(commit(&store, Store::reseal(row, "lost")).await, 0, "it is not what was read any more");
    }
    assert_eq!(store.count_sealed_with(&new_id).await.unwrap(), 8);
    let stored = store.object::<Channel>(channel).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.body.name.as_str()), (2, "ops 2"));
    assert_eq!(new.open(&format!("channel:{channel}"), &stored.body.sealed).unwrap(), b"channel");
}
