//! One alert as Opsgenie shows it.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use watchtower_api_types::Time;
use watchtower_hub::respond::read_state;
use watchtower_hub::respond::signals::{Sender, opsgenie, told};
use watchtower_hub::{Hub, HubError};
use watchtower_incident::{Actor, Incident, PendingKind, Status};
use watchtower_store::AlertRow;

use super::{ChangeQuery, Refused, caller, fresh};

/// Labels with a field of their own.
const NAMED: [&str; 3] = ["tags", "entity", "source"];

pub async fn alert(
    State(hub): State<Hub>,
    Path(identifier): Path<String>,
    Query(query): Query<ChangeQuery>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let sender = caller(&hub, &headers)?;
    let alert = told(&hub, &sender, &query.named(identifier)?).await?;
    let alert = alert.ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, "Alert does not exist"))?;
    let incident = match alert.incident_id {
        Some(id) => hub.store.incident(id).await.map_err(HubError::from)?,
        None => None,
    };
    let incident = incident.as_ref().map(read_state).transpose()?;
    let data = shown(&sender, &alert, incident.as_ref());
    Ok(Json(json!({"data": data, "took": 0.0, "requestId": fresh()})).into_response())
}

fn shown(sender: &Sender, alert: &AlertRow, incident: Option<&Incident>) -> Value {
    let labels = &alert.labels.0;
    let label = |name: &str| labels.get(name).unwrap_or_default();
    let tags: Vec<&str> = label("tags").split(',').filter(|tag| !tag.is_empty()).collect();
    let details: Map<String, Value> = labels
        .iter()
        .filter(|(name, _)| !NAMED.contains(name))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let acknowledged = incident.is_some_and(|incident| incident.status == Status::Acknowledged);
    let ends = |incident: &Incident| {
        incident.pending_actions.iter().find(|one| one.kind == PendingKind::Unacknowledge).map(|one| one.at)
    };
    let owner = incident.filter(|_| acknowledged).and_then(|incident| incident.acked_by.as_ref());
    json!({
        "id": alert.id,
        "tinyId": incident.map_or_else(String::new, |incident| incident.number.to_string()),
        "alias": alert.dedup_key,
        "message": alert.summary,
        "description": alert.description,
        "status": if alert.state == "resolved" { "closed" } else { "open" },
        "acknowledged": acknowledged,
        "isSeen": acknowledged,
        // Whoever acknowledged it hears of it again then.
        "snoozed": acknowledged && incident.and_then(ends).is_some(),
        "snoozedUntil": incident.filter(|_| acknowledged).and_then(ends).map(Time::from),
        "count": alert.count,
        "priority": opsgenie::priority_of(alert.severity),
        "createdAt": Time::from(alert.first_seen_at),
        "updatedAt": Time::from(alert.last_seen_at),
        "lastOccurredAt": Time::from(alert.last_seen_at),
        "owner": owner.map(name_of).unwrap_or_default(),
        "responders": [],
        "actions": [],
        "tags": tags,
        "entity": label("entity"),
        "source": label("source"),
        "details": details,
        "integration": {"id": sender.id(), "name": sender.name(), "type": "API"},
    })
}

/// Tools by their names; which of the people it is, a sender is not told.
fn name_of(actor: &Actor) -> String {
    match actor {
        Actor::Api(name) => name.clone(),
        Actor::User(id) => id.to_string(),
        Actor::System => String::new(),
    }
}
