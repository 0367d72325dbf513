//! Packs stored chunks of metrics into blocks, in the background and when somebody asks for it.
//!
//! Budget: one round at a time, and between rounds as long a rest as the round took: never more than half of one core.

use std::sync::Arc;
use std::time::{Duration, Instant};

use watchtower_tsdb::{Extent, MergeReport};

use super::rollup;
use crate::Hub;
use crate::error::HubError;

/// How long somebody who asked is kept waiting; what is left then is for the next call.
const NOW_FOR: Duration = Duration::from_secs(20);

pub(super) async fn run(hub: Hub) -> Result<(), HubError> {
    loop {
        let began = Instant::now();
        let report = round(&hub, Extent::Due).await?;
        if !report.more || !hub.running() {
            return rollup::run(&hub).await;
        }
        tokio::time::sleep(began.elapsed()).await;
    }
}

async fn round(hub: &Hub, extent: Extent) -> Result<MergeReport, HubError> {
    let (tsdb, now) = (Arc::clone(&hub.tsdb), hub.now());
    let merged = tokio::task::spawn_blocking(move || tsdb.merge(now, extent)).await;
    Ok(merged.map_err(|_| HubError::Internal("merging ended abnormally".into()))??)
}

/// What [`now`] did.
#[derive(Debug, Clone, Copy)]
pub struct Merged {
    pub report: MergeReport,
    /// Bytes of all metrics on disk.
    pub bytes_before: u64,
    pub bytes_after: u64,
}

/// Stores all that is in memory and merges everything, for at most [`NOW_FOR`].
pub async fn now(hub: &Hub) -> Result<Merged, HubError> {
    let bytes_before = hub.metric_files.bytes_on_disk();
    let (tsdb, at) = (Arc::clone(&hub.tsdb), hub.now());
    let flushed = tokio::task::spawn_blocking(move || tsdb.flush_all(at)).await;
    flushed.map_err(|_| HubError::Internal("flushing ended abnormally".into()))??;
    let began = Instant::now();
    let mut report = MergeReport { more: true, ..MergeReport::default() };
    while report.more && began.elapsed() < NOW_FOR {
        report.add(round(hub, Extent::Everything).await?);
    }
    Ok(Merged { report, bytes_before, bytes_after: hub.metric_files.bytes_on_disk() })
}
