//! Approvals, the breaker, and what cron triggers have beyond that; the rest is as for every configured noun.

use axum::Json;
use axum::extract::Path;
use watchtower_api_types::{Attempt, Automation, CronPreview, CronPreviewInput, Firing};
use watchtower_hub::HubError;
use watchtower_hub::configure::{self, Automations, Noun, view_attempt};
use watchtower_hub::jobs::repair;
use watchtower_model::{AutomationId, Id, UserId};
use watchtower_store::AttemptRow;

use crate::caller::{Body, Caller, Reply};
use crate::problem::Failure;

pub async fn close_breaker(caller: Caller, Path(name): Path<String>) -> Reply<Automation> {
    caller.unrestricted()?;
    let automation = configure::find::<Automations>(&caller.hub, &name)?;
    repair::set_breaker(&caller.hub, AutomationId(automation.id), |breaker| breaker.reset()).await?;
    caller.audit(&automation.body.name, "").await?;
    let automation = configure::find::<Automations>(&caller.hub, &name)?;
    Ok(Json(Automations::view(&caller.hub, &automation, true).await?))
}

async fn find(caller: &Caller, attempt: &str) -> Result<AttemptRow, Failure> {
    let id: Id = attempt.parse().map_err(|e| HubError::invalid("attempt", e))?;
    let row = caller.hub.store.attempt(id).await?;
    row.filter(|row| caller.sees_server(Some(row.server_id)))
        .ok_or_else(|| HubError::not_found("attempt", attempt).into())
}

/// An approval is a person's; a token has none to answer for it.
fn person(caller: &Caller) -> Result<UserId, Failure> {
    caller
        .principal
        .user
        .ok_or_else(|| HubError::Forbidden("only a signed-in person can approve or deny".into()).into())
}

pub async fn approve(caller: Caller, Path((_, attempt)): Path<(String, String)>) -> Reply<Attempt> {
    let row = find(&caller, &attempt).await?;
    repair::approve(&caller.hub, row.id, person(&caller)?).await?;
    caller.audit(&attempt, "").await?;
    let row = find(&caller, &attempt).await?;
    Ok(Json(view_attempt(&caller.hub, &row).await?))
}

pub async fn deny(caller: Caller, Path((_, attempt)): Path<(String, String)>) -> Reply<Attempt> {
    let row = find(&caller, &attempt).await?;
    repair::deny(&caller.hub, row.id, person(&caller)?).await?;
    caller.audit(&attempt, "").await?;
    let row = find(&caller, &attempt).await?;
    Ok(Json(view_attempt(&caller.hub, &row).await?))
}

pub async fn preview(caller: Caller, Body(input): Body<CronPreviewInput>) -> Reply<CronPreview> {
    Ok(Json(configure::preview_cron(&caller.hub, input)))
}

pub async fn take_over(caller: Caller, Path(name): Path<String>) -> Reply<Automation> {
    caller.unrestricted()?;
    Ok(Json(configure::take_over(&caller.hub, &caller.principal, &name).await?))
}

pub async fn fire(caller: Caller, Path(name): Path<String>) -> Reply<Firing> {
    // Its servers are all of those that match, whoever asks.
    caller.unrestricted()?;
    let automation = configure::find::<Automations>(&caller.hub, &name)?;
    Ok(Json(configure::fire(&caller.hub, &automation, &caller.principal).await?))
}
