//! The switch that stops all work on servers.

use axum::Json;
use axum::http::StatusCode;
use watchtower_api_types::{Halt, HaltInput};
use watchtower_hub::jobs::halt;
use watchtower_hub::{Hub, HubError};
use watchtower_model::check_line;
use watchtower_model::limits::LINE_BYTES_MAX;

use crate::caller::{Body, Caller, Reply};
use crate::problem::Failure;

fn view(hub: &Hub) -> Halt {
    let halt = halt::current(hub);
    Halt {
        on: halt.is_some(),
        reason: halt.as_ref().map(|halt| halt.reason.clone()),
        by: halt.as_ref().map(|halt| halt.by.clone()),
        since: halt.map(|halt| halt.since.into()),
    }
}

pub async fn get(caller: Caller) -> Reply<Halt> {
    Ok(Json(view(&caller.hub)))
}

pub async fn begin(caller: Caller, Body(input): Body<HaltInput>) -> Reply<Halt> {
    caller.unrestricted()?;
    if input.reason.trim().is_empty() {
        return Err(HubError::invalid("reason", "say why, for those who find everything stopped").into());
    }
    check_line(&input.reason, LINE_BYTES_MAX).map_err(|e| HubError::invalid("reason", e))?;
    halt::begin(&caller.hub, &caller.principal.name, &input.reason).await?;
    caller.audit("all servers", &input.reason).await?;
    get(caller).await
}

pub async fn end(caller: Caller) -> Result<StatusCode, Failure> {
    caller.unrestricted()?;
    if halt::is_on(&caller.hub) {
        halt::end(&caller.hub, &caller.principal.name).await?;
        caller.audit("all servers", "").await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
