//! An attempt of an automation: the script runs on the affected server, and the repair is verified.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchtower_api_types::{AutomationMode, ExecutionState};
use watchtower_automation::{self as engine, Attempt, Effect, Input, Plan};
use watchtower_incident::{Input as IncidentInput, RunReport, RunState};
use watchtower_model::{
    AutomationId, ExecutionId, Id, IncidentId, RuleId, RunId, ServerId, Timestamp, UserId,
};
use watchtower_store::objects as stored;
use watchtower_store::{AttemptRow, DbError, ExecutionRow, Store, Stored};

use super::{facts, ids, runs, secrets};
use crate::error::HubError;
use crate::objects::AutomationBody;
use crate::{Hub, WAKE_CHANGES, respond};

/// Bytes of output that go with an escalation.
const OUTPUT_TAIL: usize = 2048;
const TRIES: usize = 8;

/// An attempt as stored beside its columns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttemptBody {
    pub engine: Option<Attempt>,
    pub gates: Vec<engine::Gate>,
    pub rule_id: Option<RuleId>,
    /// The automations that led to the alert.
    #[serde(default)]
    pub causes: Vec<AutomationId>,
    pub reason: String,
}

/// A script that asks for approval is not started without by an automation either.
pub(super) fn mode(hub: &Hub, body: &AutomationBody) -> engine::Mode {
    let asks = || hub.objects().script(body.script_id).is_some_and(|script| script.body.needs_approval);
    match body.mode {
        AutomationMode::Observe => engine::Mode::Observe,
        AutomationMode::Auto if !asks() => engine::Mode::Auto,
        AutomationMode::Approve | AutomationMode::Auto => engine::Mode::Approve,
    }
}

pub(super) fn definition(hub: &Hub, automation: &Stored<AutomationBody>) -> engine::Automation {
    let body = &automation.body;
    engine::Automation {
        id: AutomationId(automation.id),
        name: body.name.clone(),
        enabled: body.enabled,
        mode: mode(hub, body),
        script_id: body.script_id,
        script_version: engine::ScriptVersion::Latest,
        params: body.parameters.clone(),
        cooldown_ms: body.cooldown_ms,
        attempts_per_incident: body.attempts_per_incident,
        attempts_per_day: body.attempts_per_incident.max(5),
        rate: engine::Rate::default(),
        verify_within_ms: body.verify_within_ms,
        delay_ms: 0,
    }
}

pub(super) fn plan(
    hub: &Hub,
    automation: &Stored<AutomationBody>,
    rule: Option<RuleId>,
    interval_ms: i64,
    needs_approval: bool,
) -> Plan {
    let timeout_ms = hub
        .objects()
        .script(automation.body.script_id)
        .map_or(runs::TIMEOUT_MS_DEFAULT, |s| s.body.timeout_ms);
    Plan {
        delay_ms: 0,
        needs_approval,
        start_within_ms: 10 * 60_000,
        timeout_ms,
        interval_ms,
        longest_range_ms: rule.map_or(0, |rule| hub.evaluator.longest_range_ms(rule)),
        verify_within_ms: automation.body.verify_within_ms,
    }
}

pub(super) fn fill(row: &mut AttemptRow, body: &mut AttemptBody, attempt: &Attempt) {
    row.state = match (attempt.state, attempt.approval) {
        (engine::AttemptState::Waiting, engine::Approval::Awaited) => "awaiting_approval".into(),
        (engine::AttemptState::Waiting, _) => "running".into(),
        (state, _) => state.as_str().into(),
    };
    row.run_id = attempt.run_id;
    row.wake_at = attempt.next_wake_at;
    row.finished_at = attempt.ended_at;
    body.reason.clone_from(&attempt.outcome);
    body.engine = Some(attempt.clone());
    row.body = serde_json::to_string(body).unwrap_or_default();
}

pub(super) async fn store_new(hub: &Hub, row: &AttemptRow, body: &AttemptBody) -> Result<(), HubError> {
    let row = AttemptRow { body: serde_json::to_string(body).unwrap_or_default(), ..row.clone() };
    let change = Store::insert_change("automation", row.automation_id, hub.now());
    hub.store.commit(vec![Store::insert_attempt(&row), change]).await?;
    hub.bus.wake(WAKE_CHANGES);
    Ok(())
}

/// Moves an attempt by one input and does what follows.
pub async fn advance(hub: &Hub, id: Id, input: Input) -> Result<(), HubError> {
    for _ in 0..TRIES {
        let mut row = hub.store.attempt(id).await?.ok_or_else(|| HubError::not_found("attempt", id))?;
        let mut body: AttemptBody =
            serde_json::from_str(&row.body).map_err(|e| HubError::Internal(e.to_string()))?;
        let Some(attempt) = body.engine.clone() else { return Ok(()) };
        let before = attempt.clone();
        let (attempt, effects) = engine::advance(attempt, input.clone(), hub.now());
        if attempt == before && effects.is_empty() {
            return Ok(());
        }
        fill(&mut row, &mut body, &attempt);
        let change = Store::insert_change("automation", row.automation_id, hub.now());
        match hub.store.commit(vec![Store::update_attempt(&row), change]).await {
            Err(DbError::Stale) => continue,
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        note_verifying(hub, &row, &body);
        hub.bus.wake(WAKE_CHANGES);
        return Box::pin(carry_out(hub, id, effects)).await;
    }
    Err(HubError::Conflict("the attempt is changed by somebody else all the time".into()))
}

/// The evaluator tells samples only of what a repair waits for.
fn note_verifying(hub: &Hub, row: &AttemptRow, body: &AttemptBody) {
    if let Some(rule) = body.rule_id {
        hub.evaluator.set_verifying(rule, row.server_id, row.id, row.state == "verifying");
    }
}

/// After a start: attempts that were verifying go on.
pub async fn resume(hub: &Hub) -> Result<(), HubError> {
    for row in hub.store.open_attempts().await? {
        if let Ok(body) = serde_json::from_str::<AttemptBody>(&row.body) {
            note_verifying(hub, &row, &body);
        }
    }
    Ok(())
}

pub(super) async fn carry_out(hub: &Hub, id: Id, effects: Vec<Effect>) -> Result<(), HubError> {
    for effect in effects {
        let row = hub.store.attempt(id).await?.ok_or_else(|| HubError::not_found("attempt", id))?;
        match effect {
            Effect::StartRun { number, .. } => start_run(hub, &row, number).await?,
            Effect::BoostInterval { until } => {
                let lasting = std::time::Duration::from_millis(until.since(hub.now()).max(0) as u64);
                hub.watching.want(hub, row.server_id, lasting);
            }
            Effect::Succeeded { took_ms } => succeeded(hub, &row, took_ms).await?,
            Effect::Escalate { state, reason } => escalate(hub, &row, state, reason).await?,
            // Both are in the attempt's row: the timers look there.
            Effect::AskApproval { .. } | Effect::ScheduleWake { .. } => {}
        }
    }
    Ok(())
}

/// The same work always has the same id, so that a restored database cannot repeat it: the agent's journal knows it.
fn execution_id(row: &AttemptRow, number: u32) -> ExecutionId {
    let name = format!("{}/{}/{}/{number}", row.automation_id, row.server_id, row.alert_id);
    ExecutionId(ids::derived(&name))
}

async fn start_run(hub: &Hub, row: &AttemptRow, number: u32) -> Result<(), HubError> {
    match try_start(hub, row, number).await {
        Ok((run, name, run_number)) => {
            Box::pin(advance(hub, row.id, Input::Started { run_id: run })).await?;
            let detail = format!("{name} started as run {run_number}");
            tell_incident(hub, row.incident_id, Some(run), RunState::Started, detail, String::new()).await?;
            // A quick script ended before the attempt knew its run.
            Box::pin(catch_up(hub, run)).await
        }
        Err(error) => Box::pin(advance(hub, row.id, Input::Refused { reason: error.to_string() })).await,
    }
}

/// Tells the attempt of a run how it ended, if it has. Telling it twice changes nothing.
async fn catch_up(hub: &Hub, run: RunId) -> Result<(), HubError> {
    for execution in hub.store.executions_of(run).await? {
        if execution.finished_at.is_some() {
            execution_ended(hub, &execution).await?;
        }
    }
    Ok(())
}

async fn try_start(hub: &Hub, row: &AttemptRow, number: u32) -> Result<(RunId, String, i64), HubError> {
    let objects = hub.objects();
    let automation = objects
        .automation(row.automation_id)
        .ok_or_else(|| HubError::not_found("automation", row.automation_id))?;
    let script = objects
        .script(automation.body.script_id)
        .ok_or_else(|| HubError::not_found("script", automation.body.script_id))?;
    let server =
        hub.servers.get(row.server_id).ok_or_else(|| HubError::not_found("server", row.server_id))?;
    if let Some(reason) = runs::unavailable(hub, &server, false) {
        return Err(HubError::Conflict(format!("the server {reason}")));
    }
    ask_gates_again(hub, automation, row).await?;
    let values = secrets::values_of(hub, row.automation_id, &automation.body)?;
    let mut environment = runs::check_parameters(&script.body.parameters, &values)?;
    environment.extend(alert_environment(hub, row).await?);
    let name = server.with(|state| state.name.clone());
    let start = runs::Start {
        name: script.body.name.clone(),
        script: Some((automation.body.script_id, script.version)),
        command: runs::command_of(script, environment, None, hub.now()),
        selector: format!("name={name:?}"),
        targets: vec![server],
        started_by: format!("automation {}", automation.body.name),
        person: String::new(),
        // The gates have just asked for it: it is asked for again before another try.
        authority: automation.body.authority.clone(),
        automation: Some(row.automation_id),
        incident: row.incident_id,
        rollout: None,
        needs_approval: false,
        ids: ids::Ids::Execution(execution_id(row, number)),
        with: Vec::new(),
    };
    let run = runs::start(hub, start).await?;
    Ok((run.id, run.name, run.number))
}

/// Facts grow old while a person thinks: the gates are asked again right before the start.
async fn ask_gates_again(
    hub: &Hub,
    automation: &Stored<AutomationBody>,
    row: &AttemptRow,
) -> Result<(), HubError> {
    let alert =
        hub.store.alert(row.alert_id).await?.ok_or_else(|| HubError::not_found("alert", row.alert_id))?;
    if alert.state == "resolved" {
        return Err(HubError::Conflict("the alert has ended meanwhile".into()));
    }
    let facts = facts::gather(hub, automation, &alert, row.server_id, Some(row.id)).await?;
    match engine::decide(&definition(hub, automation), &facts, hub.now()).refusal() {
        Some(reason) => Err(HubError::Conflict(reason)),
        None => Ok(()),
    }
}

/// What the script may want to know of the alert. Labels come from outside: they reach it in the environment alone.
async fn alert_environment(hub: &Hub, row: &AttemptRow) -> Result<BTreeMap<String, String>, HubError> {
    let mut out = BTreeMap::new();
    let Some(alert) = hub.store.alert(row.alert_id).await? else { return Ok(out) };
    out.insert("WATCHTOWER_ALERT".into(), alert.summary);
    for (name, value) in alert.labels.0.iter() {
        out.insert(format!("WATCHTOWER_LABEL_{}", name.to_uppercase()), value.to_string());
    }
    if let Some(incident) = alert.incident_id
        && let Some(incident) = hub.store.incident(incident).await?
    {
        out.insert("WATCHTOWER_INCIDENT".into(), incident.number.to_string());
    }
    Ok(out)
}

/// An execution of a run that belongs to an attempt has ended. One that is tried again has not, for the attempt.
pub async fn execution_ended(hub: &Hub, execution: &ExecutionRow) -> Result<(), HubError> {
    if execution.replaced_by.is_some() {
        return Ok(());
    }
    let Some(row) = hub.store.attempt_of_run(execution.run_id).await? else { return Ok(()) };
    let state = execution.state.parse().map_err(HubError::Internal)?;
    let reason = execution.reason.clone().unwrap_or_else(|| execution.state.replace('_', " "));
    let input = match (state, execution.exit_code) {
        (ExecutionState::Succeeded | ExecutionState::Failed, Some(exit)) => {
            Input::Finished { exit: exit as i32 }
        }
        (ExecutionState::Lost, _) => Input::Lost { reason },
        (ExecutionState::Rejected | ExecutionState::Expired, _) => Input::Refused { reason },
        _ => Input::Killed { reason },
    };
    advance(hub, row.id, input).await
}

/// A rule was evaluated on a fresh sample of a server: attempts that verify want to know.
pub async fn sample(
    hub: &Hub,
    rule: RuleId,
    server: ServerId,
    condition_true: bool,
    at: Timestamp,
) -> Result<(), HubError> {
    for row in hub.store.open_attempts().await? {
        let verifies =
            serde_json::from_str::<AttemptBody>(&row.body).is_ok_and(|body| body.rule_id == Some(rule));
        if row.server_id == server && row.state == "verifying" && verifies {
            advance(hub, row.id, Input::Sample { condition_true, at }).await?;
        }
    }
    Ok(())
}

/// Attempts whose timer has run out.
pub async fn wake_due(hub: &Hub) -> Result<(), HubError> {
    let now = hub.now();
    for row in hub.store.open_attempts().await? {
        // The end of its run may have been stored right before a crash.
        if let Some(run) = row.run_id.filter(|_| row.state == "running") {
            catch_up(hub, run).await?;
        }
        if row.wake_at.is_some_and(|at| at <= now) {
            advance(hub, row.id, Input::Wake).await?;
        }
    }
    Ok(())
}

pub async fn approve(hub: &Hub, id: Id, by: UserId) -> Result<(), HubError> {
    advance(hub, id, Input::Approved { by }).await
}

pub async fn deny(hub: &Hub, id: Id, by: UserId) -> Result<(), HubError> {
    advance(hub, id, Input::Denied { by }).await
}

async fn succeeded(hub: &Hub, row: &AttemptRow, took_ms: i64) -> Result<(), HubError> {
    set_breaker(hub, row.automation_id, |breaker| breaker.succeeded()).await?;
    let detail = format!("the problem is gone, verified {} s after the start", (took_ms + 999) / 1000);
    tell_incident(hub, row.incident_id, row.run_id, RunState::Fixed, detail, String::new()).await
}

async fn escalate(
    hub: &Hub,
    row: &AttemptRow,
    state: engine::AttemptState,
    reason: String,
) -> Result<(), HubError> {
    let now = hub.now();
    set_breaker(hub, row.automation_id, |breaker| breaker.failed(now)).await?;
    let output = match row.run_id {
        Some(run) => runs::output_tail(hub, run, OUTPUT_TAIL).await?,
        None => String::new(),
    };
    let state = match state {
        engine::AttemptState::NotFixed => RunState::NotFixed,
        engine::AttemptState::Lost => RunState::Lost,
        engine::AttemptState::Refused => RunState::Refused,
        _ => RunState::Failed,
    };
    tell_incident(hub, row.incident_id, row.run_id, state, reason, output).await
}

pub(super) async fn tell_incident(
    hub: &Hub,
    incident: Option<IncidentId>,
    run_id: Option<RunId>,
    state: RunState,
    detail: String,
    output: String,
) -> Result<(), HubError> {
    let Some(incident) = incident else { return Ok(()) };
    let report = RunReport { run_id, state, detail, output };
    respond::advance(hub, incident, IncidentInput::Run(report), Vec::new()).await.map(drop)
}

/// Changes an automation's breaker, as often as needed until nobody else was faster.
pub async fn set_breaker(
    hub: &Hub,
    id: AutomationId,
    change: impl Fn(engine::Breaker) -> engine::Breaker,
) -> Result<(), HubError> {
    for _ in 0..TRIES {
        let Some(current) = hub.store.object::<AutomationBody>(id.0).await? else { return Ok(()) };
        let next = change(current.body.breaker);
        if next == current.body.breaker {
            return Ok(());
        }
        let body = AutomationBody { breaker: next, ..current.body };
        let mut statements = stored::update(id.0, current.version, &body, "watchtower", hub.now());
        statements.push(Store::insert_change("automation", id, hub.now()));
        match hub.store.commit(statements).await {
            Err(DbError::Stale) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return hub.reload_objects().await,
        }
    }
    Err(HubError::Conflict("the automation is changed by somebody else all the time".into()))
}
