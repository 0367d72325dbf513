//! Several hubs on one database: what people change at another is read again here, within a second.
//!
//! Invariant: whatever is missed in `changes` is only later; each pass that finds a change of configuration reads all of it.

use std::sync::Mutex;

use watchtower_model::ServerId;
use watchtower_store::ObjectsMark;

use crate::error::HubError;
use crate::{Hub, configure};

/// Changes of one pass; the next takes up the rest.
const CHANGES_MAX: i64 = 500;

/// How far this hub has read what others changed: a sequence of `changes`, and the configuration as of then.
#[derive(Default)]
pub(crate) struct Followed(Mutex<Option<(i64, ObjectsMark)>>);

impl Followed {
    fn get(&self) -> Option<(i64, ObjectsMark)> {
        *self.0.lock().expect("no code panics while it holds what was read")
    }

    fn set(&self, sequence: i64, mark: ObjectsMark) {
        *self.0.lock().expect("no code panics while it holds what was read") = Some((sequence, mark));
    }
}

pub(super) async fn run(hub: Hub) -> Result<(), HubError> {
    // An embedded database has one hub.
    if hub.config.database_url.is_none() {
        return Ok(());
    }
    let Some((sequence, mark)) = hub.followed.get() else {
        let newest = hub.store.change_bounds().await?.1;
        let mark = hub.store.objects_mark().await?;
        hub.logins.reload(&hub.store).await?;
        hub.reload_objects().await?;
        hub.followed.set(newest, mark);
        return Ok(());
    };
    let changes = hub.store.changes_after(sequence, CHANGES_MAX).await?;
    let Some(newest) = changes.last().map(|change| change.sequence) else { return Ok(()) };
    if changes.iter().any(|change| change.kind == "user") {
        hub.logins.reload(&hub.store).await?;
    }
    let mut now = mark;
    // A change of this kind is often only of a state: that a rule fired, that a job pinged.
    if changes.iter().any(|change| configure::is_kind(&change.kind)) {
        now = hub.store.objects_mark().await?;
        if now != mark {
            hub.reload_objects().await?;
        }
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
    hub.followed.set(newest, now);
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
