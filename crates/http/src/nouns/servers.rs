//! Servers.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use watchtower_api_types::{
    Collected, Enrolment, List, Panels, Processes, Server, ServerInput, ServerPatch, ServerStatus,
};
use watchtower_hub::{HubError, fleet, link, query};
use watchtower_matchers::Matchers;

use crate::caller::{Body, Caller, Reply};
use crate::problem::Failure;
use crate::times::{parse_step_ms, parse_time};
use crate::views;

/// How long a caller waits for a report that was asked for.
const COLLECT_WAIT: Duration = Duration::from_secs(10);

/// How long a look at the processes asks for one-second reports.
const PROCESSES_LEASE: Duration = Duration::from_secs(30);

pub async fn list(caller: Caller) -> Reply<List<Server>> {
    let statuses: Vec<ServerStatus> = caller.words("status")?;
    let words = caller.query("q").map(str::to_lowercase);
    let on =
        caller.query("on").map(str::parse::<Matchers>).transpose().map_err(|e| HubError::invalid("on", e))?;
    let trouble = views::Trouble::load(&caller.hub).await?;
    let now = caller.hub.now();
    let mut items = Vec::new();
    for server in caller.hub.servers.all() {
        let state = server.get();
        let labels = state.selector_labels();
        let wanted = on.as_ref().is_none_or(|on| on.matches(&labels))
            && (statuses.is_empty() || statuses.contains(&state.status(now)))
            && words.as_ref().is_none_or(|words| labels.to_string().to_lowercase().contains(words))
            && caller.sees(&server);
        if wanted {
            items.push(views::server(server.id, state, &trouble, now));
        }
    }
    let from = caller.cursor()?.unwrap_or(0).max(0) as usize;
    let limit = caller.limit()? as usize;
    let next = (items.len() > from + limit).then(|| (from + limit).to_string());
    Ok(Json(List { items: items.into_iter().skip(from).take(limit).collect(), next }))
}

async fn show(caller: &Caller, server: &watchtower_hub::servers::Server) -> Reply<Server> {
    let trouble = views::Trouble::load(&caller.hub).await?;
    Ok(Json(views::server(server.id, server.get(), &trouble, caller.hub.now())))
}

pub async fn get(caller: Caller, Path(name): Path<String>) -> Reply<Server> {
    let server = caller.server(&name)?;
    show(&caller, &server).await
}

pub async fn create(caller: Caller, Body(input): Body<ServerInput>) -> Reply<Server> {
    if let Some(matchers) = &caller.principal.servers {
        let mut labels = input.labels.to_builder();
        labels.set("name", &input.name).set("instance", &input.name);
        if !matchers.matches(&labels.build()) {
            return Err(HubError::Forbidden(
                "a server with these labels would be outside those you may see".into(),
            )
            .into());
        }
    }
    let server = fleet::add(&caller.hub, input).await?;
    caller.audit(&server.with(|state| state.name.clone()), "").await?;
    show(&caller, &server).await
}

pub async fn update(
    caller: Caller,
    Path(name): Path<String>,
    Body(patch): Body<ServerPatch>,
) -> Reply<Server> {
    let server = caller.server(&name)?;
    if patch.labels.is_some() || patch.name.is_some() {
        // Labels decide rights: whoever is restricted by them must not change them.
        caller.unrestricted()?;
    }
    let detail = serde_json::to_string(&patch).unwrap_or_default();
    fleet::change(&caller.hub, &server, patch).await?;
    caller.audit(&server.with(|state| state.name.clone()), &detail).await?;
    show(&caller, &server).await
}

pub async fn delete(caller: Caller, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    let server = caller.server(&name)?;
    let name = server.with(|state| state.name.clone());
    fleet::remove(&caller.hub, &server).await?;
    caller.audit(&name, "").await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn enrol(caller: Caller, Path(name): Path<String>) -> Reply<Enrolment> {
    let server = caller.server(&name)?;
    let made = link::make_token(&caller.hub, server.id, &caller.principal.name).await?;
    caller.audit(&server.with(|state| state.name.clone()), "").await?;
    Ok(Json(Enrolment {
        server_id: server.id,
        command: link::install_command(&caller.hub, &made.token),
        token: made.token,
        expires_at: made.expires_at.into(),
    }))
}

/// Asks for a report and waits for it.
pub async fn collect(caller: Caller, Path(name): Path<String>) -> Reply<Collected> {
    let server = caller.server(&name)?;
    let (agent, before) = server.with(|state| (state.agent_id, state.last_live));
    let link = agent.and_then(|agent| caller.hub.links.get(agent));
    let link = link.ok_or_else(|| HubError::Conflict(format!("{name} is not connected")))?;
    let asked = Instant::now();
    if !link.send(watchtower_protocol::HubMessage::Collect) {
        return Err(HubError::Unavailable(format!("{name} does not take messages right now")).into());
    }
    while asked.elapsed() < COLLECT_WAIT {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let (live, samples) = server
            .with(|state| (state.last_live, state.dictionaries.first().map_or(0, |(_, d)| d.refs.len())));
        if live.is_some_and(|at| at > asked) && live != before {
            let Json(shown) = show(&caller, &server).await?;
            return Ok(Json(Collected {
                at: caller.hub.now().into(),
                round_trip_seconds: asked.elapsed().as_secs_f64(),
                samples: samples as u32,
                server: shown,
            }));
        }
    }
    Err(HubError::Unavailable(format!("{name} did not report within {} s", COLLECT_WAIT.as_secs())).into())
}

pub async fn panels(caller: Caller, Path(name): Path<String>) -> Reply<Panels> {
    let server = caller.server(&name)?;
    let now = caller.hub.now();
    let from = parse_time("from", caller.query("from").unwrap_or("now-1h"), now)?;
    let to = parse_time("to", caller.query("to").unwrap_or("now"), now)?;
    let step = caller.query("step").map(|text| parse_step_ms("step", text)).transpose()?;
    Ok(Json(query::server_panels(&caller.hub, server.id, from, to, step).await?))
}

pub async fn processes(caller: Caller, Path(name): Path<String>) -> Reply<Processes> {
    let server = caller.server(&name)?;
    let none = || HubError::not_found("process table of", &name);
    if let Some(at) = caller.query("at") {
        let at = parse_time("at", at, caller.hub.now())?;
        let row = caller.hub.store.processes_at(server.id, at).await?.ok_or_else(none)?;
        let table = serde_json::from_str(&row.body).map_err(|e| HubError::Internal(e.to_string()))?;
        return Ok(Json(views::processes(row.at, &table)));
    }
    // Somebody looks: the next tables come with each report.
    caller.hub.watching.want(&caller.hub, server.id, PROCESSES_LEASE);
    let (at, table) = server.with(|state| state.processes.clone()).ok_or_else(none)?;
    Ok(Json(views::processes(at, &table)))
}
