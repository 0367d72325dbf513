//! Batches: begun, done again where they failed, cancelled.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use watchtower_api_types::{DeploymentStatus, SshAccess};
use watchtower_deploy::Bastions;
use watchtower_model::{BatchId, DeploymentId};
use watchtower_store::{DeploymentEnd, DeploymentRow, Json, Store};

use super::access::{Access, access};
use super::request::{Options, Wanted};
use super::work::{Batch, run};
use super::{OPEN_MAX, RETRY_WINDOW};
use crate::error::HubError;
use crate::{Hub, WAKE_CHANGES, live, random};

/// Stores the deployments and begins to work on them.
pub async fn create(
    hub: &Hub,
    wanted: Vec<Wanted>,
    ssh: &SshAccess,
    by: &str,
) -> Result<Vec<DeploymentRow>, HubError> {
    let access = access(hub, ssh, true).await?;
    begin(hub, wanted, access, None, by).await
}

/// Does again what failed among `rows`, as a new batch, with the secrets given or still kept.
pub async fn retry(
    hub: &Hub,
    rows: Vec<DeploymentRow>,
    ssh: Option<&SshAccess>,
    by: &str,
) -> Result<Vec<DeploymentRow>, HubError> {
    let failed = |row: &DeploymentRow| row.status == DeploymentStatus::Failed.as_str();
    let rows: Vec<_> = rows.into_iter().filter(failed).collect();
    let Some(first) = rows.first() else {
        return Err(HubError::Conflict("nothing of it has failed: there is nothing to do again".into()));
    };
    let batch = first.batch_id;
    let mut wanted = Vec::with_capacity(rows.len());
    for row in &rows {
        let options = options_of(row)?;
        let repeats = Some(options.repeats.unwrap_or(row.id));
        wanted.push(Wanted { server: row.server.clone(), options: Options { repeats, ..options } });
    }
    let access = match ssh {
        Some(ssh) => access(hub, ssh, true).await?,
        None => kept(hub, batch, &wanted[0].options).await?,
    };
    begin(hub, wanted, access, Some(batch), by).await
}

pub(super) fn options_of(row: &DeploymentRow) -> Result<Options, HubError> {
    serde_json::from_str(&row.options)
        .map_err(|e| HubError::Internal(format!("options of deployment {}: {e}", row.number)))
}

/// The secrets that are still in memory, or saved.
async fn kept(hub: &Hub, batch: BatchId, options: &Options) -> Result<Access, HubError> {
    let in_memory = hub.deployments.secrets().get(&batch).cloned();
    if let Some(access) = in_memory {
        return Ok(access);
    }
    if let (Some(id), true) = (options.credential, options.resumable) {
        return Access::of_saved(hub, &id.to_string()).await;
    }
    Err(HubError::Conflict(
        "the hub has let go of the password or key of this batch: send `ssh` with it again".into(),
    ))
}

async fn begin(
    hub: &Hub,
    wanted: Vec<Wanted>,
    access: Access,
    retry_of: Option<BatchId>,
    by: &str,
) -> Result<Vec<DeploymentRow>, HubError> {
    // Two requests must not both find a server free.
    let _one_at_a_time = hub.configuring.lock().await;
    let open = hub.store.open_deployments().await?;
    if open.len() + wanted.len() > OPEN_MAX {
        return Err(HubError::Conflict(format!(
            "{} deployments are under way, and at most {OPEN_MAX} may be: wait for some to end",
            open.len()
        )));
    }
    let busy = |wanted: &Wanted| open.iter().find(|row| row.server == wanted.server);
    if let Some(row) = wanted.iter().find_map(busy) {
        return Err(HubError::Conflict(format!(
            "deployment {} of {:?} is under way: cancel it or wait for its end",
            row.number, row.server
        )));
    }
    let batch = BatchId(random::id(hub.now()));
    let mut rows = Vec::with_capacity(wanted.len());
    for one in wanted {
        rows.push(row_of(hub, batch, retry_of, one, &access, by).await?);
    }
    let now = hub.now();
    let mut statements: Vec<_> = rows.iter().map(Store::insert_deployment).collect();
    statements.extend(access.credential.map(|id| Store::touch_credential(id, now)));
    statements.push(Store::insert_change("deployment", batch, now));
    hub.store.commit(statements).await?;
    hub.bus.wake(WAKE_CHANGES);
    start(hub, batch, access, rows.clone());
    Ok(rows)
}

async fn row_of(
    hub: &Hub,
    batch_id: BatchId,
    retry_of: Option<BatchId>,
    one: Wanted,
    access: &Access,
    by: &str,
) -> Result<DeploymentRow, HubError> {
    let options = one.options.with_access(access);
    Ok(DeploymentRow {
        id: DeploymentId(random::id(hub.now())),
        number: hub.store.next_number("deployment").await?,
        batch_id,
        retry_of,
        action: options.action.as_str().into(),
        server_id: hub.servers.find(&one.server).map(|server| server.id),
        server: one.server,
        target: options.target().to_string(),
        options: serde_json::to_string(&options).map_err(|e| HubError::Internal(e.to_string()))?,
        status: DeploymentStatus::Pending.as_str().into(),
        change: None,
        version: None,
        arch: None,
        remarks: Json(Vec::new()),
        failure: None,
        created_by: by.into(),
        created_at: hub.now(),
        started_at: None,
        finished_at: None,
    })
}

/// Works on stored deployments in the background; their secrets stay for a while after the last has ended.
pub(super) fn start(hub: &Hub, id: BatchId, access: Access, rows: Vec<DeploymentRow>) {
    hub.deployments.secrets().insert(id, access.clone());
    let batch = Arc::new(Batch { id, access, bastions: Bastions::new(), binaries: Default::default() });
    let mut work = JoinSet::new();
    for row in rows {
        let (cancel, cancelled) = watch::channel(false);
        hub.deployments.cancels().insert(row.id, cancel);
        let (hub, batch) = (hub.clone(), Arc::clone(&batch));
        work.spawn(async move {
            let id = row.id;
            match options_of(&row) {
                Ok(options) => run(hub.clone(), batch, row, options, cancelled).await,
                Err(error) => tracing::error!("{error}"),
            }
            hub.deployments.cancels().remove(&id);
        });
    }
    let hub = hub.clone();
    tokio::spawn(async move {
        while let Some(ended) = work.join_next().await {
            if let Err(error) = ended {
                tracing::error!("a deployment ended abnormally: {error}");
            }
        }
        // Connections to jump hosts end here.
        drop(batch);
        tokio::select! {
            () = hub.stopped() => {}
            () = tokio::time::sleep(RETRY_WINDOW) => {}
        }
        hub.deployments.secrets().remove(&id);
    });
}

/// Cancels what has not ended. The host keeps what was done so far.
pub async fn cancel(hub: &Hub, rows: &[DeploymentRow]) -> Result<(), HubError> {
    let mut orphans = Vec::new();
    for row in rows.iter().filter(|row| row.finished_at.is_none()) {
        match hub.deployments.cancels().get(&row.id) {
            Some(cancel) => {
                cancel.send_replace(true);
            }
            None => orphans.push(row.id),
        }
    }
    let now = hub.now();
    let end = DeploymentEnd { status: DeploymentStatus::Cancelled.as_str(), ..DeploymentEnd::default() };
    let ends = orphans.iter().flat_map(|id| {
        [
            Store::end_deployment(*id, &end, now),
            Store::stop_deployment_steps(*id, "cancelled", now),
            Store::insert_change("deployment", *id, now),
        ]
    });
    hub.store.commit(ends.collect()).await?;
    if let Some(row) = rows.first() {
        live::publish_deployments(hub, row.batch_id);
    }
    Ok(())
}
