//! Changes of configuration that are tried before they are made.

use axum::Json;
use axum::extract::Request;
use watchtower_api_types::{ConfigCheck, ConfigCheckInput};
use watchtower_hub::configure;

use crate::caller::{Caller, Reply, parse_json, read_body};

/// All configuration of a large installation, scripts among it, in one request.
const BYTES_MAX: usize = 16 * 1024 * 1024;

pub async fn check(caller: Caller, request: Request) -> Reply<ConfigCheck> {
    caller.unrestricted()?;
    let bytes = read_body(request.into_body(), BYTES_MAX).await?;
    let input: ConfigCheckInput = parse_json(&bytes)?;
    Ok(Json(configure::rehearse(&caller.hub, &caller.principal, input.changes).await?))
}
