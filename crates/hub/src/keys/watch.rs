//! Other hubs on the same database rotate keys, too: what they change is taken up here.
//!
//! Invariant: the rows are looked at again and again; the bus only makes it sooner. A hub that lacks a key's file keeps those it has.

use std::time::Duration;

use super::records;
use crate::error::HubError;
use crate::link::trust;
use crate::{Hub, WAKE_KEYS};

/// A hub knows what another changed within this time, also when the bus told nothing.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Runs until the hub stops.
pub(crate) async fn run(hub: Hub) {
    let Ok(mut waiter) = hub.bus.waiter(WAKE_KEYS) else { return };
    let mut told = String::new();
    while hub.running() {
        tokio::select! {
            () = hub.stopped() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = waiter.wait() => {}
        }
        let trouble = take_up(&hub).await.err().map(|error| error.to_string()).unwrap_or_default();
        // The same trouble is told once, not at each look.
        if !trouble.is_empty() && trouble != told {
            tracing::error!("the keys that another hub rotated are not taken up: {trouble}");
        }
        told = trouble;
    }
}

/// Goes by the rows as they are now; agents of this hub are told, and come through another root if there is one.
async fn take_up(hub: &Hub) -> Result<(), HubError> {
    // A rotation of this hub's own is in the middle of it.
    let _in_turn = hub.configuring.lock().await;
    let before = hub.keys.live();
    let rows = hub.store.hub_keys().await?;
    if before.version == records::bundle_version(&hub.store).await? && before.known == records::known(&rows) {
        return Ok(());
    }
    hub.keys.reload(&hub.store).await?;
    let now = hub.keys.live();
    tracing::info!(bundle = now.version, "another hub has rotated keys");
    if now.version != before.version {
        trust::tell_all(hub);
    }
    if now.certificate.leaf_pin != before.certificate.leaf_pin {
        hub.links.close_all();
    }
    Ok(())
}
