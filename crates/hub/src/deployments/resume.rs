//! After a restart: what the hub can still do goes on from its start, everything else ends as failed and says why.

use std::collections::BTreeMap;

use watchtower_api_types::DeploymentStatus;
use watchtower_model::BatchId;
use watchtower_store::{DeploymentEnd, DeploymentRow, Statement, Store};

use super::access::Access;
use super::batch::{options_of, start};
use super::work::failure;
use crate::Hub;
use crate::error::HubError;

/// Stable, beside the codes of the steps.
const CODE: &str = "E_HUB_RESTARTED";

/// Ends what nobody can work on any more, before the hub serves, and takes up the rest.
pub(crate) async fn resume(hub: &Hub) -> Result<(), HubError> {
    let mut batches: BTreeMap<BatchId, (Access, Vec<DeploymentRow>)> = BTreeMap::new();
    for row in hub.store.open_deployments().await? {
        match saved_access(hub, &row).await {
            Some(access) => {
                let again = vec![Store::delete_deployment_steps(row.id)];
                hub.store.commit(again).await?;
                batches.entry(row.batch_id).or_insert_with(|| (access, Vec::new())).1.push(row);
            }
            None => hub.store.commit(end(hub, &row).await?).await.map(drop)?,
        }
    }
    for (id, (access, rows)) in batches {
        tracing::info!(batch = %id, deployments = rows.len(), "deployments go on after the restart");
        start(hub, id, access, rows);
    }
    Ok(())
}

/// The secrets of a deployment whose secrets are all saved.
async fn saved_access(hub: &Hub, row: &DeploymentRow) -> Option<Access> {
    let options = options_of(row).ok().filter(|options| options.resumable)?;
    Access::of_saved(hub, &options.credential?.to_string()).await.ok()
}

async fn end(hub: &Hub, row: &DeploymentRow) -> Result<Vec<Statement>, HubError> {
    let steps = hub.store.deployment_steps(row.id).await?;
    let step = steps.last().map_or("", |step| step.name.as_str());
    let cause = match step {
        "" => "the hub was restarted before its turn came",
        _ => "the hub was restarted while it was under way, and its password or key was only in memory",
    };
    let fix = "retry it with the password or key; a repeated deployment goes on from what it finds";
    let failed = failure(step, CODE, cause, fix);
    let end = DeploymentEnd {
        status: DeploymentStatus::Failed.as_str(),
        failure: serde_json::to_string(&failed).ok(),
        ..DeploymentEnd::default()
    };
    let now = hub.now();
    Ok(vec![
        Store::end_deployment(row.id, &end, now),
        Store::stop_deployment_steps(row.id, "failed", now),
        Store::insert_change("deployment", row.id, now),
    ])
}
