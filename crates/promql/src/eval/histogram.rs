//! `histogram_quantile` over classic buckets, as Prometheus' `quantile.go` computes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchtower_model::{METRIC_NAME, parse_value};

use super::{Evaluator, Point};
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
        let point =
            |(group, buckets)| Point { labels: Arc::clone(groups.labels(group)), v: quantile(q, buckets) };
        Ok(histograms.into_iter().map(point).collect())
    }
}

fn quantile(q: f64, mut buckets: Vec<Bucket>) -> f64 {
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
    // Buckets scraped at slightly different times may fall; a cumulative count never does.
    for i in 1..buckets.len() {
        buckets[i].count = buckets[i].count.max(buckets[i - 1].count);
    }
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if buckets.len() < 2 || observations == 0.0 || observations.is_nan() {
        return f64::NAN;
    }
    let mut rank = q * observations;
    let at = buckets[..last].iter().position(|b| b.count >= rank).unwrap_or(last);
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
