//! The compiled rules and where each stands.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use tokio::sync::mpsc;
use watchtower_api_types::{RuleInstance, RuleKind, RuleState as ApiState};
use watchtower_model::{Id, RuleId, ServerId, Severity, Timestamp, parse_value};
use watchtower_rules::{MetricRule, Phase, RuleState};
use watchtower_store::{DbError, Store};

use super::compile::{
    check_metric_rule, check_recording_rule, is_partitioned, longest_range_ms, reads_only_up, records_apart,
};
use super::recorder::{Recorder, Recording};
use super::worker::Job;
use crate::Objects;

/// A rule ready to run.
pub struct Compiled {
    pub id: RuleId,
    /// Of the rule as stored.
    pub version: i64,
    pub rule: MetricRule,
    pub partitioned: bool,
    pub reads_only_up: bool,
    pub paging: bool,
    pub severity: Severity,
}

/// A rule and the server whose partition it is; `None` for a rule that is evaluated whole, and for the series of other senders.
pub type Part = (RuleId, Option<ServerId>);

#[derive(Default)]
pub struct Evaluator {
    rules: RwLock<Arc<Vec<Arc<Compiled>>>>,
    recordings: RwLock<Arc<Vec<Arc<Recording>>>>,
    pub(super) recorder: Recorder,
    errors: RwLock<HashMap<RuleId, String>>,
    states: Mutex<HashMap<Part, RuleState>>,
    /// Repairs that wait for samples of these.
    verifying: Mutex<HashSet<(RuleId, ServerId, Id)>>,
    pub(super) queues: RwLock<Vec<mpsc::Sender<Job>>>,
    /// There are series of other senders.
    pub(super) outside: AtomicBool,
    /// Held while transitions are stored, and while a rule or a server is taken away.
    pub(super) applying: tokio::sync::Mutex<()>,
}

impl Evaluator {
    /// With the states that the store keeps.
    pub async fn load(store: &Store) -> Result<Evaluator, DbError> {
        let evaluator = Evaluator::default();
        let mut states = HashMap::new();
        for row in store.rule_states().await? {
            let server = if row.part.is_empty() { Ok(None) } else { row.part.parse().map(Some) };
            if let (Ok(server), Ok(state)) = (server, serde_json::from_str(&row.body)) {
                states.insert((row.rule_id, server), state);
            }
        }
        *evaluator.states() = states;
        Ok(evaluator)
    }

    /// Takes the rules as they are now.
    pub fn set_rules(&self, objects: &Objects) {
        let (mut compiled, mut recordings) = (Vec::new(), Vec::new());
        let mut errors = HashMap::new();
        for stored in &objects.rules {
            let input = &stored.body.input;
            let id = RuleId(stored.id);
            let result = match input.kind {
                _ if !input.enabled => Ok(()),
                RuleKind::Event => Ok(()),
                RuleKind::Metric => check_metric_rule(input).map(|rule| {
                    compiled.push(Arc::new(Compiled {
                        id,
                        version: stored.version,
                        partitioned: is_partitioned(&rule),
                        reads_only_up: reads_only_up(&rule),
                        rule,
                        paging: input.paging,
                        severity: input.severity,
                    }));
                }),
                RuleKind::Recording => check_recording_rule(input).map(|rule| {
                    let partitioned = records_apart(&rule);
                    recordings.push(Arc::new(Recording { id, rule, partitioned }));
                }),
            };
            if let Err(error) = result {
                errors.insert(id, error.to_string());
            }
        }
        self.recorder.forget(|(id, _)| !recordings.iter().any(|r| r.id == *id));
        *self.rules.write().expect(HELD) = Arc::new(compiled);
        *self.recordings.write().expect(HELD) = Arc::new(recordings);
        *self.errors.write().expect(HELD) = errors;
    }

    pub fn rules(&self) -> Arc<Vec<Arc<Compiled>>> {
        Arc::clone(&self.rules.read().expect(HELD))
    }

    /// Recording rules, those of one server's series or the others.
    pub(super) fn recordings(&self, partitioned: bool) -> Vec<Arc<Recording>> {
        let all = self.recordings.read().expect(HELD);
        all.iter().filter(|recording| recording.partitioned == partitioned).cloned().collect()
    }

    /// Why the rule cannot be evaluated, or could not lately.
    pub fn error(&self, rule: RuleId) -> Option<String> {
        let compile = self.errors.read().expect(HELD).get(&rule).cloned();
        compile.or_else(|| self.recorder.error(rule)).or_else(|| {
            self.states().iter().find(|((id, _), s)| *id == rule && s.error.is_some())?.1.error.clone()
        })
    }

    pub(super) fn state(&self, part: Part) -> RuleState {
        self.states().get(&part).cloned().unwrap_or_default()
    }

    pub(super) fn set_state(&self, part: Part, state: RuleState) {
        self.states().insert(part, state);
    }

    pub fn forget_rule(&self, rule: RuleId) {
        self.states().retain(|(id, _), _| *id != rule);
    }

    pub fn forget_part(&self, server: ServerId) {
        self.states().retain(|(_, part), _| *part != Some(server));
        self.recorder.forget(|(_, part)| *part == Some(server));
    }

    /// When the rule was evaluated last.
    pub fn evaluated_at(&self, rule: RuleId) -> Option<Timestamp> {
        let states = self.states();
        let evaluated = states.iter().filter(|((id, _), _)| *id == rule);
        evaluated.filter_map(|(_, state)| state.evaluated_through).max().or(self.recorder.recorded_at(rule))
    }

    /// Label sets of the rule that are pending or firing.
    pub fn instances(&self, rule: RuleId) -> Vec<RuleInstance> {
        let states = self.states();
        let mut out: Vec<RuleInstance> = states
            .iter()
            .filter(|((id, _), _)| *id == rule)
            .flat_map(|(_, state)| state.alerts.values())
            .map(|alert| RuleInstance {
                labels: alert.labels.clone(),
                state: match alert.phase {
                    Phase::Pending => ApiState::Pending,
                    Phase::Firing { .. } => ApiState::Firing,
                },
                since_at: alert.since.into(),
                value: parse_value(&alert.value).filter(|v| v.is_finite()),
            })
            .collect();
        out.sort_by(|a, b| a.labels.cmp(&b.labels));
        out
    }

    pub fn longest_range_ms(&self, rule: RuleId) -> i64 {
        self.rules()
            .iter()
            .find(|compiled| compiled.id == rule)
            .map_or(0, |compiled| longest_range_ms(&compiled.rule))
    }

    /// A repair begins or ends waiting for samples of a rule on a server.
    pub fn set_verifying(&self, rule: RuleId, server: ServerId, attempt: Id, on: bool) {
        let mut verifying = self.verifying.lock().expect(HELD);
        if on {
            verifying.insert((rule, server, attempt));
        } else {
            verifying.remove(&(rule, server, attempt));
        }
    }

    /// Rules of a server that a repair waits for.
    pub(super) fn verified_on(&self, server: ServerId) -> Vec<RuleId> {
        let verifying = self.verifying.lock().expect(HELD);
        let mut rules: Vec<_> =
            verifying.iter().filter(|(_, id, _)| *id == server).map(|(rule, ..)| *rule).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// From now on, rules are also evaluated over the series of other senders.
    pub fn want_outside(&self) {
        self.outside.store(true, Ordering::Relaxed);
    }

    fn states(&self) -> std::sync::MutexGuard<'_, HashMap<Part, RuleState>> {
        self.states.lock().expect(HELD)
    }
}

const HELD: &str = "no code panics while it holds the rules";
