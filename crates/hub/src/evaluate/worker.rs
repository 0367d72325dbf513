//! The workers: one server's reports in order on one of them, rules over all servers on a clock.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use watchtower_model::{RuleId, ServerId, Timestamp};
use watchtower_promql::Limits;
use watchtower_rules::{Freshness, RuleState, Transition, TransitionKind, advance, evaluate};
use watchtower_store::{AlertFilter, Statement, Store};

use super::evaluator::{Compiled, Part};
use super::recorder::Recording;
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
/// Reports that a worker evaluates together.
const TOGETHER: usize = 64;
/// What one evaluation may cost.
const SERIES_MAX: usize = 100_000;
const SAMPLES_MAX: usize = 5_000_000;
const TIME_MAX: Duration = Duration::from_secs(10);

/// A live report of a server has been stored.
pub struct Job {
    server: ServerId,
    t: Timestamp,
    /// The server is lost: only rules that read nothing but `up` have something to say.
    only_up: bool,
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
    queue(hub, Job { server: server.id, t, only_up: false });
}

/// Wants the rules about `up` evaluated for a server that is lost.
pub fn on_silence(hub: &Hub, server: &Server, t: Timestamp) {
    queue(hub, Job { server: server.id, t, only_up: true });
}

fn queue(hub: &Hub, job: Job) {
    let queues = hub.evaluator.queues.read().expect("no code panics while it holds the queues");
    let lane = job.server.0.as_bytes()[15] as usize % queues.len().max(1);
    let queued = queues.get(lane).is_some_and(|queue| queue.try_send(job).is_ok());
    if !queued {
        hub.meters.evaluations_skipped.add(1);
    }
}

async fn work(hub: Hub, mut queue: mpsc::Receiver<Job>) {
    let mut jobs = Vec::with_capacity(TOGETHER);
    while queue.recv_many(&mut jobs, TOGETHER).await > 0 {
        while !jobs.is_empty() && hub.running() {
            // A server's next report begins where the one before left its rules.
            let together = distinct(&jobs);
            evaluate_servers(&hub, jobs.drain(..together).collect()).await;
        }
    }
}

/// How many of the first jobs are of different servers.
fn distinct(jobs: &[Job]) -> usize {
    let mut seen = HashSet::with_capacity(jobs.len());
    jobs.iter().position(|job| !seen.insert(job.server)).unwrap_or(jobs.len())
}

async fn clock(hub: Hub) {
    let every = Duration::from_millis(hub.config.timing.evaluate_every_ms);
    while hub.running() {
        tokio::select! {
            () = hub.stopped() => return,
            () = tokio::time::sleep(every) => {}
        }
        let now = hub.now();
        let evaluations = on_the_clock(&hub, now);
        for outcome in run(&hub, evaluations).await.into_iter().flatten() {
            if let Err(error) = apply(&hub, outcome, now).await {
                tracing::error!("evaluating rules: {error}");
            }
        }
    }
}

/// Rules that look at all servers at once; and those that look at one, over the series that belong to none.
fn on_the_clock(hub: &Hub, at: Timestamp) -> Vec<Evaluation> {
    let rules = hub.evaluator.rules();
    let (apart, whole): (Vec<_>, Vec<_>) = rules.iter().cloned().partition(|rule| rule.partitioned);
    let recordings = hub.evaluator.recordings(false);
    // What is recorded over all servers belongs to none of them.
    if !recordings.is_empty() {
        hub.evaluator.want_outside();
    }
    let mut evaluations = vec![Evaluation { recordings, rules: whole, over: Over::All, at }];
    if hub.evaluator.outside.load(Ordering::Relaxed) {
        let recordings = hub.evaluator.recordings(true);
        evaluations.push(Evaluation { recordings, rules: apart, over: Over::Outside, at });
    }
    evaluations
}

async fn evaluate_servers(hub: &Hub, jobs: Vec<Job>) {
    let rules = hub.evaluator.rules();
    let recordings = hub.evaluator.recordings(true);
    let evaluation = |job: &Job| {
        let recordings = if job.only_up { Vec::new() } else { recordings.clone() };
        let concerned = |rule: &&Arc<Compiled>| rule.partitioned && (!job.only_up || rule.reads_only_up);
        let rules = rules.iter().filter(concerned).cloned().collect();
        Evaluation { recordings, rules, over: Over::Server(job.server), at: job.t }
    };
    let evaluations = jobs.iter().map(evaluation).collect();
    for (job, outcomes) in jobs.iter().zip(run(hub, evaluations).await) {
        if let Err(error) = conclude(hub, job, outcomes).await {
            tracing::error!(server = %job.server, "evaluating rules: {error}");
        }
    }
}

/// Stores what the rules of a server say, and tells the repairs that wait for it.
async fn conclude(hub: &Hub, job: &Job, outcomes: Vec<Outcome>) -> Result<(), HubError> {
    // A repair is verified by what the server itself says.
    let wanted = if job.only_up { Vec::new() } else { hub.evaluator.verified_on(job.server) };
    let mut verified = Vec::new();
    for outcome in outcomes {
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

/// Whose series an evaluation reads.
#[derive(Clone, Copy)]
enum Over {
    Server(ServerId),
    All,
    /// Those of other senders than agents.
    Outside,
}

impl Over {
    /// Where the state of a rule is kept: a rule runs over each server and outside, or over all, never both.
    fn part(self, rule: RuleId) -> Part {
        match self {
            Over::Server(server) => (rule, Some(server)),
            Over::All | Over::Outside => (rule, None),
        }
    }

    fn scope(self) -> Scope {
        match self {
            Over::Server(server) => Scope::of_server(server),
            Over::All => Scope::default(),
            Over::Outside => Scope::outside(),
        }
    }
}

/// Rules at one time.
struct Evaluation {
    recordings: Vec<Arc<Recording>>,
    rules: Vec<Arc<Compiled>>,
    over: Over,
    at: Timestamp,
}

/// Evaluates off the async threads, all in one visit there: going there costs as much as some rules do.
async fn run(hub: &Hub, evaluations: Vec<Evaluation>) -> Vec<Vec<Outcome>> {
    let mut work = Vec::with_capacity(evaluations.len());
    for evaluation in evaluations {
        let state = |rule: &Arc<Compiled>| hub.evaluator.state(evaluation.over.part(rule.id));
        let states: Vec<_> = evaluation.rules.iter().map(state).collect();
        hub.meters.evaluations.add((states.len() + evaluation.recordings.len()) as u64);
        work.push((evaluation, states));
    }
    if work.iter().all(|(one, states)| states.is_empty() && one.recordings.is_empty()) {
        return work.iter().map(|_| Vec::new()).collect();
    }
    let worker = hub.clone();
    let all = move || work.into_iter().map(|(one, states)| evaluate_all(&worker, one, states)).collect();
    let outcomes: Vec<Vec<Outcome>> = match tokio::task::spawn_blocking(all).await {
        Ok(outcomes) => outcomes,
        Err(error) => {
            tracing::error!("evaluation ended abnormally: {error}");
            return Vec::new();
        }
    };
    let failed = outcomes.iter().flatten().filter(|outcome| outcome.next.error.is_some()).count();
    hub.meters.evaluation_errors.add(failed as u64);
    outcomes
}

fn evaluate_all(hub: &Hub, evaluation: Evaluation, states: Vec<RuleState>) -> Vec<Outcome> {
    let Evaluation { recordings, rules, over, at } = evaluation;
    let tsdb = Arc::clone(&hub.tsdb);
    let source = Source::new(tsdb, over.scope(), SERIES_MAX, SAMPLES_MAX);
    let settings = &hub.config.promql;
    for recording in recordings {
        let (_, server) = over.part(recording.id);
        in_time(|limits| {
            hub.evaluator.recorder.run(&hub.forward, &recording, server, at, &source, settings, limits);
        });
    }
    let evaluated = rules.into_iter().zip(states).map(|(rule, before)| {
        let evaluated = in_time(|limits| evaluate(&rule.rule, at, &source, settings, limits));
        let evaluated = evaluated.map_err(|error| error.to_string());
        let input = evaluated.as_ref().map_err(String::as_str);
        let (next, transitions) = advance(&rule.rule, &before, input, at, Freshness::Live);
        Outcome { part: over.part(rule.id), rule, before, next, transitions }
    });
    evaluated.collect()
}

/// With the limits of one evaluation, whose time begins now.
fn in_time<T>(evaluate: impl FnOnce(&Limits<'_>) -> T) -> T {
    let deadline = Instant::now() + TIME_MAX;
    let keep_going = || Instant::now() < deadline;
    evaluate(&Limits { series: SERIES_MAX, samples: SAMPLES_MAX, keep_going: &keep_going })
}

fn is_current(hub: &Hub, rule: &Compiled, (_, server): Part) -> bool {
    let rules = hub.evaluator.rules();
    rules.iter().any(|known| known.id == rule.id && known.version == rule.version)
        && server.is_none_or(|id| hub.servers.get(id).is_some())
}

/// Stores what changed with its consequences, then remembers it.
async fn apply(hub: &Hub, outcome: Outcome, now: Timestamp) -> Result<(), HubError> {
    let Outcome { rule, part, before, next, transitions } = outcome;
    // Only the time of evaluation moved on: it need not survive a restart.
    if transitions.is_empty() && next.alerts == before.alerts && next.error == before.error {
        if is_current(hub, &rule, part) {
            hub.evaluator.set_state(part, next);
        }
        return Ok(());
    }
    // What was evaluated before the rule was changed or the server removed must not come back behind it.
    let _in_turn = hub.evaluator.applying.lock().await;
    if !is_current(hub, &rule, part) {
        return Ok(());
    }
    if transitions.is_empty() {
        hub.store.commit(vec![save(part, &next, now)]).await?;
        hub.evaluator.set_state(part, next);
        return Ok(());
    }
    let mut also = vec![save(part, &next, now), Store::insert_change("rule", rule.id, now)];
    let told = |t: &&Transition| matches!(t.kind, TransitionKind::Firing | TransitionKind::Resolved);
    let mut told = transitions.iter().filter(told).peekable();
    while let Some(transition) = told.next() {
        // The state is stored with the last of its transitions: after a crash in between, all of them are told again, and alerts
        // are unique by key. With the first, those behind it would be lost.
        let with = if told.peek().is_none() { std::mem::take(&mut also) } else { Vec::new() };
        match transition.kind {
            TransitionKind::Firing => drop(trigger(hub, alert(hub, &rule, part, transition), with).await?),
            _ => drop(resolve(hub, ended(&rule, transition), with).await?),
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
        ends_at: None,
    }
}

fn summary(rule: &Compiled, transition: &Transition) -> String {
    match transition.labels.get("instance") {
        Some(server) => format!("{server}: {}", rule.rule.name),
        None => rule.rule.name.clone(),
    }
}

/// Ends every alert of a rule that is deleted, switched off or rewritten, and forgets where it stood. Called once the change is in
/// force: an evaluation of the rule as it was is dropped from then on.
pub async fn end_alerts(hub: &Hub, rule: RuleId) -> Result<(), HubError> {
    let _in_turn = hub.evaluator.applying.lock().await;
    hub.store.commit(vec![Store::delete_rule_states_of(rule)]).await?;
    hub.evaluator.forget_rule(rule);
    let filter = AlertFilter { rule: Some(rule), ..AlertFilter::default() };
    resolve_all(hub, filter).await
}

/// Ends every alert about a server that is removed, and forgets where its rules stood. Called once it is gone.
pub async fn end_alerts_of_server(hub: &Hub, server: ServerId) -> Result<(), HubError> {
    let _in_turn = hub.evaluator.applying.lock().await;
    hub.store.commit(vec![Store::delete_rule_states_of_part(&server.to_string())]).await?;
    hub.evaluator.forget_part(server);
    let filter = AlertFilter { server: Some(server), ..AlertFilter::default() };
    resolve_all(hub, filter).await
}

async fn resolve_all(hub: &Hub, filter: AlertFilter) -> Result<(), HubError> {
    let filter = AlertFilter { state: Some("firing".into()), limit: 500, ..filter };
    loop {
        let open = hub.store.alerts(&filter).await?;
        if open.is_empty() {
            return Ok(());
        }
        for alert in open {
            let end = AlertResolve { source: alert.source, dedup_key: alert.dedup_key };
            resolve(hub, end, Vec::new()).await?;
        }
    }
}

/// Ends what a crash left behind: alerts of rules and servers that are gone, and that nothing would ever end.
pub(crate) async fn end_orphans(hub: &Hub) -> Result<(), HubError> {
    let objects = hub.objects();
    for open in hub.store.open_alerts().await? {
        let enabled = |id| objects.rule(id).is_some_and(|rule| rule.body.input.enabled);
        let rule_gone = open.rule_id.is_some_and(|id| !enabled(id));
        let server_gone = open.server_id.is_some_and(|id| hub.servers.get(id).is_none());
        if rule_gone || server_gone {
            let end = AlertResolve { source: open.source, dedup_key: open.dedup_key };
            resolve(hub, end, Vec::new()).await?;
        }
    }
    Ok(())
}
