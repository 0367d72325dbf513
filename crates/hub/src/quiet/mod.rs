//! When nobody is paged: silences, maintenance windows, servers in maintenance, and what follows from something else that is wrong.
//!
//! What is covered is recorded as ever; only pages and repairs wait. `settle` brings open incidents in step with what covers their alerts.

mod cover;
mod inhibit;
mod settle;
mod sources;
mod windows;

use std::sync::Arc;

use watchtower_model::{Id, Labels, ServerId, Timestamp};
use watchtower_store::{AlertRow, DbError};

pub(crate) use cover::Times;
pub use cover::{Cover, CoverKind, Spell};
pub use inhibit::Inhibition;
use inhibit::Seen;
pub(crate) use settle::{Settled, settle, tick};
use sources::labels_seen;
pub(crate) use sources::{Known, Rank, may_inhibit, rank};
pub use windows::tell_windows;
pub(crate) use windows::{WindowsTold, cut_short, wake};

use crate::error::HubError;
use crate::{Hub, Objects};

/// What keeps an alert from paging.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum By {
    /// Its server is in maintenance.
    Server,
    Cover(CoverKind, Id),
    /// Another alert, by the fingerprint under which clients of Alertmanager see it.
    Alert {
        inhibition: Id,
        fingerprint: u64,
    },
}

/// Why nobody is paged for an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    pub by: By,
    /// For timelines and people.
    pub words: String,
}

/// All that covers an alert now.
pub async fn reasons(hub: &Hub, alert: &AlertRow) -> Result<Vec<Reason>, DbError> {
    Ok(Look::now(hub).await?.reasons(alert))
}

/// All that decides whether somebody is paged, at one moment: for many alerts at once.
pub struct Look {
    hub: Hub,
    objects: Arc<Objects>,
    sources: Arc<sources::All>,
    now: Timestamp,
}

impl Look {
    pub async fn now(hub: &Hub) -> Result<Look, DbError> {
        let objects = hub.objects();
        let sources = sources::read(hub, &objects).await?;
        Ok(Look { hub: hub.clone(), objects, sources, now: hub.now() })
    }

    pub fn reasons(&self, alert: &AlertRow) -> Vec<Reason> {
        self.reasons_for(&labels_seen(&self.hub, alert), alert.server_id)
    }

    pub(crate) fn reasons_for(&self, labels: &Labels, server: Option<ServerId>) -> Vec<Reason> {
        let own = labels_of_server(&self.hub, server);
        let covers = self.objects.covers.iter().filter(|cover| cover.matches(labels, own.as_ref()));
        let by_cover = covers.filter_map(|cover| {
            let spell = cover.spell_at(self.now)?;
            Some(Reason { by: By::Cover(cover.kind, cover.id), words: cover.words(spell) })
        });
        let seen = Seen { labels, own: own.as_ref() };
        let by_alert = self.inhibits().filter_map(|(one, sources)| {
            let source = one.inhibitor(sources, &seen)?;
            let by = By::Alert { inhibition: one.id, fingerprint: source.fingerprint };
            Some(Reason { by, words: one.words(source) })
        });
        self.in_maintenance(server).into_iter().chain(by_cover).chain(by_alert).collect()
    }

    fn in_maintenance(&self, server: Option<ServerId>) -> Option<Reason> {
        self.hub.servers.get(server?)?.with(|state| {
            let until = state.maintenance_until.filter(|until| *until > self.now)?;
            let words = format!("maintenance of {} until {}", state.name, cover::minutes(until));
            Some(Reason { by: By::Server, words })
        })
    }

    fn inhibits(&self) -> impl Iterator<Item = (&Inhibition, &inhibit::Sources)> {
        self.objects.inhibits.iter().zip(self.sources.iter())
    }
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
        cover.matches(&labels_seen(hub, alert), labels_of_server(hub, alert.server_id).as_ref())
    };
    Ok(alerts.iter().filter(matches).count() as u32)
}

/// How many open alerts an inhibition takes for causes, and how many it keeps quiet.
pub async fn inhibited(hub: &Hub, id: Id) -> Result<(u32, u32), HubError> {
    let look = Look::now(hub).await?;
    let Some((one, sources)) = look.inhibits().find(|(one, _)| one.id == id) else { return Ok((0, 0)) };
    let (mut causes, mut quiet) = (0, 0);
    for alert in hub.store.open_alerts().await? {
        let (labels, own) = (labels_seen(hub, &alert), labels_of_server(hub, alert.server_id));
        let seen = Seen { labels: &labels, own: own.as_ref() };
        causes += u32::from(one.is_source(&seen));
        quiet += u32::from(one.inhibitor(sources, &seen).is_some());
    }
    Ok((causes, quiet))
}
