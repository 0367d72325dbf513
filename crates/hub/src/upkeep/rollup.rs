//! Rolls up days of metrics that are over, in the background, behind the merge that they wait for.
//!
//! Budget: that of the merge, with which it takes turns. While the disk is too full for samples, only days that are to be dropped: they
//! give back more than their rollups take.

use std::sync::Arc;
use std::time::Instant;

use watchtower_tsdb::{Roll, RollReport};

use crate::Hub;
use crate::error::HubError;

pub(super) async fn run(hub: &Hub) -> Result<(), HubError> {
    loop {
        let began = Instant::now();
        let report = round(hub).await?;
        if !report.more || !hub.running() {
            return Ok(());
        }
        tokio::time::sleep(began.elapsed()).await;
    }
}

async fn round(hub: &Hub) -> Result<RollReport, HubError> {
    let which = if hub.disk.takes_metrics().is_ok() { Roll::Over } else { Roll::Expired };
    let (tsdb, now, kept) = (Arc::clone(&hub.tsdb), hub.now(), hub.config.kept);
    let rolled = tokio::task::spawn_blocking(move || tsdb.roll(now, &kept, which)).await;
    Ok(rolled.map_err(|_| HubError::Internal("rolling up metrics ended abnormally".into()))??)
}
