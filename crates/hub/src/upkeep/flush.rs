//! Moves samples from the head into chunks, so that the log stays short.

use std::sync::Arc;

use crate::Hub;
use crate::error::HubError;

pub(super) async fn run(hub: Hub) -> Result<(), HubError> {
    let (tsdb, now) = (Arc::clone(&hub.tsdb), hub.now());
    let flushed = tokio::task::spawn_blocking(move || tsdb.flush(now)).await;
    flushed.map_err(|_| HubError::Internal("flushing ended abnormally".into()))??;
    hub.store.measure_clock().await?;
    Ok(())
}
