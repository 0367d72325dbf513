//! The one switch that stops all work on servers: nothing starts, and what runs is cancelled.

use watchtower_model::Severity;
use watchtower_store::Store;

use crate::error::HubError;
use crate::ingest::{Raise, raise};
use crate::{Hub, WAKE_RUNS, link};

/// Refuses to begin work while it is on.
pub fn check(hub: &Hub) -> Result<(), HubError> {
    match hub.halt.current() {
        None => Ok(()),
        Some(halt) => Err(HubError::Conflict(format!(
            "all work on servers is halted by {} ({}); end the halt first",
            halt.by, halt.reason
        ))),
    }
}

/// Stops everything. Executions that wait stay where they are; those on servers are cancelled.
pub async fn begin(hub: &Hub, by: &str, reason: &str) -> Result<(), HubError> {
    hub.halt.turn_on(&hub.store, by, reason).await?;
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
    hub.halt.turn_off(&hub.store).await?;
    // What waited goes on.
    hub.bus.wake(WAKE_RUNS);
    let text = format!("{by} ended the halt: work on servers may begin again");
    raise(hub, Raise::hub("hub.resumed", None, Severity::Info, text)).await.map(drop)
}
