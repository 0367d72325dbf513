//! The metric store as something to be looked after. Questions to it are Prometheus' API: `crate::prometheus`.

use std::time::Instant;

use axum::Json;
use watchtower_api_types::MetricsMerge;
use watchtower_hub::upkeep::merge;

use crate::caller::{Caller, Reply};

pub async fn merge(caller: Caller) -> Reply<MetricsMerge> {
    caller.unrestricted()?;
    let began = Instant::now();
    let merged = merge::now(&caller.hub).await?;
    let answer = MetricsMerge {
        samples: merged.report.samples as u64,
        before_bytes: merged.bytes_before,
        after_bytes: merged.bytes_after,
        took_seconds: began.elapsed().as_secs_f64(),
        done: !merged.report.more,
    };
    let detail =
        format!("{} samples, {} to {} bytes", answer.samples, answer.before_bytes, answer.after_bytes);
    caller.audit("metrics", &detail).await?;
    Ok(Json(answer))
}
