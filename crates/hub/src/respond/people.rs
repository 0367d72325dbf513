//! What people do to an incident.

use watchtower_incident::{Actor, Incident, Input};
use watchtower_model::IncidentId;

use super::apply::advance;
use crate::Hub;
use crate::error::HubError;

pub async fn acknowledge(hub: &Hub, id: IncidentId, by: Actor, via: &str) -> Result<Incident, HubError> {
    advance(hub, id, Input::Ack { by, via: via.into(), snooze_ms: None }, Vec::new()).await
}

pub async fn unacknowledge(hub: &Hub, id: IncidentId, by: Actor) -> Result<Incident, HubError> {
    advance(hub, id, Input::Unack { by }, Vec::new()).await
}

pub async fn escalate(hub: &Hub, id: IncidentId, by: Actor) -> Result<Incident, HubError> {
    advance(hub, id, Input::Escalate { by }, Vec::new()).await
}

pub async fn resolve_by_hand(
    hub: &Hub,
    id: IncidentId,
    by: Actor,
    note: String,
) -> Result<Incident, HubError> {
    advance(hub, id, Input::Resolve { by, note }, Vec::new()).await
}

pub async fn note(hub: &Hub, id: IncidentId, by: Actor, text: String) -> Result<Incident, HubError> {
    advance(hub, id, Input::Note { by, text }, Vec::new()).await
}
