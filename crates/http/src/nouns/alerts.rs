//! Alerts.

use axum::Json;
use watchtower_api_types::{Alert, AlertState, List};
use watchtower_hub::HubError;
use watchtower_hub::configure::{self, Rules};
use watchtower_model::{AlertId, RuleId, Timestamp};
use watchtower_store::AlertFilter;

use crate::caller::{Caller, Reply};
use crate::views;

pub async fn list(caller: Caller) -> Reply<List<Alert>> {
    let limit = caller.limit()?;
    let server = caller.query("server").map(|name| caller.server(name)).transpose()?;
    let rule = caller.query("rule").map(|name| configure::find::<Rules>(&caller.hub, name)).transpose()?;
    let filter = AlertFilter {
        state: caller.words::<AlertState>("state")?.first().map(|state| state.as_str().to_string()),
        server: server.map(|server| server.id),
        rule: rule.map(|rule| RuleId(rule.id)),
        incident: None,
        before: caller.query("cursor").map(parse_cursor).transpose()?,
        limit,
    };
    let rows = caller.hub.store.alerts(&filter).await?;
    let next = (rows.len() as i64 == limit)
        .then(|| rows.last().map(|row| format!("{}:{}", row.last_seen_at.0, row.id)))
        .flatten();
    let rows = rows.into_iter().filter(|row| caller.sees_server(row.server_id)).collect();
    Ok(Json(List { items: views::alerts(&caller.hub, rows).await?, next }))
}

/// Many alerts share one millisecond: the id tells them apart.
fn parse_cursor(text: &str) -> Result<(Timestamp, AlertId), HubError> {
    let bad = || HubError::invalid("cursor", "must be `next` of the page before");
    let (at, id) = text.split_once(':').ok_or_else(bad)?;
    Ok((Timestamp(at.parse().map_err(|_| bad())?), id.parse().map_err(|_| bad())?))
}
