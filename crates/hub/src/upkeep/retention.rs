//! Every table has a retention.

use std::sync::Arc;

use watchtower_store::Store;

use crate::config::{PROCESSES_HOURS, RECORDS_DAYS};
use crate::error::HubError;
use crate::{Hub, configure};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Longer than anything is told late: what is told again is known to be.
const NEWS_DAYS: i64 = 7;

pub(super) async fn run(hub: Hub) -> Result<(), HubError> {
    let now = hub.now();
    let records = now.plus_ms(-RECORDS_DAYS * DAY_MS);
    hub.store
        .commit(vec![
            Store::delete_expired_sessions(now),
            Store::delete_processes_before(now.plus_ms(-PROCESSES_HOURS * HOUR_MS)),
            Store::delete_changes_before(now.plus_ms(-DAY_MS)),
            Store::delete_idempotency_before(now.plus_ms(-DAY_MS)),
            Store::delete_sender_requests_before(now.plus_ms(-DAY_MS)),
            Store::delete_held_before(now),
            Store::delete_news_before(now.plus_ms(-NEWS_DAYS * DAY_MS)),
            Store::delete_enrol_tokens_before(now.plus_ms(-30 * DAY_MS)),
            Store::delete_events_before(records),
            Store::delete_alerts_before(records),
            Store::delete_incidents_before(records),
            Store::delete_runs_before(records),
            Store::delete_attempts_before(records),
            Store::delete_deployments_before(records),
            Store::delete_hub_keys_ended_before(records),
        ])
        .await?;
    configure::forget_silences(&hub).await?;
    let (tsdb, kept) = (Arc::clone(&hub.tsdb), hub.config.kept);
    let dropped = tokio::task::spawn_blocking(move || tsdb.retain(now, &kept)).await;
    dropped.map_err(|_| HubError::Internal("dropping old metrics ended abnormally".into()))??;
    Ok(())
}
