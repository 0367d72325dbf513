//! The state machine of a metric rule: inactive, pending, firing, resolved, as Prometheus' alerting rules, with
//! hysteresis, outcomes for no data, and restoring from backfill.

use std::collections::BTreeMap;

use watchtower_model::{Labels, METRIC_NAME, Timestamp, format_value, parse_value};

use crate::key::DedupKey;
use crate::rule::{MetricRule, NoData};
use crate::state::{Alert, Phase, Restored, RuleState, Transition, TransitionKind};
use crate::{ALERTS_MAX, RESTORE_GAP_MS};

/// The label of the alert that stands for missing data.
const NO_DATA: &str = "no_data";

/// What evaluating a rule's expressions gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Elements of `expr`: labels and value.
    pub breaches: Vec<(Labels, f64)>,
    /// Label sets that `recover` returned; empty for a rule without one.
    pub recovered: Vec<Labels>,
    /// No selector of `expr` found a sample.
    pub no_data: bool,
}

/// Where the samples of an evaluation came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    Live,
    /// Sent late: it may begin a problem, but only a live sample fires or resolves.
    Backfill,
}

type Breaches = BTreeMap<DedupKey, (Labels, f64)>;

/// The state after an evaluation at `now` and the changes that led there.
///
/// A failed evaluation changes no alert. An evaluation that is not newer than the last one changes nothing,
/// but for the breaches that a backfill restores.
pub fn advance(
    rule: &MetricRule,
    state: &RuleState,
    input: Result<&Evaluation, &str>,
    now: Timestamp,
    freshness: Freshness,
) -> (RuleState, Vec<Transition>) {
    let mut next = state.clone();
    let old = state.evaluated_through.is_some_and(|through| now <= through);
    let evaluation = match input {
        Ok(evaluation) => evaluation,
        Err(reason) => {
            next.error = Some(reason.to_string());
            return (next, Vec::new());
        }
    };
    if old {
        if freshness == Freshness::Backfill {
            restore(&mut next, &breaches(rule, evaluation), now);
        }
        return (next, Vec::new());
    }
    next.error = None;
    next.evaluated_through = Some(now);
    let breaches = breaches(rule, evaluation);
    let mut transitions = Vec::new();
    let mut step = Step { rule, state: &mut next, now, freshness, transitions: &mut transitions };
    step.present(&breaches);
    step.absent(&breaches, evaluation);
    (next, transitions)
}

/// Takes the alerts whose series match out of a state, as resolved: a server was removed, a rule deleted.
pub fn forget(
    rule: &MetricRule,
    state: &RuleState,
    now: Timestamp,
    gone: impl Fn(&Labels) -> bool,
) -> (RuleState, Vec<Transition>) {
    let mut next = state.clone();
    let mut transitions = Vec::new();
    next.alerts.retain(|key, alert| {
        let goes = gone(&alert.series);
        if goes {
            transitions.push(transition(rule, ended(alert), key, alert, now));
        }
        !goes
    });
    (next, transitions)
}

fn breaches(rule: &MetricRule, evaluation: &Evaluation) -> Breaches {
    let mut breaches: Breaches = evaluation
        .breaches
        .iter()
        .map(|(labels, value)| {
            let series = labels.without(&[METRIC_NAME]);
            (DedupKey::of(&series), (series, *value))
        })
        .collect();
    if evaluation.no_data && rule.no_data == NoData::Alert {
        let series = Labels::from_pairs([(NO_DATA, "true")]);
        breaches.insert(DedupKey::of(&series), (series, f64::NAN));
    }
    breaches
}

/// Notes since when a breach lasts in samples older than the last evaluation.
fn restore(state: &mut RuleState, breaches: &Breaches, now: Timestamp) {
    state.restored.retain(|key, _| breaches.contains_key(key));
    for key in breaches.keys() {
        if state.restored.len() >= ALERTS_MAX && !state.restored.contains_key(key) {
            break;
        }
        let restored = state.restored.entry(key.clone()).or_insert(Restored { since: now, last: now });
        if now.since(restored.last) > RESTORE_GAP_MS {
            restored.since = now;
        }
        restored.last = restored.last.max(now);
    }
}

struct Step<'a> {
    rule: &'a MetricRule,
    state: &'a mut RuleState,
    now: Timestamp,
    freshness: Freshness,
    transitions: &'a mut Vec<Transition>,
}

impl Step<'_> {
    fn present(&mut self, breaches: &Breaches) {
        let mut left_out = 0;
        for (key, (series, value)) in breaches {
            if self.state.alerts.len() >= ALERTS_MAX && !self.state.alerts.contains_key(key) {
                left_out += 1;
                continue;
            }
            self.one(key, series, *value);
        }
        if left_out > 0 {
            let reason =
                format!("{left_out} more problems than the {ALERTS_MAX} a rule may hold: narrow expr");
            self.state.error = Some(reason);
        }
    }

    fn one(&mut self, key: &DedupKey, series: &Labels, value: f64) {
        let rule = self.rule;
        let restored = self.state.restored.get(key).copied();
        let mut changes = Vec::new();
        let alert = self.state.alerts.entry(key.clone()).or_insert_with(|| {
            changes.push(TransitionKind::Pending);
            Alert {
                series: series.clone(),
                labels: Labels::empty(),
                annotations: BTreeMap::new(),
                value: String::new(),
                since: self.now,
                phase: Phase::Pending,
            }
        });
        alert.labels = rule.alert_labels(series, value);
        alert.annotations = rule.alert_annotations(series, value);
        alert.value = format_value(value);
        if let Some(restored) = restored.filter(|r| alert.since.since(r.last) <= RESTORE_GAP_MS) {
            alert.since = alert.since.min(restored.since);
            self.state.restored.remove(key);
        }
        match &mut alert.phase {
            Phase::Firing { kept_since, .. } => *kept_since = None,
            Phase::Pending => {
                let long_enough = self.now.since(alert.since) >= rule.for_ms;
                if long_enough && self.freshness == Freshness::Live {
                    alert.phase = Phase::Firing { at: self.now, kept_since: None };
                    // What fires at once was never pending for anybody.
                    changes = vec![TransitionKind::Firing];
                }
            }
        }
        let alert = &*alert;
        let told = changes.into_iter().map(|kind| transition(rule, kind, key, alert, self.now));
        self.transitions.extend(told);
    }

    fn absent(&mut self, breaches: &Breaches, evaluation: &Evaluation) {
        let kept_without_data = evaluation.no_data && self.rule.no_data != NoData::Ok;
        let recovered: Vec<Labels> = evaluation.recovered.iter().map(|l| l.without(&[METRIC_NAME])).collect();
        let (rule, now, live) = (self.rule, self.now, self.freshness == Freshness::Live);
        let transitions = &mut *self.transitions;
        self.state.alerts.retain(|key, alert| {
            let stands_for_no_data = alert.series.get(NO_DATA).is_some() && alert.series.len() == 1;
            if breaches.contains_key(key) || (kept_without_data && !stands_for_no_data) {
                return true;
            }
            let stays = match &mut alert.phase {
                Phase::Pending => false,
                Phase::Firing { .. } if !live => true,
                Phase::Firing { kept_since, .. } => {
                    let open = rule.recover.is_some() && !stands_for_no_data && !evaluation.no_data;
                    if open && !recovered.contains(&alert.series) {
                        true
                    } else {
                        let since = *kept_since.get_or_insert(now);
                        rule.keep_firing_for_ms > 0 && now.since(since) < rule.keep_firing_for_ms
                    }
                }
            };
            if !stays {
                transitions.push(transition(rule, ended(alert), key, alert, now));
            }
            stays
        });
        self.state
            .restored
            .retain(|key, r| breaches.contains_key(key) || now.since(r.last) <= RESTORE_GAP_MS);
    }
}

fn ended(alert: &Alert) -> TransitionKind {
    match alert.phase {
        Phase::Pending => TransitionKind::Cleared,
        Phase::Firing { .. } => TransitionKind::Resolved,
    }
}

fn transition(
    rule: &MetricRule,
    kind: TransitionKind,
    key: &DedupKey,
    alert: &Alert,
    now: Timestamp,
) -> Transition {
    Transition {
        kind,
        key: key.clone(),
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        severity: rule.severity,
        value: parse_value(&alert.value).unwrap_or(f64::NAN),
        since: alert.since,
        at: now,
    }
}
