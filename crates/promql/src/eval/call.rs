//! Functions: from their code to what computes them.

use std::cmp::Ordering;
use std::sync::Arc;

use watchtower_matchers::Op;
use watchtower_model::{Labels, METRIC_NAME};

use super::{Evaluator, Point, Value, dates, math, over_time, rate};
use crate::ast::{Expr, Kind};
use crate::error::QueryError;
use crate::functions::Code;

impl Evaluator<'_> {
    pub(super) fn call(
        &mut self,
        node: &Expr,
        code: Code,
        args: &[Expr],
        t: i64,
    ) -> Result<Value, QueryError> {
        let vector = match code {
            Code::Time => return Ok(Value::Scalar(t as f64 / 1000.0)),
            Code::Pi => return Ok(Value::Scalar(std::f64::consts::PI)),
            Code::ToScalar => {
                let points = self.vector(&args[0], t)?;
                let only = if points.len() == 1 { points[0].v } else { f64::NAN };
                return Ok(Value::Scalar(only));
            }
            Code::ToVector => vec![Point { labels: Arc::default(), v: self.scalar(&args[0], t)? }],
            Code::Timestamp => self.timestamp(node, &args[0], t)?,
            Code::Absent => {
                let absent = self.vector(&args[0], t)?.is_empty();
                absent_point(absent, &args[0])
            }
            Code::AbsentOverTime => {
                let absent = self.over_windows(node, &args[0], t, true, |_| Some(1.0))?.is_empty();
                absent_point(absent, &args[0])
            }
            Code::Sort | Code::SortDesc => self.sorted(&args[0], t, code == Code::SortDesc)?,
            Code::SortByLabel | Code::SortByLabelDesc => {
                self.sorted_by_labels(args, t, code == Code::SortByLabelDesc)?
            }
            Code::LabelReplace => self.label_replace(node, args, t)?,
            Code::LabelJoin => self.label_join(node, args, t)?,
            Code::HistogramQuantile => self.histogram_quantile(node, args, t)?,
            Code::QuantileOverTime => {
                let q = self.scalar(&args[0], t)?;
                self.over_windows(node, &args[1], t, false, |w| Some(over_time::quantile(q, w)))?
            }
            Code::Smoothing => self.smoothing(node, args, t)?,
            Code::PredictLinear => {
                let ahead = self.scalar(&args[1], t)?;
                self.over_windows(node, &args[0], t, false, |w| rate::predict_linear(w, t, ahead))?
            }
            _ => match (rate::find(code).or_else(|| over_time::find(code)), dates::find(code)) {
                (Some(f), _) => self.over_windows(node, &args[0], t, code == Code::LastOverTime, f)?,
                (None, Some(f)) => {
                    let points = match args.first() {
                        Some(arg) => self.vector(arg, t)?,
                        None => vec![Point { labels: Arc::default(), v: t as f64 / 1000.0 }],
                    };
                    self.map_values(node, points, |v| Some(f(v)))?
                }
                (None, None) => self.elementwise(node, code, args, t)?,
            },
        };
        Ok(Value::Vector(vector))
    }

    fn elementwise(
        &mut self,
        node: &Expr,
        code: Code,
        args: &[Expr],
        t: i64,
    ) -> Result<Vec<Point>, QueryError> {
        let points = self.vector(&args[0], t)?;
        let mut scalars = [f64::NAN; 2];
        for (slot, arg) in scalars.iter_mut().zip(&args[1..]) {
            *slot = self.scalar(arg, t)?;
        }
        let [a, b] = scalars;
        match code {
            Code::Round => {
                let nearest = if args.len() > 1 { a } else { 1.0 };
                self.map_values(node, points, |v| Some(math::round(v, nearest)))
            }
            // Nothing lies between bounds that are crossed; a bound that is NaN is no bound that is crossed.
            Code::Clamp => {
                self.map_values(node, points, |v| if a > b { None } else { Some(math::clamp(v, a, b)) })
            }
            Code::ClampMin => self.map_values(node, points, |v| Some(math::at_least(v, a))),
            Code::ClampMax => self.map_values(node, points, |v| Some(math::at_most(v, a))),
            _ => self.map_values(node, points, |v| math::apply(code, v)),
        }
    }

    /// Of a plain selector the times of its samples, of anything else the time of evaluation.
    fn timestamp(&mut self, node: &Expr, arg: &Expr, t: i64) -> Result<Vec<Point>, QueryError> {
        let points = match &arg.bare().kind {
            Kind::Vector(selector) => self.instant(arg.bare(), &selector.time, t, |s| s.t.secs_f64()),
            _ => {
                let mut points = self.vector(arg, t)?;
                points.iter_mut().for_each(|p| p.v = t as f64 / 1000.0);
                points
            }
        };
        self.map_values(node, points, Some)
    }

    fn smoothing(&mut self, node: &Expr, args: &[Expr], t: i64) -> Result<Vec<Point>, QueryError> {
        let factors = (self.scalar(&args[1], t)?, self.scalar(&args[2], t)?);
        for (arg, factor) in [(&args[1], factors.0), (&args[2], factors.1)] {
            let wrong = !(factor > 0.0 && factor < 1.0);
            if wrong && !self.over_windows(node, &args[0], t, true, |_| Some(factor))?.is_empty() {
                let message = format!("a smoothing factor must lie between 0 and 1, found {factor}");
                return Err(QueryError::execution(arg.span, message));
            }
        }
        self.over_windows(node, &args[0], t, false, |w| over_time::smooth(factors, w))
    }

    /// By the values of some labels, then by all of them; digits inside a value count as a number.
    fn sorted_by_labels(
        &mut self,
        args: &[Expr],
        t: i64,
        descending: bool,
    ) -> Result<Vec<Point>, QueryError> {
        let mut points = self.vector(&args[0], t)?;
        let names = args[1..].iter().map(|a| self.text(a, t)).collect::<Result<Vec<_>, _>>()?;
        points.sort_by(|a, b| {
            let value = |p: &Point, name: &String| p.labels.get(name).unwrap_or("").to_string();
            let named = names.iter().map(|n| natural(&value(a, n), &value(b, n)));
            let order = named.fold(Ordering::Equal, Ordering::then).then_with(|| a.labels.cmp(&b.labels));
            if descending { order.reverse() } else { order }
        });
        Ok(points)
    }

    fn sorted(&mut self, arg: &Expr, t: i64, descending: bool) -> Result<Vec<Point>, QueryError> {
        let mut points = self.vector(arg, t)?;
        points.sort_by(|a, b| {
            let order = a.v.partial_cmp(&b.v).unwrap_or_else(|| a.v.is_nan().cmp(&b.v.is_nan()));
            // NaN comes last either way.
            if descending && !a.v.is_nan() && !b.v.is_nan() { order.reverse() } else { order }
        });
        Ok(points)
    }
}

/// `web-2` before `web-10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let digits = |s: &str| s.find(|c: char| !c.is_ascii_digit()).unwrap_or(s.len());
        let (x, y) = (digits(a), digits(b));
        if x > 0 && y > 0 {
            let number = |s: &str| s.trim_start_matches('0').to_string();
            let (m, n) = (number(&a[..x]), number(&b[..y]));
            let order = m.len().cmp(&n.len()).then_with(|| m.cmp(&n));
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[x..], &b[y..]);
            continue;
        }
        let (mut rest_a, mut rest_b) = (a.chars(), b.chars());
        match (rest_a.next(), rest_b.next()) {
            (Some(x), Some(y)) if x == y => (a, b) = (rest_a.as_str(), rest_b.as_str()),
            (x, y) => return x.cmp(&y),
        }
    }
}

/// The one element that stands for absence, with the labels that the selector asks for by one `=` and, behind it, in no other way.
fn absent_point(absent: bool, arg: &Expr) -> Vec<Point> {
    if !absent {
        return Vec::new();
    }
    let selector = match &arg.bare().kind {
        Kind::Vector(selector) | Kind::Range { selector, .. } => Some(selector),
        _ => None,
    };
    let mut builder = Labels::empty().to_builder();
    let mut asked = Vec::new();
    for matcher in selector.iter().flat_map(|s| s.matchers.iter()).filter(|m| m.name() != METRIC_NAME) {
        if matcher.op() == Op::Eq && !asked.contains(&matcher.name()) {
            builder.set(matcher.name(), matcher.value());
            asked.push(matcher.name());
        } else {
            builder.remove(matcher.name());
        }
    }
    vec![Point { labels: Arc::new(builder.build()), v: 1.0 }]
}
