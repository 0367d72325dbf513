//! Runs: planned, started, watched, cancelled.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use watchtower_api_types::{
    AgentUpdateInput, ExecInput, ExecutionState, FoldedOutput, List, Output, OutputPart, Rollout, Run,
    RunInput, RunPlan, RunStarted, RunState,
};
use watchtower_hub::HubError;
use watchtower_hub::configure::{self, Scripts};
use watchtower_hub::jobs::ids::Ids;
use watchtower_hub::jobs::runs::{self, Start};
use watchtower_hub::jobs::{fold, rollout, updates};
use watchtower_hub::objects::ScriptBody;
use watchtower_hub::servers::Server;
use watchtower_model::{ExecutionId, RunId, ScriptId};
use watchtower_protocol::RunScript;
use watchtower_store::{RunFilter, RunRow};

use crate::caller::{Body, Caller, Reply};
use crate::problem::Failure;
use crate::views;

const PARTS: i64 = 500;
const ARGV_BYTES_MAX: usize = 64 * 1024;

pub async fn list(caller: Caller) -> Reply<List<Run>> {
    let limit = caller.limit()?;
    let server = caller.query("server").map(|name| caller.server(name)).transpose()?;
    let script =
        caller.query("script").map(|name| configure::find::<Scripts>(&caller.hub, name)).transpose()?;
    let incident = match caller.query("incident") {
        Some(number) => Some(
            caller
                .hub
                .store
                .find_incident(number)
                .await?
                .ok_or_else(|| HubError::not_found("incident", number))?
                .id,
        ),
        None => None,
    };
    let filter = RunFilter {
        state: caller.words::<RunState>("state")?.first().map(|state| state.as_str().to_string()),
        server: server.map(|server| server.id),
        script: script.map(|script| ScriptId(script.id)),
        incident,
        before: caller.cursor()?,
        limit,
    };
    let rows = caller.hub.store.runs(&filter).await?;
    let next = (rows.len() as i64 == limit).then(|| rows.last().map(|row| row.number.to_string())).flatten();
    let rows = visible(&caller, rows).await?;
    Ok(Json(List { items: views::runs(&caller.hub, &rows).await?, next }))
}

/// Those that have a server which the caller may see.
async fn visible(caller: &Caller, rows: Vec<RunRow>) -> Result<Vec<RunRow>, Failure> {
    let ids: Vec<RunId> = rows.iter().map(|row| row.id).collect();
    let pairs = caller.hub.store.servers_of_runs(&ids).await?;
    let seen: HashSet<RunId> = pairs
        .into_iter()
        .filter(|(_, server)| caller.sees_server(Some(*server)))
        .map(|(run, _)| run)
        .collect();
    Ok(rows.into_iter().filter(|row| seen.contains(&row.id)).collect())
}

async fn find(caller: &Caller, name: &str) -> Result<RunRow, Failure> {
    let row = caller.hub.store.find_run(name).await?.ok_or_else(|| HubError::not_found("run", name))?;
    let executions = caller.hub.store.executions_of(row.id).await?;
    if executions.iter().any(|execution| caller.sees_server(Some(execution.server_id))) {
        Ok(row)
    } else {
        Err(HubError::not_found("run", name).into())
    }
}

pub async fn get(caller: Caller, Path(name): Path<String>) -> Reply<Run> {
    let row = find(&caller, &name).await?;
    let mut run = views::run(&caller.hub, &row).await?;
    run.executions.retain(|execution| caller.sees_server(Some(execution.server_id)));
    Ok(Json(run))
}

pub async fn cancel(caller: Caller, Path(name): Path<String>) -> Reply<Run> {
    let row = find(&caller, &name).await?;
    // Cancelling touches every server of the run: all of them must be the caller's.
    for execution in caller.hub.store.executions_of(row.id).await? {
        if !caller.sees_server(Some(execution.server_id)) {
            return Err(HubError::Forbidden("the run has servers that you may not see".into()).into());
        }
    }
    runs::cancel(&caller.hub, row.id).await?;
    caller.audit(&row.number.to_string(), "").await?;
    let row = find(&caller, &name).await?;
    Ok(Json(views::run(&caller.hub, &row).await?))
}

pub async fn output(caller: Caller, Path((name, execution)): Path<(String, String)>) -> Reply<Output> {
    let row = find(&caller, &name).await?;
    let id: ExecutionId = execution.parse().map_err(|e| HubError::invalid("execution", e))?;
    let found = caller.hub.store.execution(id).await?;
    let found = found.filter(|found| found.run_id == row.id && caller.sees_server(Some(found.server_id)));
    let found = found.ok_or_else(|| HubError::not_found("execution", execution))?;
    let after = caller.query("after").map(str::parse::<i64>).transpose();
    let after = after.map_err(|_| HubError::invalid("after", "must be a sequence"))?.unwrap_or(0);
    let parts = caller.hub.store.output_after(id, after, PARTS).await?;
    let complete = found.finished_at.is_some() && (parts.len() as i64) < PARTS;
    let part = |row: watchtower_store::OutputRow| OutputPart {
        sequence: row.sequence,
        stream: row.stream,
        offset: row.start_at as u64,
        text: String::from_utf8_lossy(&row.data).into_owned(),
    };
    Ok(Json(Output { execution_id: id, parts: parts.into_iter().map(part).collect(), complete }))
}

/// A run that waits for approval, and whose servers are all the caller's to act on.
async fn awaiting(caller: &Caller, name: &str) -> Result<RunRow, Failure> {
    let row = find(caller, name).await?;
    if row.state != RunState::AwaitingApproval.as_str() {
        return Err(HubError::Conflict(format!("run {} does not wait for approval", row.number)).into());
    }
    if caller.hub.store.executions_of(row.id).await?.iter().any(|e| !caller.sees_server(Some(e.server_id))) {
        return Err(HubError::Forbidden("the run has servers that you may not see".into()).into());
    }
    Ok(row)
}

pub async fn approve(caller: Caller, Path(name): Path<String>) -> Reply<Run> {
    let row = awaiting(&caller, &name).await?;
    rollout::approve(&caller.hub, &row, &caller.principal).await?;
    caller.audit(&format!("run {}", row.number), &row.name).await?;
    get(caller, Path(name)).await
}

pub async fn deny(caller: Caller, Path(name): Path<String>) -> Reply<Run> {
    let row = awaiting(&caller, &name).await?;
    let reason = format!("{} denied the run", caller.principal.name);
    rollout::end_queued(&caller.hub, &row, ExecutionState::Cancelled, &reason).await?;
    caller.audit(&format!("run {}", row.number), &row.name).await?;
    get(caller, Path(name)).await
}

/// Of the servers that the caller may see.
pub async fn folded(caller: Caller, Path(name): Path<String>) -> Reply<List<FoldedOutput>> {
    let row = find(&caller, &name).await?;
    let mut executions = caller.hub.store.executions_of(row.id).await?;
    executions.retain(|execution| caller.sees_server(Some(execution.server_id)));
    Ok(Json(List { items: fold::fold(&caller.hub, row.id, &executions).await?, next: None }))
}

pub async fn create(caller: Caller, Body(input): Body<RunInput>) -> Reply<RunStarted> {
    let script = configure::find::<Scripts>(&caller.hub, &input.script)?;
    let script = match input.version {
        None => script,
        Some(version) => {
            let versions = caller.hub.store.object_versions::<ScriptBody>(script.id).await?;
            let found = versions.into_iter().find(|stored| stored.version == version);
            found.ok_or_else(|| {
                HubError::invalid("version", format!("version {version} of the script does not exist"))
            })?
        }
    };
    let environment = runs::check_parameters(&script.body.parameters, &input.parameters)?;
    let timeout = timeout_ms(input.timeout_seconds)?;
    let command = runs::command_of(&script, environment, timeout, caller.hub.now());
    let incident = match input.incident {
        Some(number) => Some(
            caller
                .hub
                .store
                .find_incident(&number.to_string())
                .await?
                .filter(|row| caller.sees_server(row.server_id))
                .ok_or_else(|| HubError::invalid("incident", "does not exist"))?
                .id,
        ),
        None => None,
    };
    let wanted = Wanted {
        name: script.body.name.clone(),
        script: Some((ScriptId(script.id), script.version)),
        command,
        on: input.on,
        incident,
        rollout: input.rollout,
        needs_approval: input.needs_approval || script.body.needs_approval,
        dry_run: input.dry_run,
    };
    begin(caller, wanted).await
}

pub async fn exec(caller: Caller, Body(input): Body<ExecInput>) -> Reply<RunStarted> {
    let bytes: usize = input.command.iter().map(String::len).sum();
    if input.command.is_empty()
        || bytes > ARGV_BYTES_MAX
        || input.command.iter().any(|word| word.contains('\0'))
    {
        return Err(HubError::invalid(
            "command",
            format!("must have words of together at most {ARGV_BYTES_MAX} bytes"),
        )
        .into());
    }
    let timeout = timeout_ms(input.timeout_seconds)?.unwrap_or(runs::TIMEOUT_MS_DEFAULT);
    let wanted = Wanted {
        name: input.command.join(" ").chars().take(200).collect(),
        script: None,
        command: runs::command_of_argv(&input.command, timeout),
        on: input.on,
        incident: None,
        rollout: input.rollout,
        needs_approval: input.needs_approval,
        dry_run: input.dry_run,
    };
    begin(caller, wanted).await
}

/// The agents themselves, as a run: batches, approvals and the halt hold for it as for any other.
pub async fn update_agents(caller: Caller, Body(input): Body<AgentUpdateInput>) -> Reply<RunStarted> {
    let (name, command) = updates::command(&caller.hub)?;
    let wanted = Wanted {
        name,
        script: None,
        command,
        on: input.on,
        incident: None,
        rollout: input.rollout,
        needs_approval: input.needs_approval,
        dry_run: input.dry_run,
    };
    begin(caller, wanted).await
}

fn timeout_ms(seconds: Option<f64>) -> Result<Option<i64>, HubError> {
    let max = (runs::TIMEOUT_MS_MAX / 1000) as f64;
    match seconds {
        Some(value) if !(1.0..=max).contains(&value) => {
            Err(HubError::invalid("timeout_seconds", format!("must be from 1 to {max}")))
        }
        other => Ok(other.map(|value| (value * 1000.0).round() as i64)),
    }
}

struct Wanted {
    name: String,
    script: Option<(ScriptId, i64)>,
    command: RunScript,
    on: String,
    incident: Option<watchtower_model::IncidentId>,
    rollout: Option<Rollout>,
    needs_approval: bool,
    dry_run: bool,
}

async fn begin(caller: Caller, wanted: Wanted) -> Reply<RunStarted> {
    let selected = caller.select(&wanted.on)?;
    if selected.is_empty() {
        return Err(HubError::invalid("on", "matches no server").into());
    }
    if selected.len() > runs::TARGETS_MAX {
        return Err(HubError::invalid(
            "on",
            format!("matches {} servers: at most {}", selected.len(), runs::TARGETS_MAX),
        )
        .into());
    }
    let (ready, unavailable) = split(&caller, &selected, wanted.command.is_typed());
    let plan = RunPlan {
        script: wanted.name.clone(),
        body: shown_body(&wanted.command),
        servers: ready.iter().map(|server| server.with(|state| state.name.clone())).collect(),
        unavailable,
        environment: wanted.command.shown_environment(),
    };
    if wanted.dry_run {
        return Ok(Json(RunStarted { plan, run: None }));
    }
    let start = Start {
        name: wanted.name,
        script: wanted.script,
        command: wanted.command,
        selector: wanted.on,
        targets: ready,
        started_by: caller.principal.name.clone(),
        person: caller.principal.person.clone(),
        authority: caller.principal.authority.to_string(),
        automation: None,
        incident: wanted.incident,
        rollout: wanted.rollout,
        needs_approval: wanted.needs_approval,
        ids: Ids::Fresh,
        with: Vec::new(),
    };
    let row = runs::start(&caller.hub, start).await?;
    caller
        .audit(&format!("run {}", row.number), &format!("{} on {}", row.name, plan.servers.join(", ")))
        .await?;
    let run = views::run(&caller.hub, &row).await?;
    Ok(Json(RunStarted { plan, run: Some(run) }))
}

/// What an update would run is decided on the servers; its body is for agents that are too old.
fn shown_body(command: &RunScript) -> String {
    match &command.update {
        Some(_) => "the signed release of the agent, where the server's own check allows it".into(),
        None => command.body.clone(),
    }
}

fn split(caller: &Caller, selected: &[Arc<Server>], ad_hoc: bool) -> (Vec<Arc<Server>>, Vec<String>) {
    let mut ready = Vec::new();
    let mut unavailable = BTreeMap::new();
    for server in selected {
        match runs::unavailable(&caller.hub, server, ad_hoc) {
            None => ready.push(Arc::clone(server)),
            Some(reason) => {
                let name = server.with(|state| state.name.clone());
                unavailable.insert(name.clone(), format!("{name} {reason}"));
            }
        }
    }
    (ready, unavailable.into_values().collect())
}
