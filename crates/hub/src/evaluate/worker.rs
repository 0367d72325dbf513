//! The workers: one server's reports in order on one of them, rules over all servers on a clock.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use watchtower_model::{RuleId, ServerId, Timestamp};
use watchtower_promql::{Limits, Settings};
use watchtower_rules::{Freshness, RuleState, Transition, TransitionKind, advance, evaluate, forget};
use watchtower_store::{AlertFilter, Statement, Store};

use super::evaluator::{Compiled, Part};
use crate::Hub;
use crate::error::HubError;
use crate::jobs::repair;
use crate::query::{Scope, Source};
use crate::respond::{AlertResolve, AlertTrigger, resolve, trigger};
use crate::servers::Server;

/// Workers for reports.
const WORKERS: usize = 2;
/// Reports waiting for a worker; beyond, rules run with the next report.
const QUEUE: usize = 4096;
/// What one evaluation may cost.
const SERIES_MAX: usize = 100_000;
const SAMPLES_MAX: usize = 5_000_000;
const TIME_MAX: Duration = Duration::from_secs(10);

/// A live report of a server has been stored.
pub struct Job {
    server: ServerId,
    t: Timestamp,
}

/// Starts the workers and the clock.
pub fn start(hub: &Hub) {
    let mut queues = Vec::new();
    for _ in 0..WORKERS {
        let (queue, jobs) = mpsc::channel(QUEUE);
        queues.push(queue);
        tokio::spawn(work(hub.clone(), jobs));
    }
    *hub.evaluator.queues.write().expect("no code panics while it holds the queues") = queues;
    tokio::spawn(clock(hub.clone()));
}

/// Wants the rules of this server evaluated at the time of its report.
pub fn on_report(hub: &Hub, server: &Server, t: Timestamp) {
    let queues = hub.evaluator.queues.read().expect("no code panics while it holds the queues");
    let lane = server.id.0.as_bytes()[15] as usize % queues.len().max(1);
    let queued = queues.get(lane).is_some_and(|queue| queue.try_send(Job { server: server.id, t }).is_ok());
    if !queued {
        hub.meters.evaluations_skipped.add(1);
    }
}

async fn work(hub: Hub, mut jobs: mpsc::Receiver<Job>) {
    while let Some(job) = jobs.recv().await {
        if !hub.running() {
            return;
        }
        if let Err(error) = evaluate_server(&hub, &job).await {
            tracing::error!(server = %job.server, "evaluating rules: {error}");
        }
    }
}

async fn clock(hub: Hub) {
    let every = Duration::from_millis(hub.config.timing.evaluate_every_ms);
    while hub.running() {
        tokio::select! {
            () = hub.stopped() => return,
            () = tokio::time::sleep(every) => {}
        }
        let rules: Vec<_> = hub.evaluator.rules().iter().filter(|rule| !rule.partitioned).cloned().collect();
        let now = hub.now();
        if !hub.evaluator.whole_wanted.swap(false, Ordering::Relaxed) && rules.is_empty() {
            continue;
        }
        for outcome in run(&hub, rules, None, now).await {
            if let Err(error) = apply(&hub, outcome, now).await {
                tracing::error!("evaluating rules: {error}");
            }
        }
    }
}

async fn evaluate_server(hub: &Hub, job: &Job) -> Result<(), HubError> {
    let rules: Vec<_> = hub.evaluator.rules().iter().filter(|rule| rule.partitioned).cloned().collect();
    hub.evaluator.want_whole();
    let wanted = hub.evaluator.verified_on(job.server);
    let mut verified = Vec::new();
    for outcome in run(hub, rules, Some(job.server), job.t).await {
        if wanted.contains(&outcome.rule.id) {
            verified.push((outcome.rule.id, !outcome.next.alerts.is_empty()));
        }
        apply(hub, outcome, job.t).await?;
    }
    for rule in wanted {
        let known = verified.iter().find(|(id, _)| *id == rule).map(|(_, condition)| *condition);
        let condition_true = match known {
            Some(condition) => condition,
            None => alert_is_open(hub, rule, job.server).await?,
        };
        repair::sample(hub, rule, job.server, condition_true, hub.now()).await?;
    }
    Ok(())
}

/// The condition of rules that no report is evaluated against: event rules, and rules over all servers.
async fn alert_is_open(hub: &Hub, rule: RuleId, server: ServerId) -> Result<bool, HubError> {
    let filter = AlertFilter {
        state: Some("firing".into()),
        server: Some(server),
        rule: Some(rule),
        limit: 1,
        ..AlertFilter::default()
    };
    Ok(!hub.store.alerts(&filter).await?.is_empty())
}

struct Outcome {
    rule: Arc<Compiled>,
    part: Part,
    before: RuleState,
    next: RuleState,
    transitions: Vec<Transition>,
}

/// Evaluates off the async threads.
async fn run(hub: &Hub, rules: Vec<Arc<Compiled>>, server: Option<ServerId>, at: Timestamp) -> Vec<Outcome> {
    if rules.is_empty() {
        return Vec::new();
    }
    let states: Vec<_> = rules.iter().map(|rule| hub.evaluator.state((rule.id, server))).collect();
    hub.meters.evaluations.add(rules.len() as u64);
    let scope = Scope { only: server, enforced: None };
    let source =
        Source { tsdb: Arc::clone(&hub.tsdb), scope, max_series: SERIES_MAX, max_samples: SAMPLES_MAX };
    let task = tokio::task::spawn_blocking(move || {
        let evaluate =
            |(rule, before): (Arc<Compiled>, RuleState)| evaluate_one(rule, before, server, at, &source);
        rules.into_iter().zip(states).map(evaluate).collect::<Vec<_>>()
    });
    match task.await {
        Ok(outcomes) => {
            let failed = outcomes.iter().filter(|outcome| outcome.next.error.is_some()).count();
            hub.meters.evaluation_errors.add(failed as u64);
            outcomes
        }
        Err(error) => {
            tracing::error!("evaluation ended abnormally: {error}");
            Vec::new()
        }
    }
}

fn evaluate_one(
    rule: Arc<Compiled>,
    before: RuleState,
    server: Option<ServerId>,
    at: Timestamp,
    source: &Source,
) -> Outcome {
    let deadline = Instant::now() + TIME_MAX;
    let keep_going = || Instant::now() < deadline;
    let limits = Limits { series: SERIES_MAX, samples: SAMPLES_MAX, keep_going: &keep_going };
    let evaluated =
        evaluate(&rule.rule, at, source, &Settings::default(), &limits).map_err(|error| error.to_string());
    let input = evaluated.as_ref().map_err(String::as_str);
    let (next, transitions) = advance(&rule.rule, &before, input, at, Freshness::Live);
    Outcome { part: (rule.id, server), rule, before, next, transitions }
}

/// Stores what changed with its consequences, then remembers it.
async fn apply(hub: &Hub, outcome: Outcome, now: Timestamp) -> Result<(), HubError> {
    let Outcome { rule, part, before, next, transitions } = outcome;
    if transitions.is_empty() {
        // Only the time of evaluation moved on: it need not survive a restart.
        if next.alerts != before.alerts || next.error != before.error {
            hub.store.commit(vec![save(part, &next, now)]).await?;
        }
        hub.evaluator.set_state(part, next);
        return Ok(());
    }
    let mut also = vec![save(part, &next, now), Store::insert_change("rule", rule.id, now)];
    for transition in &transitions {
        match transition.kind {
            TransitionKind::Firing => {
                trigger(hub, alert(hub, &rule, part, transition), std::mem::take(&mut also)).await?;
            }
            TransitionKind::Resolved => {
                resolve(hub, ended(&rule, transition), std::mem::take(&mut also)).await?;
            }
            TransitionKind::Pending | TransitionKind::Cleared => {}
        }
    }
    if !also.is_empty() {
        hub.store.commit(also).await?;
    }
    hub.evaluator.set_state(part, next);
    hub.bus.wake(crate::WAKE_CHANGES);
    Ok(())
}

fn save((rule, server): Part, state: &RuleState, now: Timestamp) -> Statement {
    let part = server.map(|id| id.to_string()).unwrap_or_default();
    if state.alerts.is_empty() && state.error.is_none() {
        return Store::delete_rule_state(rule, &part);
    }
    Store::save_rule_state(rule, &part, &serde_json::to_string(state).unwrap_or_default(), now)
}

fn source_of(rule: RuleId) -> String {
    format!("rule:{rule}")
}

fn ended(rule: &Compiled, transition: &Transition) -> AlertResolve {
    AlertResolve { source: source_of(rule.id), dedup_key: transition.key.to_string() }
}

fn alert(hub: &Hub, rule: &Compiled, part: Part, transition: &Transition) -> AlertTrigger {
    let by_label =
        || transition.labels.get("instance").and_then(|name| hub.servers.find(name)).map(|server| server.id);
    let text = |name: &str| transition.annotations.get(name).cloned();
    AlertTrigger {
        source: source_of(rule.id),
        dedup_key: transition.key.to_string(),
        severity: rule.severity,
        summary: text("summary").filter(|text| !text.is_empty()).unwrap_or_else(|| summary(rule, transition)),
        description: text("description").unwrap_or_default(),
        labels: transition.labels.clone(),
        value: Some(transition.value).filter(|v| v.is_finite()),
        rule_id: Some(rule.id),
        server_id: part.1.or_else(by_label),
        paging: rule.paging,
        test: false,
        service: None,
        depth: 0,
    }
}

fn summary(rule: &Compiled, transition: &Transition) -> String {
    match transition.labels.get("instance") {
        Some(server) => format!("{server}: {}", rule.rule.name),
        None => rule.rule.name.clone(),
    }
}

/// Ends every alert of a rule that is deleted, switched off or rewritten.
pub async fn end_alerts(hub: &Hub, rule: RuleId) -> Result<(), HubError> {
    let now = hub.now();
    let compiled = hub.evaluator.rules().iter().find(|compiled| compiled.id == rule).cloned();
    if let Some(compiled) = compiled {
        for (part, state) in hub.evaluator.parts_of(rule) {
            let (next, transitions) = forget(&compiled.rule, &state, now, |_| true);
            let outcome = Outcome { rule: Arc::clone(&compiled), part, before: state, next, transitions };
            apply(hub, outcome, now).await?;
        }
    }
    let filter =
        AlertFilter { state: Some("firing".into()), rule: Some(rule), limit: 1000, ..AlertFilter::default() };
    for open in hub.store.alerts(&filter).await? {
        resolve(hub, AlertResolve { source: open.source, dedup_key: open.dedup_key }, Vec::new()).await?;
    }
    hub.evaluator.forget_rule(rule);
    Ok(())
}
