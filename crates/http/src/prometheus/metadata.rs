//! `GET /prometheus/api/v1/metadata`: type, help and unit of metrics' names.

use serde_json::{Value, json};
use watchtower_hub::metadata::visible;
use watchtower_model::MetricMetadata;

use super::{Api, ApiError, Request, answer, handler};

handler!(pub(super) metadata, do_metadata);

async fn do_metadata(request: &Request) -> Api {
    let number = |name: &str| {
        let given = request.get(name).map(str::parse::<i64>).transpose();
        given.map_err(|_| ApiError::bad_data(format!("{name} must be a number")))
    };
    // As Prometheus takes them: no metric at all for 0, all of one for 0.
    let limit = number("limit")?.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let each = number("limit_per_metric")?.and_then(|limit| usize::try_from(limit).ok());
    let each = each.filter(|each| *each > 0).unwrap_or(usize::MAX);
    let all = visible(&request.hub, request.principal.scope(), request.get("metric")).await?;
    let shown = all.into_iter().take(limit);
    let list = |told: Vec<MetricMetadata>| told.into_iter().take(each).map(|told| json!(told)).collect();
    Ok(Value::Object(shown.map(|(name, told)| (name, list(told))).collect()).into())
}
