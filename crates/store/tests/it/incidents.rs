//! Incidents, their timeline and their numbers.

use std::collections::BTreeSet;

use watchtower_model::{IncidentId, Severity};
use watchtower_store::{AlertRow, DbError, IncidentFilter, IncidentRow, NewTimelineEntry, Store};

use crate::happenings::alert;
use crate::place::{NOW, Place, at, commit, id};

pub fn incident(number: i64, group: &str) -> IncidentRow {
    IncidentRow {
        id: id(),
        number,
        title: format!("Disk {number} 100%_full"),
        state: "triggered".into(),
        severity: Severity::Critical,
        service_id: watchtower_model::ServiceId(watchtower_model::Id::NIL),
        server_id: Some(id()),
        test: false,
        group_key: group.into(),
        generation: 1,
        revision: 1,
        next_wake_at: Some(at(number * 10)),
        triggered_at: at(number),
        acknowledged_at: None,
        first_acknowledged_at: None,
        resolved_at: None,
        repair: None,
        merged_into: None,
        body: "{}".into(),
        processes: Some("[]".into()),
    }
}

pub async fn a_write_on_an_old_reading_is_stale(place: Place) {
    let store = place.open().await;
    let row = incident(1, "g");
    commit(&store, Store::insert_incident(&row)).await;
    let writers: Vec<_> = (0..10)
        .map(|i| {
            let store = store.clone();
            let mut mine = row.clone();
            mine.body = format!("{{\"writer\":{i}}}");
            mine.generation = 2;
            tokio::spawn(async move { store.commit(vec![Store::update_incident(&mine)]).await })
        })
        .collect();
    let mut written = 0;
    for one in writers {
        match one.await.unwrap() {
            Ok(_) => written += 1,
            Err(error) => assert!(matches!(error, DbError::Stale), "{error}"),
        }
    }
    let found = store.incident(row.id).await.unwrap().unwrap();
    assert_eq!((written, found.revision, found.generation), (1, 2, 2));
    assert_eq!(found.processes.as_deref(), Some("[]"));
}

pub async fn one_open_incident_per_group(place: Place) {
    let store = place.open().await;
    let mut first = incident(1, "g");
    commit(&store, Store::insert_incident(&first)).await;
    let second = store.commit(vec![Store::insert_incident(&incident(2, "g"))]).await;
    assert!(matches!(second, Err(DbError::Unique(_))), "{second:?}");
    first.state = "resolved".into();
    first.resolved_at = Some(at(5));
    first.next_wake_at = None;
    commit(&store, Store::update_incident(&first)).await;
    let next = incident(2, "g");
    commit(&store, Store::insert_incident(&next)).await;
    let open = store.open_incident_of_group(next.service_id, "g").await.unwrap().unwrap();
    assert_eq!(open.id, next.id);
    assert_eq!(store.open_incidents().await.unwrap().len(), 1);
    assert_eq!(commit(&store, Store::delete_incidents_before(at(100))).await, 1);
}

pub async fn what_ended_of_a_group_is_found_the_last_first(place: Place) {
    let store = place.open().await;
    let ended = |number: i64, group: &str, resolved: Option<i64>, test: bool| IncidentRow {
        state: if resolved.is_some() { "resolved" } else { "triggered" }.into(),
        resolved_at: resolved.map(at),
        test,
        ..incident(number, group)
    };
    let merged = IncidentRow { merged_into: Some(id()), ..ended(7, "g", Some(30), false) };
    for row in [
        merged,
        ended(1, "g", Some(5), false),
        ended(2, "g", Some(9), false),
        ended(3, "g", Some(9), false),
        ended(4, "g", Some(20), true),
        ended(5, "other", Some(30), false),
        ended(6, "g", None, false),
    ] {
        commit(&store, Store::insert_incident(&row)).await;
        commit(&store, Store::update_incident(&row)).await;
    }
    let service = incident(1, "g").service_id;
    let found = store.ended_incidents_of_group(service, "g", 10).await.unwrap();
    assert_eq!(
        found,
        [(3, at(9)), (2, at(9)), (1, at(5))],
        "neither drills, nor what is open or goes on elsewhere"
    );
    assert_eq!(store.ended_incidents_of_group(service, "g", 2).await.unwrap().len(), 2);
}

pub async fn incidents_are_filtered_and_paged(place: Place) {
    let store = place.open().await;
    for number in 1..=5 {
        let mut row = incident(number, &number.to_string());
        if number % 2 == 0 {
            row.state = "acknowledged".into();
            row.first_acknowledged_at = Some(at(number + 3));
        }
        row.test = number == 5;
        commit(&store, Store::insert_incident(&row)).await;
    }
    let numbers = |filter: IncidentFilter| {
        let store = store.clone();
        async move {
            let found = store.incidents(&IncidentFilter { limit: 10, ..filter }).await.unwrap();
            found.into_iter().map(|i| i.number).collect::<Vec<_>>()
        }
    };
    let states = |states: &[&str]| states.iter().map(|s| s.to_string()).collect::<Vec<_>>();
    assert_eq!(numbers(IncidentFilter::default()).await, [5, 4, 3, 2, 1]);
    assert_eq!(
        numbers(IncidentFilter { states: states(&["acknowledged"]), ..Default::default() }).await,
        [4, 2]
    );
    let both = IncidentFilter {
        states: states(&["acknowledged", "triggered"]),
        before: Some(3),
        ..Default::default()
    };
    assert_eq!(numbers(both).await, [2, 1]);
    assert_eq!(numbers(IncidentFilter { text: Some("DISK 3".into()), ..Default::default() }).await, [3]);
    assert_eq!(numbers(IncidentFilter { text: Some("100%_".into()), ..Default::default() }).await.len(), 5);
    assert_eq!(
        numbers(IncidentFilter { text: Some("100__".into()), ..Default::default() }).await,
        Vec::<i64>::new()
    );
    assert_eq!(
        numbers(IncidentFilter { text: Some("\\".into()), ..Default::default() }).await,
        Vec::<i64>::new()
    );
    assert_eq!(store.find_incident("4").await.unwrap().unwrap().number, 4);
    assert!(store.find_incident("no such").await.unwrap().is_none());
    assert!(store.find_incident("99999999999999999999").await.unwrap().is_none());
    let due = store.due_incidents(at(30), 10).await.unwrap();
    assert_eq!(due.iter().map(|i| i.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(store.incident_stats(at(2)).await.unwrap().len(), 4, "without the drill");
}

pub async fn a_timeline_entry_is_told_once(place: Place) {
    let store = place.open().await;
    let row = incident(1, "g");
    commit(&store, Store::insert_incident(&row)).await;
    let entry = |idem: &str, text: &str| NewTimelineEntry {
        incident_id: row.id,
        at: NOW,
        kind: "note".into(),
        actor: "ada".into(),
        text: text.into(),
        detail: Some("{}".into()),
        run_id: Some(id()),
        idem: idem.into(),
    };
    for (idem, text) in [("a", "one"), ("a", "one again"), ("b", "two")] {
        commit(&store, Store::insert_timeline(&entry(idem, text))).await;
    }
    let told = store.timeline(row.id).await.unwrap();
    assert_eq!(told.iter().map(|t| t.text.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(store.recent_timeline(1).await.unwrap()[0].text, "two");
    let stranger = NewTimelineEntry { incident_id: id::<IncidentId>(), ..entry("c", "") };
    let refused = store.commit(vec![Store::insert_timeline(&stranger)]).await;
    assert!(matches!(refused, Err(DbError::ForeignKey(_))), "{refused:?}");
}

pub async fn numbers_are_never_given_twice(place: Place) {
    let store = place.open().await;
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.next_number("incident").await.unwrap() })
        })
        .collect();
    let mut given = BTreeSet::new();
    for one in asked {
        assert!(given.insert(one.await.unwrap()), "a number came twice");
    }
    assert_eq!((given.len(), store.next_number("run").await.unwrap()), (50, 1));
    assert!(store.next_number("unheard").await.is_err());
}

pub async fn incidents_that_may_gather_more_are_found_by_their_source(place: Place) {
    let store = place.open().await;
    let mut rows = Vec::new();
    for (number, group) in
        ["rule:1/a", "rule:1/b", "rule:10/a", "rule:1/c", "rule:1/d"].into_iter().enumerate()
    {
        let mut row = incident(number as i64 + 1, group);
        row.state = ["triggered", "triggered", "triggered", "acknowledged", "resolved"][number].into();
        commit(&store, Store::insert_incident(&row)).await;
        rows.push(row);
    }
    let numbers = |found: Vec<IncidentRow>| found.iter().map(|row| row.number).collect::<Vec<_>>();
    let service = rows[0].service_id;
    assert_eq!(numbers(store.triggered_incidents_of(service, "rule:1/", 9).await.unwrap()), [2, 1]);
    assert_eq!(numbers(store.triggered_incidents_of(service, "rule:1/", 1).await.unwrap()), [2]);
    assert!(store.triggered_incidents_of(id(), "rule:1/", 9).await.unwrap().is_empty());

    // It is an incident of each server that one of its alerts is about.
    let joined = AlertRow { incident_id: Some(rows[0].id), server_id: Some(id()), ..alert("joined") };
    let of_first = AlertRow { incident_id: Some(rows[0].id), server_id: rows[0].server_id, ..alert("first") };
    store.commit(vec![Store::insert_alert(&joined), Store::insert_alert(&of_first)]).await.unwrap();
    for server in [joined.server_id, rows[0].server_id] {
        let filter = IncidentFilter { server, limit: 9, ..Default::default() };
        assert_eq!(numbers(store.incidents(&filter).await.unwrap()), [1]);
    }
    let mut both = vec![joined.server_id.unwrap(), of_first.server_id.unwrap()];
    both.sort_unstable();
    assert_eq!(store.servers_of_incident(rows[0].id).await.unwrap(), both);
}
