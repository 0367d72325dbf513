//! The clockwork: wakes incidents, attempts and executions whose time has come.

use std::time::Duration;

use super::{halt, repair, rollout, runs};
use crate::error::HubError;
use crate::{Hub, WAKE_INCIDENTS, fleet, respond};

/// Timers are looked at this often whatever the bus says: it is a hint, never the only copy.
const TICK: Duration = Duration::from_millis(500);

/// Runs until the hub stops.
pub async fn run(hub: Hub) {
    let Ok(mut waiter) = hub.bus.waiter(WAKE_INCIDENTS) else { return };
    while hub.running() {
        tick(&hub).await;
        tokio::select! {
            () = hub.stopped() => return,
            () = tokio::time::sleep(TICK) => {}
            () = waiter.wait() => {}
        }
    }
}

/// What fails in one of them must not stop the others.
async fn tick(hub: &Hub) {
    told("incidents", respond::advance_due(hub).await.map(drop));
    told("repairs", repair::wake_due(hub).await);
    told("maintenance", fleet::end_maintenance(hub).await);
    told("executions", runs::give_up_overdue(hub).await);
    told("the halt", halt::refresh(hub).await);
    told("rollouts", rollout::tick(hub, hub.now()).await);
}

fn told(what: &str, outcome: Result<(), HubError>) {
    if let Err(error) = outcome {
        tracing::error!("timers of {what}: {error}");
    }
}
