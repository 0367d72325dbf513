//! The hub's own keys: who has them, and the steps of their rotation.

use axum::Json;
use axum::extract::Path;
use watchtower_api_types::{HubKeys, KeyKind, KeyRetirement, KeySwitch};
use watchtower_hub::HubError;
use watchtower_hub::keys::{self, Rotated};

use crate::caller::{Body, Caller, Reply};
use crate::problem::Failure;

fn kind(word: &str) -> Result<KeyKind, Failure> {
    word.parse().map_err(|_| HubError::not_found("kind of key", word).into())
}

async fn done(caller: &Caller, rotated: Rotated) -> Reply<HubKeys> {
    caller.audit(&format!("key {}", rotated.key), &rotated.said).await?;
    show(caller).await
}

async fn show(caller: &Caller) -> Reply<HubKeys> {
    Ok(Json(keys::show(&caller.hub).await?))
}

pub async fn list(caller: Caller) -> Reply<HubKeys> {
    caller.unrestricted()?;
    show(&caller).await
}

pub async fn rotate(caller: Caller, Path(word): Path<String>) -> Reply<HubKeys> {
    caller.unrestricted()?;
    let rotated = keys::rotate(&caller.hub, kind(&word)?, &caller.principal.name).await?;
    done(&caller, rotated).await
}

pub async fn switch(
    caller: Caller,
    Path(word): Path<String>,
    Body(input): Body<KeySwitch>,
) -> Reply<HubKeys> {
    caller.unrestricted()?;
    let rotated = keys::switch(&caller.hub, kind(&word)?, input.force, &caller.principal.name).await?;
    done(&caller, rotated).await
}

pub async fn retire(
    caller: Caller,
    Path(word): Path<String>,
    Body(input): Body<KeyRetirement>,
) -> Reply<HubKeys> {
    caller.unrestricted()?;
    let rotated = keys::retire(&caller.hub, kind(&word)?, input.force, &caller.principal.name).await?;
    done(&caller, rotated).await
}

pub async fn abort(caller: Caller, Path(word): Path<String>) -> Reply<HubKeys> {
    caller.unrestricted()?;
    let rotated = keys::abort(&caller.hub, kind(&word)?, &caller.principal.name).await?;
    done(&caller, rotated).await
}
