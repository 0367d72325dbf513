//! Servers as people manage them: added, renamed, labelled, put in maintenance, removed.

use std::sync::Arc;

use watchtower_api_types::{ServerInput, ServerPatch};
use watchtower_model::{LabelError, Labels, ServerId, Timestamp, check_name};
use watchtower_store::{DbError, Store};

use crate::error::HubError;
use crate::servers::Server;
use crate::{Hub, WAKE_CHANGES, evaluate, quiet, random};

/// Servers of one hub.
pub const SERVERS_MAX: usize = 20_000;
/// Longer than this is no maintenance.
const MAINTENANCE_MS_MAX: i64 = 366 * 86_400_000;

pub(crate) fn check_labels(labels: &Labels) -> Result<(), HubError> {
    labels.check().map_err(|e: LabelError| HubError::invalid("labels", e))?;
    for reserved in ["job", "instance", "name", "__name__"] {
        if labels.get(reserved).is_some() {
            return Err(HubError::invalid(format!("labels.{reserved}"), "is set by the hub"));
        }
    }
    Ok(())
}

fn taken(name: &str) -> impl Fn(DbError) -> HubError + '_ {
    move |error| match error {
        DbError::Unique(_) => HubError::Conflict(format!("a server named {name:?} exists already")),
        error => error.into(),
    }
}

pub async fn add(hub: &Hub, input: ServerInput) -> Result<Arc<Server>, HubError> {
    check_name(&input.name).map_err(|e| HubError::invalid("name", e))?;
    check_labels(&input.labels)?;
    if hub.servers.len() >= SERVERS_MAX {
        return Err(HubError::Conflict(format!("there are {SERVERS_MAX} servers already")));
    }
    let now = hub.now();
    let id = ServerId(random::id(now));
    let interval = i64::from(hub.config.timing.interval_ms);
    let statements = vec![
        Store::insert_server(id, &input.name, &input.labels, interval, now),
        Store::insert_change("server", id, now),
    ];
    hub.store.commit(statements).await.map_err(taken(&input.name))?;
    let row =
        hub.store.server(id).await?.ok_or_else(|| HubError::Internal("the new server is gone".into()))?;
    let server = hub.servers.insert(&row);
    hub.tsdb.set_resource(id.0, server.with(|state| state.target_labels()));
    hub.bus.wake(WAKE_CHANGES);
    Ok(server)
}

pub async fn change(hub: &Hub, server: &Server, patch: ServerPatch) -> Result<(), HubError> {
    // What is not named in the patch is written back as it was read: nobody else may change it in between.
    let _one_at_a_time = hub.configuring.lock().await;
    let (old_name, old_labels, old_until) =
        server.with(|state| (state.name.clone(), state.labels.clone(), state.maintenance_until));
    let now = hub.now();
    let name = patch.name.unwrap_or(old_name);
    check_name(&name).map_err(|e| HubError::invalid("name", e))?;
    let labels = patch.labels.unwrap_or(old_labels);
    check_labels(&labels)?;
    let maintenance = match patch.maintenance_until {
        Some(until) if until.0.since(now) > MAINTENANCE_MS_MAX => {
            return Err(HubError::invalid("maintenance_until", "must be within a year"));
        }
        Some(until) => Some(until.0).filter(|until| *until > now),
        None => old_until,
    };
    store_change(hub, server, name, labels, maintenance).await?;
    // What new labels are covered by is found a little later, by the clock.
    if maintenance == old_until { Ok(()) } else { quiet::settle(hub).await }
}

async fn store_change(
    hub: &Hub,
    server: &Server,
    name: String,
    labels: Labels,
    maintenance: Option<Timestamp>,
) -> Result<(), HubError> {
    let statements = vec![
        Store::update_server(server.id, &name, &labels, maintenance),
        Store::insert_change("server", server.id, hub.now()),
    ];
    hub.store.commit(statements).await.map_err(taken(&name))?;
    let target_labels = server.with(|state| {
        state.name = name;
        state.labels = labels;
        state.maintenance_until = maintenance;
        state.target_labels()
    });
    hub.tsdb.set_resource(server.id.0, target_labels);
    hub.bus.wake(WAKE_CHANGES);
    Ok(())
}

/// Removes a server, its samples, and its agent's right to connect.
pub async fn remove(hub: &Hub, server: &Arc<Server>) -> Result<(), HubError> {
    let now = hub.now();
    let mut statements = Store::delete_server(server.id, now);
    statements.push(Store::insert_change("server", server.id, now));
    {
        let _one_at_a_time = hub.configuring.lock().await;
        hub.store.commit(statements).await?;
        hub.servers.remove(server.id);
    }
    if let Some(agent) = server.with(|state| state.agent_id) {
        hub.links.close(agent);
    }
    // Nobody reports any more that the trouble is over.
    evaluate::end_alerts_of_server(hub, server.id).await?;
    let (tsdb, id) = (Arc::clone(&hub.tsdb), server.id.0);
    let removed = tokio::task::spawn_blocking(move || tsdb.remove_resource(id)).await;
    removed.map_err(|_| HubError::Internal("removing the samples ended abnormally".into()))??;
    hub.bus.wake(WAKE_CHANGES);
    Ok(())
}

async fn end(hub: &Hub, server: &Server) -> Result<(), HubError> {
    let (name, labels) = server.with(|state| (state.name.clone(), state.labels.clone()));
    store_change(hub, server, name, labels, None).await
}

/// Maintenance that has run out is forgotten.
pub(crate) async fn end_maintenance(hub: &Hub) -> Result<(), HubError> {
    let now = hub.now();
    let over =
        |server: &Server| server.with(|state| state.maintenance_until.is_some_and(|until| until <= now));
    for server in hub.servers.unordered().into_iter().filter(|server| over(server)) {
        let _one_at_a_time = hub.configuring.lock().await;
        if over(&server)
            && let Err(error) = end(hub, &server).await
        {
            tracing::error!(server = %server.id, "ending its maintenance: {error}");
        }
    }
    Ok(())
}
