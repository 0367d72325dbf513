//! Several hubs on one database: what people change at another is read again here, within a second.
//!
//! Invariant: whatever is missed in `changes` is only later; each pass that finds a change of configuration reads all of it.

use std::sync::atomic::Ordering;

use watchtower_model::ServerId;

use crate::error::HubError;
use crate::{Hub, configure};

/// Changes of one pass; the next takes up the rest.
const CHANGES_MAX: i64 = 500;

pub(super) async fn run(hub: Hub) -> Result<(), HubError> {
    // An embedded database has one hub.
    if hub.config.database_url.is_none() {
        return Ok(());
    }
    let followed = hub.followed.load(Ordering::Relaxed);
    if followed == 0 {
        let newest = hub.store.change_bounds().await?.1;
        hub.logins.reload(&hub.store).await?;
        hub.reload_objects().await?;
        hub.followed.store(newest.max(1), Ordering::Relaxed);
        return Ok(());
    }
    let changes = hub.store.changes_after(followed, CHANGES_MAX).await?;
    let Some(newest) = changes.last().map(|change| change.sequence) else { return Ok(()) };
    if changes.iter().any(|change| change.kind == "user") {
        hub.logins.reload(&hub.store).await?;
    }
    if changes.iter().any(|change| configure::is_kind(&change.kind)) {
        hub.reload_objects().await?;
    }
    let mut servers: Vec<ServerId> = changes
        .iter()
        .filter(|change| change.kind == "server")
        .filter_map(|change| change.object_id.parse().ok())
        .collect();
    servers.sort_unstable();
    servers.dedup();
    for id in servers {
        read_server(&hub, id).await?;
    }
    hub.followed.store(newest, Ordering::Relaxed);
    Ok(())
}

/// What people say of a server. What its agent says is known by the hub that it is connected to.
async fn read_server(hub: &Hub, id: ServerId) -> Result<(), HubError> {
    // Not between the row and the memory of somebody who changes it here.
    let _one_at_a_time = hub.configuring.lock().await;
    let Some(server) = hub.servers.get(id) else { return Ok(()) };
    let Some(row) = hub.store.server(id).await? else { return Ok(()) };
    let labels = server.with(|state| {
        state.maintenance_until = row.maintenance_until;
        if state.name == row.name && state.labels == row.labels.0 {
            return None;
        }
        state.name = row.name;
        state.labels = row.labels.0;
        Some(state.target_labels())
    });
    if let Some(labels) = labels {
        hub.tsdb.set_resource(id.0, labels);
    }
    Ok(())
}
