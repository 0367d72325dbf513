//! The switch that stops all work on servers, and the one that holds messages to people.

use axum::Json;
use axum::http::StatusCode;
use watchtower_api_types::{Halt, HaltInput};
use watchtower_hub::HubError;
use watchtower_hub::jobs::switch::Switch;
use watchtower_hub::jobs::{halt, page_hold};
use watchtower_model::check_line;
use watchtower_model::limits::LINE_BYTES_MAX;

use crate::caller::{Body, Caller, Reply};
use crate::problem::Failure;

fn view(switch: &Switch) -> Halt {
    let turned = switch.current();
    Halt {
        on: turned.is_some(),
        reason: turned.as_ref().map(|turned| turned.reason.clone()),
        by: turned.as_ref().map(|turned| turned.by.clone()),
        since: turned.map(|turned| turned.since.into()),
    }
}

pub async fn get(caller: Caller) -> Reply<Halt> {
    Ok(Json(view(&caller.hub.halt)))
}

pub async fn get_page_hold(caller: Caller) -> Reply<Halt> {
    Ok(Json(view(&caller.hub.page_hold)))
}

pub async fn end_page_hold(caller: Caller) -> Result<StatusCode, Failure> {
    caller.unrestricted()?;
    if caller.hub.page_hold.is_on() {
        page_hold::end(&caller.hub, &caller.principal.name).await?;
        caller.audit("messages", "").await?;
    }
    Ok(StatusCode::NO_CONTENT)
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
    if caller.hub.halt.is_on() {
        halt::end(&caller.hub, &caller.principal.name).await?;
        caller.audit("all servers", "").await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
