//! Events of the hub and of people: stored first, matched against the event rules from there.

use watchtower_model::{Event, EventKind, Labels, ServerId, Severity, Timestamp};
use watchtower_store::{Statement, Store};

use crate::error::HubError;
use crate::{Hub, random};

/// An event to be raised.
pub struct Raise {
    pub kind: &'static str,
    pub source: String,
    pub server: Option<ServerId>,
    pub severity: Severity,
    pub message: String,
    pub labels: Labels,
}

impl Raise {
    /// From the hub itself.
    pub fn hub(
        kind: &'static str,
        server: Option<ServerId>,
        severity: Severity,
        message: impl Into<String>,
    ) -> Raise {
        Raise {
            kind,
            source: "hub".into(),
            server,
            severity,
            message: message.into(),
            labels: Labels::empty(),
        }
    }

    pub(crate) fn into_event(self, now: Timestamp) -> Event {
        Event {
            id: random::id(now).into(),
            kind: EventKind::new(self.kind),
            source: self.source,
            server_id: self.server,
            severity: self.severity,
            message: self.message,
            labels: self.labels,
            at: now,
        }
    }
}

/// Statements that store an event and tell the dashboard.
pub(crate) fn store_statements(event: &Event, origin: Option<&str>, now: Timestamp) -> Vec<Statement> {
    vec![Store::insert_event(event, origin, now), Store::insert_change("event", event.id, now)]
}

/// Stores the event and wakes the matching of event rules.
pub async fn raise(hub: &Hub, raise: Raise) -> Result<Event, HubError> {
    let now = hub.now();
    let event = raise.into_event(now);
    hub.store.commit(store_statements(&event, None, now)).await?;
    hub.wake_events();
    Ok(event)
}

/// Stores an event that came from outside. One that could not be read again would be in the way of all behind it.
pub async fn raise_custom(
    hub: &Hub,
    kind: EventKind,
    source: String,
    server_id: Option<ServerId>,
    severity: Severity,
    message: String,
    labels: Labels,
) -> Result<Event, HubError> {
    labels.check().map_err(|error| HubError::invalid("labels", error))?;
    let now = hub.now();
    let event =
        Event { id: random::id(now).into(), kind, source, server_id, severity, message, labels, at: now };
    hub.store.commit(store_statements(&event, None, now)).await?;
    hub.wake_events();
    Ok(event)
}
