//! Another try of what may be done twice: an idempotent script whose end nobody knows, or that no agent took.
//!
//! Invariant: each try has an id of its own, derived from the one before: what an agent's journal has seen never runs again, and the
//! same try is not made twice. An execution ends and its next try begins in one commit.

use watchtower_api_types::ExecutionState;
use watchtower_incident::RunState;
use watchtower_model::ExecutionId;
use watchtower_store::{DbError, ExecutionRow, ExecutionUpdate, RunRow, Store};

use super::{ids, repair, rights, runs};
use crate::error::HubError;
use crate::objects::ScriptBody;
use crate::{Hub, link, live};

/// Tries of one server's part, the first included.
pub const TRIES_MAX: i64 = 3;

/// The id of the try after this one, wherever it is derived.
fn next_id(execution: &ExecutionRow) -> ExecutionId {
    ExecutionId(ids::derived(&format!("{}/try {}", execution.id, execution.try_number + 1)))
}

/// `second`: what a try is called.
fn ordinal(number: i64) -> &'static str {
    match number {
        1 => "first",
        2 => "second",
        _ => "third",
    }
}

/// Whether an end of this kind may be followed by another try: the script did not say how it ended, and nobody stopped it.
fn may_follow(execution: &ExecutionRow, update: &ExecutionUpdate) -> bool {
    let unknown = [ExecutionState::Lost.as_str(), ExecutionState::Expired.as_str()].contains(&update.state);
    // What waited for its turn in vain was not to be done any more.
    let was_sent = execution.state != ExecutionState::Queued.as_str();
    unknown
        && was_sent
        && !execution.cancel
        && execution.finished_at.is_none()
        && execution.try_number < TRIES_MAX
}

/// Ends an execution by another try, if there is to be one: then whether that was done.
pub(super) async fn instead(
    hub: &Hub,
    execution: &ExecutionRow,
    update: &ExecutionUpdate,
) -> Result<bool, HubError> {
    if !may_follow(execution, update) || hub.halt.is_on() {
        return Ok(false);
    }
    let Some(run) = hub.store.run(execution.run_id).await? else { return Ok(false) };
    let idempotent = idempotent(hub, &run).await?;
    if !idempotent || rights::refusal(hub, &run, std::slice::from_ref(execution)).await?.is_some() {
        return Ok(false);
    }
    let Some(next) = next_try(hub, &run, execution, update) else { return Ok(false) };
    let statements = vec![
        Store::replace_execution(execution.id, next.id),
        Store::update_execution(execution.id, update),
        Store::insert_execution(&next),
    ];
    match hub.store.commit(statements).await {
        // It ended meanwhile, one way or another.
        Err(DbError::Stale | DbError::Unique(_)) => return Ok(false),
        other => drop(other?),
    }
    hub.meters.executions.add(1);
    link::dispatch_new(hub, &run, std::slice::from_ref(&next)).await;
    live::publish_run(hub, run.id);
    tell(hub, &run, &next).await?;
    Ok(true)
}

/// The version of the script that was run says so; commands typed just now and updates of agents never do.
async fn idempotent(hub: &Hub, run: &RunRow) -> Result<bool, HubError> {
    let (Some(script), Some(version)) = (run.script_id, run.script_version) else { return Ok(false) };
    let script = hub.store.object_version::<ScriptBody>(script.0, version).await?;
    Ok(script.is_some_and(|script| script.body.idempotent))
}

/// Absent when the server has no agent any more.
fn next_try(hub: &Hub, run: &RunRow, before: &ExecutionRow, end: &ExecutionUpdate) -> Option<ExecutionRow> {
    let now = hub.now();
    let (not_after, give_up_at) = runs::deadlines(now, runs::timeout_of(run));
    let number = before.try_number + 1;
    let why = end.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let said = format!("{} try: the {} was {}{why}", ordinal(number), ordinal(number - 1), end.state);
    Some(ExecutionRow {
        id: next_id(before),
        agent_id: hub.servers.get(before.server_id)?.with(|state| state.agent_id)?,
        state: ExecutionState::Pending.as_str().into(),
        exit_code: None,
        reason: Some(said),
        created_at: now,
        not_after,
        give_up_at,
        started_at: None,
        finished_at: None,
        stdout_bytes: 0,
        stderr_bytes: 0,
        output_bytes: 0,
        stdout_end: 0,
        stderr_end: 0,
        try_number: number,
        ..before.clone()
    })
}

/// An incident's timeline has what its repair does.
async fn tell(hub: &Hub, run: &RunRow, next: &ExecutionRow) -> Result<(), HubError> {
    if run.automation_id.is_none() {
        return Ok(());
    }
    let detail = format!("{} in run {}: {}", run.name, run.number, next.reason.as_deref().unwrap_or(""));
    repair::tell_incident(hub, run.incident_id, Some(run.id), RunState::Started, detail, String::new()).await
}
