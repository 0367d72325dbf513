//! When nobody is paged: silences, maintenance windows, and servers in maintenance.
//!
//! What is covered is recorded as ever; only pages and repairs wait. `settle` brings open incidents in step with what covers their alerts.

mod cover;
mod settle;

use watchtower_model::{Id, Labels, ServerId, Timestamp};
use watchtower_store::AlertRow;

pub(crate) use cover::Times;
pub use cover::{Cover, CoverKind, Spell};
pub(crate) use settle::{Settled, settle, tick};

use crate::Hub;
use crate::error::HubError;
use crate::respond::labels_of;

/// Why nobody is paged for an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The silence or maintenance window; absent where the server itself is in maintenance.
    pub by: Option<(CoverKind, Id)>,
    /// For timelines and people.
    pub words: String,
}

/// All that covers an alert now.
pub fn reasons(hub: &Hub, alert: &AlertRow) -> Vec<Reason> {
    let labels = labels_of(hub, alert.server_id, &alert.labels.0, alert.severity, &alert.summary);
    reasons_for(hub, &labels, alert.server_id, hub.now())
}

pub(crate) fn reasons_for(
    hub: &Hub,
    labels: &Labels,
    server: Option<ServerId>,
    now: Timestamp,
) -> Vec<Reason> {
    let in_maintenance = server.and_then(|id| hub.servers.get(id)).and_then(|server| {
        server.with(|state| {
            let until = state.maintenance_until.filter(|until| *until > now)?;
            let words = format!("maintenance of {} until {}", state.name, cover::minutes(until));
            Some(Reason { by: None, words })
        })
    });
    let (objects, own) = (hub.objects(), labels_of_server(hub, server));
    let covers = objects.covers.iter().filter(|cover| cover.matches(labels, own.as_ref()));
    let by_cover = covers.filter_map(|cover| {
        let spell = cover.spell_at(now)?;
        Some(Reason { by: Some((cover.kind, cover.id)), words: cover.words(spell) })
    });
    in_maintenance.into_iter().chain(by_cover).collect()
}

/// The server's alone, which no alert can claim to have.
fn labels_of_server(hub: &Hub, server: Option<ServerId>) -> Option<Labels> {
    Some(hub.servers.get(server?)?.with(|state| state.selector_labels()))
}

/// How many open alerts a cover matches, whether its time has come or not.
pub async fn matched(hub: &Hub, id: Id) -> Result<u32, HubError> {
    let objects = hub.objects();
    let Some(cover) = objects.covers.iter().find(|cover| cover.id == id) else { return Ok(0) };
    let alerts = hub.store.open_alerts().await?;
    let matches = |alert: &&AlertRow| {
        let labels = labels_of(hub, alert.server_id, &alert.labels.0, alert.severity, &alert.summary);
        cover.matches(&labels, labels_of_server(hub, alert.server_id).as_ref())
    };
    Ok(alerts.iter().filter(matches).count() as u32)
}
