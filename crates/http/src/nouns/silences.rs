//! The end of a silence before its time.

use axum::Json;
use axum::extract::Path;
use watchtower_api_types::Silence;
use watchtower_hub::configure;

use crate::caller::{Caller, Reply};

pub async fn expire(caller: Caller, Path(id): Path<String>) -> Reply<Silence> {
    Ok(Json(configure::expire_silence(&caller.hub, &caller.principal, &id).await?))
}
