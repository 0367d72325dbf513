//! The sender: claims due messages under a lease, re-checks each just before the call, records what became of it.
//!
//! At least once, never lost; after an acknowledgement no message is claimed or passes its re-check.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use watchtower_model::limits::LINE_BYTES_MAX;
use watchtower_model::{ChannelId, Timestamp, UserId, truncate};
use watchtower_notify::{self as notify, DeliveryError, FailureKind, MessageState, next_retry_ms};
use watchtower_store::{NewTimelineEntry, OutboxRow, Statement, Store};

use super::bundle;
use super::compose::compose;
use super::failover::{next_message, unreached};
use super::merged;
use super::notice::{Heard, handles, heard, outdated};
use super::pace;
use super::words;
use crate::error::HubError;
use crate::objects::ChannelBody;
use crate::{Hub, WAKE_CHANGES, WAKE_OUTBOX, respond};

const CLAIM: i64 = 32;
/// Deliveries at the same time.
const AT_ONCE: usize = 32;
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

/// What the lines about a delivery are called among those of a message.
pub(super) const DELIVERY: &str = "delivery";

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
                for rows in pace::groups(rows, |id, sort| bundle::bundles(&hub, id, sort)) {
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
        Err(error) => return record(hub, row, Err(error), hub.now()).await,
    };
    let (mut message, facts) = match compose(hub, row).await {
        Ok(composed) => composed,
        Err(error) => return record(hub, row, Err(unusable(&error)), hub.now()).await,
    };
    if (row.kind == "ack" && message.state != MessageState::Acknowledged) || outdated(hub, row).await? {
        return moot(hub, row).await;
    }
    let mut joins = row.attempts == 1;
    if row.kind != "page" {
        if let Some(number) = merged::heard_as(hub, row, &config).await? {
            return not_sent(hub, row, &format!("it hears of INC-{number}")).await;
        }
        let before = hub.store.outbox_of(row.incident_id).await?;
        match heard(&before, row.channel_id) {
            Heard::Page => message.earlier = handles(before, row.channel_id),
            Heard::Nothing(why) => {
                message.lines.insert(0, format!("its page did not arrive: {why}"));
                joins = false;
            }
            // The trouble was over, or somebody had it, before anybody was told: then nobody is told of that either.
            Heard::Never => return not_sent(hub, row, "it was not paged").await,
        }
    }
    if joins && bundle::put_off(hub, row, &config).await? {
        return Ok(());
    }
    if !may_send(hub, row).await? {
        return Ok(());
    }
    let failures = words::put_of(hub, row, &config, &mut message, &facts);
    let outcome = notify::deliver(&hub.egress, &config, &message, &row.idem_key).await;
    let delivered = outcome.is_ok();
    record(hub, row, outcome, hub.now()).await?;
    if delivered {
        words::tell_failures(hub, row, &failures).await;
    }
    Ok(())
}

/// Asked just before the call. That none was made is kept with what was cancelled: nobody heard of it.
pub(super) async fn may_send(hub: &Hub, row: &OutboxRow) -> Result<bool, HubError> {
    let may = hub.store.may_send(row.id, row.attempts).await?;
    if !may {
        hub.store.commit(vec![Store::outbox_not_sent(row.id, row.attempts)]).await?;
    }
    Ok(may)
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
pub(super) fn word(row: &OutboxRow) -> &'static str {
    match row.kind.as_str() {
        "resolve" => "resolve notice",
        "ack" => "acknowledgement",
        _ => "page",
    }
}

async fn not_sent(hub: &Hub, row: &OutboxRow, why: &str) -> Result<(), HubError> {
    let text = format!("{} not sent to {}: {why}", word(row), channel_name(hub, row));
    let statements = vec![Store::outbox_cancelled(row.id, row.attempts)];
    tell(hub, row, DELIVERY, statements, ("not_paged", text, String::new())).await
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
    at: Timestamp,
) -> Result<(), HubError> {
    match outcome {
        Ok(receipt) => {
            hub.meters.deliveries.add(1);
            let text = format!("{} delivered to {}", word(row), channel_name(hub, row));
            let statement = Store::outbox_delivered(row.id, row.attempts, at, receipt.handle);
            tell(hub, row, DELIVERY, vec![statement], ("delivered", text, receipt.detail)).await
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
    tell(hub, row, DELIVERY, statements, ("delivery_failed", text, detail)).await?;
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

/// Stores what became of a message, and a line about it: kind, text, detail. `what`: a line of this name is told once a try.
pub(super) async fn tell(
    hub: &Hub,
    row: &OutboxRow,
    what: &str,
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
        idem: format!("{}/{what}/{}/{}", row.incident_id, row.id, row.attempts),
    };
    statements.push(Store::insert_timeline(&entry));
    statements.push(Store::insert_change("incident", row.incident_id, now));
    hub.store.commit(statements).await?;
    hub.bus.wake(WAKE_CHANGES);
    Ok(())
}

/// The channel's configuration with its secrets.
pub fn open_config(hub: &Hub, id: ChannelId, body: &ChannelBody) -> Result<notify::ChannelConfig, HubError> {
    let plain = hub
        .keys
        .sealer
        .open(&format!("channel:{id}"), &body.sealed)
        .map_err(|e| HubError::Internal(e.to_string()))?;
    let mut config =
        serde_json::from_slice(&plain).map_err(|e| HubError::Internal(format!("channel {id}: {e}")))?;
    if let notify::ChannelConfig::WebPush(browser) = &mut config {
        // Other forms of a contact are refused by some push services, with the whole message.
        let contact = Some(hub.config.public_url.clone()).filter(|url| url.starts_with("https://"));
        browser.sender = Some(notify::PushSender { key: Arc::clone(&hub.keys.vapid), contact });
    }
    Ok(config)
}

/// Seals a configuration that passed its check.
pub fn seal_config(hub: &Hub, id: ChannelId, config: &notify::ChannelConfig) -> Result<String, HubError> {
    let plain = serde_json::to_vec(config).map_err(|e| HubError::Internal(e.to_string()))?;
    hub.keys.sealer.seal(&format!("channel:{id}"), &plain).map_err(|e| HubError::Internal(e.to_string()))
}

/// When the oldest message became due, for the status page.
pub async fn lag_ms(hub: &Hub) -> Result<i64, HubError> {
    let now: Timestamp = hub.now();
    Ok(hub.store.oldest_due_outbox().await?.map_or(0, |at| now.since(at).max(0)))
}
