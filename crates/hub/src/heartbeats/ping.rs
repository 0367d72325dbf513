//! A ping comes in: by a heartbeat's own key, or by an integration's key and a slug.

use std::time::Duration;

use watchtower_api_types::{IntegrationKind, PingKind};
use watchtower_model::{HeartbeatId, Timestamp};
use watchtower_store::{PingRow, Statement, Store, Stored};

use super::{beat_of, begins, ends, rhythm_of, with_beat};
use crate::configure::provision;
use crate::error::HubError;
use crate::objects::HeartbeatBody;
use crate::respond::signals::{sender, take};
use crate::respond::{resolve, trigger};
use crate::{Hub, WAKE_CHANGES, random};

/// Bytes of what a job says with its ping; the rest is cut.
pub const PING_BODY_BYTES_MAX: usize = 10_000;
/// Characters of it that an alert repeats: its end, where errors are.
const TOLD_CHARS_MAX: usize = 1_000;
/// Times that a ping is taken anew when another one of the same heartbeat was faster.
const TRIES: usize = 20;
const AGAIN_AFTER: Duration = Duration::from_millis(5);

pub struct Ping {
    pub kind: PingKind,
    pub exit_code: Option<u8>,
    pub rid: Option<String>,
    pub sent_by: String,
    pub body: String,
}

/// The heartbeat of this key.
///
/// # Errors
/// `NotFound` when it is nobody's.
pub fn by_key(hub: &Hub, key: &str) -> Result<Stored<HeartbeatBody>, HubError> {
    let objects = hub.objects();
    let found = objects.heartbeats.iter().find(|one| one.body.key.eq_ignore_ascii_case(key)).cloned();
    found.ok_or_else(|| HubError::not_found("heartbeat", "with this key"))
}

/// The heartbeat of this slug below an integration's key, and whether it was made for this call.
///
/// # Errors
/// `NotFound` when there is none, and none is to be made.
pub async fn by_slug(
    hub: &Hub,
    key: &str,
    slug: &str,
    create: bool,
) -> Result<(Stored<HeartbeatBody>, bool), HubError> {
    let missing = || HubError::not_found("heartbeat", slug);
    let sender = sender(hub, &[IntegrationKind::Heartbeat], key).map_err(|error| match error {
        HubError::Unauthenticated => missing(),
        other => other,
    })?;
    if sender.is_refused() {
        take(hub, &sender, Vec::new()).await?;
        return Err(missing());
    }
    let find = || {
        let objects = hub.objects();
        let is = |one: &&Stored<HeartbeatBody>| {
            one.body.integration_id == Some(sender.id()) && one.body.slug.as_deref() == Some(slug)
        };
        objects.heartbeats.iter().find(is).cloned()
    };
    if let Some(found) = find() {
        return Ok((found, false));
    }
    if !create {
        return Err(missing());
    }
    match provision(hub, sender.name(), sender.id(), slug).await {
        // Another call made it at the same moment.
        Err(HubError::Conflict(why)) => {
            hub.reload_objects().await?;
            find().map(|found| (found, false)).ok_or(HubError::Conflict(why))
        }
        made => Ok((made?, true)),
    }
}

/// Takes a ping.
///
/// # Errors
/// `RateLimited` when the heartbeat's minute is full.
pub async fn ping(
    hub: &Hub,
    heartbeat: &Stored<HeartbeatBody>,
    ping: Ping,
    now: Timestamp,
) -> Result<(), HubError> {
    hub.calls.admit(heartbeat.id, now)?;
    for _ in 1..TRIES {
        match take_ping(hub, heartbeat, &ping, now).await {
            Err(HubError::Conflict(_)) => tokio::time::sleep(apart()).await,
            taken => return taken,
        }
    }
    take_ping(hub, heartbeat, &ping, now).await
}

/// Those that came at one moment do not come again at one moment.
fn apart() -> Duration {
    AGAIN_AFTER * (1 + u32::from(random::bytes::<1>()[0] % 16))
}

async fn take_ping(
    hub: &Hub,
    heartbeat: &Stored<HeartbeatBody>,
    ping: &Ping,
    now: Timestamp,
) -> Result<(), HubError> {
    let id = HeartbeatId(heartbeat.id);
    let enabled = heartbeat.body.enabled;
    let row = hub.store.heartbeat(id).await?.ok_or_else(|| HubError::not_found("heartbeat", id))?;
    // Of one that is switched off nothing is told: that it failed would be forgotten.
    let kind = if ping.kind == PingKind::Fail && !enabled { PingKind::Log } else { ping.kind };
    let beaten = beat_of(&row).beaten(kind, ping.rid.as_deref(), now);
    let due_at = rhythm_of(&heartbeat.body, now)?.due(&beaten.beat).filter(|_| enabled);
    let mut row = with_beat(row, beaten.beat, due_at);
    row.last_ping_at = Some(now);
    row.last_duration_ms = beaten.duration_ms.or(row.last_duration_ms);
    let mut statements =
        vec![Store::update_heartbeat(&row), Store::insert_change("heartbeat", heartbeat.id, now)];
    statements.extend(Store::insert_ping(&kept(id, ping, beaten.duration_ms, now)));
    tell(hub, heartbeat, ping, statements).await?;
    hub.bus.wake(WAKE_CHANGES);
    Ok(())
}

/// Writes it, with the alert that begins or ends by it.
async fn tell(
    hub: &Hub,
    heartbeat: &Stored<HeartbeatBody>,
    ping: &Ping,
    statements: Vec<Statement>,
) -> Result<(), HubError> {
    match ping.kind {
        PingKind::Fail if heartbeat.body.enabled => {
            let reason = match ping.exit_code {
                Some(code) => format!("failed with exit code {code}"),
                None => "says that it failed".into(),
            };
            trigger(hub, begins(heartbeat, &reason, end_of(&ping.body)), statements).await.map(drop)
        }
        PingKind::Success => resolve(hub, ends(heartbeat), statements).await.map(drop),
        _ => Ok(hub.store.commit(statements).await.map(drop)?),
    }
}

fn kept(id: HeartbeatId, ping: &Ping, duration_ms: Option<i64>, now: Timestamp) -> PingRow {
    PingRow {
        id: random::id(now),
        heartbeat_id: id,
        at: now,
        kind: ping.kind.as_str().into(),
        exit_code: ping.exit_code.map(i64::from),
        rid: ping.rid.clone(),
        duration_ms,
        sent_by: ping.sent_by.clone(),
        body: ping.body.clone(),
    }
}

fn end_of(body: &str) -> String {
    let skipped = body.chars().count().saturating_sub(TOLD_CHARS_MAX);
    body.chars().skip(skipped).collect()
}
