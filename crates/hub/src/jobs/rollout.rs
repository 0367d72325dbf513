//! Runs whose servers take turns, and runs that wait for approval.
//!
//! Invariant: what waits is in the database alone (`queued`); each look at it is made from what is stored, so that a hub that takes over
//! goes on where another stopped.

use watchtower_api_types::{ExecutionState, Rollout, RunState};
use watchtower_automation::{self as engine, Member, Progress, Turn};
use watchtower_model::{Severity, Timestamp};
use watchtower_store::{ExecutionRow, RunRow, Store};

use super::{rights, runs};
use crate::access::Principal;
use crate::error::HubError;
use crate::ingest::{Raise, raise};
use crate::{Hub, WAKE_CHANGES, link, live};

/// How long a run waits for approval.
pub const APPROVE_WITHIN_MS: i64 = 3_600_000;
/// A server's turn must come within this time of the run's start.
pub const TURN_WITHIN_MS: i64 = 24 * 3_600_000;
/// Runs looked at in one go.
const RUNS_AT_ONCE: i64 = 100;

/// What was written, in numbers of servers.
pub fn resolve(rollout: &Rollout, total: usize) -> Result<engine::Rollout, HubError> {
    let total = total as u32;
    let share = |field: &str, text: &Option<String>| {
        let read = |text: &String| {
            engine::Rollout::share(text, total).map_err(|e| HubError::invalid(format!("rollout.{field}"), e))
        };
        text.as_ref().map(read).transpose()
    };
    // A small share of few servers is one of them: none would mean all at once.
    let at_least_one = |text: &Option<String>, count: u32| {
        count.max(u32::from(text.as_ref().is_some_and(|text| text.contains('%'))))
    };
    if let Some(label) = &rollout.one_per
        && !watchtower_model::is_label_name(label)
    {
        return Err(HubError::invalid("rollout.one_per", "is not the name of a label"));
    }
    Ok(engine::Rollout {
        canary: at_least_one(&rollout.canary, share("canary", &rollout.canary)?.unwrap_or(0)),
        at_once: at_least_one(&rollout.at_once, share("at_once", &rollout.at_once)?.unwrap_or(0)),
        max_failures: share("max_failures", &rollout.max_failures)?,
    })
}

/// How a stored run goes over its servers.
pub fn of_run(run: &RunRow) -> Rollout {
    serde_json::from_str(&run.rollout).unwrap_or_default()
}

fn progress(execution: &ExecutionRow) -> Progress {
    match execution.state.parse() {
        Ok(ExecutionState::Queued) => Progress::Waiting,
        Ok(ExecutionState::Succeeded) => Progress::Succeeded,
        _ if execution.finished_at.is_some() => Progress::Failed,
        _ => Progress::UnderWay,
    }
}

/// Starts those whose turn has come.
pub async fn advance(hub: &Hub, run: &RunRow) -> Result<(), HubError> {
    if run.state != RunState::Running.as_str() || hub.halt.is_on() {
        return Ok(());
    }
    let executions = hub.store.executions_of(run.id).await?;
    if executions.iter().all(|execution| progress(execution) != Progress::Waiting) {
        return Ok(());
    }
    let members: Vec<Member> = executions
        .iter()
        .map(|execution| Member { progress: progress(execution), group: execution.turn_group.as_deref() })
        .collect();
    let rollout = resolve(&of_run(run), executions.len())?;
    match engine::turn(&rollout, &members) {
        Turn::Start(places) => {
            let due: Vec<ExecutionRow> = places.into_iter().map(|place| executions[place].clone()).collect();
            match rights::refusal(hub, run, &due).await? {
                None => release(hub, run, due).await,
                Some(reason) => refuse(hub, run, &reason).await,
            }
        }
        Turn::Stop(reason) => end_queued(hub, run, ExecutionState::Skipped, &reason).await.map(drop),
    }
}

/// Gives their commands to those whose turn has come, in one commit; those that another look released meanwhile are left to it.
async fn release(hub: &Hub, run: &RunRow, due: Vec<ExecutionRow>) -> Result<(), HubError> {
    if due.is_empty() {
        return Ok(());
    }
    let (not_after, give_up_at) = runs::deadlines(hub.now(), runs::timeout_of(run));
    let statements =
        due.iter().map(|execution| Store::release_execution(execution.id, not_after, give_up_at)).collect();
    let touched = hub.store.commit(statements).await?;
    let state = ExecutionState::Pending.as_str();
    let released: Vec<ExecutionRow> = due
        .into_iter()
        .zip(touched)
        .filter(|(_, rows)| *rows == 1)
        .map(|(execution, _)| ExecutionRow { state: state.into(), not_after, give_up_at, ..execution })
        .collect();
    link::dispatch_new(hub, run, &released).await;
    live::publish_run(hub, run.id);
    Ok(())
}

/// Who started it has lost the right meanwhile: what waits never starts, and people are told.
async fn refuse(hub: &Hub, run: &RunRow, reason: &str) -> Result<(), HubError> {
    if end_queued(hub, run, ExecutionState::Cancelled, reason).await? == 0 {
        return Ok(());
    }
    let text = format!("run {} ({}) does not go on: {reason}", run.number, run.name);
    raise(hub, Raise::hub("run.refused", None, Severity::Warning, text)).await.map(drop)
}

/// Ends everything that waits for its turn; how many that were.
pub async fn end_queued(
    hub: &Hub,
    run: &RunRow,
    state: ExecutionState,
    reason: &str,
) -> Result<u64, HubError> {
    let update = runs::ended(state, reason.into(), hub.now());
    let queued = hub.store.executions_of(run.id).await?.into_iter();
    let queued = queued.filter(|execution| progress(execution) == Progress::Waiting);
    let ends = queued.map(|execution| Store::update_execution(execution.id, &update)).collect();
    let ended = hub.store.commit(ends).await?.into_iter().sum();
    live::publish_run(hub, run.id);
    runs::finish_if_last(hub, run.id).await?;
    Ok(ended)
}

/// Lets a run start that waits for approval.
pub async fn approve(hub: &Hub, run: &RunRow, by: &Principal) -> Result<(), HubError> {
    if by.person == run.person {
        let text = format!("{} asked for this run: it is approved by another person", run.person);
        return Err(HubError::Forbidden(text));
    }
    hub.store
        .commit(vec![Store::approve_run(run.id, &by.name), Store::insert_change("run", run.id, hub.now())])
        .await?;
    hub.bus.wake(WAKE_CHANGES);
    advance(hub, &RunRow { state: RunState::Running.as_str().into(), ..run.clone() }).await
}

/// Tells that somebody is needed.
pub async fn ask_for_approval(hub: &Hub, run: &RunRow) -> Result<(), HubError> {
    let text = format!("{} asks for approval of run {}: {}", run.started_by, run.number, run.name);
    raise(hub, Raise::hub("run.awaiting_approval", None, Severity::Info, text)).await.map(drop)
}

/// What nobody approved in time ends; what waits for its turn is looked at again, whoever forgot it.
pub async fn tick(hub: &Hub, now: Timestamp) -> Result<(), HubError> {
    for run in hub.store.runs_unapproved_at(now).await? {
        end_queued(hub, &run, ExecutionState::Expired, "nobody approved the run in time").await?;
    }
    for run in hub.store.runs_with_queue(RUNS_AT_ONCE).await? {
        advance(hub, &run).await?;
    }
    Ok(())
}
