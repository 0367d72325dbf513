//! Changes, remembered answers, the audit log, small facts and the rules' states.

use std::collections::BTreeSet;

use watchtower_model::RuleId;
use watchtower_store::{Statement, Store, args};

use crate::place::{NOW, Place, at, commit, id};

pub async fn changes_are_seen_in_the_order_of_commits(place: Place) {
    let store = place.open().await;
    assert_eq!(store.change_bounds().await.unwrap(), (0, 0));
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for i in 0..25 {
                    // A slow transaction between two quick ones is what would let a later number be seen first.
                    let filler = (0..i % 5).map(|n| Store::set_meta_statement(&format!("{writer}-{n}"), "x"));
                    let change = Store::insert_change("server", format!("{writer}-{i}"), NOW);
                    store.commit(std::iter::once(change).chain(filler).collect()).await.unwrap();
                }
            })
        })
        .collect();
    // A reader that resumes behind what it saw last must see every change.
    let mut seen = BTreeSet::new();
    let mut last = 0;
    while seen.len() < 200 {
        for row in store.changes_after(last, 10).await.unwrap() {
            assert!(row.sequence > last);
            last = row.sequence;
            seen.insert(row.object_id);
        }
        let ended = writers.iter().all(tokio::task::JoinHandle::is_finished);
        assert!(
            !ended || seen.len() == 200 || !store.changes_after(last, 1).await.unwrap().is_empty(),
            "{} changes were skipped",
            200 - seen.len()
        );
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(commit(&store, Store::delete_changes_before(at(1))).await, 200);
    commit(&store, Store::insert_change("server", "x", NOW)).await;
    assert!(store.change_bounds().await.unwrap().0 > last, "a number is never used again");
}

pub async fn an_answer_is_remembered(place: Place) {
    let store = place.open().await;
    for (hash, status) in [("one", 201), ("two", 409)] {
        commit(&store, Store::save_idempotent_reply("k", hash, status, "{}", NOW)).await;
    }
    let found = store.idempotent_reply("k").await.unwrap().unwrap();
    assert_eq!((found.body_hash.as_str(), found.status), ("one", 201), "the first answer stands");
    commit(&store, Store::delete_idempotency_before(at(1))).await;
    assert!(store.idempotent_reply("k").await.unwrap().is_none());
}

pub async fn the_audit_log_shows_tampering(place: Place) {
    let store = place.open().await;
    for i in 0..5 {
        store.append_audit(at(i), "ada", "server.create", &format!("web-{i}"), "{}").await.unwrap();
    }
    assert_eq!(store.verify_audit().await.unwrap(), None);
    let newest = store.audit(i64::MAX, Some("ada"), Some("server.create"), 2).await.unwrap();
    assert_eq!(newest.iter().map(|a| a.sequence).collect::<Vec<_>>(), [5, 4]);
    assert!(store.audit(i64::MAX, Some("eve"), None, 2).await.unwrap().is_empty());

    let forged = Statement::new("UPDATE audit SET actor = 'eve' WHERE sequence = $1", args![3]);
    commit(&store, forged).await;
    assert_eq!(store.verify_audit().await.unwrap(), Some(3));
    let mended = Statement::new("UPDATE audit SET actor = 'ada' WHERE sequence = $1", args![3]);
    commit(&store, mended).await;
    assert_eq!(store.verify_audit().await.unwrap(), None);
    commit(&store, Statement::new("DELETE FROM audit WHERE sequence = $1", args![2])).await;
    assert_eq!(store.verify_audit().await.unwrap(), Some(3), "a gap breaks the chain");
}

pub async fn concurrent_audit_entries_make_one_chain(place: Place) {
    let store = place.open().await;
    let writers: Vec<_> = (0..8)
        .map(|i| {
            let store = store.clone();
            tokio::spawn(async move { store.append_audit(NOW, "ada", "x", &i.to_string(), "").await })
        })
        .collect();
    for one in writers {
        one.await.unwrap().unwrap();
    }
    assert_eq!(store.verify_audit().await.unwrap(), None);
    assert_eq!(store.audit(i64::MAX, None, None, 100).await.unwrap().len(), 8);
}

pub async fn small_facts_and_rule_states_are_replaced(place: Place) {
    let store = place.open().await;
    assert_eq!(store.meta("k").await.unwrap(), None);
    for value in ["one", "two"] {
        store.set_meta("k", value).await.unwrap();
    }
    assert_eq!(store.meta("k").await.unwrap().as_deref(), Some("two"));
    store.delete_meta("k").await.unwrap();
    assert_eq!(store.meta("k").await.unwrap(), None);

    let rule: RuleId = id();
    for (part, body) in [("", "a"), ("web", "b"), ("web", "c")] {
        commit(&store, Store::save_rule_state(rule, part, body, NOW)).await;
    }
    let states = store.rule_states().await.unwrap();
    assert_eq!(states.len(), 2);
    assert!(states.iter().any(|s| s.part == "web" && s.body == "c"));
    assert_eq!(commit(&store, Store::delete_rule_state(rule, "")).await, 1);
    assert_eq!(commit(&store, Store::delete_rule_states_of_part("web")).await, 1);
    assert_eq!(commit(&store, Store::delete_rule_states_of(rule)).await, 0);
}
