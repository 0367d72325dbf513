//! What heartbeats said.

use axum::Json;
use axum::extract::Path;
use watchtower_api_types::{List, Ping};
use watchtower_hub::configure;

use crate::caller::{Caller, Reply};

pub async fn pings(caller: Caller, Path(name): Path<String>) -> Reply<List<Ping>> {
    let items = configure::pings(&caller.hub, &name, caller.limit()?).await?;
    Ok(Json(List { items, next: None }))
}
