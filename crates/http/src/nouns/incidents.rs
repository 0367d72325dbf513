//! Incidents: what people see of them and do to them.

use axum::Json;
use axum::extract::Path;
use watchtower_api_types::{
    Delivery, Incident, IncidentInput, IncidentState, IncidentStats, List, MergeInput, NoteInput,
    ResolveInput, TimelineEntry,
};
use watchtower_hub::configure::{self, Services};
use watchtower_hub::{HubError, random, respond};
use watchtower_model::{IncidentId, Labels, ServiceId, Severity, check_line, limits};
use watchtower_store::{IncidentFilter, IncidentRow};

use crate::caller::{Body, Caller, Reply};
use crate::problem::Failure;
use crate::times::parse_time;
use crate::views;

/// The window of statistics when none is asked for.
const STATS_MS: i64 = 7 * 86_400_000;

async fn find(caller: &Caller, name: &str) -> Result<IncidentRow, Failure> {
    let row = caller.hub.store.find_incident(name.trim_start_matches("INC-")).await?;
    row.filter(|row| caller.sees_server(row.server_id))
        .ok_or_else(|| HubError::not_found("incident", name).into())
}

pub async fn list(caller: Caller) -> Reply<List<Incident>> {
    let limit = caller.limit()?;
    let server = caller.query("server").map(|name| caller.server(name)).transpose()?;
    let service =
        caller.query("service").map(|name| configure::find::<Services>(&caller.hub, name)).transpose()?;
    let filter = IncidentFilter {
        states: caller
            .words::<IncidentState>("state")?
            .iter()
            .map(|state| state.as_str().to_string())
            .collect(),
        severities: caller
            .words::<Severity>("severity")?
            .iter()
            .map(|severity| severity.as_str().to_string())
            .collect(),
        server: server.map(|server| server.id),
        service: service.map(|service| ServiceId(service.id)),
        text: caller.query("q").map(String::from),
        before: caller.cursor()?,
        limit,
    };
    let rows = caller.hub.store.incidents(&filter).await?;
    let next = (rows.len() as i64 == limit).then(|| rows.last().map(|row| row.number.to_string())).flatten();
    let mut items: Vec<Incident> = rows
        .iter()
        .filter(|row| caller.sees_server(row.server_id))
        .map(|row| views::incident(&caller.hub, row))
        .collect::<Result<_, _>>()?;
    items.sort_by_key(|incident| {
        (incident.state, std::cmp::Reverse(incident.severity), std::cmp::Reverse(incident.number))
    });
    Ok(Json(List { items, next }))
}

async fn show(caller: &Caller, id: IncidentId) -> Reply<Incident> {
    let row = caller.hub.store.incident(id).await?.ok_or_else(|| HubError::not_found("incident", id))?;
    Ok(Json(views::incident_alone(&caller.hub, &row).await?))
}

pub async fn get(caller: Caller, Path(name): Path<String>) -> Reply<Incident> {
    let row = find(&caller, &name).await?;
    Ok(Json(views::incident_alone(&caller.hub, &row).await?))
}

pub async fn create(caller: Caller, Body(input): Body<IncidentInput>) -> Reply<Incident> {
    check_line(&input.title, limits::LINE_BYTES_MAX).map_err(|e| HubError::invalid("title", e))?;
    if input.title.trim().is_empty() {
        return Err(HubError::invalid("title", "must not be empty").into());
    }
    check_text("description", &input.description)?;
    let server = input.server.as_deref().map(|name| caller.server(name)).transpose()?;
    if server.is_none() {
        caller.unrestricted()?;
    }
    let service =
        input.service.as_deref().map(|name| configure::find::<Services>(&caller.hub, name)).transpose()?;
    let now = caller.hub.now();
    let title = if input.test { format!("TEST: {}", input.title) } else { input.title };
    let mut labels = input.labels.to_builder();
    if let Some(server) = &server {
        labels.set("instance", &server.with(|state| state.name.clone()));
    }
    let labels: Labels = labels.build();
    let trigger = respond::AlertTrigger {
        source: "api".into(),
        dedup_key: random::id(now).to_string(),
        severity: input.severity,
        summary: title,
        description: input.description,
        labels,
        value: None,
        rule_id: None,
        server_id: server.map(|server| server.id),
        paging: true,
        test: input.test,
        service: service.map(|service| ServiceId(service.id)),
        ends_at: None,
    };
    let opened = respond::trigger(&caller.hub, trigger, Vec::new()).await?;
    let id = opened.ok_or_else(|| HubError::Internal("no incident was opened".into()))?;
    caller.audit(&id.to_string(), "").await?;
    show(&caller, id).await
}

pub async fn stats(caller: Caller) -> Reply<IncidentStats> {
    let now = caller.hub.now();
    let since = caller.query("since").map(|text| parse_time("since", text, now)).transpose()?;
    let since = since.unwrap_or(now.plus_ms(-STATS_MS));
    Ok(Json(views::stats(&caller.hub, since, |server| caller.sees_server(server)).await?))
}

pub async fn timeline(caller: Caller, Path(name): Path<String>) -> Reply<List<TimelineEntry>> {
    let row = find(&caller, &name).await?;
    let entries = caller.hub.store.timeline(row.id).await?;
    Ok(Json(List { items: views::timeline(&caller.hub, entries).await?, next: None }))
}

pub async fn deliveries(caller: Caller, Path(name): Path<String>) -> Reply<List<Delivery>> {
    let row = find(&caller, &name).await?;
    let rows = caller.hub.store.outbox_of(row.id).await?;
    Ok(Json(List {
        items: rows.into_iter().map(|row| views::delivery(&caller.hub, row)).collect(),
        next: None,
    }))
}

pub async fn ack(caller: Caller, Path(name): Path<String>) -> Reply<Incident> {
    let row = find(&caller, &name).await?;
    let via = if caller.session.is_some() { "dashboard" } else { "api" };
    respond::acknowledge(&caller.hub, row.id, caller.principal.actor(), via).await?;
    show(&caller, row.id).await
}

pub async fn unack(caller: Caller, Path(name): Path<String>) -> Reply<Incident> {
    let row = find(&caller, &name).await?;
    respond::unacknowledge(&caller.hub, row.id, caller.principal.actor()).await?;
    show(&caller, row.id).await
}

pub async fn escalate(caller: Caller, Path(name): Path<String>) -> Reply<Incident> {
    let row = find(&caller, &name).await?;
    respond::escalate(&caller.hub, row.id, caller.principal.actor()).await?;
    show(&caller, row.id).await
}

fn check_text(field: &str, text: &str) -> Result<(), HubError> {
    if text.len() > limits::TEXT_BYTES_MAX {
        return Err(HubError::invalid(field, format!("is longer than {} bytes", limits::TEXT_BYTES_MAX)));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(HubError::invalid(
            field,
            "must not have control characters other than line breaks and tabs",
        ));
    }
    Ok(())
}

pub async fn resolve(
    caller: Caller,
    Path(name): Path<String>,
    Body(input): Body<ResolveInput>,
) -> Reply<Incident> {
    let row = find(&caller, &name).await?;
    let note = input.note.unwrap_or_default();
    check_text("note", &note)?;
    respond::resolve_by_hand(&caller.hub, row.id, caller.principal.actor(), note).await?;
    show(&caller, row.id).await
}

pub async fn reopen(caller: Caller, Path(name): Path<String>) -> Reply<Incident> {
    let row = find(&caller, &name).await?;
    respond::reopen(&caller.hub, row.id, caller.principal.actor()).await?;
    show(&caller, row.id).await
}

pub async fn merge(
    caller: Caller,
    Path(name): Path<String>,
    Body(input): Body<MergeInput>,
) -> Reply<Incident> {
    let source = find(&caller, &name).await?;
    let target = find(&caller, &input.into.to_string()).await?;
    respond::merge(&caller.hub, source.id, target.id, &caller.principal.actor()).await?;
    show(&caller, target.id).await
}

pub async fn note(
    caller: Caller,
    Path(name): Path<String>,
    Body(input): Body<NoteInput>,
) -> Reply<TimelineEntry> {
    let row = find(&caller, &name).await?;
    check_text("text", &input.text)?;
    if input.text.trim().is_empty() {
        return Err(HubError::invalid("text", "must not be empty").into());
    }
    respond::note(&caller.hub, row.id, caller.principal.actor(), input.text).await?;
    let mut entries = caller.hub.store.timeline(row.id).await?;
    entries.retain(|entry| entry.kind == "note");
    let last = views::timeline(&caller.hub, entries).await?.pop();
    Ok(Json(last.ok_or_else(|| HubError::Internal("the note is not in the timeline".into()))?))
}
