//! Runs with their executions.

use watchtower_api_types::{Execution, ExecutionState, Rollout, Run, RunState};
use watchtower_hub::Hub;
use watchtower_hub::jobs::rollout;
use watchtower_protocol::RunScript;
use watchtower_store::{DbError, ExecutionRow, RunRow};

pub async fn run(hub: &Hub, row: &RunRow) -> Result<Run, DbError> {
    let executions = hub.store.executions_of(row.id).await?;
    let incident = match row.incident_id {
        Some(id) => hub.store.incident(id).await?.map(|incident| incident.number),
        None => None,
    };
    let command: Option<RunScript> = serde_json::from_str(&row.body).ok();
    let count =
        |state: ExecutionState| executions.iter().filter(|e| e.state == state.as_str()).count() as u32;
    let (succeeded, skipped) = (count(ExecutionState::Succeeded), count(ExecutionState::Skipped));
    let ended = executions.iter().filter(|execution| execution.finished_at.is_some()).count() as u32;
    Ok(Run {
        id: row.id,
        number: row.number,
        script_id: row.script_id,
        name: row.name.clone(),
        script_version: row.script_version,
        parameters: command.map(|command| command.shown_environment()).unwrap_or_default(),
        on: row.selector.clone(),
        state: row.state.parse().unwrap_or(RunState::Running),
        started_by: row.started_by.clone(),
        automation_id: row.automation_id,
        incident_id: row.incident_id,
        incident_number: incident,
        created_at: row.created_at.into(),
        finished_at: row.finished_at.map(Into::into),
        total: executions.len() as u32,
        succeeded,
        failed: ended - succeeded - skipped,
        skipped,
        queued: count(ExecutionState::Queued),
        rollout: Some(rollout::of_run(row)).filter(|rollout| *rollout != Rollout::default()),
        approve_by: row.approve_by.map(Into::into),
        approved_by: row.approved_by.clone(),
        executions: executions.into_iter().map(|row| execution(hub, row)).collect(),
    })
}

fn execution(hub: &Hub, row: ExecutionRow) -> Execution {
    let server = hub.servers.get(row.server_id).map(|server| server.with(|state| state.name.clone()));
    Execution {
        id: row.id,
        server_id: row.server_id,
        server: server.unwrap_or_else(|| "a removed server".into()),
        state: row.state.parse().unwrap_or(ExecutionState::Pending),
        exit_code: row.exit_code.map(|code| code as i32),
        reason: row.reason,
        created_at: row.created_at.into(),
        started_at: row.started_at.map(Into::into),
        finished_at: row.finished_at.map(Into::into),
        stdout_bytes: row.stdout_bytes as u64,
        stderr_bytes: row.stderr_bytes as u64,
    }
}
