//! Aggregations: many elements of a group to one, or to the few that stand out.

use std::collections::HashMap;
use std::sync::Arc;

use watchtower_model::METRIC_NAME;

use super::{Dialect, Evaluator, Point, math};
use crate::ast::{AggregateOp, Expr, Grouping};
use crate::error::QueryError;

impl Evaluator<'_> {
    pub(super) fn aggregate(
        &mut self,
        node: &Expr,
        op: AggregateOp,
        param: Option<&Expr>,
        inner: &Expr,
        grouping: &Grouping,
        t: i64,
    ) -> Result<Vec<Point>, QueryError> {
        let points = self.vector(inner, t)?;
        let members = self.members(node, points, grouping);
        match (op, param) {
            (AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk, Some(k)) => {
                let k = self.scalar(k, t)?;
                if k.is_nan() {
                    return Err(QueryError::execution(
                        node.span,
                        format!("the parameter of {} is NaN", op.name()),
                    ));
                }
                let few =
                    |m: Vec<Point>| if op == AggregateOp::Limitk { first(m, k) } else { best(m, k, op) };
                Ok(members.into_iter().flat_map(|(_, m)| few(m)).collect())
            }
            (AggregateOp::CountValues, Some(label)) => {
                let label = self.label_name(label, t)?;
                Ok(self.count_values(node, members, &label))
            }
            (AggregateOp::Quantile, Some(q)) => {
                let q = self.scalar(q, t)?;
                Ok(self.reduce(node, members, |v| math::quantile(q, v.to_vec())))
            }
            _ => {
                let dialect = self.settings.dialect;
                Ok(self.reduce(node, members, |v| simple(op, v, dialect)))
            }
        }
    }

    /// The elements by group, groups in order of appearance.
    fn members(&mut self, node: &Expr, points: Vec<Point>, grouping: &Grouping) -> Vec<(u32, Vec<Point>)> {
        let groups = self.groups.entry((node, 0)).or_default();
        let mut places: HashMap<u32, usize> = HashMap::new();
        let mut members: Vec<(u32, Vec<Point>)> = Vec::new();
        for point in points {
            let group = groups.group(&point.labels, |labels| {
                if grouping.without {
                    Self::without(labels, &grouping.labels, &[METRIC_NAME])
                } else {
                    labels.only(&grouping.labels)
                }
            });
            let at = *places.entry(group).or_insert_with(|| {
                members.push((group, Vec::new()));
                members.len() - 1
            });
            members[at].1.push(point);
        }
        members
    }

    fn reduce(&self, node: &Expr, members: Vec<(u32, Vec<Point>)>, f: impl Fn(&[f64]) -> f64) -> Vec<Point> {
        let Some(groups) = self.groups.get(&(std::ptr::from_ref(node), 0)) else { return Vec::new() };
        let mut values = Vec::new();
        members
            .into_iter()
            .map(|(group, points)| {
                values.clear();
                values.extend(points.iter().map(|p| p.v));
                Point { labels: Arc::clone(groups.labels(group)), v: f(&values) }
            })
            .collect()
    }

    fn count_values(&self, node: &Expr, members: Vec<(u32, Vec<Point>)>, label: &str) -> Vec<Point> {
        let Some(groups) = self.groups.get(&(std::ptr::from_ref(node), 0)) else { return Vec::new() };
        let mut out = Vec::new();
        for (group, points) in members {
            let mut counts: Vec<(String, f64)> = Vec::new();
            for point in points {
                let text = plain(point.v);
                match counts.iter_mut().find(|(value, _)| *value == text) {
                    Some((_, count)) => *count += 1.0,
                    None => counts.push((text, 1.0)),
                }
            }
            out.extend(counts.into_iter().map(|(value, v)| {
                let mut builder = groups.labels(group).to_builder();
                builder.set(label, &value);
                Point { labels: Arc::new(builder.build()), v }
            }));
        }
        out
    }
}

pub(super) fn simple(op: AggregateOp, values: &[f64], dialect: Dialect) -> f64 {
    let all = || values.iter().copied();
    match op {
        AggregateOp::Sum => math::sum(all()),
        AggregateOp::Avg => math::mean(all()),
        AggregateOp::Min => math::extreme(all(), false),
        AggregateOp::Max => math::extreme(all(), true),
        AggregateOp::Count => values.len() as f64,
        AggregateOp::Stddev | AggregateOp::Stdvar if values.len() == 1 && dialect == Dialect::Prometheus2 => {
            0.0
        }
        AggregateOp::Stddev => math::variance(all()).sqrt(),
        AggregateOp::Stdvar => math::variance(all()),
        _ => 1.0,
    }
}

fn at_most(k: f64, points: &[Point]) -> usize {
    if k < 1.0 { 0 } else { (k as usize).min(points.len()) }
}

/// Any `k` of them, the same ones at every step.
fn first(mut points: Vec<Point>, k: f64) -> Vec<Point> {
    points.sort_by(|a, b| a.labels.cmp(&b.labels));
    points.truncate(at_most(k, &points));
    points
}

/// The `k` greatest or least, best first; NaN is worse than any number.
fn best(mut points: Vec<Point>, k: f64, op: AggregateOp) -> Vec<Point> {
    let greatest = op == AggregateOp::Topk;
    let k = at_most(k, &points);
    points.sort_by(|a, b| {
        let order = a.v.partial_cmp(&b.v).map(|o| if greatest { o.reverse() } else { o });
        order.unwrap_or_else(|| a.v.is_nan().cmp(&b.v.is_nan()))
    });
    points.truncate(k);
    points
}

/// A value without an exponent, as Go's `FormatFloat(v, 'f', -1, 64)`.
fn plain(v: f64) -> String {
    if v.is_finite() { format!("{v}") } else { watchtower_model::format_value(v) }
}
