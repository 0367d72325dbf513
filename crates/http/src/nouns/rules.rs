//! The preview and the past of a rule, and the import of rule files; the rest is as for every configured noun.

use axum::Json;
use watchtower_api_types::{
    RuleBacktest, RuleBacktestInput, RuleImport, RuleImportInput, RulePreview, RulePreviewInput,
};
use watchtower_hub::configure;

use crate::caller::{Body, Caller, Reply};

pub async fn preview(caller: Caller, Body(input): Body<RulePreviewInput>) -> Reply<RulePreview> {
    Ok(Json(configure::preview(&caller.hub, &caller.principal, input).await?))
}

pub async fn backtest(caller: Caller, Body(input): Body<RuleBacktestInput>) -> Reply<RuleBacktest> {
    Ok(Json(configure::backtest(&caller.hub, &caller.principal, input).await?))
}

pub async fn import(caller: Caller, Body(input): Body<RuleImportInput>) -> Reply<RuleImport> {
    // Rules apply to all servers.
    caller.unrestricted()?;
    Ok(Json(configure::import_rules(&caller.hub, &caller.principal, input).await?))
}
