//! The sender: claims due messages under a lease, re-checks each just before the call, records what became of it.
//!
//! At least once, never lost; after an acknowledgement no message is claimed or passes its re-check.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use watchtower_api_types as api;
use watchtower_model::limits::LINE_BYTES_MAX;
use watchtower_model::{ChannelId, RuleId, Timestamp, UserId, truncate};
use watchtower_notify::{
    self as notify, DeliveryError, FailureKind, Link, Message, MessageState, next_retry_ms,
};
use watchtower_store::{AlertRow, IncidentRow, NewTimelineEntry, OutboxRow, Statement, Store};

use super::bundle;
use super::failover::{next_message, unreached};
use super::notice::{Heard, handles, heard};
use super::pace;
use crate::error::HubError;
use crate::objects::ChannelBody;
use crate::respond::{links, twilio};
use crate::{Hub, WAKE_CHANGES, WAKE_OUTBOX, respond};

const CLAIM: i64 = 32;
/// Deliveries at the same time.
const AT_ONCE: usize = 32;
/// Alerts that a message names.
const ALERTS_TOLD_MAX: i64 = 10;
/// The database is asked this often whatever the bus says.
const POLL: Duration = Duration::from_secs(1);

/// What an outbox row holds beside its columns: why it was sent. The rest is read when it is sent, so that it is true then.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Letter {
    pub reason: String,
    pub output: Option<String>,
    /// The person whose rules chose the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
}

/// Sends until the hub stops, then waits for what is under way.
pub async fn run(hub: Hub) {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let Ok(mut waiter) = hub.bus.waiter(WAKE_OUTBOX) else { return };
    while hub.running() {
        if hub.page_hold.is_on() {
            tokio::select! {
                () = hub.stopped() => break,
                () = tokio::time::sleep(POLL) => continue,
            }
        }
        // Waits for a free slot: to claim nothing would look like nothing being due.
        drop(slots.acquire().await);
        let limit = CLAIM.min(slots.available_permits() as i64);
        match hub.store.claim_outbox(hub.now(), hub.config.timing.lease_ms, limit).await {
            Ok(rows) => {
                let full = rows.len() as i64 == limit;
                for rows in pace::groups(rows, |id| bundle::bundles(&hub, id)) {
                    let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
                    let hub = hub.clone();
                    tokio::spawn(async move {
                        if let Err(error) = bundle::send_together(&hub, rows).await {
                            tracing::error!("sending: {error}");
                        }
                        drop(slot);
                    });
                }
                if full {
                    continue;
                }
            }
            Err(error) => tracing::error!("claiming messages: {error}"),
        }
        tokio::select! {
            () = hub.stopped() => break,
            () = tokio::time::sleep(POLL) => {}
            () = waiter.wait() => {}
        }
    }
    let _ = slots.acquire_many(AT_ONCE as u32).await;
}

pub(super) async fn send(hub: &Hub, row: &OutboxRow) -> Result<(), HubError> {
    let config = match config_of(hub, row).await? {
        Ok(config) => config,
        Err(error) => return record(hub, row, Err(error)).await,
    };
    let mut message = match compose(hub, row).await {
        Ok(message) => message,
        Err(error) => return record(hub, row, Err(unusable(&error))).await,
    };
    if row.kind == "ack" && message.state != MessageState::Acknowledged {
        return moot(hub, row).await;
    }
    if row.kind != "page" {
        let before = hub.store.outbox_of(row.incident_id).await?;
        match heard(&before, row.channel_id) {
            Heard::Page => message.earlier = handles(before, row.channel_id),
            Heard::Nothing(why) => message.lines.insert(0, format!("its page did not arrive: {why}")),
            Heard::Never => return untold(hub, row).await,
        }
    } else if row.attempts == 1 && config.bundles() && bundle::put_off(hub, row).await? {
        return Ok(());
    }
    if !hub.store.may_send(row.id, row.attempts).await? {
        return Ok(());
    }
    let outcome = notify::deliver(&hub.egress, &config, &message, &row.idem_key).await;
    record(hub, row, outcome).await
}

/// The channel of a message, or why nothing can be sent by it.
pub(super) async fn config_of(
    hub: &Hub,
    row: &OutboxRow,
) -> Result<Result<notify::ChannelConfig, DeliveryError>, HubError> {
    if hub.objects().channel(row.channel_id).is_none() {
        // Another hub has made it a moment ago: to fail for good would lose the page.
        hub.reload_objects().await?;
    }
    let objects = hub.objects();
    Ok(match objects.channel(row.channel_id) {
        Some(channel) if channel.body.enabled => {
            open_config(hub, row.channel_id, &channel.body).map_err(|error| unusable(&error))
        }
        _ => Err(DeliveryError {
            kind: FailureKind::Permanent,
            channel: "none",
            reason: "the channel was removed or disabled".into(),
            retry_after: None,
        }),
    })
}

/// Nobody has it any more, or it is over and the notice of that is on its way.
async fn moot(hub: &Hub, row: &OutboxRow) -> Result<(), HubError> {
    hub.store.commit(vec![Store::outbox_cancelled(row.id, row.attempts)]).await?;
    Ok(())
}

/// What a message is called in the timeline.
fn word(row: &OutboxRow) -> &'static str {
    match row.kind.as_str() {
        "resolve" => "resolve notice",
        "ack" => "acknowledgement",
        _ => "page",
    }
}

/// The trouble was over, or somebody had it, before anybody was told: then nobody is told of that either.
async fn untold(hub: &Hub, row: &OutboxRow) -> Result<(), HubError> {
    let text = format!("{} not sent to {}: it was not paged", word(row), channel_name(hub, row));
    let statements = vec![Store::outbox_cancelled(row.id, row.attempts)];
    tell(hub, row, statements, ("not_paged", text, String::new())).await
}

/// What cannot even be prepared is told and tried again like what cannot be delivered: not leased in silence for ever.
pub(super) fn unusable(error: &HubError) -> DeliveryError {
    tracing::error!("preparing a message: {error}");
    DeliveryError {
        kind: FailureKind::Temporary,
        channel: "none",
        reason: "the hub could not prepare the message; its log has the cause".into(),
        retry_after: None,
    }
}

pub(super) async fn record(
    hub: &Hub,
    row: &OutboxRow,
    outcome: Result<notify::Receipt, DeliveryError>,
) -> Result<(), HubError> {
    match outcome {
        Ok(receipt) => {
            hub.meters.deliveries.add(1);
            let text = format!("{} delivered to {}", word(row), channel_name(hub, row));
            let statement = Store::outbox_delivered(row.id, row.attempts, hub.now(), receipt.handle);
            tell(hub, row, vec![statement], ("delivered", text, receipt.detail)).await
        }
        Err(error) => {
            hub.meters.delivery_failures.add(1);
            record_failure(hub, row, error).await
        }
    }
}

async fn record_failure(hub: &Hub, row: &OutboxRow, error: DeliveryError) -> Result<(), HubError> {
    let now = hub.now();
    let retry = match error.kind {
        FailureKind::Permanent => None,
        FailureKind::Temporary => {
            next_retry_ms(row.attempts as u32, now.since(row.created_at), error.retry_after)
                .map(|ms| now.plus_ms(ms))
        }
    };
    let (what, name) = (word(row), channel_name(hub, row));
    let why = truncate(error.reason.lines().next().unwrap_or_default(), LINE_BYTES_MAX);
    let text = match retry {
        Some(at) => {
            format!("{what} to {name} failed, tried again in {} s: {why}", (at.since(now) + 999) / 1000)
        }
        None => format!("{what} to {name} failed for good: {why}"),
    };
    let rows = hub.store.outbox_of(row.incident_id).await?;
    let mut statements = next_message(hub, &rows, row, retry.is_none(), now);
    if !statements.is_empty() {
        hub.bus.wake(WAKE_OUTBOX);
    }
    statements.push(Store::outbox_failed(row.id, row.attempts, &error.reason, retry));
    let detail = if why == error.reason { String::new() } else { error.reason.clone() };
    tell(hub, row, statements, ("delivery_failed", text, detail)).await?;
    if row.kind == "page" && retry.is_none() {
        let rows = hub.store.outbox_of(row.incident_id).await?;
        if let Some(step) = unreached(&rows, row) {
            respond::advance(hub, row.incident_id, step.nobody_reached(), Vec::new()).await?;
        }
    }
    Ok(())
}

pub(super) fn channel_name(hub: &Hub, row: &OutboxRow) -> String {
    let objects = hub.objects();
    objects.channel(row.channel_id).map_or_else(|| "a removed channel".to_string(), |c| c.body.name.clone())
}

/// Stores what became of a message, and a line about it: kind, text, detail.
pub(super) async fn tell(
    hub: &Hub,
    row: &OutboxRow,
    mut statements: Vec<Statement>,
    (kind, text, detail): (&str, String, String),
) -> Result<(), HubError> {
    let now = hub.now();
    let entry = NewTimelineEntry {
        incident_id: row.incident_id,
        at: now,
        kind: kind.into(),
        actor: "watchtower".into(),
        text,
        detail: Some(detail).filter(|detail| !detail.is_empty()),
        run_id: None,
        idem: format!("{}/delivery/{}/{}", row.incident_id, row.id, row.attempts),
    };
    statements.push(Store::insert_timeline(&entry));
    statements.push(Store::insert_change("incident", row.incident_id, now));
    hub.store.commit(statements).await?;
    hub.bus.wake(WAKE_CHANGES);
    Ok(())
}

/// The message as it is true now.
pub(super) async fn compose(hub: &Hub, row: &OutboxRow) -> Result<Message, HubError> {
    let incident = hub
        .store
        .incident(row.incident_id)
        .await?
        .ok_or_else(|| HubError::not_found("incident", row.incident_id))?;
    let letter: Letter = serde_json::from_str(&row.body).map_err(|e| HubError::Internal(e.to_string()))?;
    let alerts = hub
        .store
        .alerts(&watchtower_store::AlertFilter {
            incident: Some(incident.id),
            limit: ALERTS_TOLD_MAX,
            ..Default::default()
        })
        .await?;
    let mut lines: Vec<String> = Vec::new();
    if row.kind == "page" {
        lines.push(format!("paged because {}", letter.reason));
    }
    if row.kind == "ack" {
        let by = respond::read_state(&incident)?.acked_by;
        lines.extend(by.map(|by| format!("acknowledged by {}", respond::targets::actor_name(hub, &by))));
    }
    lines.extend(alert_lines(hub, &incident, &alerts).await?);
    lines.push(format!("since {}", incident.triggered_at));
    let objects = hub.objects();
    let mut open =
        vec![Link { label: "Open".into(), url: format!("{}/i/{}", hub.config.public_url, incident.number) }];
    let service = objects.service(incident.service_id);
    if let Some(url) = service.and_then(|service| service.body.0.runbook_url.clone()) {
        open.push(Link { label: "Runbook".into(), url });
    }
    let state = match (row.kind.as_str(), incident.state.as_str()) {
        ("resolve", _) | (_, "resolved") => MessageState::Resolved,
        (_, "acknowledged") => MessageState::Acknowledged,
        _ => MessageState::Triggered,
    };
    let asks = row.kind == "page" && state == MessageState::Triggered;
    let token = asks.then(|| links::token(hub, &incident, row.channel_id, row.created_at)).flatten();
    Ok(Message {
        incident_number: Some(incident.number),
        incident_key: incident.id.to_string(),
        title: incident.title.clone(),
        severity: incident.severity,
        state,
        service: service.map(|service| service.body.0.name.clone()).unwrap_or_default(),
        server: incident
            .server_id
            .and_then(|id| hub.servers.get(id))
            .map(|server| server.with(|state| state.name.clone())),
        lines,
        links: open,
        acknowledge_url: token.as_ref().and_then(|token| links::url(hub, token)),
        digits_url: token.as_ref().and_then(|token| twilio::digits_url(hub, token)),
        acknowledge_token: token,
        earlier: Vec::new(),
        test: incident.test,
        output: letter.output,
    })
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

/// The channel's configuration with its secrets.
pub fn open_config(hub: &Hub, id: ChannelId, body: &ChannelBody) -> Result<notify::ChannelConfig, HubError> {
    let plain = hub
        .keys
        .sealer
        .open(&format!("channel:{id}"), &body.sealed)
        .map_err(|e| HubError::Internal(e.to_string()))?;
    serde_json::from_slice(&plain).map_err(|e| HubError::Internal(format!("channel {id}: {e}")))
}

/// Seals a configuration that passed its check.
pub fn seal_config(hub: &Hub, id: ChannelId, config: &notify::ChannelConfig) -> Result<String, HubError> {
    let plain = serde_json::to_vec(config).map_err(|e| HubError::Internal(e.to_string()))?;
    hub.keys.sealer.seal(&format!("channel:{id}"), &plain).map_err(|e| HubError::Internal(e.to_string()))
}

/// Sends a test message now, by the same path as a page, and says what the provider answered.
pub async fn test_channel(hub: &Hub, id: ChannelId, by: &str) -> Result<api::ChannelTest, HubError> {
    let objects = hub.objects();
    let channel = objects.channel(id).ok_or_else(|| HubError::not_found("channel", id))?;
    let config = open_config(hub, id, &channel.body)?;
    let key = format!("test/{id}/{}", crate::random::id(hub.now()));
    let message = Message {
        incident_number: None,
        incident_key: key.clone(),
        title: format!("Test of channel {}", channel.body.name),
        severity: watchtower_model::Severity::Info,
        state: MessageState::Triggered,
        service: "watchtower".into(),
        server: None,
        lines: vec![format!("{by} sent this to see whether the channel works. Nothing is wrong.")],
        links: vec![Link { label: "Open".into(), url: hub.config.public_url.clone() }],
        acknowledge_url: None,
        acknowledge_token: None,
        earlier: Vec::new(),
        digits_url: None,
        test: true,
        output: None,
    };
    let started = std::time::Instant::now();
    let outcome = notify::deliver(&hub.egress, &config, &message, &key).await;
    let (delivered, detail) = match outcome {
        Ok(receipt) => (true, receipt.detail),
        Err(error) => (false, error.reason),
    };
    Ok(api::ChannelTest {
        delivered,
        detail,
        duration_seconds: started.elapsed().as_secs_f64(),
        secret: None,
    })
}

/// When the oldest message became due, for the status page.
pub async fn lag_ms(hub: &Hub) -> Result<i64, HubError> {
    let now: Timestamp = hub.now();
    Ok(hub.store.oldest_due_outbox().await?.map_or(0, |at| now.since(at).max(0)))
}
