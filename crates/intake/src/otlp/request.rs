//! What both forms of a request are read into: `opentelemetry.proto.metrics.v1`, as far as it is stored.

use serde::Deserialize;

use super::json::{double, maybe_double, maybe_int, or_default, temporality, uint};
use super::value::AnyValue;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricsRequest {
    #[serde(deserialize_with = "or_default")]
    pub(super) resource_metrics: Vec<ResourceMetrics>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResourceMetrics {
    #[serde(deserialize_with = "or_default")]
    pub resource: Resource,
    #[serde(deserialize_with = "or_default")]
    pub scope_metrics: Vec<ScopeMetrics>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Resource {
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct ScopeMetrics {
    #[serde(deserialize_with = "or_default")]
    pub metrics: Vec<Metric>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct KeyValue {
    #[serde(deserialize_with = "or_default")]
    pub key: String,
    #[serde(deserialize_with = "or_default")]
    pub value: AnyValue,
}

/// At most one of the five kinds is there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metric {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub unit: String,
    #[serde(deserialize_with = "or_default")]
    pub description: String,
    pub gauge: Option<Points<NumberPoint>>,
    pub sum: Option<Points<NumberPoint>>,
    pub histogram: Option<Points<HistogramPoint>>,
    pub exponential_histogram: Option<Points<UnreadPoint>>,
    pub summary: Option<Points<SummaryPoint>>,
}

/// The points of a metric; what only sums and histograms have is at its default for the others.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound = "P: Deserialize<'de> + Default")]
pub(super) struct Points<P> {
    #[serde(deserialize_with = "or_default")]
    pub data_points: Vec<P>,
    #[serde(deserialize_with = "temporality")]
    pub aggregation_temporality: u64,
    #[serde(deserialize_with = "or_default")]
    pub is_monotonic: bool,
}

pub(super) const CUMULATIVE: u64 = 2;
/// "No recorded value": the series ended.
const NOTHING_RECORDED: u64 = 1;

/// What every kind of point has.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NumberPoint {
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue>,
    #[serde(deserialize_with = "uint")]
    pub time_unix_nano: u64,
    #[serde(deserialize_with = "maybe_double")]
    pub as_double: Option<f64>,
    #[serde(deserialize_with = "maybe_int")]
    pub as_int: Option<i64>,
    #[serde(deserialize_with = "uint")]
    pub flags: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HistogramPoint {
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue>,
    #[serde(deserialize_with = "uint")]
    pub time_unix_nano: u64,
    #[serde(deserialize_with = "uint")]
    pub count: u64,
    #[serde(deserialize_with = "maybe_double")]
    pub sum: Option<f64>,
    #[serde(deserialize_with = "or_default")]
    pub bucket_counts: Vec<Uint>,
    #[serde(deserialize_with = "or_default")]
    pub explicit_bounds: Vec<Double>,
    #[serde(deserialize_with = "uint")]
    pub flags: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SummaryPoint {
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue>,
    #[serde(deserialize_with = "uint")]
    pub time_unix_nano: u64,
    #[serde(deserialize_with = "uint")]
    pub count: u64,
    #[serde(deserialize_with = "double")]
    pub sum: f64,
    #[serde(deserialize_with = "or_default")]
    pub quantile_values: Vec<Quantile>,
    #[serde(deserialize_with = "uint")]
    pub flags: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Quantile {
    #[serde(deserialize_with = "double")]
    pub quantile: f64,
    #[serde(deserialize_with = "double")]
    pub value: f64,
}

/// A point of a kind that is not stored: it is only counted.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct UnreadPoint {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub(super) struct Uint(#[serde(deserialize_with = "uint")] pub u64);

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub(super) struct Double(#[serde(deserialize_with = "double")] pub f64);

pub(super) fn ended(flags: u64) -> bool {
    flags & NOTHING_RECORDED != 0
}
