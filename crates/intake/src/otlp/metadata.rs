//! What a request says of its metrics, under the names that their series have.

use watchtower_model::{MetricMetadata, MetricType};

use super::name::{Kind, metric_name, unit_name};
use super::request::{CUMULATIVE, Metric, MetricsRequest};

/// Gives each metric that is stored with its type, description and unit.
pub fn described(request: &MetricsRequest, mut each: impl FnMut(&str, MetricMetadata)) {
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    for metric in scopes.flat_map(|scope| &scope.metrics) {
        let Some((told, kind)) = kinds(metric) else { continue };
        let name = metric_name(&metric.name, &metric.unit, kind);
        if !name.is_empty() {
            each(&name, MetricMetadata::new(told, &metric.description, &unit_name(&metric.unit)));
        }
    }
}

/// As Prometheus calls it, and as its name is made. A sum that may fall is a gauge there.
fn kinds(metric: &Metric) -> Option<(MetricType, Kind)> {
    if metric.gauge.is_some() {
        return Some((MetricType::Gauge, Kind::Gauge));
    }
    if let Some(sum) = metric.sum.as_ref().filter(|sum| sum.aggregation_temporality == CUMULATIVE) {
        let falls = (MetricType::Gauge, Kind::Other);
        return Some(if sum.is_monotonic { (MetricType::Counter, Kind::Counter) } else { falls });
    }
    if metric.histogram.as_ref().is_some_and(|all| all.aggregation_temporality == CUMULATIVE) {
        return Some((MetricType::Histogram, Kind::Other));
    }
    metric.summary.as_ref().map(|_| (MetricType::Summary, Kind::Other))
}
