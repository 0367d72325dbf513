//! What a message says: the incident as it is at this moment.

use watchtower_model::{Labels, RuleId, Timestamp};
use watchtower_notify::{Link, Message, MessageState, Words};
use watchtower_store::{AlertFilter, AlertRow, IncidentRow, OutboxRow};

use super::merged;
use super::send::Letter;
use crate::error::HubError;
use crate::respond::{links, twilio};
use crate::{Hub, respond};

/// Alerts that a message names.
const ALERTS_TOLD_MAX: i64 = 10;

/// What the templates of a channel see beside the message itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Why it was paged.
    pub reason: Option<String>,
    /// Who has it, or ended it.
    pub who: Option<String>,
    pub since: Option<Timestamp>,
    /// The value of the newest alert.
    pub value: Option<f64>,
    /// Those that all of its alerts have.
    pub labels: Vec<(String, String)>,
    /// Of the newest alert: what is kept of them.
    pub annotations: Vec<(String, String)>,
}

/// The message of an outbox row, with the ways to acknowledge by that channel.
pub(super) async fn compose(hub: &Hub, row: &OutboxRow) -> Result<(Message, Facts), HubError> {
    let incident = hub
        .store
        .incident(row.incident_id)
        .await?
        .ok_or_else(|| HubError::not_found("incident", row.incident_id))?;
    let letter: Letter = serde_json::from_str(&row.body).map_err(|e| HubError::Internal(e.to_string()))?;
    let (mut message, facts) = describe(hub, &incident, &row.kind, letter).await?;
    let asks = row.kind == "page" && message.state == MessageState::Triggered;
    let token = asks.then(|| links::token(hub, &incident, row.channel_id, row.created_at)).flatten();
    message.acknowledge_url = token.as_ref().and_then(|token| links::url(hub, token));
    message.digits_url = token.as_ref().and_then(|token| twilio::digits_url(hub, token));
    message.acknowledge_token = token;
    Ok((message, facts))
}

/// What is said of an incident by a message of this kind, to whomever.
pub(super) async fn describe(
    hub: &Hub,
    incident: &IncidentRow,
    kind: &str,
    letter: Letter,
) -> Result<(Message, Facts), HubError> {
    let filter = AlertFilter { incident: Some(incident.id), limit: ALERTS_TOLD_MAX, ..Default::default() };
    let alerts = hub.store.alerts(&filter).await?;
    let told_of = merged::told_of(hub, kind, incident).await?;
    let standing = told_of.as_ref().unwrap_or(incident);
    let state = match (kind, standing.state.as_str()) {
        ("resolve", _) | (_, "resolved") => MessageState::Resolved,
        (_, "acknowledged") => MessageState::Acknowledged,
        _ => MessageState::Triggered,
    };
    let facts =
        Facts { since: Some(incident.triggered_at), ..facts(hub, standing, &alerts, kind, letter.reason)? };
    let mut lines = merged::lines(kind, incident, told_of.as_ref())?;
    lines.extend(facts.reason.as_ref().map(|reason| format!("paged because {reason}")));
    if kind == "ack" {
        lines.extend(facts.who.as_ref().map(|by| format!("acknowledged by {by}")));
    }
    lines.extend(alert_lines(hub, incident, &alerts).await?);
    lines.push(format!("since {}", incident.triggered_at));
    let objects = hub.objects();
    let mut open =
        vec![Link { label: "Open".into(), url: format!("{}/i/{}", hub.config.public_url, incident.number) }];
    let service = objects.service(incident.service_id);
    if let Some(url) = service.and_then(|service| service.body.0.runbook_url.clone()) {
        open.push(Link { label: "Runbook".into(), url });
    }
    let server = incident.server_id.and_then(|id| hub.servers.get(id));
    let message = Message {
        incident_number: Some(incident.number),
        incident_key: incident.id.to_string(),
        title: incident.title.clone(),
        severity: incident.severity,
        state,
        service: service.map(|service| service.body.0.name.clone()).unwrap_or_default(),
        server: server.map(|server| server.with(|state| state.name.clone())),
        lines,
        links: open,
        acknowledge_url: None,
        acknowledge_token: None,
        digits_url: None,
        earlier: Vec::new(),
        test: incident.test,
        output: letter.output,
        words: Words::default(),
    };
    Ok((message, facts))
}

/// What is known of it but for its begin. `standing`: what it goes on in, or itself.
fn facts(
    hub: &Hub,
    standing: &IncidentRow,
    alerts: &[AlertRow],
    kind: &str,
    reason: String,
) -> Result<Facts, HubError> {
    let state = respond::read_state(standing)?;
    let who = if kind == "resolve" { state.resolved_by } else { state.acked_by };
    let first = alerts.first();
    let annotation =
        |name: &str, text: &String| Some((name.to_string(), text.clone())).filter(|_| !text.is_empty());
    let annotations = first.into_iter().flat_map(|alert| {
        [annotation("summary", &alert.summary), annotation("description", &alert.description)]
    });
    Ok(Facts {
        reason: (kind == "page").then_some(reason),
        who: who.map(|who| respond::targets::actor_name(hub, &who)),
        since: None,
        value: first.and_then(|alert| alert.value),
        labels: shared(alerts),
        annotations: annotations.flatten().collect(),
    })
}

fn shared(alerts: &[AlertRow]) -> Vec<(String, String)> {
    let Some((first, others)) = alerts.split_first() else { return Vec::new() };
    let same = |name: &str, value: &str| {
        let of = |labels: &Labels| labels.get(name) == Some(value);
        others.iter().all(|alert| of(&alert.labels.0))
    };
    let all = first.labels.0.iter().filter(|(name, value)| same(name, value));
    all.map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// What a message says of the alerts: those that the title does not, how many there are beyond, and what explains them.
async fn alert_lines(
    hub: &Hub,
    incident: &IncidentRow,
    alerts: &[AlertRow],
) -> Result<Vec<String>, HubError> {
    let state = respond::read_state(incident)?;
    let untold = alerts.iter().filter(|alert| alert.summary != state.title);
    let mut lines: Vec<String> = untold.map(|alert| alert.summary.clone()).collect();
    let more = state.alerts.len().saturating_sub(alerts.len());
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let rules: Vec<RuleId> = alerts.iter().filter_map(|alert| alert.rule_id).collect();
    let waiting = respond::waiting_of(hub, &rules).await?;
    if let count @ 1.. = waiting.len() {
        lines.push(format!("{count} more wait for the rule's delay to pass"));
    }
    if state.alerts.len() + waiting.len() > 1 {
        // What fell with it explains it as well, though its own delay is not over.
        let mut servers = hub.store.servers_of_incident(incident.id).await?;
        servers.extend(waiting.into_iter().flatten());
        servers.sort_unstable();
        servers.dedup();
        lines.extend(respond::in_common(hub, &servers));
    }
    let mut described: Vec<String> =
        alerts.iter().map(|alert| alert.description.clone()).filter(|text| !text.is_empty()).collect();
    described.dedup();
    lines.extend(described);
    Ok(lines)
}
