//! Servers, agents, enrolment and process snapshots.

use watchtower_model::{AgentId, Labels, ServerId};
use watchtower_store::{DbError, Store};

use crate::place::{NOW, Place, at, commit, id};

async fn server(store: &Store, name: &str) -> ServerId {
    let it = id();
    commit(store, Store::insert_server(it, name, &Labels::from_pairs([("env", "a")]), 10_000, NOW)).await;
    it
}

pub async fn a_server_lives_and_leaves_its_key_revoked(place: Place) {
    let store = place.open().await;
    let web = server(&store, "web-1").await;
    let twin = store.commit(vec![Store::insert_server(id(), "web-1", &Labels::empty(), 10_000, NOW)]).await;
    assert!(matches!(twin, Err(DbError::Unique(_))), "{twin:?}");

    let labels = Labels::from_pairs([("env", "b"), ("name", "ü\"\\")]);
    commit(&store, Store::update_server(web, "web-2", &labels, Some(at(50)))).await;
    commit(&store, Store::set_lost(web, Some(at(1)))).await;
    commit(&store, Store::set_goodbye(web, "reboot", at(1))).await;
    commit(&store, Store::set_facts(web, "{\"os\":\"debian\"}")).await;
    let row = store.server(web).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), &row.labels.0, row.lost_at), ("web-2", &labels, Some(at(1))));
    assert_eq!(row.goodbye.as_deref(), Some("reboot"));
    commit(&store, Store::set_last_report(web, at(2), 1000)).await;
    let row = store.server(web).await.unwrap().unwrap();
    assert_eq!((row.lost_at, row.goodbye, row.interval_ms), (None, None, 1000), "a report ends both");

    let agent: AgentId = id();
    commit(&store, Store::insert_enrol_token("t", web, "ada", NOW, at(100))).await;
    store.enrol("t", agent, web, &[0, 255, 7], at(3)).await.unwrap();
    assert_eq!(store.agents().await.unwrap()[0].public_key, [0, 255, 7]);
    store.commit(Store::delete_server(web, at(4))).await.unwrap();
    assert!(store.server(web).await.unwrap().is_none() && store.agents().await.unwrap().is_empty());
    assert_eq!(store.agent(agent).await.unwrap().unwrap().revoked_at, Some(at(4)));
    assert!(store.enrol_token("t").await.unwrap().is_none());
}

pub async fn an_enrolment_token_works_once(place: Place) {
    let store = place.open().await;
    let web = server(&store, "web-1").await;
    commit(&store, Store::insert_enrol_token("used", web, "ada", NOW, at(100))).await;
    commit(&store, Store::insert_enrol_token("late", web, "ada", NOW, at(10))).await;
    commit(&store, Store::insert_enrol_token("next", web, "ada", NOW, at(100))).await;

    let first: AgentId = id();
    store.enrol("used", first, web, b"k1", at(1)).await.unwrap();
    for (token, now) in [("used", 2), ("late", 10), ("unknown", 2)] {
        let refused = store.enrol(token, id(), web, b"k2", at(now)).await;
        assert!(matches!(refused, Err(DbError::Stale)), "{token}: {refused:?}");
    }
    assert_eq!(store.agents().await.unwrap().iter().map(|a| a.id).collect::<Vec<_>>(), [first]);
    assert_eq!(store.enrol_token("used").await.unwrap().unwrap().agent_id, Some(first));

    let second: AgentId = id();
    store.enrol("next", second, web, b"k3", at(3)).await.unwrap();
    assert_eq!(store.agents().await.unwrap().iter().map(|a| a.id).collect::<Vec<_>>(), [second]);
    assert_eq!(store.agent(first).await.unwrap().unwrap().revoked_at, Some(at(3)), "its place is taken");
    assert_eq!(commit(&store, Store::delete_enrol_tokens_before(at(50))).await, 1);
}

pub async fn of_many_agents_with_one_token_one_enrols(place: Place) {
    let store = place.open().await;
    let web = server(&store, "web-1").await;
    commit(&store, Store::insert_enrol_token("t", web, "ada", NOW, at(100))).await;
    let tries: Vec<_> = (0..20)
        .map(|i: u8| {
            let store = store.clone();
            tokio::spawn(async move { store.enrol("t", id(), web, &[i], at(1)).await })
        })
        .collect();
    let mut enrolled = 0;
    for one in tries {
        match one.await.unwrap() {
            Ok(()) => enrolled += 1,
            Err(error) => assert!(matches!(error, DbError::Stale), "{error}"),
        }
    }
    assert_eq!((enrolled, store.agents().await.unwrap().len()), (1, 1));
}

pub async fn processes_are_found_by_time(place: Place) {
    let store = place.open().await;
    let web = server(&store, "web-1").await;
    for minute in [0, 60_000, 120_000] {
        commit(&store, Store::insert_processes(web, at(minute), &minute.to_string())).await;
    }
    assert_eq!(commit(&store, Store::insert_processes(web, at(0), "again")).await, 0);
    let found = store.processes_at(web, at(60_001)).await.unwrap().unwrap();
    assert_eq!((found.at, found.body.as_str()), (at(60_000), "60000"));
    assert!(store.processes_at(web, at(-1)).await.unwrap().is_none());
    assert_eq!(commit(&store, Store::delete_processes_before(at(60_000))).await, 1);
}
