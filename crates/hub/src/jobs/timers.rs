//! The clockwork: wakes incidents, attempts, executions and automations whose time has come.
//!
//! Invariant: the bus is a hint, never the only copy. What it does not tell is found by looking, a little later.

use std::time::Duration;

use super::{cron, news, repair, rollout, runs};
use crate::error::HubError;
use crate::{Hub, WAKE_INCIDENTS, WAKE_NEWS, WAKE_RUNS, fleet, heartbeats, quiet, respond};

/// People are paged and repairs judged by these: they are looked at this often whatever the bus says.
const TICK: Duration = Duration::from_millis(500);
/// Times of runs are minutes and more, and whatever changes one of them goes on with it at once.
const RUNS_TICK: Duration = Duration::from_secs(2);

/// Runs until the hub stops.
pub async fn run(hub: Hub) {
    tokio::join!(
        clock(&hub, WAKE_INCIDENTS, TICK, tick),
        clock(&hub, WAKE_RUNS, RUNS_TICK, tick_runs),
        // It waits for those that it tells.
        clock(&hub, WAKE_NEWS, RUNS_TICK, async |hub| told("news", news::tick(hub).await)),
    );
}

async fn clock(hub: &Hub, name: &str, every: Duration, tick: impl AsyncFn(&Hub)) {
    let Ok(mut waiter) = hub.bus.waiter(name) else { return };
    while hub.running() {
        tick(hub).await;
        tokio::select! {
            () = hub.stopped() => return,
            () = tokio::time::sleep(every) => {}
            () = waiter.wait() => {}
        }
    }
}

/// What fails in one of them must not stop the others.
async fn tick(hub: &Hub) {
    told("incidents", respond::advance_due(hub).await.map(drop));
    told("repairs", repair::wake_due(hub).await);
    told("maintenance", fleet::end_maintenance(hub).await);
    told("silences", quiet::tick(hub).await);
}

async fn tick_runs(hub: &Hub) {
    told("the halt", hub.halt.refresh(&hub.store).await);
    told("the hold of messages", hub.page_hold.refresh(&hub.store).await);
    told("executions", runs::give_up_overdue(hub).await);
    told("rollouts", rollout::tick(hub, hub.now()).await);
    told("alerts of others", respond::signals::end_due(hub).await);
    told("heartbeats", heartbeats::tick(hub, hub.now()).await);
    told("cron triggers", cron::tick(hub, hub.now()).await);
    told("maintenance windows", quiet::tell_windows(hub, hub.now()).await);
}

fn told(what: &str, outcome: Result<(), HubError>) {
    if let Err(error) = outcome {
        tracing::error!("timers of {what}: {error}");
    }
}
