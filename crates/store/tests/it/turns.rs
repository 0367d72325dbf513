//! Work that one hub does at a time.

use watchtower_store::{Reached, Store, Turn};

use crate::place::{NOW, Place, at};

async fn reach(store: &Store, holder: &str, now: i64, until: i64) -> Option<Turn> {
    match store.take_turn("work", holder, at(now), at(until)).await.unwrap() {
        Reached::Held(turn) => Some(turn),
        Reached::Busy(_) => None,
    }
}

pub async fn a_turn_is_held_by_one_of_many_and_goes_on_where_it_was(place: Place) {
    let store = place.open().await;
    let reaching = (0..8).map(|hub| {
        let store = store.clone();
        tokio::spawn(async move { reach(&store, &format!("hub {hub}"), 0, 60).await.map(|turn| (hub, turn)) })
    });
    let mut held = Vec::new();
    for task in reaching.collect::<Vec<_>>() {
        held.extend(task.await.unwrap());
    }
    assert_eq!(held.len(), 1, "{held:?}");
    let (hub, mut turn) = held.remove(0);
    assert_eq!(turn.mark(), 0);
    assert!(store.keep_turn(&mut turn, 7, at(100)).await.unwrap());
    let holder = format!("hub {hub}");
    assert_eq!(reach(&store, &holder, 50, 120).await.map(|turn| turn.mark()), Some(7), "its own");
    match store.take_turn("work", "another", at(119), at(200)).await.unwrap() {
        Reached::Busy(until) => assert_eq!(until, at(120)),
        Reached::Held(turn) => panic!("{turn:?}"),
    }
    assert_eq!(reach(&store, "another", 120, 200).await.map(|turn| turn.mark()), Some(7));
    let other = store.take_turn("other work", "hub 9", NOW, at(60)).await.unwrap();
    assert!(matches!(other, Reached::Held(_)), "{other:?}");
}

pub async fn whoever_lost_a_turn_marks_nothing(place: Place) {
    let store = place.open().await;
    let mut slow = reach(&store, "slow", 0, 60).await.unwrap();
    let mut quick = reach(&store, "quick", 60, 120).await.unwrap();
    assert!(store.keep_turn(&mut quick, 5, at(130)).await.unwrap());
    assert!(!store.keep_turn(&mut slow, 9, at(130)).await.unwrap());
    assert_eq!(reach(&store, "quick", 70, 130).await.map(|turn| turn.mark()), Some(5));
}
