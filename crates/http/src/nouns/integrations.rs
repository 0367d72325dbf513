//! Integrations: keys are made here, and shown once.

use axum::Json;
use axum::extract::Path;
use watchtower_api_types::{
    HeldAlert, Integration, IntegrationInput, List, SignalPreview, SignalPreviewInput,
};
use watchtower_hub::configure::{self, Integrations};
use watchtower_hub::respond::signals;

use crate::caller::{Body, Caller, Reply};

pub async fn create(caller: Caller, Body(input): Body<IntegrationInput>) -> Reply<Integration> {
    caller.unrestricted()?;
    let made = configure::create::<Integrations>(&caller.hub, &caller.principal, input).await?;
    Ok(Json(configure::new_key(&caller.hub, &caller.principal, &made.id.to_string()).await?))
}

pub async fn new_key(caller: Caller, Path(name): Path<String>) -> Reply<Integration> {
    caller.unrestricted()?;
    Ok(Json(configure::new_key(&caller.hub, &caller.principal, &name).await?))
}

/// What is held may be about any server.
pub async fn held(caller: Caller, Path(name): Path<String>) -> Reply<List<HeldAlert>> {
    caller.unrestricted()?;
    let items = signals::held(&caller.hub, &name, caller.limit()?).await?;
    Ok(Json(List { items, next: None }))
}

pub async fn preview(_: Caller, Body(input): Body<SignalPreviewInput>) -> Reply<SignalPreview> {
    Ok(Json(configure::preview_mapping(&input)?))
}
