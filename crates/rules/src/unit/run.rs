//! Time goes by, rules are evaluated in order, and what they say is compared with what was expected.

use std::collections::BTreeSet;

use watchtower_model::{
    Labels, METRIC_NAME, Sample, Timestamp, format_duration_ms, format_value, is_stale, stale_nan,
};
use watchtower_promql::{Answer, Limits, QueryError, Settings, eval_instant, parse};

use super::memory::Memory;
use super::suite::{AlertTest, Annotations, ExprTest, Suite, SuiteError, Test};
use crate::{FileRule, Freshness, MetricRule, Phase, RecordingRule, RuleState, advance, evaluate, read_file};

/// What one evaluation may read.
const SERIES_MAX: usize = 100_000;
const SAMPLES_MAX: usize = 50_000_000;
/// Evaluations of one test, so that a time of evaluation far away ends as an error.
const STEPS_MAX: i64 = 50_000;

/// How one test went; nothing in `failures` means well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestReport {
    pub name: String,
    pub failures: Vec<String>,
}

/// Runs every test of a file on the rules of these files (name and text). The dialect's settings are taken over, but for the
/// step of subqueries, which is the interval of evaluation.
pub fn run_suite(
    suite: &Suite,
    files: &[(String, String)],
    settings: &Settings,
) -> Result<Vec<TestReport>, SuiteError> {
    let mut rules = Vec::new();
    for (file, text) in files {
        let read = read_file(text).map_err(|source| SuiteError::RuleFile { file: file.clone(), source })?;
        rules.extend(read);
    }
    let place = |group: &str| suite.order.iter().position(|name| name == group).unwrap_or(0);
    rules.sort_by_key(|rule| match rule {
        FileRule::Alerting { group, .. } | FileRule::Recording { group, .. } => place(group),
    });
    let settings = Settings { default_step_ms: suite.interval_ms, ..*settings };
    let run = |(at, test): (usize, &Test)| {
        let compiled: Result<Vec<Running>, SuiteError> = rules.iter().map(Running::compile).collect();
        let mut turn = Turn { rules: compiled?, memory: Memory::default(), settings, failures: Vec::new() };
        turn.run(test, suite.interval_ms);
        let name = if test.name.is_empty() { format!("test {}", at + 1) } else { test.name.clone() };
        Ok(TestReport { name, failures: turn.failures })
    };
    suite.tests.iter().enumerate().map(run).collect()
}

/// A rule, where it stands, and the series it wrote last.
struct Running {
    name: String,
    kind: Kind,
    written: BTreeSet<Labels>,
}

enum Kind {
    Alerting(Box<MetricRule>, RuleState),
    Recording(RecordingRule),
}

impl Running {
    fn compile(rule: &FileRule) -> Result<Running, SuiteError> {
        let failed = |rule: &str, reason: String| SuiteError::Rule { rule: rule.into(), reason };
        let (name, kind) = match rule {
            FileRule::Alerting { spec, .. } => {
                let name = spec.alert_name.clone().unwrap_or_else(|| spec.name.clone());
                let rule = MetricRule::compile(spec).map_err(|error| failed(&name, error.to_string()))?;
                (name, Kind::Alerting(Box::new(rule), RuleState::default()))
            }
            FileRule::Recording { spec, .. } => {
                let rule = RecordingRule::compile(spec).map_err(|e| failed(&spec.record, e.to_string()))?;
                (spec.record.clone(), Kind::Recording(rule))
            }
        };
        Ok(Running { name, kind, written: BTreeSet::new() })
    }
}

struct Turn {
    rules: Vec<Running>,
    memory: Memory,
    settings: Settings,
    failures: Vec<String>,
}

impl Turn {
    fn run(&mut self, test: &Test, interval_ms: i64) {
        for (labels, values) in &test.input {
            values.iter().for_each(|sample| self.memory.push(labels, *sample));
        }
        let times =
            test.alerts.iter().map(|alert| alert.at_ms).chain(test.exprs.iter().map(|expr| expr.at_ms));
        let last = times.max().unwrap_or(0);
        if last / interval_ms > STEPS_MAX {
            self.failures.push(format!("more than {STEPS_MAX} evaluations"));
            return;
        }
        let mut at = 0;
        while at <= last {
            self.memory.now = Timestamp(at);
            for rule in 0..self.rules.len() {
                if let Err(error) = self.evaluate(rule, Timestamp(at)) {
                    let name = &self.rules[rule].name;
                    self.failures.push(format!("rule: {name}, time: {}, err: {error}", shown_time(at)));
                    return;
                }
            }
            for alert in test.alerts.iter().filter(|alert| (at..at + interval_ms).contains(&alert.at_ms)) {
                self.check_alert(alert);
            }
            at += interval_ms;
        }
        self.memory.now = Timestamp(last);
        test.exprs.iter().for_each(|expr| self.check_expr(expr));
    }

    fn evaluate(&mut self, rule: usize, at: Timestamp) -> Result<(), QueryError> {
        let running = &mut self.rules[rule];
        let limits = Limits { series: SERIES_MAX, samples: SAMPLES_MAX, keep_going: &|| true };
        let results = match &mut running.kind {
            Kind::Recording(rule) => {
                let answer = eval_instant(&rule.expr, at, &self.memory, &self.settings, &limits)?;
                elements(answer).into_iter().map(|(labels, v)| (rule.labels_of(&labels), v)).collect()
            }
            Kind::Alerting(rule, state) => {
                let found = evaluate(rule, at, &self.memory, &self.settings, &limits)?;
                *state = advance(rule, state, Ok(&found), at, Freshness::Live).0;
                alert_series(state)
            }
        };
        let written: BTreeSet<Labels> = results.iter().map(|(labels, _)| labels.clone()).collect();
        for (labels, v) in &results {
            self.memory.push(labels, Sample { t: at, v: *v });
        }
        for gone in running.written.difference(&written) {
            self.memory.push(gone, Sample { t: at, v: stale_nan() });
        }
        running.written = written;
        Ok(())
    }

    fn check_alert(&mut self, test: &AlertTest) {
        let mut got: Vec<(Labels, Annotations)> = Vec::new();
        for running in self.rules.iter().filter(|running| running.name == test.alertname) {
            let Kind::Alerting(_, state) = &running.kind else { continue };
            let firing = state.alerts.values().filter(|alert| matches!(alert.phase, Phase::Firing { .. }));
            got.extend(firing.map(|alert| (alert.labels.clone(), alert.annotations.clone())));
        }
        let mut expected = test.expected.clone();
        got.sort();
        expected.sort();
        if got != expected {
            let shown = |all: &[(Labels, Annotations)]| {
                let one = |(labels, annotations): &(Labels, Annotations)| {
                    format!("        labels: {labels}, annotations: {annotations:?}")
                };
                if all.is_empty() {
                    "        none".into()
                } else {
                    all.iter().map(one).collect::<Vec<_>>().join("\n")
                }
            };
            self.failures.push(format!(
                "alertname: {}, time: {}\n    expected:\n{}\n    got:\n{}",
                test.alertname,
                shown_time(test.at_ms),
                shown(&expected),
                shown(&got)
            ));
        }
    }

    fn check_expr(&mut self, test: &ExprTest) {
        let head = format!("expr: {:?}, time: {}", test.expr, shown_time(test.at_ms));
        let limits = Limits { series: SERIES_MAX, samples: SAMPLES_MAX, keep_going: &|| true };
        let answer = parse(&test.expr).and_then(|expr| {
            eval_instant(&expr, Timestamp(test.at_ms), &self.memory, &self.settings, &limits)
        });
        let mut got = match answer {
            Ok(answer) => elements(answer),
            Err(error) => return self.failures.push(format!("{head}, err: {error}")),
        };
        let mut expected = test.expected.clone();
        // Values as bits: NaN is what it is, and not unequal to itself.
        let key =
            |(labels, v): &(Labels, f64)| (labels.clone(), if v.is_nan() { u64::MAX } else { v.to_bits() });
        got.sort_by_key(key);
        expected.sort_by_key(key);
        if got.iter().map(key).ne(expected.iter().map(key)) {
            let shown = |all: &[(Labels, f64)]| {
                let one = |(labels, v): &(Labels, f64)| format!("        {labels} {}", format_value(*v));
                if all.is_empty() {
                    "        nothing".into()
                } else {
                    all.iter().map(one).collect::<Vec<_>>().join("\n")
                }
            };
            self.failures.push(format!(
                "{head}\n    expected:\n{}\n    got:\n{}",
                shown(&expected),
                shown(&got)
            ));
        }
    }
}

fn elements(answer: Answer) -> Vec<(Labels, f64)> {
    match answer {
        Answer::Vector(all) => all.into_iter().filter(|e| !is_stale(e.v)).map(|e| (e.labels, e.v)).collect(),
        Answer::Scalar(sample) => vec![(Labels::empty(), sample.v)],
        Answer::String(..) | Answer::Matrix(_) => Vec::new(),
    }
}

/// `ALERTS` and `ALERTS_FOR_STATE`, as Prometheus writes them.
fn alert_series(state: &RuleState) -> Vec<(Labels, f64)> {
    let mut all = Vec::new();
    for alert in state.alerts.values() {
        let phase = if alert.phase == Phase::Pending { "pending" } else { "firing" };
        let mut labels = alert.labels.to_builder();
        labels.set(METRIC_NAME, "ALERTS_FOR_STATE");
        all.push((labels.clone().build(), (alert.since.0 as f64 / 1000.0).trunc()));
        labels.set(METRIC_NAME, "ALERTS").set("alertstate", phase);
        all.push((labels.build(), 1.0));
    }
    all
}

fn shown_time(ms: i64) -> String {
    format_duration_ms(ms)
}
