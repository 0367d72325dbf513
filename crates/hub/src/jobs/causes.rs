//! The automations that led to an alert: the guard against repairs that cause each other's trouble for ever.
//!
//! An alert counts as caused by each automation whose work on the same server went on when it began, or had ended shortly before.

use watchtower_model::{AutomationId, ServerId};
use watchtower_store::AlertRow;

use super::repair::AttemptBody;
use crate::Hub;
use crate::error::HubError;

/// What a repair breaks shows within this, in metrics that come every ten seconds and rules that wait a minute.
const CAUSED_WITHIN_MS: i64 = 120_000;
/// Runs of automations on one server that are looked at: more than their rate allows.
const RUNS_MAX: i64 = 50;
/// Of a chain, the latest are kept: a loop shows in them.
const CHAIN_MAX: usize = 8;

/// The longest chain of automations, the latest last; one that `asking` is part of goes before any other.
pub(super) async fn of(
    hub: &Hub,
    alert: &AlertRow,
    server: ServerId,
    asking: AutomationId,
) -> Result<Vec<AutomationId>, HubError> {
    let began = alert.first_seen_at;
    let since = began.plus_ms(-CAUSED_WITHIN_MS);
    let mut longest: Vec<AutomationId> = Vec::new();
    for (run, automation) in hub.store.automated_runs_on(server, since, began, RUNS_MAX).await? {
        // What the clock started was caused by no alert.
        let attempt = hub.store.attempt_of_run(run).await?;
        let body = attempt.and_then(|row| serde_json::from_str::<AttemptBody>(&row.body).ok());
        let mut chain = body.map(|body| body.causes).unwrap_or_default();
        chain.push(automation);
        chain.drain(..chain.len().saturating_sub(CHAIN_MAX));
        let rank = |chain: &[AutomationId]| (chain.contains(&asking), chain.len());
        if rank(&chain) > rank(&longest) {
            longest = chain;
        }
    }
    Ok(longest)
}
