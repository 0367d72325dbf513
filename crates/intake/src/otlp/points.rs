//! One point of each kind as the samples it becomes, or why it is refused.

use watchtower_model::stale_nan;

use super::request::{HistogramPoint, KeyValue, NumberPoint, SummaryPoint, ended};

/// Buckets of one histogram: each is a series.
const BUCKETS_MAX: usize = 512;
/// Quantiles of one summary.
const QUANTILES_MAX: usize = 128;

/// A sample: what is put behind the metric's name, one more label, the value.
pub(super) type Part = (&'static str, Option<(&'static str, String)>, f64);

pub(super) trait Point {
    fn time_unix_nano(&self) -> u64;
    fn attributes(&self) -> &[KeyValue];
    fn parts(&self) -> Result<Vec<Part>, String>;
}

macro_rules! point {
    ($kind:ty, $parts:ident) => {
        impl Point for $kind {
            fn time_unix_nano(&self) -> u64 {
                self.time_unix_nano
            }
            fn attributes(&self) -> &[KeyValue] {
                &self.attributes
            }
            fn parts(&self) -> Result<Vec<Part>, String> {
                $parts(self)
            }
        }
    };
}

point!(NumberPoint, number);
point!(HistogramPoint, histogram);
point!(SummaryPoint, summary);

fn number(point: &NumberPoint) -> Result<Vec<Part>, String> {
    let given = point.as_double.or(point.as_int.map(|v| v as f64));
    match given {
        _ if ended(point.flags) => Ok(vec![("", None, stale_nan())]),
        Some(value) => Ok(vec![("", None, value)]),
        None => Err("a point has no value".into()),
    }
}

fn histogram(point: &HistogramPoint) -> Result<Vec<Part>, String> {
    let (counts, bounds) = (&point.bucket_counts, &point.explicit_bounds);
    if bounds.len() > BUCKETS_MAX {
        return Err(format!("a histogram has more than {BUCKETS_MAX} buckets"));
    }
    if !counts.is_empty() && counts.len() != bounds.len() + 1 {
        return Err("a histogram's buckets are not one more than its bounds".into());
    }
    let rising = bounds.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if !rising || bounds.iter().any(|bound| !bound.0.is_finite()) {
        return Err("a histogram's bounds do not rise".into());
    }
    let value = |v: f64| if ended(point.flags) { stale_nan() } else { v };
    let mut parts: Vec<Part> = Vec::with_capacity(bounds.len() + 3);
    parts.extend(point.sum.map(|sum| ("_sum", None, value(sum))));
    parts.push(("_count", None, value(point.count as f64)));
    let mut below = 0_u64;
    for (bound, count) in bounds.iter().zip(counts) {
        below = below.saturating_add(count.0);
        parts.push(("_bucket", Some(("le", bound.0.to_string())), value(below as f64)));
    }
    parts.push(("_bucket", Some(("le", "+Inf".into())), value(point.count as f64)));
    Ok(parts)
}

fn summary(point: &SummaryPoint) -> Result<Vec<Part>, String> {
    if point.quantile_values.len() > QUANTILES_MAX {
        return Err(format!("a summary has more than {QUANTILES_MAX} quantiles"));
    }
    let value = |v: f64| if ended(point.flags) { stale_nan() } else { v };
    let mut parts = vec![("_sum", None, value(point.sum)), ("_count", None, value(point.count as f64))];
    for quantile in &point.quantile_values {
        parts.push(("", Some(("quantile", quantile.quantile.to_string())), value(quantile.value)));
    }
    Ok(parts)
}
