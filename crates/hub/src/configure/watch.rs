//! Other hubs on the same database are configured, too: what people write down there is taken up here.
//!
//! Invariant: the database is looked at again and again; the bus only makes it sooner.

use std::time::Duration;

use crate::error::HubError;
use crate::{Hub, WAKE_OBJECTS};

/// A hub goes by what another was told within this time, also when the bus told nothing.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Runs until the hub stops. A hub that has its database for itself knows all that is in it.
pub(crate) async fn run(hub: Hub) {
    let Ok(mut waiter) = hub.bus.waiter(WAKE_OBJECTS) else { return };
    let mut known = None;
    while hub.config.database_url.is_some() && hub.running() {
        match take_up(&hub, known).await {
            Ok(mark) => known = Some(mark),
            Err(error) => tracing::error!("the configuration is not looked at: {error}"),
        }
        tokio::select! {
            () = hub.stopped() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = waiter.wait() => {}
        }
    }
}

/// `known`: the mark of what was loaded last. The mark is read first: what comes between is loaded twice rather than never.
async fn take_up(hub: &Hub, known: Option<(i64, i64)>) -> Result<(i64, i64), HubError> {
    let mark = hub.store.objects_mark().await?;
    if known != Some(mark) {
        hub.reload_objects().await?;
    }
    Ok(mark)
}
