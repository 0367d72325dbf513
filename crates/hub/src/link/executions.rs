//! Commands to agents, and what they say became of them.

use watchtower_api_types::ExecutionState as State;
use watchtower_model::limits::OUTPUT_BYTES_MAX;
use watchtower_model::{AgentId, Timestamp};
use watchtower_protocol::{
    Command, CommandBody, ExecutionState, ExecutionUpdate, HubMessage, OutputChunk, Stream,
};
use watchtower_store::{self as store, ExecutionRow, RunRow, Store};

use crate::error::HubError;
use crate::jobs::{runs, secrets, updates};
use crate::{Hub, live};

/// A question or a cancel that takes longer to arrive is asked again on the next connection.
const ASK_WITHIN_MS: i64 = 60_000;

/// Signs a command for exactly one agent.
fn command(hub: &Hub, agent: AgentId, not_after: Timestamp, body: CommandBody) -> HubMessage {
    let command = Command { agent_id: agent, issued_at: hub.now(), not_after, body };
    let payload = serde_json::to_vec(&command).expect("a command holds no maps with keys other than strings");
    HubMessage::Command(hub.keys.sign_command(&payload))
}

/// Gives an agent everything it has not yet answered for. Sending twice is safe: it runs at most once.
pub async fn dispatch_open(hub: &Hub, agent: AgentId) {
    match hub.store.open_executions_of(agent).await {
        Ok(executions) => {
            for execution in executions {
                dispatch(hub, &execution).await;
                ask_status(hub, &execution);
            }
        }
        Err(error) => tracing::error!(%agent, "reading open executions: {error}"),
    }
}

/// Sends one execution's command if its agent is connected.
pub async fn dispatch(hub: &Hub, execution: &ExecutionRow) {
    let Some(link) = hub.links.get(execution.agent_id) else { return };
    if execution.cancel {
        let body = CommandBody::Cancel { execution_id: execution.id };
        link.send(command(hub, execution.agent_id, hub.now().plus_ms(ASK_WITHIN_MS), body));
    }
    let to_start = matches!(execution.state.as_str(), "pending" | "dispatched") && !execution.cancel;
    if !to_start {
        return;
    }
    match hub.store.run(execution.run_id).await {
        Ok(Some(run)) => dispatch_new(hub, &run, std::slice::from_ref(execution)).await,
        Ok(None) => {}
        Err(error) => tracing::error!(execution = %execution.id, "reading the run: {error}"),
    }
}

/// Sends a run's command to each of these whose agent is connected, and stores in one go that it was sent. Nothing while all is halted.
pub async fn dispatch_new(hub: &Hub, run: &RunRow, executions: &[ExecutionRow]) {
    if hub.halt.is_on() {
        return;
    }
    let script = match secrets::reveal(hub, run) {
        Ok(script) => script,
        Err(error) => return tracing::error!(run = %run.id, "the run's command cannot be read: {error}"),
    };
    let mut sent = Vec::new();
    for execution in executions {
        let Some(link) = hub.links.get(execution.agent_id) else { continue };
        let mut script = script.clone();
        script.execution_id = execution.id;
        if let Some(update) = &mut script.update {
            update.token = updates::token(hub, execution.id);
        }
        script.environment.insert("WATCHTOWER_RUN".into(), run.number.to_string());
        let message = command(hub, execution.agent_id, execution.not_after, CommandBody::Run(script));
        if link.send(message) && execution.state == State::Pending.as_str() {
            sent.push(Store::mark_dispatched(execution.id));
        }
    }
    if !sent.is_empty()
        && let Err(error) = hub.store.commit(sent).await
    {
        tracing::error!(run = %run.id, "storing dispatched: {error}");
    }
}

/// Asks what became of work that has begun: a hub that was restored from a backup does not know its end.
fn ask_status(hub: &Hub, execution: &ExecutionRow) {
    let begun = matches!(execution.state.as_str(), "accepted" | "running");
    if let Some(link) = hub.links.get(execution.agent_id).filter(|_| begun) {
        let body = CommandBody::Status { execution_id: execution.id };
        link.send(command(hub, execution.agent_id, hub.now().plus_ms(ASK_WITHIN_MS), body));
    }
}

/// Results are accepted only from the agent the execution was assigned to.
async fn assigned(
    hub: &Hub,
    agent: AgentId,
    id: watchtower_model::ExecutionId,
) -> Result<ExecutionRow, HubError> {
    match hub.store.execution(id).await? {
        Some(row) if row.agent_id == agent => Ok(row),
        _ => Err(HubError::not_found("execution", id)),
    }
}

/// Stores what the agent says of an execution; final states are acknowledged.
pub async fn take_update(
    hub: &Hub,
    agent: AgentId,
    update: ExecutionUpdate,
) -> Result<Option<HubMessage>, HubError> {
    let row = match assigned(hub, agent, update.execution_id).await {
        Ok(row) => row,
        // Deleted meanwhile, or never this agent's: told to forget it, it does not repeat itself for ever.
        Err(HubError::NotFound { .. }) => {
            return Ok(Some(HubMessage::ExecutionAck { execution_id: update.execution_id }));
        }
        // Not stored: the agent keeps the result and tells it again.
        Err(error) => return Err(error),
    };
    let now = hub.now();
    let known = translate(&update, now);
    let ended = known.finished_at.is_some();
    runs::record(hub, &row, known).await?;
    Ok(ended.then_some(HubMessage::ExecutionAck { execution_id: row.id }))
}

fn translate(update: &ExecutionUpdate, now: Timestamp) -> store::ExecutionUpdate {
    let mut out = store::ExecutionUpdate::default();
    match &update.state {
        ExecutionState::Accepted => out.state = State::Accepted.as_str(),
        ExecutionState::Running { .. } => {
            out.state = State::Running.as_str();
            out.started_at = Some(now);
        }
        ExecutionState::Finished {
            exit_code,
            signal,
            timed_out,
            cancelled,
            stdout_bytes,
            stderr_bytes,
            ..
        } => {
            let state = match (timed_out, cancelled, exit_code) {
                (true, ..) => State::TimedOut,
                (_, true, _) => State::Cancelled,
                (_, _, Some(0)) => State::Succeeded,
                _ => State::Failed,
            };
            out.state = state.as_str();
            out.exit_code = *exit_code;
            out.reason = signal.map(|signal| format!("ended by signal {signal}"));
            out.stdout_bytes = *stdout_bytes;
            out.stderr_bytes = *stderr_bytes;
            out.finished_at = Some(now);
        }
        ExecutionState::Rejected { code, reason } => {
            out.state =
                if code == "cancelled" { State::Cancelled.as_str() } else { State::Rejected.as_str() };
            out.reason = Some(format!("{code}: {reason}"));
            out.finished_at = Some(now);
        }
        ExecutionState::Lost { reason } => {
            out.state = State::Lost.as_str();
            out.reason = Some(reason.clone());
            out.finished_at = Some(now);
        }
    }
    out
}

/// Stores a chunk of output and says so; beyond the limit it is acknowledged and dropped.
pub async fn take_output(hub: &Hub, agent: AgentId, chunk: OutputChunk) -> Result<HubMessage, HubError> {
    let offset = chunk.offset.saturating_add(chunk.data.len() as u64);
    let ack = HubMessage::OutputAck { execution_id: chunk.execution_id, stream: chunk.stream, offset };
    let row = match assigned(hub, agent, chunk.execution_id).await {
        Ok(row) => row,
        Err(HubError::NotFound { .. }) => return Ok(ack),
        Err(error) => return Err(error),
    };
    let stdout = chunk.stream == Stream::Stdout;
    let end = if stdout { row.stdout_end } else { row.stderr_end };
    // Head and tail were kept by the agent; the hub's own limit only guards against an agent that did not.
    if row.output_bytes >= 2 * OUTPUT_BYTES_MAX as i64 {
        return Ok(ack);
    }
    // An agent that was restarted sends from the beginning, cut into other chunks.
    let start = i64::try_from(chunk.offset).unwrap_or(i64::MAX);
    let known = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
    let Some(data) = chunk.data.get(known..).filter(|data| !data.is_empty()) else {
        return Ok(ack);
    };
    let stored = Store::insert_output(row.id, stdout, end, start.saturating_add(known as i64), data);
    hub.store.commit(stored.into()).await?;
    live::publish_run(hub, row.run_id);
    Ok(ack)
}
