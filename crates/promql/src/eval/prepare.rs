//! Fetches what a query reads, and evaluates its subqueries, before the first step.

use std::sync::Arc;

use watchtower_model::{Labels, Sample, Timestamp, is_stale};

use super::columns::Steps;
use super::{Evaluator, Rest, SourceError, Wanted};
use crate::ast::{At, Expr, Kind, Selector, TimeShift};
use crate::error::{ErrorKind, QueryError};

/// Samples of one series over everything that the query looks at.
#[derive(Debug)]
pub(super) struct Prepared {
    pub labels: Arc<Labels>,
    pub samples: Vec<Sample>,
    /// Of the first samples, which are buckets, for functions that need more than one value of each.
    pub rests: Vec<Rest>,
}

impl Prepared {
    pub(super) fn new(labels: Arc<Labels>, samples: Vec<Sample>) -> Self {
        Prepared { labels, samples, rests: Vec::new() }
    }
}

/// What a selector of the query reads.
struct Fetch {
    /// How far before the time of evaluation.
    back_ms: i64,
    wanted: Wanted,
    drop_stale: bool,
}

impl Fetch {
    fn range(range_ms: i64, wanted: Wanted) -> Fetch {
        Fetch { back_ms: range_ms, wanted, drop_stale: true }
    }
}

/// The greatest that divides both; 0 is a multiple of everything.
fn divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a.saturating_abs() } else { divisor(b, a.wrapping_rem(b)) }
}

impl Evaluator<'_> {
    /// Makes ready everything in `expr` that is read when it is evaluated at `steps`.
    pub(super) fn prepare(&mut self, expr: &Expr, steps: Steps) -> Result<(), QueryError> {
        match &expr.kind {
            Kind::Vector(selector) => {
                let wanted = Wanted { grain_ms: self.grain_ms(&selector.time, 0, steps), ..Wanted::LAST };
                let back_ms = self.settings.lookback_ms;
                self.fetch(expr, selector, &Fetch { back_ms, wanted, drop_stale: false }, steps)
            }
            Kind::Range { selector, range_ms } => {
                self.fetch(expr, selector, &Fetch::range(*range_ms, Wanted::LAST), steps)
            }
            Kind::Call { function, args } => args.iter().try_for_each(|arg| match &arg.bare().kind {
                Kind::Range { selector, range_ms } => {
                    let mut wanted = Wanted::by(function);
                    if wanted.roughly.is_none() {
                        wanted.grain_ms = self.grain_ms(&selector.time, *range_ms, steps);
                    }
                    self.fetch(arg.bare(), selector, &Fetch::range(*range_ms, wanted), steps)
                }
                _ => self.prepare(arg, steps),
            }),
            Kind::Subquery { expr: inner, range_ms, step_ms, time } => {
                let first = self.shifted(time, steps.start).saturating_sub(*range_ms);
                let last = self.shifted(time, steps.last());
                let step = step_ms.unwrap_or(self.settings.default_step_ms);
                // Steps of a subquery lie on multiples of its step, wherever the query starts.
                let aligned = first.div_euclid(step) * step;
                let from = if aligned < first { aligned + step } else { aligned };
                let count = if last < from { 0 } else { ((last - from) / step) as usize + 1 };
                let steps = Steps { start: from, step, count };
                self.prepare(inner, steps)?;
                let series = self.steps(inner, steps)?;
                self.data.insert(expr, Arc::new(series));
                Ok(())
            }
            _ => expr.children().into_iter().try_for_each(|child| self.prepare(child, steps)),
        }
    }

    fn fetch(
        &mut self,
        expr: &Expr,
        selector: &Selector,
        what: &Fetch,
        steps: Steps,
    ) -> Result<(), QueryError> {
        let from = self.shifted(&selector.time, steps.start).saturating_sub(what.back_ms);
        let to = self.shifted(&selector.time, steps.last());
        let found = self.source.fetch(&selector.matchers, Timestamp(from), Timestamp(to), what.wanted);
        let found = found.map_err(|error| {
            let kind = match error {
                SourceError::Limit(_) => ErrorKind::Limit,
                SourceError::Failed(_) => ErrorKind::Source,
            };
            QueryError { kind, span: Some(expr.span), message: error.to_string() }
        })?;
        let windows = found.series;
        if !found.spans.is_empty() {
            self.spans.insert(expr, found.spans);
        }
        self.series += windows.len();
        self.fetched += windows.iter().map(|w| w.samples.len()).sum::<usize>();
        if self.series > self.limits.series {
            let message = format!("the query reads more than {} series: add matchers", self.limits.series);
            return Err(QueryError::limit(Some(expr.span), message));
        }
        if self.fetched > self.limits.samples {
            let message =
                format!("the query reads more than {} samples: shorten the range", self.limits.samples);
            return Err(QueryError::limit(Some(expr.span), message));
        }
        let prepared = windows.into_iter().map(|w| {
            let mut samples = w.samples;
            // Buckets with a rest are none that are stale.
            if what.drop_stale {
                samples.retain(|s| !is_stale(s.v));
            }
            Prepared { labels: Arc::new(w.labels), samples, rests: w.rests }
        });
        self.data.insert(expr, Arc::new(prepared.collect()));
        Ok(())
    }

    /// What divides every time at which a selector is looked at, and the length of its range.
    fn grain_ms(&self, time: &TimeShift, range_ms: i64, steps: Steps) -> i64 {
        let moves = time.at.is_none() && steps.count > 1;
        let step = if moves { steps.step } else { 0 };
        divisor(divisor(self.shifted(time, steps.start), step), range_ms)
    }

    /// The time that `@` puts in the place of the time of evaluation.
    pub(super) fn reference(&self, time: &TimeShift, t: i64) -> i64 {
        match time.at {
            None => t,
            Some(At::Time(ms)) => ms,
            Some(At::Start) => self.query.0,
            Some(At::End) => self.query.1,
        }
    }
}
