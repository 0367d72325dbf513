//! Events.

use axum::Json;
use axum::extract::State;
use watchtower_api_types::{Event, EventInput, List};
use watchtower_hub::{Hub, HubError, ingest};
use watchtower_model::{EventKind, Severity, check_line, limits};
use watchtower_store::EventFilter;

use crate::caller::{Body, Caller, Reply};
use crate::times::parse_time;
use crate::views;

pub async fn list(caller: Caller) -> Reply<List<Event>> {
    let now = caller.hub.now();
    let limit = caller.limit()?;
    let server = caller.query("server").map(|name| caller.server(name)).transpose()?;
    let time = |name: &str| caller.query(name).map(|text| parse_time(name, text, now)).transpose();
    let severity = caller.words::<Severity>("severity")?.first().copied();
    let before = caller.query("cursor").map(parse_cursor).transpose()?;
    let filter = EventFilter {
        server: server.map(|server| server.id),
        kind: caller.query("kind").map(String::from),
        severity,
        from: time("from")?,
        to: time("to")?,
        before,
        limit,
    };
    let rows = caller.hub.store.events(&filter).await?;
    let next = (rows.len() as i64 == limit)
        .then(|| rows.last().map(|row| format!("{}:{}", row.at.0, row.id)))
        .flatten();
    let items = rows
        .into_iter()
        .filter(|row| caller.sees_server(row.server_id))
        .map(|row| views::event(&caller.hub, row));
    Ok(Json(List { items: items.collect(), next }))
}

fn parse_cursor(text: &str) -> Result<(watchtower_model::Timestamp, watchtower_model::EventId), HubError> {
    let bad = || HubError::invalid("cursor", "must be `next` of the page before");
    let (at, id) = text.split_once(':').ok_or_else(bad)?;
    Ok((watchtower_model::Timestamp(at.parse().map_err(|_| bad())?), id.parse().map_err(|_| bad())?))
}

pub async fn create(State(hub): State<Hub>, caller: Caller, Body(input): Body<EventInput>) -> Reply<Event> {
    let kind = EventKind::new(input.kind);
    if !kind.is_valid() {
        return Err(
            HubError::invalid("kind", "must be dotted lower-case words such as backup.missing").into()
        );
    }
    // These words are the hub's own: they mean that it saw it itself.
    if ["server.", "hub.", "agent."].iter().any(|prefix| kind.0.starts_with(prefix)) {
        return Err(HubError::invalid("kind", "server.*, hub.* and agent.* are reserved").into());
    }
    check_line(&input.message, limits::LINE_BYTES_MAX).map_err(|e| HubError::invalid("message", e))?;
    if input.message.is_empty() {
        return Err(HubError::invalid("message", "must not be empty").into());
    }
    let server = input.server.as_deref().map(|name| caller.server(name)).transpose()?;
    if server.is_none() {
        caller.unrestricted()?;
    }
    input.labels.check().map_err(|error| HubError::invalid("labels", error))?;
    let raised = ingest::raise_custom(
        &hub,
        kind,
        format!("api:{}", caller.principal.name),
        server.map(|server| server.id),
        input.severity,
        input.message,
        input.labels,
    )
    .await?;
    Ok(Json(views::event_of(&hub, raised)))
}
