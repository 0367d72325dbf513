//! What statistics are counted from.

use watchtower_model::{ChannelId, Id, IncidentId, ServiceId};
use watchtower_store::{AlertRow, AnalyticsFilter, IncidentRow, OutboxRow, Store};

use crate::happenings::alert;
use crate::incidents::incident;
use crate::place::{NOW, Place, at, commit, id};

fn of_service(number: i64, service: ServiceId) -> IncidentRow {
    IncidentRow { service_id: service, ..incident(number, &number.to_string()) }
}

async fn message(store: &Store, incident: IncidentId, kind: &str, delivered: Option<i64>) -> ChannelId {
    let name: Id = id();
    let row = OutboxRow {
        id: name,
        idem_key: name.to_string(),
        incident_id: incident,
        generation: 1,
        kind: kind.into(),
        channel_id: ChannelId(id()),
        body: "{}".into(),
        state: "pending".into(),
        attempts: 0,
        created_at: NOW,
        next_at: None,
        lease_until: None,
        delivered_at: None,
        handle: None,
        last_error: None,
    };
    commit(store, Store::insert_outbox(&row)).await;
    if let Some(ms) = delivered {
        commit(store, Store::outbox_delivered(row.id, 0, at(ms), None)).await;
    }
    row.channel_id
}

pub async fn what_is_counted_is_what_began_in_the_range_without_drills(place: Place) {
    let store = place.open().await;
    let [web, db, other] = [ServiceId(id()), ServiceId(id()), ServiceId(id())];
    let mut rows: Vec<IncidentRow> =
        [(1, web), (2, web), (3, db), (4, other), (5, web)].map(|(n, service)| of_service(n, service)).into();
    rows[1].test = true;
    rows[2].first_acknowledged_at = Some(at(30));
    rows[2].resolved_at = Some(at(40));
    rows[2].state = "resolved".into();
    for row in &rows {
        commit(&store, Store::insert_incident(row)).await;
    }
    // What goes on in another one is part of that one, and so are its pages.
    let mut merged = IncidentRow { triggered_at: at(4), ..of_service(6, web) };
    commit(&store, Store::insert_incident(&merged)).await;
    (merged.merged_into, merged.state) = (Some(rows[0].id), "resolved".into());
    commit(&store, Store::update_incident(&merged)).await;
    let by_merged = message(&store, merged.id, "page", Some(12)).await;
    // The second alert came first.
    for (key, source, seen) in [("a", "rule:late", 9), ("b", "rule:first", 8)] {
        let row = AlertRow {
            source: source.into(),
            incident_id: Some(rows[0].id),
            first_seen_at: at(seen),
            ..alert(key)
        };
        commit(&store, Store::insert_alert(&row)).await;
    }
    let all =
        |services: Option<Vec<ServiceId>>, limit| AnalyticsFilter { from: at(1), to: at(5), services, limit };
    let found = store.analysed_incidents(&all(None, 10)).await.unwrap();
    assert_eq!(found.iter().map(|row| row.id).collect::<Vec<_>>(), [rows[3].id, rows[2].id, rows[0].id]);
    assert_eq!(found[2].source.as_deref(), Some("rule:first"));
    assert_eq!(found[1].source, None);
    let times = (found[1].first_acknowledged_at, found[1].resolved_at, found[1].triggered_at);
    assert_eq!(times, (Some(at(30)), Some(at(40)), at(3)));
    let of = store.analysed_incidents(&all(Some(vec![db, web]), 10)).await.unwrap();
    assert_eq!(of.iter().map(|row| row.service_id).collect::<Vec<_>>(), [db, web]);
    assert!(store.analysed_incidents(&all(Some(Vec::new()), 10)).await.unwrap().is_empty());
    assert_eq!(store.analysed_incidents(&all(None, 2)).await.unwrap().len(), 2);

    let later = message(&store, rows[0].id, "page", Some(70)).await;
    let sooner = message(&store, rows[3].id, "page", Some(60)).await;
    message(&store, rows[0].id, "page", None).await;
    message(&store, rows[0].id, "resolve", Some(65)).await;
    message(&store, rows[1].id, "page", Some(66)).await;
    message(&store, rows[4].id, "page", Some(67)).await;
    let pages = store.analysed_pages(&all(None, 10)).await.unwrap();
    let seen: Vec<_> = pages.iter().map(|page| (page.channel_id, page.delivered_at)).collect();
    assert_eq!(seen, [(by_merged, at(12)), (sooner, at(60)), (later, at(70))]);
    let pages = store.analysed_pages(&all(Some(vec![web]), 10)).await.unwrap();
    assert_eq!(pages.iter().map(|page| page.incident_id).collect::<Vec<_>>(), [rows[0].id; 2]);
    assert_eq!(store.analysed_pages(&all(None, 1)).await.unwrap().len(), 1);
}
