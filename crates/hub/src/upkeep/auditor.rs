//! Watches the watchman: nothing that is due may be overdue.

use watchtower_model::Severity;

use crate::Hub;
use crate::error::HubError;
use crate::ingest::{Raise, raise};
use crate::jobs::send;

/// Something due for longer than this means that a loop is stuck.
const OVERDUE_MS: i64 = 60_000;

pub(super) async fn run(hub: Hub) -> Result<(), HubError> {
    let now = hub.now();
    let late_timers = hub.store.due_incidents(now.plus_ms(-OVERDUE_MS), 100).await?.len();
    let lag_ms = send::lag_ms(&hub).await?;
    if late_timers == 0 && lag_ms < OVERDUE_MS {
        return Ok(());
    }
    hub.meters.overdue.add(late_timers.max(1) as u64);
    let text = format!("{late_timers} timers and the oldest message ({} s) are overdue", lag_ms / 1000);
    raise(&hub, Raise::hub("hub.overdue", None, Severity::Critical, text)).await.map(drop)
}
