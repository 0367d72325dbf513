//! The clockwork: wakes incidents, attempts and executions whose time has come.

use std::time::Duration;

use super::{repair, runs};
use crate::error::HubError;
use crate::{Hub, WAKE_INCIDENTS, fleet, respond};

/// Timers are looked at this often whatever the bus says: it is a hint, never the only copy.
const TICK: Duration = Duration::from_millis(500);

/// Runs until the hub stops.
pub async fn run(hub: Hub) {
    let Ok(mut waiter) = hub.bus.waiter(WAKE_INCIDENTS) else { return };
    while hub.running() {
        if let Err(error) = tick(&hub).await {
            tracing::error!("timers: {error}");
        }
        tokio::select! {
            () = hub.stopped() => return,
            () = tokio::time::sleep(TICK) => {}
            () = waiter.wait() => {}
        }
    }
}

async fn tick(hub: &Hub) -> Result<(), HubError> {
    respond::advance_due(hub).await?;
    repair::wake_due(hub).await?;
    fleet::end_maintenance(hub).await?;
    runs::give_up_overdue(hub).await
}
