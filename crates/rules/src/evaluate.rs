//! A rule's expressions, evaluated: the step between samples and [`crate::advance`].

use std::cell::Cell;

use watchtower_matchers::Matchers;
use watchtower_model::{Labels, Sample, Timestamp, is_stale};
use watchtower_promql::{
    Answer, Expr, Fetched, Limits, QueryError, SeriesSource, SeriesWindow, Settings, SourceError, Wanted,
    eval_instant, selectors,
};

use crate::advance::Evaluation;
use crate::rule::MetricRule;

/// Evaluates `expr` and, if there is one, `recover` at `at`.
pub fn evaluate(
    rule: &MetricRule,
    at: Timestamp,
    source: &dyn SeriesSource,
    settings: &Settings,
    limits: &Limits<'_>,
) -> Result<Evaluation, QueryError> {
    let noticing = Noticing { source, found: Cell::new(false) };
    let breaches = elements(eval_instant(&rule.expr, at, &noticing, settings, limits)?);
    let recovered = match &rule.recover {
        Some(expr) => elements(eval_instant(expr, at, source, settings, limits)?),
        None => Vec::new(),
    };
    Ok(Evaluation {
        breaches,
        recovered: recovered.into_iter().map(|(labels, _)| labels).collect(),
        no_data: reads_series(&rule.expr) && !noticing.found.get(),
    })
}

fn reads_series(expr: &Expr) -> bool {
    !selectors(expr).is_empty()
}

/// A scalar is one element without labels, as in Prometheus' rules.
fn elements(answer: Answer) -> Vec<(Labels, f64)> {
    match answer {
        Answer::Vector(all) => all.into_iter().map(|e| (e.labels, e.v)).collect(),
        Answer::Scalar(sample) => vec![(Labels::empty(), sample.v)],
        Answer::String(..) | Answer::Matrix(_) => Vec::new(),
    }
}

/// Notices whether any selector found a series that is still alive.
struct Noticing<'a> {
    source: &'a dyn SeriesSource,
    found: Cell<bool>,
}

impl Noticing<'_> {
    fn notice<'s>(&self, mut newest: impl Iterator<Item = Option<&'s Sample>>, from: Timestamp) {
        // The source includes the left end, which PromQL leaves out.
        if newest.any(|sample| sample.is_some_and(|s| s.t > from && !is_stale(s.v))) {
            self.found.set(true);
        }
    }
}

impl SeriesSource for Noticing<'_> {
    fn select(
        &self,
        matchers: &Matchers,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SeriesWindow>, SourceError> {
        let windows = self.source.select(matchers, from, to)?;
        self.notice(windows.iter().map(|w| w.samples.last()), from);
        Ok(windows)
    }

    fn fetch(
        &self,
        matchers: &Matchers,
        from: Timestamp,
        to: Timestamp,
        wanted: Wanted,
    ) -> Result<Fetched, SourceError> {
        let fetched = self.source.fetch(matchers, from, to, wanted)?;
        self.notice(fetched.series.iter().map(|w| w.samples.last()), from);
        Ok(fetched)
    }
}
