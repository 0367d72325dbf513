//! Housekeeping: one file per loop, each with a period; none knows another.

mod auditor;
mod fence;
pub(crate) mod damage;
mod flush;
pub mod merge;
pub(crate) mod neighbours;
mod retention;
mod rollup;
mod repairs;

pub use auditor::Audits;

use std::future::Future;
use std::time::Duration;

use crate::error::HubError;
use crate::{Hub, keys, metadata};

/// A newer hub that is about to change what older ones rely on marks that first and waits longer than this: older hubs are gone then.
const FENCE_EVERY: Duration = Duration::from_secs(5);

/// Starts every loop.
pub(crate) fn start(hub: &Hub) {
    spawn(hub, "fence", FENCE_EVERY, fence::run);
    spawn(hub, "flush", Duration::from_secs(60), flush::run);
    spawn(hub, "metadata", Duration::from_secs(60), metadata::store);
    spawn(hub, "merge", Duration::from_secs(20), merge::run);
    spawn(hub, "damage", Duration::from_secs(10), damage::run);
    spawn(hub, "retention", Duration::from_secs(600), retention::run);
    spawn(hub, "repairs", Duration::from_secs(10), repairs::run);
    tokio::spawn(keys::watch(hub.clone()));
    spawn(hub, "reseal", Duration::from_secs(1), keys::reseal);
    spawn(hub, "neighbours", Duration::from_secs(1), neighbours::run);
    spawn(hub, "auditor", Duration::from_millis(hub.config.timing.audit_every_ms), auditor::run);
}

fn spawn<F>(hub: &Hub, name: &'static str, every: Duration, body: fn(Hub) -> F)
where
    F: Future<Output = Result<(), HubError>> + Send + 'static,
{
    let hub = hub.clone();
    tokio::spawn(async move {
        while hub.running() {
            tokio::select! {
                () = hub.stopped() => return,
                () = tokio::time::sleep(every) => {}
            }
            if let Err(error) = body(hub.clone()).await {
                tracing::error!("{name}: {error}");
            }
        }
    });
}
