//! Runs with their executions.

use watchtower_api_types::{EarlierTry, Execution, ExecutionState, Rollout, Run, RunState};
use watchtower_hub::Hub;
use watchtower_hub::jobs::rollout;
use watchtower_model::{IncidentId, RunId};
use watchtower_protocol::RunScript;
use watchtower_store::{DbError, ExecutionRow, RunRow};

/// States in which an execution has not ended.
const OPEN: [ExecutionState; 5] = [
    ExecutionState::Queued,
    ExecutionState::Pending,
    ExecutionState::Dispatched,
    ExecutionState::Accepted,
    ExecutionState::Running,
];

/// One, with its executions.
pub async fn run(hub: &Hub, row: &RunRow) -> Result<Run, DbError> {
    let executions = hub.store.executions_of(row.id).await?;
    let incident = match row.incident_id {
        Some(id) => hub.store.incident(id).await?.map(|incident| incident.number),
        None => None,
    };
    let states = executions.iter().map(|execution| (execution.state.as_str(), 1));
    let out = shape(row, incident, states);
    let mut executions: Vec<Execution> = executions.into_iter().map(|row| execution(hub, row)).collect();
    if executions.iter().any(|execution| execution.try_number > 1) {
        for row in hub.store.earlier_tries_of(row.id).await? {
            let later = executions.iter_mut().filter(|execution| execution.server_id == row.server_id);
            later.for_each(|execution| execution.earlier.push(earlier(&row)));
        }
    }
    Ok(Run { executions, ..out })
}

fn earlier(row: &ExecutionRow) -> EarlierTry {
    EarlierTry {
        id: row.id,
        state: row.state.parse().unwrap_or(ExecutionState::Lost),
        reason: row.reason.clone(),
        started_at: row.started_at.map(Into::into),
        finished_at: row.finished_at.map(Into::into),
    }
}

/// A page of them, without their executions.
pub async fn runs(hub: &Hub, rows: &[RunRow]) -> Result<Vec<Run>, DbError> {
    let ids: Vec<RunId> = rows.iter().map(|row| row.id).collect();
    let counts = hub.store.execution_counts(&ids).await?;
    let incidents: Vec<IncidentId> = rows.iter().filter_map(|row| row.incident_id).collect();
    let heads = hub.store.incident_heads(&incidents).await?;
    let one = |row: &RunRow| {
        let incident = row.incident_id.and_then(|id| heads.get(&id)).map(|head| head.number);
        let own = counts.iter().filter(|count| count.run_id == row.id);
        shape(row, incident, own.map(|count| (count.state.as_str(), count.executions as u32)))
    };
    Ok(rows.iter().map(one).collect())
}

fn shape<'a>(row: &RunRow, incident: Option<i64>, states: impl Iterator<Item = (&'a str, u32)>) -> Run {
    let (mut total, mut open, mut succeeded, mut skipped, mut queued) = (0, 0, 0, 0, 0);
    for (state, count) in states {
        let state = state.parse().unwrap_or(ExecutionState::Pending);
        total += count;
        open += if OPEN.contains(&state) { count } else { 0 };
        match state {
            ExecutionState::Succeeded => succeeded += count,
            ExecutionState::Skipped => skipped += count,
            ExecutionState::Queued => queued += count,
            _ => {}
        }
    }
    let command: Option<RunScript> = serde_json::from_str(&row.body).ok();
    Run {
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
        total,
        succeeded,
        failed: total - open - succeeded - skipped,
        skipped,
        queued,
        rollout: Some(rollout::of_run(row)).filter(|rollout| *rollout != Rollout::default()),
        approve_by: row.approve_by.map(Into::into),
        approved_by: row.approved_by.clone(),
        executions: Vec::new(),
    }
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
        try_number: row.try_number as u32,
        earlier: Vec::new(),
    }
}
