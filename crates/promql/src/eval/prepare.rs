//! Fetches what a query reads, and evaluates its subqueries, before the first step.

use std::sync::Arc;

use watchtower_model::{Labels, Sample, Timestamp, is_stale};

use super::columns::Steps;
use super::{Evaluator, SourceError};
use crate::ast::{At, Expr, Kind, Selector, TimeShift};
use crate::error::{ErrorKind, QueryError};

/// Samples of one series over everything that the query looks at.
#[derive(Debug)]
pub(super) struct Prepared {
    pub labels: Arc<Labels>,
    pub samples: Vec<Sample>,
}

impl Evaluator<'_> {
    /// Makes ready everything in `expr` that is read when it is evaluated from `start` to `end`.
    pub(super) fn prepare(&mut self, expr: &Expr, start: i64, end: i64) -> Result<(), QueryError> {
        match &expr.kind {
            Kind::Vector(selector) => {
                self.fetch(expr, selector, self.settings.lookback_ms, (start, end), false)
            }
            Kind::Range { selector, range_ms } => self.fetch(expr, selector, *range_ms, (start, end), true),
            Kind::Subquery { expr: inner, range_ms, step_ms, time } => {
                let first = self.shifted(time, start).saturating_sub(*range_ms);
                let last = self.shifted(time, end);
                let step = step_ms.unwrap_or(self.settings.default_step_ms);
                // Steps of a subquery lie on multiples of its step, wherever the query starts.
                let aligned = first.div_euclid(step) * step;
                let from = if aligned < first { aligned + step } else { aligned };
                self.prepare(inner, from, last)?;
                let count = if last < from { 0 } else { ((last - from) / step) as usize + 1 };
                let series = self.steps(inner, Steps { start: from, step, count })?;
                self.data.insert(expr, Arc::new(series));
                Ok(())
            }
            _ => expr.children().into_iter().try_for_each(|child| self.prepare(child, start, end)),
        }
    }

    fn fetch(
        &mut self,
        expr: &Expr,
        selector: &Selector,
        back_ms: i64,
        (start, end): (i64, i64),
        drop_stale: bool,
    ) -> Result<(), QueryError> {
        let from = self.shifted(&selector.time, start).saturating_sub(back_ms);
        let to = self.shifted(&selector.time, end);
        let found = self.source.select(&selector.matchers, Timestamp(from), Timestamp(to));
        let windows = found.map_err(|error| {
            let kind = match error {
                SourceError::Limit(_) => ErrorKind::Limit,
                SourceError::Failed(_) => ErrorKind::Source,
            };
            QueryError { kind, span: Some(expr.span), message: error.to_string() }
        })?;
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
            if drop_stale {
                samples.retain(|s| !is_stale(s.v));
            }
            Prepared { labels: Arc::new(w.labels), samples }
        });
        self.data.insert(expr, Arc::new(prepared.collect()));
        Ok(())
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
