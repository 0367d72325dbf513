//! After a change of the master key: every sealed secret is sealed anew, a few rows at a time, while the hub serves.
//!
//! Invariant: the old key leaves only when nothing names it. A restart goes on where the rows are.

use std::time::Duration;

use watchtower_api_types::KeyKind;
use watchtower_store::{DbError, SealedRow, Statement, Store};

use super::files;
use super::rotate::{Rotated, taken_up, tell};
use super::watch::LOOK_EVERY;
use crate::Hub;
use crate::error::HubError;

/// Rows of one transaction.
const BATCH: i64 = 20;
/// Between two transactions: others write, too.
const PAUSE: Duration = Duration::from_millis(100);
/// What was sealed just before the change is stored by then.
const SETTLE: Duration = Duration::from_secs(5);
/// Where there may be other hubs: they have taken the new key up by then, too.
const SETTLE_SEVERAL: Duration = Duration::from_secs(3 * LOOK_EVERY.as_secs());

/// One round: all that is to be done, or nothing where no key leaves. An error is tried again in the next.
pub(crate) async fn run(hub: Hub) -> Result<(), HubError> {
    let Some(old) = hub.keys.live().leaving_master.clone() else { return Ok(()) };
    let settle = if hub.config.database_url.is_some() { SETTLE_SEVERAL } else { SETTLE };
    loop {
        while reseal_some(&hub, &old).await? {
            tokio::select! {
                () = hub.stopped() => return Ok(()),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        // Channels are kept in memory, sealed.
        hub.reload_objects().await?;
        tokio::select! {
            () = hub.stopped() => return Ok(()),
            () = tokio::time::sleep(settle) => {}
        }
        if hub.store.count_sealed_with(&old).await? == 0 {
            break;
        }
    }
    match hub.store.commit(vec![Store::end_hub_key(&old, hub.now())]).await {
        // Another hub did the same work, and was quicker.
        Err(DbError::Stale) => return taken_up(&hub).await,
        other => drop(other?),
    }
    taken_up(&hub).await?;
    files::remove(&hub.keys.dir, KeyKind::Master, &old)?;
    let said = format!("master key {old} is deleted: nothing is sealed with it any more");
    hub.store.append_audit(hub.now(), "hub", "key.retire", &format!("key {old}"), &said).await?;
    tell(&hub, "key.retired", KeyKind::Master, "hub", Rotated { key: old, said }).await.map(drop)
}

/// Whether there may be more.
async fn reseal_some(hub: &Hub, old: &str) -> Result<bool, HubError> {
    let rows = hub.store.sealed_with(old, BATCH).await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let statements: Vec<Statement> = rows.iter().filter_map(|row| anew(hub, row)).collect();
    if statements.is_empty() {
        return Err(HubError::Internal(format!(
            "{} secrets cannot be opened with the master key {old} that sealed them: it stays until they are saved again or deleted",
            rows.len()
        )));
    }
    hub.store.commit(statements).await?;
    Ok(true)
}

fn anew(hub: &Hub, row: &SealedRow) -> Option<Statement> {
    let sealer = &hub.keys.sealer;
    let sealed = sealer.open(&row.context, &row.sealed).and_then(|plain| sealer.seal(&row.context, &plain));
    match sealed {
        Ok(sealed) => Some(Store::reseal(row, &sealed)),
        Err(error) => {
            tracing::warn!(secret = %row.context, "not sealed anew: {error}");
            None
        }
    }
}
