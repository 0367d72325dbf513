//! Browsers that notify the caller.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use watchtower_api_types::{BrowserInput, Channel, ChannelTest, PushKey};
use watchtower_hub::HubError;
use watchtower_hub::access;
use watchtower_hub::jobs::try_out;
use watchtower_model::UserId;

use crate::caller::{Body, Caller, Reply};
use crate::problem::Failure;

pub async fn push_key(caller: Caller) -> Reply<PushKey> {
    Ok(Json(PushKey { key: caller.hub.keys.vapid.public_key() }))
}

pub async fn add(caller: Caller, Body(input): Body<BrowserInput>) -> Reply<Channel> {
    let person = caller.principal.user.ok_or_else(|| {
        HubError::Forbidden("a token is nobody who could be paged: sign in as a person".into())
    })?;
    Ok(Json(access::add_browser(&caller.hub, &caller.principal, person, input).await?))
}

pub async fn test(caller: Caller, Path(channel): Path<String>) -> Reply<ChannelTest> {
    let id = access::find_browser(&caller.hub, owner(&caller, &channel)?, &channel).await?;
    Ok(Json(try_out::test_channel(&caller.hub, id, &caller.principal.name).await?))
}

pub async fn remove(caller: Caller, Path(channel): Path<String>) -> Result<StatusCode, Failure> {
    let person = owner(&caller, &channel)?;
    access::remove_browser(&caller.hub, &caller.principal, person, &channel).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A token has no browser.
fn owner(caller: &Caller, channel: &str) -> Result<UserId, Failure> {
    caller.principal.user.ok_or_else(|| HubError::not_found("browser", channel).into())
}
