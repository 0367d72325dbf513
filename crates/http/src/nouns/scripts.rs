//! Past versions of a script, and approvers' signatures; the rest is as for every configured noun.

use axum::Json;
use axum::extract::Path;
use watchtower_api_types::{ApprovalInput, List, Script};
use watchtower_hub::configure::{self, Scripts};
use watchtower_hub::objects::ScriptBody;

use crate::caller::{Body, Caller, Reply};

pub async fn versions(caller: Caller, Path(name): Path<String>) -> Reply<List<Script>> {
    let script = configure::find::<Scripts>(&caller.hub, &name)?;
    let versions = caller.hub.store.object_versions::<ScriptBody>(script.id).await?;
    Ok(Json(List { items: versions.iter().map(configure::view_script).collect(), next: None }))
}

pub async fn approve(
    caller: Caller,
    Path(name): Path<String>,
    Body(input): Body<ApprovalInput>,
) -> Reply<Script> {
    Ok(Json(configure::approve(&caller.hub, &caller.principal, &name, input).await?))
}
