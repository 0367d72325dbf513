//! The one switch that stops all work on servers: nothing starts, and what runs is cancelled.
//!
//! Invariant: it is stored before it counts, so that it survives a restart and holds on every hub of the database.

use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use watchtower_model::{Severity, Timestamp};
use watchtower_store::Store;

use crate::error::HubError;
use crate::ingest::{Raise, raise};
use crate::{Hub, WAKE_RUNS, link};

const KEY: &str = "halt";

/// Why everything stands still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    pub by: String,
    pub reason: String,
    pub since: Timestamp,
}

/// The halt in force, as this hub last read it.
pub fn current(hub: &Hub) -> Option<Halt> {
    hub.halt.read().unwrap_or_else(PoisonError::into_inner).clone()
}

pub fn is_on(hub: &Hub) -> bool {
    hub.halt.read().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// Refuses to begin work while it is on.
pub fn check(hub: &Hub) -> Result<(), HubError> {
    match current(hub) {
        None => Ok(()),
        Some(halt) => Err(HubError::Conflict(format!(
            "all work on servers is halted by {} ({}); end the halt first",
            halt.by, halt.reason
        ))),
    }
}

/// Reads what another hub, or an earlier one, has stored.
pub async fn refresh(hub: &Hub) -> Result<(), HubError> {
    let stored = hub.store.meta(KEY).await?;
    let halt = stored.map(|text| serde_json::from_str(&text)).transpose();
    let halt = halt.map_err(|error| HubError::Internal(format!("the stored halt: {error}")))?;
    *hub.halt.write().unwrap_or_else(PoisonError::into_inner) = halt;
    Ok(())
}

/// Stops everything. Executions that wait stay where they are; those on servers are cancelled.
pub async fn begin(hub: &Hub, by: &str, reason: &str) -> Result<(), HubError> {
    let halt = Halt { by: by.into(), reason: reason.into(), since: hub.now() };
    let text = serde_json::to_string(&halt).map_err(|e| HubError::Internal(e.to_string()))?;
    hub.store.set_meta(KEY, &text).await?;
    refresh(hub).await?;
    hub.bus.wake(WAKE_RUNS);
    let under_way = hub.store.executions_under_way().await?;
    hub.store
        .commit(under_way.iter().map(|execution| Store::cancel_execution(execution.id)).collect())
        .await?;
    for execution in &under_way {
        link::dispatch(hub, &watchtower_store::ExecutionRow { cancel: true, ..execution.clone() }).await;
    }
    let text = format!("{by} halted all work on servers: {reason}");
    raise(hub, Raise::hub("hub.halted", None, Severity::Warning, text)).await.map(drop)
}

pub async fn end(hub: &Hub, by: &str) -> Result<(), HubError> {
    hub.store.delete_meta(KEY).await?;
    refresh(hub).await?;
    // What waited goes on.
    hub.bus.wake(WAKE_RUNS);
    let text = format!("{by} ended the halt: work on servers may begin again");
    raise(hub, Raise::hub("hub.resumed", None, Severity::Info, text)).await.map(drop)
}
