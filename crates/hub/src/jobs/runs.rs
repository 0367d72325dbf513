//! Runs: one start over targets, an execution per server, and the one place where an execution's state changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use watchtower_api_types::{ExecutionState, Parameter, Rollout, RunState};
use watchtower_model::{AutomationId, ExecutionId, Id, IncidentId, RunId, ScriptId, Timestamp};
use watchtower_protocol::RunScript;
use watchtower_store::{ExecutionRow, ExecutionUpdate, RunRow, Statement, Store, Stored};

use super::ids::Ids;
use super::{firing, halt, repair, retry, rollout, secrets};
use crate::error::HubError;
use crate::objects::ScriptBody;
use crate::servers::Server;
use crate::{Hub, WAKE_CHANGES, configure, link, live, random};

/// Servers in one run.
pub const TARGETS_MAX: usize = 1000;
/// A start that the agent did not take by then does not happen any more.
pub const START_WITHIN_MS: i64 = 10 * 60_000;
/// After its own time limit an agent has this long to kill, reconnect and tell.
const GIVE_UP_GRACE_MS: i64 = 135_000;
pub const TIMEOUT_MS_DEFAULT: i64 = 60_000;
pub const TIMEOUT_MS_MAX: i64 = 3_600_000;

/// A run that has been checked and may start.
pub struct Start {
    pub name: String,
    pub script: Option<(ScriptId, i64)>,
    pub command: RunScript,
    pub selector: String,
    pub targets: Vec<Arc<Server>>,
    pub started_by: String,
    /// Who is behind that, and must not approve it.
    pub person: String,
    /// Whose rights count when the turn of its servers comes.
    pub authority: String,
    pub automation: Option<AutomationId>,
    pub incident: Option<IncidentId>,
    /// `None`: all servers at once.
    pub rollout: Option<Rollout>,
    pub needs_approval: bool,
    pub ids: Ids,
    /// What else is written in the commit that makes the run, and keeps it from being made when it is stale.
    pub with: Vec<Statement>,
}

/// What of a library script is sent to agents.
pub fn command_of(
    script: &Stored<ScriptBody>,
    environment: BTreeMap<String, String>,
    timeout_ms: Option<i64>,
    now: Timestamp,
) -> RunScript {
    RunScript {
        execution_id: ExecutionId(Id::NIL),
        script_name: script.body.name.clone(),
        script_sha256: script.body.sha256.clone(),
        interpreter: script.body.interpreter.clone(),
        body: script.body.body.clone(),
        secrets: secrets_of(&script.body.parameters, &environment),
        environment,
        timeout_ms: timeout_ms.unwrap_or(script.body.timeout_ms).clamp(1000, TIMEOUT_MS_MAX) as u64,
        user: script.body.user.clone(),
        ad_hoc: false,
        approval: configure::for_agents(&script.body, now),
        update: None,
    }
}

fn secrets_of(parameters: &[Parameter], environment: &BTreeMap<String, String>) -> Vec<String> {
    let given = |name: &String| environment.contains_key(name);
    parameters.iter().filter(|p| p.secret && given(&p.name)).map(|p| p.name.clone()).collect()
}

/// A command typed just now, as a script that runs exactly this argv.
pub fn command_of_argv(argv: &[String], timeout_ms: i64) -> RunScript {
    let quoted: Vec<String> = argv.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
    let body = format!("exec {}\n", quoted.join(" "));
    RunScript {
        execution_id: ExecutionId(Id::NIL),
        script_name: "ad-hoc".into(),
        script_sha256: sha256(&body),
        interpreter: vec!["/bin/sh".into()],
        body,
        environment: BTreeMap::new(),
        secrets: Vec::new(),
        timeout_ms: timeout_ms.clamp(1000, TIMEOUT_MS_MAX) as u64,
        user: None,
        ad_hoc: true,
        approval: None,
        update: None,
    }
}

pub fn sha256(text: &str) -> String {
    random::hex(digest(&SHA256, text.as_bytes()).as_ref())
}

/// Checks values against the script's typed parameters and fills in defaults.
pub fn check_parameters(
    known: &[Parameter],
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, HubError> {
    if let Some(unknown) = given.keys().find(|name| known.iter().all(|parameter| parameter.name != **name)) {
        return Err(HubError::invalid(format!("parameters.{unknown}"), "the script has no such parameter"));
    }
    let mut out = BTreeMap::new();
    for parameter in known {
        let field = format!("parameters.{}", parameter.name);
        match given.get(&parameter.name).or(parameter.default.as_ref()) {
            Some(value) => {
                let checked = configure::rule_of(parameter).check(value);
                checked.map_err(|message| HubError::invalid(field, message))?;
                out.insert(parameter.name.clone(), value.clone());
            }
            None if parameter.required => return Err(HubError::invalid(field, "is required")),
            None => {}
        }
    }
    Ok(out)
}

/// Why a server cannot take a run now, if so.
pub fn unavailable(hub: &Hub, server: &Server, ad_hoc: bool) -> Option<String> {
    let state = server.get();
    let facts = state.facts.as_ref();
    let policy = facts.map_or("", |facts| facts.policy.as_str());
    if state.agent_id.is_none() {
        Some("has no agent".into())
    } else if state.agent_id.is_none_or(|agent| hub.links.get(agent).is_none()) {
        Some("is not connected".into())
    } else if let Some(reason) = facts.and_then(|facts| facts.refuses.clone()) {
        Some(format!("refuses commands: {reason}"))
    } else if policy == "monitor" {
        Some("has the policy monitor: it runs nothing".into())
    } else if ad_hoc && policy != "full" {
        Some(format!("has the policy {policy}: it runs scripts of its allowlist only"))
    } else {
        None
    }
}

/// The last moments of a start and of its end, for a script with this time limit.
pub(super) fn deadlines(now: Timestamp, timeout_ms: u64) -> (Timestamp, Timestamp) {
    let not_after = now.plus_ms(START_WITHIN_MS);
    (not_after, not_after.plus_ms(timeout_ms as i64 + GIVE_UP_GRACE_MS))
}

/// The time limit of a stored run's script.
pub(super) fn timeout_of(run: &RunRow) -> u64 {
    serde_json::from_str::<RunScript>(&run.body)
        .map_or(TIMEOUT_MS_DEFAULT as u64, |command| command.timeout_ms)
}

/// Stores the run with an execution per target, then gives it to the agents, or to those whose turn it is.
pub async fn start(hub: &Hub, start: Start) -> Result<RunRow, HubError> {
    halt::check(hub)?;
    let now = hub.now();
    if let Some(rollout) = &start.rollout {
        rollout::resolve(rollout, start.targets.len())?;
    }
    let run = run_row(hub, &start, hub.store.next_number("run").await?, now)?;
    let executions = execution_rows(&start, run.id, now);
    if executions.is_empty() {
        return Err(HubError::Conflict("no server can take this run now".into()));
    }
    let mut statements = start.with.clone();
    statements.push(Store::insert_run(&run));
    statements.extend(executions.iter().map(Store::insert_execution));
    statements.push(Store::insert_change("run", run.id, now));
    hub.store.commit(statements).await?;
    hub.bus.wake(WAKE_CHANGES);
    if start.needs_approval {
        rollout::ask_for_approval(hub, &run).await?;
    } else if start.takes_turns() {
        rollout::advance(hub, &run).await?;
    } else {
        link::dispatch_new(hub, &run, &executions).await;
    }
    Ok(run)
}

impl Start {
    /// Its executions wait until somebody says that it is their turn.
    fn takes_turns(&self) -> bool {
        self.needs_approval || self.rollout.is_some()
    }
}

fn run_row(hub: &Hub, start: &Start, number: i64, now: Timestamp) -> Result<RunRow, HubError> {
    let id = start.ids.run(now);
    let (command, sealed) = secrets::conceal(hub, id, &start.command)?;
    let internal = |error: serde_json::Error| HubError::Internal(error.to_string());
    let state = if start.needs_approval { RunState::AwaitingApproval } else { RunState::Running };
    Ok(RunRow {
        id,
        number,
        script_id: start.script.map(|(id, _)| id),
        name: start.name.clone(),
        script_version: start.script.map(|(_, version)| version),
        body: serde_json::to_string(&command).map_err(internal)?,
        sealed,
        selector: start.selector.clone(),
        state: state.as_str().into(),
        started_by: start.started_by.clone(),
        automation_id: start.automation,
        incident_id: start.incident,
        created_at: now,
        finished_at: None,
        rollout: serde_json::to_string(&start.rollout.clone().unwrap_or_default()).map_err(internal)?,
        approve_by: start.needs_approval.then(|| now.plus_ms(rollout::APPROVE_WITHIN_MS)),
        approved_by: None,
        person: start.person.clone(),
        authority: start.authority.clone(),
    })
}

/// One for each target that has an agent.
fn execution_rows(start: &Start, run: RunId, now: Timestamp) -> Vec<ExecutionRow> {
    let (state, (not_after, give_up_at)) = if start.takes_turns() {
        let until = now.plus_ms(rollout::TURN_WITHIN_MS);
        (ExecutionState::Queued, (until, until))
    } else {
        (ExecutionState::Pending, deadlines(now, start.command.timeout_ms))
    };
    let label = start.rollout.as_ref().and_then(|rollout| rollout.one_per.as_ref());
    let row = |(place, server): (usize, &Arc<Server>)| {
        Some(ExecutionRow {
            id: start.ids.execution(server.id, now),
            run_id: run,
            server_id: server.id,
            agent_id: server.with(|state| state.agent_id)?,
            state: state.as_str().into(),
            exit_code: None,
            reason: None,
            created_at: now,
            not_after,
            give_up_at,
            started_at: None,
            finished_at: None,
            stdout_bytes: 0,
            stderr_bytes: 0,
            cancel: false,
            place: place as i64,
            turn_group: label.and_then(|label| group_of(server, label)),
            output_bytes: 0,
            stdout_end: 0,
            stderr_end: 0,
            try_number: 1,
            replaced_by: None,
        })
    };
    start.targets.iter().enumerate().filter_map(row).collect()
}

/// The value of a label, of which one server at a time is worked on.
fn group_of(server: &Server, label: &str) -> Option<String> {
    server.with(|state| state.selector_labels().get(label).map(String::from))
}

/// Stores what is newly known of an execution; when it was the last of its run, the run ends too.
pub async fn record(hub: &Hub, execution: &ExecutionRow, update: ExecutionUpdate) -> Result<(), HubError> {
    let ended = update.finished_at.is_some();
    if retry::instead(hub, execution, &update).await? {
        return Ok(());
    }
    let touched = hub.store.commit(vec![Store::update_execution(execution.id, &update)]).await?;
    live::publish_run(hub, execution.run_id);
    if !ended {
        return Ok(());
    }
    hub.meters.executions.add(u64::from(touched.first() != Some(&0)));
    // Also when it had ended before: what follows may have failed then, and the agent tells the end until it is acknowledged.
    // Asked for each of perhaps a thousand ends: reading all executions each time would be a million.
    let (open, queued) = hub.store.open_and_queued(execution.run_id).await?;
    if open == 0 {
        finish_if_last(hub, execution.run_id).await?;
    } else if queued > 0
        && let Some(run) = hub.store.run(execution.run_id).await?
    {
        rollout::advance(hub, &run).await?;
    }
    match hub.store.execution(execution.id).await? {
        Some(stored) => repair::execution_ended(hub, &stored).await,
        None => Ok(()),
    }
}

pub(super) async fn finish_if_last(hub: &Hub, run: RunId) -> Result<(), HubError> {
    let executions = hub.store.executions_of(run).await?;
    if executions.iter().any(|execution| execution.finished_at.is_none()) {
        return Ok(());
    }
    let count = |state: ExecutionState| executions.iter().filter(|e| e.state == state.as_str()).count();
    let state = match (count(ExecutionState::Succeeded), count(ExecutionState::Cancelled)) {
        (good, _) if good == executions.len() => RunState::Succeeded,
        (0, cancelled) if cancelled > 0 => RunState::Cancelled,
        _ if count(ExecutionState::Expired) == executions.len() => RunState::Expired,
        (0, _) => RunState::Failed,
        _ => RunState::Partial,
    };
    let now = hub.now();
    hub.store
        .commit(vec![Store::finish_run(run, state.as_str(), now), Store::insert_change("run", run, now)])
        .await?;
    hub.bus.wake(WAKE_CHANGES);
    live::publish_run(hub, run);
    firing::run_ended(hub, run).await
}

/// Asks every execution that has not ended to end.
pub async fn cancel(hub: &Hub, run: RunId) -> Result<(), HubError> {
    if let Some(run) = hub.store.run(run).await? {
        rollout::end_queued(hub, &run, ExecutionState::Cancelled, "cancelled before its turn came").await?;
    }
    hub.store.commit(vec![Store::cancel_executions_of(run)]).await?;
    for execution in hub.store.executions_of(run).await? {
        if execution.finished_at.is_some() {
            continue;
        }
        let connected = hub.links.get(execution.agent_id).is_some();
        if execution.state == ExecutionState::Pending.as_str() && !connected {
            let reason = "cancelled before the agent took it".to_string();
            record(hub, &execution, ended(ExecutionState::Cancelled, reason, hub.now())).await?;
        } else {
            link::dispatch(hub, &execution).await;
        }
    }
    Ok(())
}

pub(super) fn ended(state: ExecutionState, reason: String, now: Timestamp) -> ExecutionUpdate {
    ExecutionUpdate {
        state: state.as_str(),
        reason: Some(reason),
        finished_at: Some(now),
        ..Default::default()
    }
}

/// Ends what will not end by itself: never for ever "running".
pub async fn give_up_overdue(hub: &Hub) -> Result<(), HubError> {
    let now = hub.now();
    for execution in hub.store.overdue_executions(now).await? {
        let update = if execution.state == ExecutionState::Queued.as_str() {
            ended(ExecutionState::Expired, "its turn did not come within a day".into(), now)
        } else if execution.state == ExecutionState::Pending.as_str() {
            ended(ExecutionState::Expired, "the agent did not take it in time; it did not run".into(), now)
        } else {
            ended(ExecutionState::Lost, "the agent never told the end; it may have run".into(), now)
        };
        record(hub, &execution, update).await?;
    }
    Ok(())
}

/// The end of an execution's output, for people: both streams in order of arrival, bytes that are not UTF-8 replaced.
pub async fn output_tail(hub: &Hub, run: RunId, max_bytes: usize) -> Result<String, HubError> {
    let ends = hub.store.output_ends(run, max_bytes).await?;
    let bytes: Vec<u8> = ends.into_iter().flat_map(|end| end.data).collect();
    let from = bytes.len().saturating_sub(max_bytes);
    Ok(String::from_utf8_lossy(&bytes[from..]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_api_types::ParameterKind;

    fn parameter(name: &str, kind: ParameterKind) -> Parameter {
        Parameter {
            name: name.into(),
            kind,
            description: String::new(),
            secret: false,
            required: false,
            default: None,
            choices: vec!["a".into()],
        }
    }

    #[test]
    fn parameters_are_typed_and_known() {
        let known = [
            parameter("UNIT", ParameterKind::Text),
            parameter("N", ParameterKind::Integer),
            parameter("C", ParameterKind::Choice),
        ];
        let given = |name: &str, value: &str| BTreeMap::from([(name.to_string(), value.to_string())]);
        assert!(check_parameters(&known, &given("UNIT", "nginx.service")).is_ok());
        for (name, value) in [("UNIT", "-rf"), ("UNIT", "a\nb"), ("N", "1.5"), ("C", "b"), ("OTHER", "x")] {
            let error = check_parameters(&known, &given(name, value)).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn ad_hoc_commands_are_quoted() {
        let command = command_of_argv(&["echo".into(), "it's; rm -rf /".into()], 1000);
        assert_eq!(command.body, "exec 'echo' 'it'\\''s; rm -rf /'\n");
        assert!(command.ad_hoc);
    }
}
