//! What a rule would have done: its state machine, run over stored samples.
//!
//! The window is read in pieces, each a query of its own on the people's pool, so that a long one keeps nobody out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use watchtower_api_types as api;
use watchtower_api_types::{RuleInput, RuleKind};
use watchtower_model::{Labels, Timestamp};
use watchtower_promql::{Expr, SeriesWindow, eval_range};
use watchtower_rules::{Evaluation, Freshness, MetricRule, RuleState, Transition, TransitionKind, advance};

use super::rules::explain;
use super::seconds;
use crate::Hub;
use crate::access::Principal;
use crate::error::HubError;
use crate::evaluate::check_metric_rule;

const DAY: f64 = 86_400.0;
const WINDOW: f64 = 7.0 * DAY;
const WINDOW_MAX: f64 = 15.0 * DAY;
/// Evaluations of a window: each ten seconds of a day, each minute of a week.
const STEPS: f64 = 10_080.0;
const STEP_SECONDS_MIN: f64 = 10.0;
/// Evaluations in one query.
const PIECE: i64 = 360;
const TIME_MAX: Duration = Duration::from_secs(60);
/// Servers that are listed, those with the most firings first.
const ROWS: usize = 500;

/// Runs the rule of the request; an expression that is wrong is the request's error.
pub async fn backtest(
    hub: &Hub,
    by: &Principal,
    input: api::RuleBacktestInput,
) -> Result<api::RuleBacktest, HubError> {
    let window = input.window_seconds.unwrap_or(WINDOW);
    seconds("window_seconds", window, 60.0, WINDOW_MAX)?;
    seconds("for_seconds", input.for_seconds, 0.0, 30.0 * DAY)?;
    seconds("keep_firing_for_seconds", input.keep_firing_for_seconds, 0.0, 30.0 * DAY)?;
    let rule = check_metric_rule(&RuleInput {
        expr: Some(input.expr),
        recover_expr: input.recover_expr,
        for_seconds: input.for_seconds,
        keep_firing_for_seconds: input.keep_firing_for_seconds,
        ..RuleInput::new("backtest", RuleKind::Metric)
    })
    .map_err(explain)?;
    let step_ms = (window / STEPS).ceil().max(STEP_SECONDS_MIN) as i64 * 1000;
    let end = Timestamp(hub.now().0.div_euclid(step_ms) * step_ms);
    let start = end.plus_ms(-((window * 1000.0) as i64 / step_ms * step_ms));
    let (deadline, mut at) = (Instant::now() + TIME_MAX, start);
    let mut past = Past::default();
    while at <= end {
        if Instant::now() > deadline {
            let why = format!("takes more than {} s: shorten it", TIME_MAX.as_secs());
            return Err(HubError::invalid("window_seconds", why));
        }
        let last = at.plus_ms((PIECE - 1) * step_ms).min(end);
        let found = read(hub, by, &rule, (at, last, step_ms)).await?;
        past.take(&rule, found, (at, last, step_ms));
        at = last.plus_ms(step_ms);
    }
    Ok(past.told(start, end, step_ms))
}

type Span = (Timestamp, Timestamp, i64);

/// What the rule's two expressions say at each step.
async fn read(
    hub: &Hub,
    by: &Principal,
    rule: &MetricRule,
    (start, end, step_ms): Span,
) -> Result<(Vec<SeriesWindow>, Vec<SeriesWindow>), HubError> {
    let (expr, recover): (Expr, Option<Expr>) = (rule.expr.clone(), rule.recover.clone());
    hub.queries
        .run(hub, by.scope(), move |source, settings, limits| {
            let range = |expr: &Expr| eval_range(expr, start, end, step_ms, source, settings, limits);
            Ok((range(&expr)?, recover.as_ref().map_or(Ok(Vec::new()), range)?))
        })
        .await
}

#[derive(Default)]
struct Past {
    state: RuleState,
    /// By the server's name; those of no server under none.
    rows: BTreeMap<Option<String>, Row>,
    evaluations: u32,
}

#[derive(Default)]
struct Row {
    fired: u32,
    firing: u32,
    firing_ms: i64,
    /// Since when at least one of its alerts fires, or when the last one ended.
    since: Timestamp,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Past {
    fn take(
        &mut self,
        rule: &MetricRule,
        (breaches, recovered): (Vec<SeriesWindow>, Vec<SeriesWindow>),
        (start, end, step_ms): Span,
    ) {
        let steps = (end.since(start) / step_ms + 1) as usize;
        let mut inputs = vec![Evaluation::default(); steps];
        let step = |t: Timestamp| (t.since(start) / step_ms) as usize;
        for window in breaches {
            for sample in &window.samples {
                if let Some(input) = inputs.get_mut(step(sample.t)) {
                    input.breaches.push((window.labels.clone(), sample.v));
                }
            }
        }
        for window in recovered {
            for sample in &window.samples {
                if let Some(input) = inputs.get_mut(step(sample.t)) {
                    input.recovered.push(window.labels.clone());
                }
            }
        }
        for (at, input) in inputs.iter().enumerate() {
            let now = start.plus_ms(at as i64 * step_ms);
            let (next, changes) = advance(rule, &self.state, Ok(input), now, Freshness::Live);
            self.state = next;
            changes.iter().for_each(|change| self.note(change));
        }
        self.evaluations += steps as u32;
    }

    fn note(&mut self, change: &Transition) {
        let row = self.rows.entry(server_of(&change.labels)).or_default();
        match change.kind {
            TransitionKind::Firing => {
                row.fired += 1;
                row.firing += 1;
                if row.firing == 1 {
                    row.since = change.at;
                }
                row.first.get_or_insert(change.at);
                row.last = Some(change.at);
            }
            TransitionKind::Resolved => {
                row.firing = row.firing.saturating_sub(1);
                if row.firing == 0 {
                    row.firing_ms += change.at.since(row.since);
                }
            }
            TransitionKind::Pending | TransitionKind::Cleared => {}
        }
    }

    fn told(self, start: Timestamp, end: Timestamp, step_ms: i64) -> api::RuleBacktest {
        let mut servers: Vec<api::RuleBacktestServer> = self
            .rows
            .into_iter()
            .filter(|(_, row)| row.fired > 0)
            .map(|(server, row)| {
                let open = if row.firing > 0 { end.since(row.since) } else { 0 };
                api::RuleBacktestServer {
                    server,
                    would_have_fired: row.fired,
                    firing_seconds: (row.firing_ms + open) as f64 / 1000.0,
                    first_fired_at: row.first.map(Into::into),
                    last_fired_at: row.last.map(Into::into),
                    firing: row.firing > 0,
                }
            })
            .collect();
        servers.sort_by(|a, b| {
            b.would_have_fired.cmp(&a.would_have_fired).then_with(|| a.server.cmp(&b.server))
        });
        let would_have_fired = servers.iter().map(|row| row.would_have_fired).sum();
        let more = servers.len().saturating_sub(ROWS) as u32;
        servers.truncate(ROWS);
        api::RuleBacktest {
            would_have_fired,
            servers,
            more,
            from_at: start.into(),
            to_at: end.into(),
            step_seconds: step_ms as f64 / 1000.0,
            evaluations: self.evaluations,
        }
    }
}

fn server_of(labels: &Labels) -> Option<String> {
    labels.get("instance").map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_model::Sample;

    fn rule(for_seconds: f64, keep: f64, recover: Option<&str>) -> MetricRule {
        check_metric_rule(&RuleInput {
            expr: Some("x > 1".into()),
            recover_expr: recover.map(String::from),
            for_seconds,
            keep_firing_for_seconds: keep,
            ..RuleInput::new("backtest", RuleKind::Metric)
        })
        .unwrap()
    }

    fn window(instance: &str, seconds: &[i64]) -> SeriesWindow {
        let labels = Labels::from_pairs([("__name__", "x"), ("instance", instance)]);
        let sample = |s: &i64| Sample { t: Timestamp(s * 1000), v: 2.0 };
        SeriesWindow { labels, samples: seconds.iter().map(sample).collect() }
    }

    /// Server, times fired, seconds, still firing; over 0 to 90 s each 10 s, in pieces of two steps.
    fn past(
        rule: &MetricRule,
        breaches: &[(&str, &[i64])],
        recovered: &[i64],
    ) -> Vec<(String, u32, f64, bool)> {
        let mut past = Past::default();
        for piece in 0..5 {
            let (from, to) = (piece * 20, piece * 20 + 10);
            let within = |seconds: &[i64]| {
                seconds.iter().copied().filter(|s| (from..=to).contains(s)).collect::<Vec<_>>()
            };
            let breaches = breaches.iter().map(|(name, seconds)| window(name, &within(seconds))).collect();
            let recovered = vec![window("a", &within(recovered))];
            past.take(rule, (breaches, recovered), (Timestamp(from * 1000), Timestamp(to * 1000), 10_000));
        }
        let told = past.told(Timestamp(0), Timestamp(90_000), 10_000);
        assert_eq!(told.evaluations, 10);
        assert_eq!(told.would_have_fired, told.servers.iter().map(|row| row.would_have_fired).sum::<u32>());
        let row = |row: api::RuleBacktestServer| {
            (row.server.unwrap_or_default(), row.would_have_fired, row.firing_seconds, row.firing)
        };
        told.servers.into_iter().map(row).collect()
    }

    #[test]
    fn it_fires_as_the_rule_itself_would() {
        let twice: &[i64] = &[0, 10, 20, 30, 60, 70, 80, 90];
        let row = |name: &str, fired, seconds, firing| (name.to_string(), fired, seconds, firing);
        assert_eq!(past(&rule(0.0, 0.0, None), &[("a", twice)], &[]), [row("a", 2, 70.0, true)]);
        assert_eq!(past(&rule(20.0, 0.0, None), &[("a", twice)], &[]), [row("a", 2, 30.0, true)]);
        assert_eq!(past(&rule(40.0, 0.0, None), &[("a", twice)], &[]), []);
        assert_eq!(past(&rule(0.0, 60.0, None), &[("a", twice)], &[]), [row("a", 1, 90.0, true)]);
        assert_eq!(past(&rule(0.0, 0.0, Some("x < 1")), &[("a", &[0])], &[50]), [row("a", 1, 50.0, false)]);
        let two = [("b", &[0_i64][..]), ("a", &[0, 20, 40][..])];
        assert_eq!(
            past(&rule(0.0, 0.0, None), &two, &[]),
            [row("a", 3, 30.0, false), row("b", 1, 10.0, false)]
        );
    }
}
