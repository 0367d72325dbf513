//! The open alerts that keep others quiet, read when they are asked for.
//!
//! Invariant: what this hub stored is seen by the next look; what another hub stored, within a second. Nothing is kept over a restart:
//! the first look reads the database, so that what was inhibited stays so.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use watchtower_model::{IncidentId, Labels, ServerId, Timestamp};
use watchtower_store::{AlertRow, DbError};

use super::inhibit::{Seen, Source, Sources};
use super::labels_of_server;
use crate::respond::labels_of;
use crate::{Hub, Objects};

/// How long what was read is believed, as far as other hubs are concerned.
const FRESH_MS: i64 = 1000;

/// Of each inhibition that is switched on, in the order of the configuration.
pub(super) type All = Vec<Sources>;

#[derive(Default)]
pub(crate) struct Known {
    /// Counts what may have changed them.
    changes: AtomicU64,
    read: Mutex<Option<Read>>,
}

#[derive(Clone)]
struct Read {
    objects: Arc<Objects>,
    changes: u64,
    at: Timestamp,
    all: Arc<All>,
}

impl Known {
    /// An alert that keeps others quiet began, or one ended.
    pub fn changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    fn fresh(&self, objects: &Arc<Objects>, now: Timestamp) -> Option<Arc<All>> {
        let read = self.read.lock().expect("no code panics while it holds what was read");
        let read = read.as_ref()?;
        let same = Arc::ptr_eq(&read.objects, objects) && read.changes == self.changes.load(Ordering::SeqCst);
        (same && (0..FRESH_MS).contains(&now.since(read.at))).then(|| Arc::clone(&read.all))
    }
}

/// Whether an alert may keep others quiet.
pub(crate) fn may_inhibit(hub: &Hub, alert: &AlertRow) -> bool {
    !hub.objects().inhibits.is_empty() && rank(hub, &labels_seen(hub, alert), alert.server_id) < Rank::Neither
}

/// Of alerts that begin together: what keeps others quiet is taken before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// It keeps others quiet, and nothing can keep it so.
    First,
    Between,
    Neither,
}

/// `labels`: of the alert over its server's.
pub(crate) fn rank(hub: &Hub, labels: &Labels, server: Option<ServerId>) -> Rank {
    let (objects, own) = (hub.objects(), labels_of_server(hub, server));
    let seen = Seen { labels, own: own.as_ref() };
    if !objects.inhibits.iter().any(|one| one.is_source(&seen)) {
        Rank::Neither
    } else if objects.inhibits.iter().any(|one| one.is_target(&seen)) {
        Rank::Between
    } else {
        Rank::First
    }
}

pub(super) async fn read(hub: &Hub, objects: &Arc<Objects>) -> Result<Arc<All>, DbError> {
    if objects.inhibits.is_empty() {
        return Ok(Arc::default());
    }
    let now = hub.now();
    if let Some(all) = hub.inhibitors.fresh(objects, now) {
        return Ok(all);
    }
    // Counted before it is read: a change in between makes it old at once.
    let changes = hub.inhibitors.changes.load(Ordering::SeqCst);
    let all = Arc::new(collect(hub, objects).await?);
    let read = Read { objects: Arc::clone(objects), changes, at: now, all: Arc::clone(&all) };
    *hub.inhibitors.read.lock().expect("no code panics while it holds what was read") = Some(read);
    Ok(all)
}

async fn collect(hub: &Hub, objects: &Objects) -> Result<All, DbError> {
    let mut open = hub.store.open_alerts().await?;
    open.retain(|alert| may_inhibit(hub, alert));
    open.sort_by_key(|alert| (alert.first_seen_at, alert.id));
    let ids: Vec<IncidentId> = open.iter().filter_map(|alert| alert.incident_id).collect();
    let heads = hub.store.incident_heads(&ids).await?;
    let mut all: All = objects.inhibits.iter().map(|_| Sources::default()).collect();
    for alert in &open {
        let head = alert.incident_id.and_then(|id| heads.get(&id));
        // A drill must not keep anybody from hearing of what is real.
        if head.is_some_and(|head| head.test) {
            continue;
        }
        let (labels, own) = (labels_seen(hub, alert), labels_of_server(hub, alert.server_id));
        let seen = Seen { labels: &labels, own: own.as_ref() };
        for (one, sources) in objects.inhibits.iter().zip(&mut all) {
            if one.is_source(&seen) {
                let source = Source {
                    alert: alert.id,
                    fingerprint: alert.labels.0.fingerprint(),
                    name: labels.get("alertname").unwrap_or(&alert.summary).to_string(),
                    incident: head.map(|head| head.number),
                };
                one.keep(sources, &seen, source);
            }
        }
    }
    Ok(all)
}

pub(super) fn labels_seen(hub: &Hub, alert: &AlertRow) -> Labels {
    labels_of(hub, alert.server_id, &alert.labels.0, alert.severity, &alert.summary)
}
