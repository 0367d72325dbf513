//! Evaluation: everything a query reads is fetched first (`prepare`); what can be is computed by series over all steps (`columns`);
//! then the rest of the tree is walked once per step.
//!
//! Invariants: a selector is fetched once, however many steps there are; label sets are derived once per
//! series, not once per step (`groups`); the limits hold for everything that is kept.

mod aggregate;
mod binary;
mod call;
mod columns;
mod dates;
mod groups;
mod histogram;
mod labels;
mod math;
mod over_time;
mod prepare;
mod rate;
mod source;
mod window;

use std::collections::HashMap;
use std::sync::Arc;

use watchtower_model::{Labels, METRIC_NAME, Sample, Timestamp, is_stale};

use crate::STEPS_MAX;
use crate::ast::{Expr, Kind, Span, TimeShift, Type};
use crate::error::{ErrorKind, QueryError};
use columns::{Columns, Steps};
use groups::Groups;
use prepare::Prepared;
pub use source::{
    BucketSpan, BucketWindow, Fetched, Reads, Rest, SeriesSource, SeriesWindow, SourceError, Wanted,
};
use window::{Bounds, Window, as_of};

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How old a sample may be and still be the current value.
    pub lookback_ms: i64,
    /// The step of subqueries that name none.
    pub default_step_ms: i64,
    pub dialect: Dialect,
}

/// Whose answers are given where two versions of Prometheus differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Ranges and the lookback include their left end, and some results differ that version 3 mended: the growth of a counter
    /// that began within the range, the name of `atan2`'s results, the variance of one infinite value.
    Prometheus2,
    #[default]
    Prometheus3,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { lookback_ms: 300_000, default_step_ms: 60_000, dialect: Dialect::default() }
    }
}

impl Settings {
    pub fn of(dialect: Dialect) -> Self {
        Settings { dialect, ..Settings::default() }
    }

    fn left_closed(&self) -> bool {
        self.dialect == Dialect::Prometheus2
    }
}

#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// Series that all selectors together may fetch.
    pub series: usize,
    /// Samples that may be fetched, and again values that may be computed.
    pub samples: usize,
    /// Asked often; false ends the evaluation with a timeout.
    pub keep_going: &'a dyn Fn() -> bool,
}

/// One value of an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    pub labels: Labels,
    pub t: Timestamp,
    pub v: f64,
}

/// The result of an instant query.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Scalar(Sample),
    String(Timestamp, String),
    /// In the order of `sort` and `topk`, else unordered.
    Vector(Vec<Element>),
    Matrix(Vec<SeriesWindow>),
}

/// Evaluates at one time.
pub fn eval_instant(
    expr: &Expr,
    at: Timestamp,
    source: &dyn SeriesSource,
    settings: &Settings,
    limits: &Limits<'_>,
) -> Result<Answer, QueryError> {
    let mut eval = Evaluator::new(source, settings, limits, at.0, at.0);
    eval.prepare(expr, Steps { start: at.0, step: 0, count: 1 })?;
    if expr.result_type() == Type::Range {
        let mut series = eval.matrix(expr, at.0);
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        return Ok(Answer::Matrix(series));
    }
    match eval.eval(expr, at.0)? {
        Value::Scalar(v) => Ok(Answer::Scalar(Sample { t: at, v })),
        Value::String(text) => Ok(Answer::String(at, text)),
        Value::Vector(points) => {
            check_unique(expr.span, &points)?;
            let element = |p: Point| Element { labels: Labels::clone(&p.labels), t: at, v: p.v };
            Ok(Answer::Vector(points.into_iter().map(element).collect()))
        }
    }
}

/// Evaluates at `start`, `start + step_ms`, … up to `end`; series sorted by their labels.
pub fn eval_range(
    expr: &Expr,
    start: Timestamp,
    end: Timestamp,
    step_ms: i64,
    source: &dyn SeriesSource,
    settings: &Settings,
    limits: &Limits<'_>,
) -> Result<Vec<SeriesWindow>, QueryError> {
    if !matches!(expr.result_type(), Type::Scalar | Type::Vector) {
        let message = format!(
            "a range query needs a scalar or an instant vector, found a {}",
            expr.result_type().name()
        );
        return Err(QueryError::invalid(expr.span, message));
    }
    if step_ms <= 0 || end < start {
        return Err(QueryError::invalid(
            expr.span,
            "the step must be positive and the end not before the start",
        ));
    }
    if end.since(start) / step_ms >= STEPS_MAX {
        let message = format!("more than {STEPS_MAX} steps: use a longer step or a shorter range");
        return Err(QueryError::invalid(expr.span, message));
    }
    let mut eval = Evaluator::new(source, settings, limits, start.0, end.0);
    let steps = Steps { start: start.0, step: step_ms, count: (end.since(start) / step_ms) as usize + 1 };
    eval.prepare(expr, steps)?;
    let mut series = eval.steps(expr, steps)?;
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    let window = |p: Prepared| SeriesWindow { labels: Labels::clone(&p.labels), samples: p.samples };
    Ok(series.into_iter().map(window).collect())
}

#[derive(Clone, Debug)]
struct Point {
    labels: Arc<Labels>,
    v: f64,
}

#[derive(Debug)]
enum Value {
    Scalar(f64),
    String(String),
    Vector(Vec<Point>),
}

struct Evaluator<'a> {
    source: &'a dyn SeriesSource,
    settings: &'a Settings,
    limits: &'a Limits<'a>,
    /// What `start()` and `end()` mean.
    query: (i64, i64),
    /// What was fetched or computed beforehand, by the address of the selector or subquery.
    data: HashMap<*const Expr, Arc<Vec<Prepared>>>,
    /// Where these are buckets: of selectors that reach before the first sample.
    spans: HashMap<*const Expr, Vec<BucketSpan>>,
    groups: HashMap<(*const Expr, u8), Groups>,
    /// Parts that are computed for all steps.
    ready: HashMap<*const Expr, Arc<Columns>>,
    regexes: HashMap<*const Expr, Arc<regex_automata::meta::Regex>>,
    series: usize,
    fetched: usize,
    computed: usize,
}

impl<'a> Evaluator<'a> {
    fn new(
        source: &'a dyn SeriesSource,
        settings: &'a Settings,
        limits: &'a Limits<'a>,
        start: i64,
        end: i64,
    ) -> Self {
        Evaluator {
            source,
            settings,
            limits,
            query: (start, end),
            data: HashMap::new(),
            spans: HashMap::new(),
            groups: HashMap::new(),
            ready: HashMap::new(),
            regexes: HashMap::new(),
            series: 0,
            fetched: 0,
            computed: 0,
        }
    }

    /// The values of `expr` at many times, by series.
    fn steps(&mut self, expr: &Expr, steps: Steps) -> Result<Vec<Prepared>, QueryError> {
        if steps.count > 1
            && let Some(columns) = self.columns_of(expr, steps)?
        {
            return Ok(columns.into_series());
        }
        let mut series: Vec<Prepared> = Vec::new();
        let mut places: HashMap<Arc<Labels>, usize> = HashMap::new();
        for t in steps.times() {
            let points = match self.eval(expr, t)? {
                Value::Vector(points) => points,
                Value::Scalar(v) => vec![Point { labels: Arc::default(), v }],
                Value::String(_) => Vec::new(),
            };
            // An empty step counts too: a subquery of a year by the millisecond is work, found or not.
            self.computed += points.len().max(1);
            if self.computed > self.limits.samples {
                let message = format!("the query computes more than {} values", self.limits.samples);
                return Err(QueryError::limit(Some(expr.span), message));
            }
            for point in points {
                let at = *places.entry(point.labels).or_insert_with_key(|labels| {
                    series.push(Prepared::new(Arc::clone(labels), Vec::new()));
                    series.len() - 1
                });
                let samples = &mut series[at].samples;
                if samples.last().is_some_and(|s| s.t.0 == t) {
                    return Err(same_labels(expr.span));
                }
                samples.push(Sample { t: Timestamp(t), v: point.v });
            }
        }
        Ok(series)
    }

    fn keep_going(&self) -> Result<(), QueryError> {
        if (self.limits.keep_going)() {
            return Ok(());
        }
        let message = "the query took too long".to_string();
        Err(QueryError { kind: ErrorKind::Timeout, span: None, message })
    }

    fn eval(&mut self, expr: &Expr, t: i64) -> Result<Value, QueryError> {
        self.keep_going()?;
        if let Some(columns) = self.ready.get(&std::ptr::from_ref(expr)) {
            return Ok(Value::Vector(columns.at(t)));
        }
        match &expr.kind {
            Kind::Number(n) => Ok(Value::Scalar(*n)),
            Kind::String(text) => Ok(Value::String(text.clone())),
            Kind::Vector(selector) => Ok(Value::Vector(self.instant(expr, &selector.time, t, |s| s.v))),
            Kind::Paren(inner) | Kind::Plus(inner) => self.eval(inner, t),
            Kind::Negate(inner) => match self.eval(inner, t)? {
                Value::Scalar(v) => Ok(Value::Scalar(-v)),
                Value::Vector(points) => self.map_values(expr, points, |v| Some(-v)).map(Value::Vector),
                other => Ok(other),
            },
            Kind::Call { function, args } => self.call(expr, function.code, args, t),
            Kind::Aggregate { op, param, expr: inner, grouping } => {
                self.aggregate(expr, *op, param.as_deref(), inner, grouping, t).map(Value::Vector)
            }
            Kind::Binary { op, lhs, rhs, bool_modifier, matching } => {
                self.binary(expr, *op, (lhs, rhs), *bool_modifier, matching, t)
            }
            Kind::Range { .. } | Kind::Subquery { .. } => {
                Err(QueryError::invalid(expr.span, "a range vector has no value of its own"))
            }
        }
    }

    fn vector(&mut self, expr: &Expr, t: i64) -> Result<Vec<Point>, QueryError> {
        match self.eval(expr, t)? {
            Value::Vector(points) => Ok(points),
            Value::Scalar(v) => Ok(vec![Point { labels: Arc::default(), v }]),
            Value::String(_) => Ok(Vec::new()),
        }
    }

    fn scalar(&mut self, expr: &Expr, t: i64) -> Result<f64, QueryError> {
        match self.eval(expr, t)? {
            Value::Scalar(v) => Ok(v),
            _ => Err(QueryError::invalid(expr.span, "expected a scalar")),
        }
    }

    fn shifted(&self, time: &TimeShift, t: i64) -> i64 {
        self.reference(time, t).saturating_sub(time.offset_ms)
    }

    fn spans_of(&self, expr: &Expr) -> &[BucketSpan] {
        self.spans.get(&std::ptr::from_ref(expr)).map_or(&[], Vec::as_slice)
    }

    /// The newest sample of every series that is not too old at `t`, as `value` reads it.
    fn instant(&self, expr: &Expr, time: &TimeShift, t: i64, value: impl Fn(&Sample) -> f64) -> Vec<Point> {
        let t = as_of(self.spans_of(expr), self.shifted(time, t));
        let oldest = t.saturating_sub(self.settings.lookback_ms);
        let mut points = Vec::new();
        for series in self.data.get(&std::ptr::from_ref(expr)).into_iter().flat_map(|d| d.iter()) {
            let behind = series.samples.partition_point(|s| s.t.0 <= t);
            let Some(sample) = series.samples[..behind].last() else { continue };
            let fresh = sample.t.0 > oldest || (self.settings.left_closed() && sample.t.0 == oldest);
            if fresh && !is_stale(sample.v) {
                points.push(Point { labels: Arc::clone(&series.labels), v: value(sample) });
            }
        }
        points
    }

    /// Where the range of a range vector's expression lies at `t`.
    fn range_of(&self, expr: &Expr, t: i64) -> Bounds {
        let (range_ms, time) = match &expr.bare().kind {
            Kind::Range { selector, range_ms } => (*range_ms, &selector.time),
            Kind::Subquery { range_ms, time, .. } => (*range_ms, time),
            _ => (0, &TimeShift { offset_ms: 0, at: None }),
        };
        Bounds::new(self.spans_of(expr.bare()), self.shifted(time, t), range_ms)
    }

    /// `f` over the window of every series of a range vector; `None` leaves the series out.
    fn over_windows(
        &mut self,
        node: &Expr,
        range: &Expr,
        t: i64,
        keep_name: bool,
        f: impl Fn(&Window<'_>) -> Option<f64>,
    ) -> Result<Vec<Point>, QueryError> {
        let bounds = self.range_of(range, t);
        let dialect = self.settings.dialect;
        let data = self.data.get(&std::ptr::from_ref(range.bare())).cloned().unwrap_or_default();
        let mut points = Vec::new();
        for series in data.iter() {
            let (from, to) = self.cut(range, &series.samples, bounds);
            if from < to
                && let Some(v) = f(&Window::new(series, from, to, bounds, dialect))
            {
                points.push(Point { labels: Arc::clone(&series.labels), v });
            }
        }
        if keep_name { Ok(points) } else { self.map_values(node, points, Some) }
    }

    /// Whether a range has its left end. Over buckets it has not: the one that ends there lies before it.
    fn closed(&self, range: &Expr) -> bool {
        self.settings.left_closed() && self.spans_of(range.bare()).is_empty()
    }

    /// The places of the samples within the bounds.
    fn cut(&self, range: &Expr, samples: &[Sample], Bounds { start, end, .. }: Bounds) -> (usize, usize) {
        let closed = self.closed(range);
        let from = samples.partition_point(|s| s.t.0 < start || (s.t.0 == start && !closed));
        let to = samples.partition_point(|s| s.t.0 <= end);
        (from.min(to), to)
    }

    fn matrix(&self, expr: &Expr, t: i64) -> Vec<SeriesWindow> {
        let bounds = self.range_of(expr, t);
        let data = self.data.get(&std::ptr::from_ref(expr.bare())).cloned().unwrap_or_default();
        data.iter()
            .map(|s| {
                let (from, to) = self.cut(expr, &s.samples, bounds);
                SeriesWindow { labels: Labels::clone(&s.labels), samples: s.samples[from..to].to_vec() }
            })
            .filter(|w| !w.samples.is_empty())
            .collect()
    }

    /// New values under the same labels without the metric name.
    fn map_values(
        &mut self,
        node: &Expr,
        points: Vec<Point>,
        f: impl Fn(f64) -> Option<f64>,
    ) -> Result<Vec<Point>, QueryError> {
        let points =
            points.into_iter().filter_map(|p| f(p.v).map(|v| Point { labels: p.labels, v })).collect();
        self.relabel(node, points, |labels| labels.without(&[METRIC_NAME]))
    }

    /// The same values under derived labels, which must stay distinct.
    fn relabel(
        &mut self,
        node: &Expr,
        mut points: Vec<Point>,
        derive: impl Fn(&Labels) -> Labels,
    ) -> Result<Vec<Point>, QueryError> {
        let groups = self.groups.entry((node, 0)).or_default();
        for point in &mut points {
            let group = groups.group(&point.labels, &derive);
            point.labels = Arc::clone(groups.labels(group));
        }
        if groups.may_collide() {
            check_unique(node.span, &points)?;
        }
        Ok(points)
    }
}

fn check_unique(span: Span, points: &[Point]) -> Result<(), QueryError> {
    let mut seen = std::collections::HashSet::with_capacity(points.len());
    if points.iter().all(|p| seen.insert(&p.labels)) { Ok(()) } else { Err(same_labels(span)) }
}

fn same_labels(span: Span) -> QueryError {
    QueryError::execution(span, "vector cannot contain metrics with the same labelset")
}
