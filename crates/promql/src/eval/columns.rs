//! Parts of a query computed series by series over all steps at once, which is most of what dashboards ask.
//!
//! Invariant: a column holds just what the walk over the steps would give. What this file does not know is left to that walk, which
//! reads the columns of its parts. "No value" is the stale marker, which is never the value of anything.

use std::collections::HashMap;
use std::sync::Arc;

use watchtower_model::{METRIC_NAME, Sample, Timestamp, is_stale, stale_nan};

use super::prepare::Prepared;
use super::{Bounds, Evaluator, Point, Window, as_of, binary, dates, math, over_time, rate, same_labels};
use crate::ast::{AggregateOp, BinaryOp, Expr, Grouping, Kind, TimeShift, Type};
use crate::error::QueryError;
use crate::functions::Code;

/// Equally spaced times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub start: i64,
    pub step: i64,
    pub count: usize,
}

impl Steps {
    pub(super) fn times(self) -> impl Iterator<Item = i64> + Clone {
        (0..self.count as i64).map(move |i| self.start + i * self.step)
    }

    /// The last of them; the first where there is none.
    pub(super) fn last(self) -> i64 {
        self.start + (self.count.max(1) as i64 - 1) * self.step
    }

    fn index(self, t: i64) -> usize {
        ((t - self.start) / self.step.max(1)) as usize
    }
}

/// One series' value at every step.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub labels: Arc<watchtower_model::Labels>,
    values: Vec<f64>,
}

/// What is known of one part of the query.
#[derive(Debug)]
pub(super) struct Columns {
    steps: Steps,
    all: Vec<Column>,
}

impl Columns {
    /// The vector at one of the steps.
    pub(super) fn at(&self, t: i64) -> Vec<Point> {
        let i = self.steps.index(t);
        let present = self.all.iter().filter(|c| !is_stale(c.values[i]));
        present.map(|c| Point { labels: Arc::clone(&c.labels), v: c.values[i] }).collect()
    }

    pub(super) fn into_series(self) -> Vec<Prepared> {
        let one = |column: Column| {
            let points = self.steps.times().zip(column.values).filter(|(_, v)| !is_stale(*v));
            let samples: Vec<Sample> = points.map(|(t, v)| Sample { t: Timestamp(t), v }).collect();
            Prepared::new(column.labels, samples)
        };
        self.all.into_iter().map(one).filter(|series| !series.samples.is_empty()).collect()
    }
}

impl Evaluator<'_> {
    /// `expr` over all steps; or nothing, and its greatest parts that can be computed so are kept in `ready`.
    pub(super) fn columns_of(&mut self, expr: &Expr, steps: Steps) -> Result<Option<Columns>, QueryError> {
        if let Some(all) = self.columns(expr, steps)? {
            return Ok(Some(Columns { steps, all }));
        }
        // A subquery is evaluated at times of its own, and has been.
        if !matches!(expr.kind, Kind::Subquery { .. }) {
            for child in expr.children() {
                if child.result_type() == Type::Vector
                    && let Some(columns) = self.columns_of(child, steps)?
                {
                    self.ready.insert(child, Arc::new(columns));
                }
            }
        }
        Ok(None)
    }

    fn columns(&mut self, expr: &Expr, steps: Steps) -> Result<Option<Vec<Column>>, QueryError> {
        match &expr.kind {
            Kind::Paren(inner) | Kind::Plus(inner) if inner.result_type() == Type::Vector => {
                self.columns(inner, steps)
            }
            Kind::Vector(selector) => self.selected(expr, &selector.time, steps).map(Some),
            Kind::Negate(inner) if inner.result_type() == Type::Vector => {
                self.each(expr, inner, steps, |v| Some(-v))
            }
            Kind::Call { function, args } => self.called(expr, function.code, args, steps),
            Kind::Aggregate { op, param, expr: inner, grouping } => {
                self.aggregated(*op, param.as_deref(), inner, grouping, steps)
            }
            Kind::Binary { op, lhs, rhs, bool_modifier, .. } => {
                self.with_constant(expr, *op, lhs, rhs, *bool_modifier, steps)
            }
            _ => Ok(None),
        }
    }

    /// Counts values before they are computed.
    fn afford(&mut self, expr: &Expr, series: usize, steps: Steps) -> Result<(), QueryError> {
        self.keep_going()?;
        self.computed = self.computed.saturating_add(series.saturating_mul(steps.count));
        if self.computed > self.limits.samples {
            let message = format!("the query computes more than {} values", self.limits.samples);
            return Err(QueryError::limit(Some(expr.span), message));
        }
        Ok(())
    }

    fn selected(&mut self, expr: &Expr, time: &TimeShift, steps: Steps) -> Result<Vec<Column>, QueryError> {
        let data = self.data.get(&std::ptr::from_ref(expr)).cloned().unwrap_or_default();
        self.afford(expr, data.len(), steps)?;
        let spans = self.spans_of(expr);
        let times: Vec<i64> = steps.times().map(|t| as_of(spans, self.shifted(time, t))).collect();
        let (lookback, closed) = (self.settings.lookback_ms, self.settings.left_closed());
        let mut all = Vec::with_capacity(data.len());
        for series in data.iter() {
            self.keep_going()?;
            let mut behind = 0;
            let value = |t: &i64| {
                let t = *t;
                behind += series.samples[behind..].iter().take_while(|s| s.t.0 <= t).count();
                let oldest = t.saturating_sub(lookback);
                let last = series.samples[..behind].last();
                let fresh = last.filter(|s| s.t.0 > oldest || (closed && s.t.0 == oldest));
                fresh.map_or_else(stale_nan, |s| s.v)
            };
            let values = times.iter().map(value).collect();
            all.push(Column { labels: Arc::clone(&series.labels), values });
        }
        Ok(all)
    }

    fn called(
        &mut self,
        expr: &Expr,
        code: Code,
        args: &[Expr],
        steps: Steps,
    ) -> Result<Option<Vec<Column>>, QueryError> {
        if let Some(f) = rate::find(code).or_else(|| over_time::find(code)) {
            let all = self.windows(&args[0], steps, f)?;
            return if code == Code::LastOverTime {
                Ok(Some(all))
            } else {
                self.unnamed(expr, all).map(Some)
            };
        }
        let Some(first) = args.first() else { return Ok(None) };
        let numbers: Option<Vec<f64>> = args[1..].iter().map(constant).collect();
        match (code, numbers.as_deref()) {
            (Code::Clamp, Some([a, b])) => {
                let (a, b) = (*a, *b);
                self.each(expr, first, steps, move |v| if a > b { None } else { Some(math::clamp(v, a, b)) })
            }
            (Code::ClampMin, Some([a])) => self.each(expr, first, steps, |v| Some(math::at_least(v, *a))),
            (Code::ClampMax, Some([a])) => self.each(expr, first, steps, |v| Some(math::at_most(v, *a))),
            (Code::Round, Some([])) => self.each(expr, first, steps, |v| Some(math::round(v, 1.0))),
            (Code::Round, Some([a])) => self.each(expr, first, steps, |v| Some(math::round(v, *a))),
            (_, Some([])) if first.result_type() == Type::Vector => match dates::find(code) {
                Some(f) => self.each(expr, first, steps, |v| Some(f(v))),
                None if math::apply(code, 0.0).is_some() => {
                    self.each(expr, first, steps, |v| math::apply(code, v))
                }
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// `f` over the window of every step, the window's ends moving along.
    fn windows(
        &mut self,
        range: &Expr,
        steps: Steps,
        f: fn(&Window<'_>) -> Option<f64>,
    ) -> Result<Vec<Column>, QueryError> {
        let data = self.data.get(&std::ptr::from_ref(range.bare())).cloned().unwrap_or_default();
        self.afford(range, data.len(), steps)?;
        let (dialect, closed) = (self.settings.dialect, self.closed(range));
        let ranges: Vec<Bounds> = steps.times().map(|t| self.range_of(range, t)).collect();
        let mut all = Vec::with_capacity(data.len());
        for series in data.iter() {
            self.keep_going()?;
            let (mut from, mut to) = (0, 0);
            let value = |bounds: &Bounds| {
                let Bounds { start, end, .. } = *bounds;
                let before = |s: &&Sample| s.t.0 < start || (s.t.0 == start && !closed);
                from += series.samples[from..].iter().take_while(before).count();
                to = to.max(from);
                to += series.samples[to..].iter().take_while(|s| s.t.0 <= end).count();
                if from == to {
                    return stale_nan();
                }
                f(&Window::new(series, from, to, *bounds, dialect)).unwrap_or_else(stale_nan)
            };
            let values = ranges.iter().map(value).collect();
            all.push(Column { labels: Arc::clone(&series.labels), values });
        }
        Ok(all)
    }

    /// New values under the same labels without the metric name; `None` takes a value away.
    fn each(
        &mut self,
        node: &Expr,
        inner: &Expr,
        steps: Steps,
        f: impl Fn(f64) -> Option<f64>,
    ) -> Result<Option<Vec<Column>>, QueryError> {
        let Some(mut all) = self.columns(inner, steps)? else { return Ok(None) };
        replace(&mut all, f);
        self.unnamed(node, all).map(Some)
    }

    /// Drops the metric name. Series that are the same without it become one, unless both have a value at some step.
    fn unnamed(&mut self, node: &Expr, all: Vec<Column>) -> Result<Vec<Column>, QueryError> {
        let mut places: HashMap<watchtower_model::Labels, usize> = HashMap::with_capacity(all.len());
        let mut out: Vec<Column> = Vec::with_capacity(all.len());
        for column in all {
            let labels = column.labels.without(&[METRIC_NAME]);
            match places.get(&labels) {
                None => {
                    places.insert(labels.clone(), out.len());
                    out.push(Column { labels: Arc::new(labels), values: column.values });
                }
                Some(at) => {
                    for (mine, other) in out[*at].values.iter_mut().zip(column.values) {
                        match (is_stale(*mine), is_stale(other)) {
                            (true, _) => *mine = other,
                            (false, true) => {}
                            (false, false) => return Err(same_labels(node.span)),
                        }
                    }
                }
            }
        }
        Ok(out)
    }

    fn with_constant(
        &mut self,
        node: &Expr,
        op: BinaryOp,
        lhs: &Expr,
        rhs: &Expr,
        as_bool: bool,
        steps: Steps,
    ) -> Result<Option<Vec<Column>>, QueryError> {
        let (inner, number, swapped) = match (constant(lhs), constant(rhs)) {
            (None, Some(number)) if lhs.result_type() == Type::Vector => (lhs, number, false),
            (Some(number), None) if rhs.result_type() == Type::Vector => (rhs, number, true),
            _ => return Ok(None),
        };
        let result = move |v: f64| {
            let (a, b) = if swapped { (number, v) } else { (v, number) };
            binary::number(op, a, b)
        };
        if self.drops_name(op, as_bool) {
            return self.each(node, inner, steps, |v| Some(result(v)));
        }
        let Some(mut all) = self.columns(inner, steps)? else { return Ok(None) };
        let filter = op.is_comparison();
        replace(&mut all, |v| if filter { (result(v) == 1.0).then_some(v) } else { Some(result(v)) });
        Ok(Some(all))
    }

    fn aggregated(
        &mut self,
        op: AggregateOp,
        param: Option<&Expr>,
        inner: &Expr,
        grouping: &Grouping,
        steps: Steps,
    ) -> Result<Option<Vec<Column>>, QueryError> {
        use AggregateOp::{Bottomk, CountValues, Limitk, Quantile, Topk};
        let quantile = match (op, param) {
            (Topk | Bottomk | Limitk | CountValues, _) => return Ok(None),
            (Quantile, Some(q)) => match constant(q) {
                Some(q) => Some(q),
                None => return Ok(None),
            },
            _ => None,
        };
        let Some(all) = self.columns(inner, steps)? else { return Ok(None) };
        let dialect = self.settings.dialect;
        let mut out = Vec::new();
        for (labels, members) in groups(&all, grouping) {
            self.keep_going()?;
            let mut scratch = Vec::with_capacity(members.len());
            let value = |i: usize| {
                scratch.clear();
                scratch.extend(members.iter().map(|c| c.values[i]).filter(|v| !is_stale(*v)));
                match quantile {
                    _ if scratch.is_empty() => stale_nan(),
                    Some(q) => math::quantile(q, scratch.clone()),
                    None => super::aggregate::simple(op, &scratch, dialect),
                }
            };
            let values = (0..steps.count).map(value).collect();
            out.push(Column { labels: Arc::new(labels), values });
        }
        Ok(Some(out))
    }
}

/// Columns by group, groups in order of appearance.
fn groups<'c>(all: &'c [Column], grouping: &Grouping) -> Vec<(watchtower_model::Labels, Vec<&'c Column>)> {
    let mut places: HashMap<watchtower_model::Labels, usize> = HashMap::new();
    let mut out: Vec<(watchtower_model::Labels, Vec<&Column>)> = Vec::new();
    for column in all {
        let labels = if grouping.without {
            Evaluator::without(&column.labels, &grouping.labels, &[METRIC_NAME])
        } else {
            column.labels.only(&grouping.labels)
        };
        let at = *places.entry(labels).or_insert_with_key(|labels| {
            out.push((labels.clone(), Vec::new()));
            out.len() - 1
        });
        out[at].1.push(column);
    }
    out
}

fn replace(all: &mut [Column], f: impl Fn(f64) -> Option<f64>) {
    for value in all.iter_mut().flat_map(|column| &mut column.values) {
        if !is_stale(*value) {
            *value = f(*value).unwrap_or_else(stale_nan);
        }
    }
}

/// A number that is the same at every step.
fn constant(expr: &Expr) -> Option<f64> {
    match &expr.bare().kind {
        Kind::Number(v) => Some(*v),
        Kind::Negate(inner) => constant(inner).map(|v| -v),
        Kind::Plus(inner) => constant(inner),
        _ => None,
    }
}
