//! Messages to channels that are of no incident, each as a page goes: stored with what it tells of, tried again while that may help.
//!
//! At least once, with the same key each time. Nobody is waked: nothing escalates, and nothing asks for an answer.

use watchtower_model::limits::LINE_BYTES_MAX;
use watchtower_model::{ChannelId, Severity, Timestamp, truncate};
use watchtower_notify::{
    self as notify, DeliveryError, FailureKind, Link, Message, MessageState, Words, next_retry_ms,
};
use watchtower_store::{DbError, Json, NewsRow, Statement, Store};

use super::send::open_config;
use crate::error::HubError;
use crate::{Hub, random};

/// Tried at one time.
const AT_ONCE: i64 = 16;

/// Statements that tell channels; to be written with what happened. `key` names that: told again, it is told once.
pub(crate) fn tell(
    hub: &Hub,
    key: &str,
    channels: &[ChannelId],
    title: &str,
    lines: &[String],
) -> Vec<Statement> {
    let now = hub.now();
    let row = |channel: &ChannelId| NewsRow {
        id: random::id(now),
        idem_key: format!("{key}/{channel}"),
        channel_id: *channel,
        title: truncate(title, LINE_BYTES_MAX).into(),
        lines: Json(lines.to_vec()),
        attempts: 0,
        created_at: now,
        next_at: Some(now),
        last_error: None,
    };
    channels.iter().map(|channel| Store::insert_news(&row(channel))).collect()
}

/// Sends what is due, all at once, and waits for it.
pub(super) async fn tick(hub: &Hub) -> Result<(), HubError> {
    if hub.page_hold.is_on() {
        return Ok(());
    }
    let mut sending = tokio::task::JoinSet::new();
    for row in hub.store.due_news(hub.now(), AT_ONCE).await? {
        let until = hub.now().plus_ms(hub.config.timing.lease_ms);
        match hub.store.commit(vec![Store::claim_news(&row, until)]).await {
            // Another hub has it.
            Err(DbError::Stale) => continue,
            claimed => drop(claimed?),
        }
        let hub = hub.clone();
        sending.spawn(async move { send(&hub, NewsRow { attempts: row.attempts + 1, ..row }).await });
    }
    while let Some(sent) = sending.join_next().await {
        sent.map_err(|error| HubError::Internal(error.to_string()))??;
    }
    Ok(())
}

async fn send(hub: &Hub, row: NewsRow) -> Result<(), HubError> {
    let outcome = deliver(hub, &row).await;
    let statement = match &outcome {
        Ok(()) => Store::news_tried(row.id, row.attempts, None, None),
        Err(error) => {
            let again = again_at(&row, error, hub.now());
            if again.is_none() {
                tracing::warn!(channel = %row.channel_id, title = row.title, "not told: {}", error.reason);
            }
            Store::news_tried(row.id, row.attempts, Some(&error.reason), again)
        }
    };
    Ok(hub.store.commit(vec![statement]).await.map(drop)?)
}

fn again_at(row: &NewsRow, error: &DeliveryError, now: Timestamp) -> Option<Timestamp> {
    let wait = match error.kind {
        FailureKind::Permanent => None,
        FailureKind::Temporary => {
            next_retry_ms(row.attempts as u32, now.since(row.created_at), error.retry_after)
        }
    };
    wait.map(|ms| now.plus_ms(ms))
}

async fn deliver(hub: &Hub, row: &NewsRow) -> Result<(), DeliveryError> {
    let refused = |reason: &str| DeliveryError {
        kind: FailureKind::Permanent,
        channel: "none",
        reason: reason.into(),
        retry_after: None,
    };
    let objects = hub.objects();
    let channel = objects.channel(row.channel_id).filter(|channel| channel.body.enabled);
    let channel = channel.ok_or_else(|| refused("the channel was removed or disabled"))?;
    let config =
        open_config(hub, row.channel_id, &channel.body).map_err(|error| refused(&error.public_text()))?;
    let message = Message {
        incident_number: None,
        incident_key: row.idem_key.clone(),
        title: row.title.clone(),
        severity: Severity::Info,
        state: MessageState::Notice,
        service: "watchtower".into(),
        server: None,
        lines: row.lines.0.clone(),
        links: vec![Link { label: "Open".into(), url: hub.config.public_url.clone() }],
        acknowledge_url: None,
        acknowledge_token: None,
        earlier: Vec::new(),
        digits_url: None,
        test: false,
        output: None,
        words: Words::default(),
    };
    notify::deliver(&hub.egress, &config, &message, &row.idem_key).await.map(drop)
}
