//! `histogram_quantile` over classic buckets, as Prometheus' `quantile.go` computes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchtower_model::{METRIC_NAME, parse_value};

use super::{Dialect, Evaluator, Point};
use crate::ast::Expr;
use crate::error::QueryError;

const BUCKET: &str = "le";

#[derive(Clone, Copy, Debug)]
struct Bucket {
    upper: f64,
    count: f64,
}

impl Evaluator<'_> {
    pub(super) fn histogram_quantile(
        &mut self,
        node: &Expr,
        args: &[Expr],
        t: i64,
    ) -> Result<Vec<Point>, QueryError> {
        let q = self.scalar(&args[0], t)?;
        let points = self.vector(&args[1], t)?;
        let groups = self.groups.entry((node, 0)).or_default();
        let mut histograms: BTreeMap<u32, Vec<Bucket>> = BTreeMap::new();
        for point in points {
            let Some(upper) = point.labels.get(BUCKET).and_then(parse_value) else { continue };
            let group = groups.group(&point.labels, |labels| labels.without(&[METRIC_NAME, BUCKET]));
            histograms.entry(group).or_default().push(Bucket { upper, count: point.v });
        }
        let dialect = self.settings.dialect;
        let point = |(group, buckets)| Point {
            labels: Arc::clone(groups.labels(group)),
            v: quantile(q, buckets, dialect),
        };
        Ok(histograms.into_iter().map(point).collect())
    }
}

/// Counts that differ by less are taken for equal: sums of rates differ in their last digits.
const TOLERANCE: f64 = 1e-12;

/// Buckets scraped at slightly different times may fall; a cumulative count never does.
fn never_falling(buckets: &mut [Bucket], dialect: Dialect) {
    let mut before = buckets[0].count;
    for bucket in &mut buckets[1..] {
        let apart = (bucket.count - before).abs() / (bucket.count.abs() + before.abs());
        let same = dialect == Dialect::Prometheus3 && apart < TOLERANCE;
        if same || bucket.count < before {
            bucket.count = before;
        } else if bucket.count > before {
            before = bucket.count;
        }
    }
}

/// The first index below `end` that fulfils `holds`, else `end`; asked in the order of Go's `sort.Search`, which decides where NaN
/// keeps the answers from being sorted.
fn first_that(end: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut from, mut to) = (0, end);
    while from < to {
        let middle = (from + to) / 2;
        if holds(middle) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    from
}

fn quantile(q: f64, mut buckets: Vec<Bucket>, dialect: Dialect) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|a, b| a.upper.total_cmp(&b.upper));
    if buckets.last().is_none_or(|b| b.upper != f64::INFINITY) {
        return f64::NAN;
    }
    buckets.dedup_by(|later, first| {
        let same = later.upper == first.upper;
        if same {
            first.count += later.count;
        }
        same
    });
    never_falling(&mut buckets, dialect);
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if buckets.len() < 2 || observations == 0.0 {
        return f64::NAN;
    }
    let mut rank = q * observations;
    let at = first_that(last, |i| buckets[i].count >= rank);
    if at == last {
        return buckets[last - 1].upper;
    }
    if at == 0 && buckets[0].upper <= 0.0 {
        return buckets[0].upper;
    }
    let (mut start, mut count) = (0.0, buckets[at].count);
    if at > 0 {
        start = buckets[at - 1].upper;
        count -= buckets[at - 1].count;
        rank -= buckets[at - 1].count;
    }
    start + (buckets[at].upper - start) * (rank / count)
}
