//! Events and alerts.

use watchtower_model::{Event, EventKind, Labels, ServerId, Severity};
use watchtower_store::{AlertFilter, AlertRow, DbError, EventFilter, Json, Store};

use crate::place::{NOW, Place, at, commit, id};

fn event(kind: &str, server: Option<ServerId>, severity: Severity, ms: i64) -> Event {
    Event {
        id: id(),
        kind: EventKind::new(kind),
        source: "agent".into(),
        server_id: server,
        severity,
        message: "nginx — fällt aus".into(),
        labels: Labels::from_pairs([("unit", "nginx.service")]),
        at: at(ms),
    }
}

pub async fn an_event_of_one_origin_is_stored_once(place: Place) {
    let store = place.open().await;
    let first = event("unit.failed", None, Severity::Error, 0);
    assert_eq!(commit(&store, Store::insert_event(&first, Some("a:1:7:0"), NOW)).await, 1);
    let again = event("unit.failed", None, Severity::Error, 0);
    assert_eq!(commit(&store, Store::insert_event(&again, Some("a:1:7:0"), at(9))).await, 0);
    // Without an origin nothing tells them apart: each is its own.
    for _ in 0..2 {
        commit(&store, Store::insert_event(&event("custom.x", None, Severity::Info, 1), None, at(1))).await;
    }
    let open = store.unhandled_events(10).await.unwrap();
    assert_eq!(
        open.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(),
        ["unit.failed", "custom.x", "custom.x"]
    );
    commit(&store, Store::mark_event_handled(first.id)).await;
    assert_eq!(store.unhandled_events(10).await.unwrap().len(), 2);
    assert_eq!(
        commit(&store, Store::delete_events_before(at(100))).await,
        1,
        "what no rule has seen is kept"
    );
    let mut kept = open.into_iter().map(watchtower_store::EventRow::into_event);
    assert_eq!(
        kept.next().map(|e| (e.id, e.labels, e.message)),
        Some((first.id, first.labels, first.message))
    );
}

pub async fn events_are_filtered_and_paged(place: Place) {
    let store = place.open().await;
    let web: ServerId = id();
    for (kind, server, severity, ms) in [
        ("unit.failed", Some(web), Severity::Error, 0),
        ("unit_failed", None, Severity::Error, 1),
        ("unit.started", Some(web), Severity::Info, 2),
        ("100%", None, Severity::Info, 3),
    ] {
        commit(&store, Store::insert_event(&event(kind, server, severity, ms), None, NOW)).await;
    }
    let kinds = |filter: EventFilter| {
        let store = store.clone();
        async move {
            let found = store.events(&EventFilter { limit: 10, ..filter }).await.unwrap();
            found.into_iter().map(|e| e.kind).collect::<Vec<_>>()
        }
    };
    let by_kind = |kind: &str| EventFilter { kind: Some(kind.into()), ..Default::default() };
    assert_eq!(kinds(EventFilter::default()).await, ["100%", "unit.started", "unit_failed", "unit.failed"]);
    assert_eq!(kinds(by_kind("unit_failed")).await, ["unit_failed"], "_ is no wildcard");
    assert_eq!(kinds(by_kind("unit.*")).await, ["unit.started", "unit.failed"]);
    assert_eq!(kinds(by_kind("1%")).await, Vec::<String>::new(), "% is no wildcard");
    assert_eq!(kinds(by_kind("\\")).await, Vec::<String>::new());
    assert_eq!(kinds(by_kind("unit\\*")).await, Vec::<String>::new());
    assert_eq!(
        kinds(EventFilter { server: Some(web), severity: Some(Severity::Info), ..Default::default() }).await,
        ["unit.started"]
    );
    assert_eq!(
        kinds(EventFilter { from: Some(at(1)), to: Some(at(2)), ..Default::default() }).await,
        ["unit.started", "unit_failed"]
    );

    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = store.events(&EventFilter { before, limit: 3, ..Default::default() }).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some((last.at, last.id));
        seen.extend(page.into_iter().map(|e| e.kind));
    }
    assert_eq!(seen, kinds(EventFilter::default()).await);
}

pub fn alert(key: &str) -> AlertRow {
    AlertRow {
        id: id(),
        source: "rule:1".into(),
        dedup_key: key.into(),
        state: "firing".into(),
        severity: Severity::Critical,
        summary: "disk full".into(),
        description: String::new(),
        labels: Json(Labels::from_pairs([("instance", "web-1")])),
        value: Some(97.5),
        rule_id: Some(id()),
        server_id: None,
        incident_id: Some(id()),
        count: 1,
        first_seen_at: NOW,
        last_seen_at: NOW,
        resolved_at: None,
        ends_at: None,
    }
}

pub async fn an_open_alert_is_unique_however_many_raise_it(place: Place) {
    let store = place.open().await;
    let raised: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(vec![Store::insert_alert(&alert("k"))]).await })
        })
        .collect();
    let mut made = 0;
    for one in raised {
        match one.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert!(matches!(error, DbError::Unique(_)), "{error}"),
        }
    }
    assert_eq!((made, store.open_alerts().await.unwrap().len()), (1, 1));

    let open = store.open_alert("rule:1", "k").await.unwrap().unwrap();
    commit(&store, Store::repeat_alert(open.id, Severity::Warning, "fuller", Some(99.0), Some(at(6)), at(5)))
        .await;
    let ended = |now: i64| {
        let store = store.clone();
        async move { store.ended_alerts(at(now), 9).await.unwrap().len() }
    };
    assert_eq!((ended(5).await, ended(6).await), (0, 1));
    assert_eq!(commit(&store, Store::resolve_alert(open.id, at(7))).await, 1);
    assert_eq!(ended(9).await, 0, "what is over does not end again");
    assert_eq!(commit(&store, Store::resolve_alert(open.id, at(8))).await, 0);
    assert_eq!(commit(&store, Store::repeat_alert(open.id, Severity::Info, "", None, None, at(9))).await, 0);
    let closed = store.alert(open.id).await.unwrap().unwrap();
    assert_eq!((closed.count, closed.value, closed.resolved_at), (2, Some(99.0), Some(at(7))));

    commit(&store, Store::insert_alert(&alert("k"))).await;
    let filter = |state: &str| AlertFilter { state: Some(state.into()), limit: 10, ..Default::default() };
    assert_eq!(store.alerts(&filter("firing")).await.unwrap().len(), 1);
    let by_incident = AlertFilter { incident: closed.incident_id, limit: 10, ..Default::default() };
    assert_eq!(store.alerts(&by_incident).await.unwrap()[0].id, open.id);
    assert_eq!(commit(&store, Store::delete_alerts_before(at(100))).await, 1, "an open alert is kept");
}

pub async fn a_question_stays_until_it_is_answered(place: Place) {
    let store = place.open().await;
    let row = alert("asked");
    store.commit(vec![Store::insert_alert(&row), Store::insert_consideration(row.id, at(5))]).await.unwrap();
    assert!(store.considerations_before(at(5), 9).await.unwrap().is_empty());
    let left = store.considerations_before(at(6), 9).await.unwrap();
    assert_eq!((left.len(), left[0].alert_id), (1, row.id));
    assert!(store.automations_asked_about(row.id).await.unwrap().is_empty());
    commit(&store, Store::delete_consideration(row.id)).await;
    assert!(store.considerations_before(at(6), 9).await.unwrap().is_empty());
}
