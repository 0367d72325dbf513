//! The clock of heartbeats: what did not come in time is told of. Any hub may look; the row's revision lets one of them tell.

use watchtower_model::{HeartbeatId, Timestamp};
use watchtower_store::{HeartbeatRow, Store, Stored};

use super::rhythm::{Beat, State};
use super::{beat_of, begins, ends, rhythm_of, with_beat};
use crate::error::HubError;
use crate::objects::HeartbeatBody;
use crate::respond::{resolve, trigger};
use crate::{Hub, WAKE_CHANGES};

/// Heartbeats that are told of in one go.
const DUE_AT_ONCE: i64 = 200;

/// Tells of what is missed at `now`. One that cannot be told of does not hold up the others.
pub async fn tick(hub: &Hub, now: Timestamp) -> Result<(), HubError> {
    for row in hub.store.due_heartbeats(now, DUE_AT_ONCE).await? {
        let id = row.heartbeat_id;
        match miss(hub, row, now).await {
            // A ping came at this moment, or another hub was faster.
            Ok(()) | Err(HubError::Conflict(_)) => {}
            Err(error) => tracing::error!(heartbeat = %id, "telling that it was missed: {error}"),
        }
    }
    Ok(())
}

async fn miss(hub: &Hub, row: HeartbeatRow, now: Timestamp) -> Result<(), HubError> {
    // Another hub may have changed it: the database says how it is.
    let stored = hub.store.object::<HeartbeatBody>(row.heartbeat_id.0).await?;
    let Some(heartbeat) = stored.filter(|one| one.body.enabled) else {
        let cleared = HeartbeatRow { due_at: None, ..row };
        hub.store.commit(vec![Store::update_heartbeat(&cleared)]).await?;
        return Ok(());
    };
    let rhythm = rhythm_of(&heartbeat.body, now)?;
    let beat = beat_of(&row);
    let due_at = rhythm.due(&beat);
    // A ping that came while no hub ran was lost: what was due then has its grace once more.
    let fresh = hub.started_at.plus_ms(rhythm.grace_ms);
    let due_at = due_at.map(|at| if at < hub.started_at { at.max(fresh) } else { at });
    if due_at.is_some_and(|at| at > now) {
        hub.store.commit(vec![Store::update_heartbeat(&with_beat(row, beat, due_at))]).await?;
        return Ok(());
    }
    let reason = rhythm.reason(&beat);
    let missed = with_beat(row, Beat { state: State::Down, ..beat }, None);
    let statements =
        vec![Store::update_heartbeat(&missed), Store::insert_change("heartbeat", heartbeat.id, now)];
    trigger(hub, begins(&heartbeat, &reason, String::new()), statements).await?;
    hub.bus.wake(WAKE_CHANGES);
    Ok(())
}

/// After an edit: it is missed by what is written now.
pub async fn reckon(hub: &Hub, heartbeat: &Stored<HeartbeatBody>) -> Result<(), HubError> {
    let Some(row) = hub.store.heartbeat(HeartbeatId(heartbeat.id)).await? else { return Ok(()) };
    let beat = beat_of(&row);
    let due_at = rhythm_of(&heartbeat.body, hub.now())?.due(&beat).filter(|_| heartbeat.body.enabled);
    if due_at != row.due_at {
        hub.store.commit(vec![Store::update_heartbeat(&with_beat(row, beat, due_at))]).await?;
    }
    if heartbeat.body.enabled { Ok(()) } else { end(hub, heartbeat).await }
}

/// Nobody waits for it any more: its alert is over.
pub async fn end(hub: &Hub, heartbeat: &Stored<HeartbeatBody>) -> Result<(), HubError> {
    resolve(hub, ends(heartbeat), Vec::new()).await.map(drop)
}
