//! Due times of automations, and their answers.

use std::sync::Arc;

use watchtower_model::{AutomationId, Timestamp};
use watchtower_store::{DbError, FIRINGS_KEPT, FiringRow, Store};

use crate::place::{NOW, Place, at, commit, id};

fn firing(automation: AutomationId, due_at: Timestamp, state: &str) -> FiringRow {
    FiringRow {
        id: id(),
        automation_id: automation,
        due_at,
        state: state.into(),
        body: "{}".into(),
        run_id: None,
        created_at: due_at,
        finished_at: (!matches!(state, "waiting" | "running")).then_some(due_at),
    }
}

pub async fn due_times_are_found_and_moved_on_once(place: Place) {
    let store = place.open().await;
    let (early, late): (AutomationId, AutomationId) = (id(), id());
    commit(&store, Store::set_due(late, at(50))).await;
    commit(&store, Store::set_due(early, at(90))).await;
    commit(&store, Store::set_due(early, at(10))).await;
    commit(&store, Store::ensure_due(early, at(1))).await;
    assert!(store.due_at(at(9), 10).await.unwrap().is_empty());
    let due = store.due_at(at(50), 10).await.unwrap();
    assert_eq!(due.iter().map(|row| row.automation_id).collect::<Vec<_>>(), [early, late]);
    assert_eq!(store.due_at(at(50), 1).await.unwrap().len(), 1);
    commit(&store, Store::move_due(early, at(10), Some(at(70)))).await;
    let again = store.commit(vec![Store::move_due(early, at(10), Some(at(70)))]).await;
    assert!(matches!(again, Err(DbError::Stale)), "{again:?}");
    assert_eq!(store.due_of(early).await.unwrap(), Some(at(70)));
    commit(&store, Store::move_due(early, at(70), None)).await;
    commit(&store, Store::ensure_due(early, at(80))).await;
    assert_eq!(store.due_of(early).await.unwrap(), Some(at(80)));
    commit(&store, Store::clear_due(early)).await;
    commit(&store, Store::clear_due(late)).await;
    assert_eq!((store.due_of(early).await.unwrap(), store.due_of(late).await.unwrap()), (None, None));
}

/// Many hubs look at the same due time; one of them answers it, wholly.
pub async fn of_many_that_answer_a_due_time_one_does(place: Place) {
    let store = Arc::new(place.open().await);
    let automation: AutomationId = id();
    commit(&store, Store::set_due(automation, NOW)).await;
    let answers = (0..16).map(|_| {
        let store = Arc::clone(&store);
        let row = FiringRow { run_id: Some(id()), ..firing(automation, NOW, "running") };
        tokio::spawn(async move {
            let claim = vec![Store::move_due(automation, NOW, Some(at(60_000))), Store::insert_firing(&row)];
            store.commit(claim).await.is_ok()
        })
    });
    let mut answered = 0;
    for answer in answers.collect::<Vec<_>>() {
        answered += usize::from(answer.await.unwrap());
    }
    assert_eq!(answered, 1);
    assert_eq!(store.firings_of(automation, 10).await.unwrap().len(), 1);
    // Nor is it answered again when the timetable says so, as that of a restored database does.
    commit(&store, Store::set_due(automation, NOW)).await;
    let claim = vec![
        Store::move_due(automation, NOW, Some(at(60_000))),
        Store::insert_firing(&firing(automation, NOW, "running")),
    ];
    let again = store.commit(claim).await;
    assert!(matches!(again, Err(DbError::Unique(_))), "{again:?}");
}

pub async fn a_firing_waits_runs_and_ends_once(place: Place) {
    let store = place.open().await;
    let automation: AutomationId = id();
    let waiting = firing(automation, NOW, "waiting");
    commit(&store, Store::insert_firing(&waiting)).await;
    let run = id();
    let running = FiringRow { state: "running".into(), run_id: Some(run), ..waiting.clone() };
    commit(&store, Store::answer_waiting_firing(&running)).await;
    let again = store.commit(vec![Store::answer_waiting_firing(&running)]).await;
    assert!(matches!(again, Err(DbError::Stale)), "{again:?}");
    assert_eq!(store.firing_of_run(run).await.unwrap().map(|row| row.id), Some(waiting.id));
    assert_eq!(store.open_firings().await.unwrap().len(), 1);
    commit(&store, Store::end_firing(waiting.id, "succeeded", at(5))).await;
    assert!(store.commit(vec![Store::end_firing(waiting.id, "failed", at(6))]).await.is_err());
    assert!(store.open_firings().await.unwrap().is_empty());
    let ended = store.firing(waiting.id).await.unwrap().unwrap();
    assert_eq!((ended.state.as_str(), ended.finished_at), ("succeeded", Some(at(5))));
}

pub async fn the_history_of_an_automation_is_bounded(place: Place) {
    let store = place.open().await;
    let (one, other): (AutomationId, AutomationId) = (id(), id());
    let mut all = vec![Store::insert_firing(&firing(other, at(-5), "observed"))];
    // What is not over stays, however old.
    all.push(Store::insert_firing(&firing(one, at(-9), "running")));
    all.extend((0..FIRINGS_KEPT + 20).map(|n| Store::insert_firing(&firing(one, at(n), "succeeded"))));
    store.commit(all).await.unwrap();
    assert_eq!(commit(&store, Store::trim_firings(one)).await, 20);
    let kept = store.firings_of(one, 1000).await.unwrap();
    assert_eq!(kept.len() as i64, FIRINGS_KEPT + 1);
    assert_eq!(kept[0].due_at, at(FIRINGS_KEPT + 19));
    assert_eq!(kept.last().unwrap().due_at, at(-9));
    assert_eq!(commit(&store, Store::trim_firings(one)).await, 0);
    commit(&store, Store::delete_firings_of(one)).await;
    assert!(store.firings_of(one, 10).await.unwrap().is_empty());
    assert_eq!(store.firings_of(other, 10).await.unwrap().len(), 1);
}
