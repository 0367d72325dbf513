//! The preview of a rule; the rest is as for every configured noun.

use axum::Json;
use watchtower_api_types::{RulePreview, RulePreviewInput};
use watchtower_hub::configure;

use crate::caller::{Body, Caller, Reply};

pub async fn preview(caller: Caller, Body(input): Body<RulePreviewInput>) -> Reply<RulePreview> {
    Ok(Json(configure::preview(&caller.hub, &caller.principal, input).await?))
}
