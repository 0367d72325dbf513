//! Many changes of configuration in one request: tried, or made.

use axum::Json;
use axum::extract::Request;
use watchtower_api_types::{ConfigApplied, ConfigChange, ConfigChanges, ConfigCheck, ConfigVersions};
use watchtower_hub::{HubError, configure};

use crate::caller::{Caller, Reply, parse_json, read_body};
use crate::problem::Failure;

/// All configuration of a large installation, scripts among it, in one request.
const BYTES_MAX: usize = 16 * 1024 * 1024;

async fn changes(caller: &Caller, request: Request) -> Result<Vec<ConfigChange>, Failure> {
    caller.unrestricted()?;
    let bytes = read_body(request.into_body(), BYTES_MAX).await?;
    Ok(parse_json::<ConfigChanges>(&bytes)?.changes)
}

pub async fn check(caller: Caller, request: Request) -> Reply<ConfigCheck> {
    let changes = changes(&caller, request).await?;
    Ok(Json(configure::rehearse(&caller.hub, &caller.principal, changes).await?))
}

pub async fn apply(caller: Caller, request: Request) -> Reply<ConfigApplied> {
    let changes = changes(&caller, request).await?;
    let Caller { hub, principal, .. } = caller;
    // What is begun is ended, also when nobody waits for the answer any more.
    let applied = tokio::spawn(async move { configure::apply(&hub, &principal, changes).await });
    Ok(Json(applied.await.map_err(|error| HubError::Internal(error.to_string()))??))
}

pub async fn versions(caller: Caller) -> Reply<ConfigVersions> {
    Ok(Json(configure::versions(&caller.hub)))
}
