//! Messages that must reach people: claimed by one, fenced, cancelled by an acknowledgement.

use std::collections::BTreeSet;

use watchtower_model::{ChannelId, IncidentId};
use watchtower_store::{NOT_SENT, OutboxRow, Store, TO_COMPLETION};

use crate::incidents::incident;
use crate::place::{NOW, Place, at, commit, id};

fn message(incident: IncidentId, key: &str, kind: &str, generation: i64) -> OutboxRow {
    OutboxRow {
        id: id(),
        idem_key: key.into(),
        incident_id: incident,
        generation,
        kind: kind.into(),
        channel_id: ChannelId(watchtower_model::Id::NIL),
        body: "{}".into(),
        state: "pending".into(),
        attempts: 0,
        created_at: NOW,
        next_at: Some(NOW),
        lease_until: None,
        delivered_at: None,
        last_error: None,
        handle: None,
    }
}

/// A store with an incident and its messages.
async fn with_messages(place: &Place, messages: &[(&str, &str, i64)]) -> (Store, IncidentId) {
    let store = place.open().await;
    let row = incident(1, "g");
    commit(&store, Store::insert_incident(&row)).await;
    for (key, kind, generation) in messages {
        commit(&store, Store::insert_outbox(&message(row.id, key, kind, *generation))).await;
    }
    (store, row.id)
}

pub async fn a_message_is_claimed_by_one_of_many(place: Place) {
    let keys: Vec<String> = (0..40).map(|i| i.to_string()).collect();
    let messages: Vec<_> = keys.iter().map(|key| (key.as_str(), "page", 1)).collect();
    let (store, incident) = with_messages(&place, &messages).await;
    assert_eq!(
        commit(&store, Store::insert_outbox(&message(incident, "0", "page", 1))).await,
        0,
        "the same key again"
    );
    let claimers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let claimed = store.claim_outbox(at(1), 1000, 3).await.unwrap();
                    if claimed.is_empty() {
                        return mine;
                    }
                    mine.extend(claimed.into_iter().map(|row| row.id));
                }
            })
        })
        .collect();
    let mut claimed = BTreeSet::new();
    for one in claimers {
        for id in one.await.unwrap() {
            assert!(claimed.insert(id), "claimed twice");
        }
    }
    assert_eq!(claimed.len(), 40);
}

pub async fn a_lease_that_runs_out_is_claimed_again_and_fenced(place: Place) {
    let (store, incident) = with_messages(&place, &[("a", "page", 1)]).await;
    assert_eq!(store.oldest_due_outbox().await.unwrap(), Some(NOW));
    assert!(store.claim_outbox(at(-1), 1000, 10).await.unwrap().is_empty(), "not due yet");
    let first = store.claim_outbox(NOW, 1000, 10).await.unwrap().remove(0);
    assert_eq!((first.attempts, first.state.as_str()), (1, "sending"));
    assert!(store.claim_outbox(at(999), 1000, 10).await.unwrap().is_empty(), "the lease holds");
    let second = store.claim_outbox(at(1000), 1000, 10).await.unwrap().remove(0);
    assert_eq!(second.attempts, 2);

    assert!(!store.may_send(first.id, first.attempts).await.unwrap(), "the first sender was too slow");
    assert!(store.may_send(second.id, second.attempts).await.unwrap());
    assert_eq!(commit(&store, Store::outbox_failed(first.id, first.attempts, "late", None)).await, 0);
    assert_eq!(commit(&store, Store::outbox_delivered(first.id, first.attempts, at(1001), None)).await, 0);
    assert_eq!(
        commit(&store, Store::outbox_delivered(second.id, second.attempts, at(1002), Some("ts 1".into())))
            .await,
        1
    );
    assert!(store.claim_outbox(at(9000), 1000, 10).await.unwrap().is_empty(), "delivered is delivered");
    assert_eq!(store.outbox_of(incident).await.unwrap()[0].delivered_at, Some(at(1002)));
    assert_eq!(store.oldest_due_outbox().await.unwrap(), None);
}

pub async fn what_a_dead_sender_held_is_released(place: Place) {
    let (store, _) = with_messages(&place, &[("held", "page", 1), ("later", "page", 1)]).await;
    let claimed = store.claim_outbox(NOW, 45_000, 10).await.unwrap();
    commit(&store, Store::outbox_failed(claimed[1].id, 1, "busy", Some(at(2000)))).await;
    assert_eq!(store.release_outbox(at(10)).await.unwrap(), 1, "what waits for its next try goes on waiting");
    let again = store.claim_outbox(at(10), 45_000, 10).await.unwrap();
    assert_eq!((again.len(), again[0].id, again[0].attempts), (1, claimed[0].id, 2));
    assert!(!store.may_send(claimed[0].id, 1).await.unwrap(), "the dead sender's attempt is over");
}

pub async fn an_acknowledgement_stops_pages_even_under_way(place: Place) {
    let messages =
        [("page-1", "page", 1), ("page-2", "page", 1), ("resolve", "resolve", 1), ("next", "page", 2)];
    let (store, incident) = with_messages(&place, &messages).await;
    let under_way = store.claim_outbox(NOW, 1000, 1).await.unwrap().remove(0);
    assert_eq!(
        commit(&store, Store::cancel_pages(incident, 2)).await,
        2,
        "the pages of generation 1, not the rest"
    );
    assert_eq!(under_way.kind, "page");
    assert!(!store.may_send(under_way.id, under_way.attempts).await.unwrap());
    assert_eq!(
        commit(&store, Store::outbox_failed(under_way.id, 1, "x", Some(at(5)))).await,
        0,
        "it stays cancelled"
    );
    let left = store.claim_outbox(at(5000), 1000, 10).await.unwrap();
    let mut keys: Vec<_> = left.iter().map(|row| row.idem_key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["next", "resolve"]);
}

pub async fn what_was_cancelled_in_its_senders_hands_says_that_it_was_not_sent(place: Place) {
    let (store, incident) = with_messages(&place, &[("k", "page", 1), ("lost", "page", 1)]).await;
    let mut claimed = store.claim_outbox(at(1), 1000, 10).await.unwrap();
    claimed.sort_by(|a, b| a.idem_key.cmp(&b.idem_key));
    // The sender of the second died; who knows what arrived.
    commit(&store, Store::outbox_failed(claimed[0].id, 1, "503", Some(at(90)))).await;
    let again = store.claim_outbox(at(2000), 1000, 10).await.unwrap();
    let lost = again.iter().find(|row| row.idem_key == "lost").unwrap();
    assert_eq!((lost.attempts, lost.last_error.as_deref()), (2, None));
    commit(&store, Store::insert_outbox(&message(incident, "new", "page", 1))).await;
    let new = store.claim_outbox(at(2001), 1000, 10).await.unwrap().remove(0);
    assert_eq!(commit(&store, Store::outbox_not_sent(new.id, 1)).await, 0, "it still may be");
    commit(&store, Store::cancel_pages(incident, 2)).await;
    assert_eq!(commit(&store, Store::outbox_not_sent(new.id, 1)).await, 1);
    assert_eq!(commit(&store, Store::outbox_not_sent(lost.id, 2)).await, 0);
    let errors: Vec<_> =
        store.outbox_of(incident).await.unwrap().into_iter().map(|row| row.last_error).collect();
    assert!(errors.contains(&Some(NOT_SENT.to_string())) && errors.contains(&None), "{errors:?}");
    let last = store.last_deliveries(ChannelId(watchtower_model::Id::NIL)).await.unwrap();
    assert_eq!(last.error.as_deref(), Some("503"), "that is no fault of the channel");
}

pub async fn retries_and_giving_up_are_visible(place: Place) {
    let (store, _) = with_messages(&place, &[("a", "page", 1), ("b", "page", 1)]).await;
    let claimed = store.claim_outbox(NOW, 1000, 10).await.unwrap();
    commit(&store, Store::outbox_failed(claimed[0].id, 1, "no route", Some(at(50)))).await;
    commit(&store, Store::outbox_failed(claimed[1].id, 1, "gone", None)).await;
    assert!(store.claim_outbox(at(49), 1000, 10).await.unwrap().is_empty());
    let again = store.claim_outbox(at(50), 1000, 10).await.unwrap();
    assert_eq!((again.len(), again[0].id, again[0].attempts), (1, claimed[0].id, 2));
    let channel = claimed[0].channel_id;
    let lately = store.last_deliveries(channel).await.unwrap();
    assert!(lately.delivered_at.is_none() && lately.error.is_some(), "{lately:?}");
    commit(&store, Store::outbox_delivered(again[0].id, 2, at(60), None)).await;
    assert_eq!(store.last_deliveries(channel).await.unwrap().delivered_at, Some(at(60)));
}

pub async fn what_waits_for_its_time_is_hurried_or_dropped_by_its_step(place: Place) {
    let (store, incident) = with_messages(&place, &[("i/0/0/0/a", "page", 0)]).await;
    let later = |key: &str| OutboxRow { next_at: Some(at(9_000)), ..message(incident, key, "page", 0) };
    let kept = format!("i/0/0/0/d{TO_COMPLETION}");
    for key in ["i/0/0/0/b", "i/0/0/1/a", &kept] {
        commit(&store, Store::insert_outbox(&later(key))).await;
    }
    let tried = later("i/0/0/0/c");
    commit(&store, Store::insert_outbox(&OutboxRow { next_at: Some(NOW), ..tried })).await;
    let claimed = store.claim_outbox(NOW, 1_000, 10).await.unwrap();
    assert_eq!(claimed.len(), 2, "what waits is not claimed");
    let retried = claimed.iter().find(|row| row.idem_key == "i/0/0/0/c").expect("it is due");
    commit(&store, Store::outbox_failed(retried.id, 1, "503", Some(at(5_000)))).await;

    // The step that begins keeps its own; what was due, or is tried again, is not dropped by it.
    assert_eq!(commit(&store, Store::cancel_delayed_pages(incident, "i/0/0/1/", at(1))).await, 1);
    let rows = store.outbox_of(incident).await.unwrap();
    let state = |key: &str| rows.iter().find(|row| row.idem_key == key).expect("it is there").state.as_str();
    assert_eq!(
        ["i/0/0/0/a", "i/0/0/0/b", "i/0/0/0/c", "i/0/0/1/a", &kept].map(state),
        ["sending", "cancelled", "pending", "pending", "pending"]
    );

    let waiting = rows.iter().find(|row| row.idem_key == "i/0/0/1/a").expect("it is there");
    assert_eq!(commit(&store, Store::hurry_outbox(waiting.id, at(1))).await, 1);
    assert_eq!(commit(&store, Store::hurry_outbox(waiting.id, at(1))).await, 0, "it is due already");
    assert_eq!(commit(&store, Store::hurry_outbox(retried.id, at(1))).await, 0, "it has its own time");
    let due: Vec<_> = store.claim_outbox(at(1), 1_000, 10).await.unwrap();
    assert_eq!(due.iter().map(|row| row.id).collect::<Vec<_>>(), [waiting.id]);
}
