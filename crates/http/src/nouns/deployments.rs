//! Deployments over SSH.

use axum::Json;
use axum::extract::Path;
use watchtower_api_types::{
    Deployment, DeploymentInput, DeploymentRetry, DeploymentStatus, List, ParsedTargets, SshAccess,
    TargetsInput,
};
use watchtower_hub::HubError;
use watchtower_hub::deployments::{self, Wanted};
use watchtower_model::BatchId;
use watchtower_store::{DeploymentFilter, DeploymentRow};

use crate::caller::{Body, Caller, Reply};
use crate::problem::Failure;
use crate::views;

/// Names of an audit entry's hosts; more are counted.
const AUDITED_HOSTS: usize = 20;

pub async fn list(caller: Caller) -> Reply<List<Deployment>> {
    let limit = caller.limit()?;
    let server = caller.query("server").map(|name| caller.server(name)).transpose()?;
    let batch = caller.query("batch").map(str::parse::<BatchId>).transpose();
    let filter = DeploymentFilter {
        status: caller.words::<DeploymentStatus>("status")?.first().map(|status| status.as_str().to_string()),
        server: server.map(|server| server.id),
        batch: batch.map_err(|e| HubError::invalid("batch", e))?,
        before: caller.cursor()?,
        limit,
    };
    let rows = caller.hub.store.deployments(&filter).await?;
    let next = (rows.len() as i64 == limit).then(|| rows.last().map(|row| row.number.to_string())).flatten();
    let seen = rows.into_iter().filter(|row| sees(&caller, row));
    Ok(Json(List { items: seen.map(|row| views::deployment(row, None)).collect(), next }))
}

fn sees(caller: &Caller, row: &DeploymentRow) -> bool {
    deployments::sees(&caller.hub, &caller.principal, row)
}

async fn one(caller: &Caller, name: &str) -> Result<DeploymentRow, Failure> {
    let found = caller.hub.store.find_deployment(name).await?.filter(|row| sees(caller, row));
    found.ok_or_else(|| HubError::not_found("deployment", name).into())
}

/// One deployment, or by a batch's id all of it; all of them must be the caller's.
async fn several(caller: &Caller, name: &str) -> Result<Vec<DeploymentRow>, Failure> {
    let batch = match name.parse::<BatchId>() {
        Ok(batch) => caller.hub.store.deployments_of(batch).await?,
        Err(_) => Vec::new(),
    };
    if batch.is_empty() {
        return Ok(vec![one(caller, name).await?]);
    }
    if !batch.iter().any(|row| sees(caller, row)) {
        return Err(HubError::not_found("deployment", name).into());
    }
    if !batch.iter().all(|row| sees(caller, row)) {
        return Err(HubError::Forbidden("the batch has servers that you may not see".into()).into());
    }
    Ok(batch)
}

pub async fn get(caller: Caller, Path(name): Path<String>) -> Reply<Deployment> {
    let row = one(&caller, &name).await?;
    let steps = caller.hub.store.deployment_steps(row.id).await?;
    Ok(Json(views::deployment(row, Some(steps))))
}

/// Whether this caller may bring these hosts under their names, with this access.
fn check_rights(caller: &Caller, wanted: &[Wanted], ssh: &SshAccess) -> Result<(), Failure> {
    // A saved credential opens hosts beyond those of the caller.
    if ssh.credential.is_some() {
        caller.unrestricted()?;
    }
    let mine =
        |one: &&Wanted| deployments::covers(&caller.hub, &caller.principal, &one.server, &one.options.labels);
    match wanted.iter().find(|one| !mine(one)) {
        Some(other) => {
            let text = format!("{:?} would be outside the servers you may see", other.server);
            Err(HubError::Forbidden(text).into())
        }
        None => Ok(()),
    }
}

fn batch(rows: Vec<DeploymentRow>) -> Reply<List<Deployment>> {
    let items = rows.into_iter().map(|row| views::deployment(row, None)).collect();
    Ok(Json(List { items, next: None }))
}

fn hosts(rows: &[DeploymentRow]) -> String {
    let named: Vec<_> =
        rows.iter().take(AUDITED_HOSTS).map(|row| format!("{} ({})", row.server, row.target)).collect();
    match rows.len().saturating_sub(AUDITED_HOSTS) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

pub async fn create(caller: Caller, Body(input): Body<DeploymentInput>) -> Reply<List<Deployment>> {
    let wanted = deployments::wanted(&input)?;
    check_rights(&caller, &wanted, &input.ssh)?;
    let rows = deployments::create(&caller.hub, wanted, &input.ssh, &caller.principal.name).await?;
    let detail = format!("{} {}, policy {}", input.action, hosts(&rows), input.policy);
    caller.audit(&rows[0].batch_id.to_string(), &detail).await?;
    batch(rows)
}

pub async fn targets(_: Caller, Body(input): Body<TargetsInput>) -> Reply<ParsedTargets> {
    Ok(Json(deployments::read_targets(&input)?))
}

pub async fn retry(
    caller: Caller,
    Path(name): Path<String>,
    Body(input): Body<DeploymentRetry>,
) -> Reply<List<Deployment>> {
    let rows = several(&caller, &name).await?;
    if input.ssh.as_ref().is_some_and(|ssh| ssh.credential.is_some()) {
        caller.unrestricted()?;
    }
    let rows = deployments::retry(&caller.hub, rows, input.ssh.as_ref(), &caller.principal.name).await?;
    caller.audit(&name, &format!("as batch {}: {}", rows[0].batch_id, hosts(&rows))).await?;
    batch(rows)
}

pub async fn cancel(caller: Caller, Path(name): Path<String>) -> Reply<List<Deployment>> {
    let rows = several(&caller, &name).await?;
    deployments::cancel(&caller.hub, &rows).await?;
    caller.audit(&name, &hosts(&rows)).await?;
    batch(several(&caller, &name).await?)
}
