//! Something that happened. Immutable.

use serde::{Deserialize, Serialize};

use crate::{EventId, Labels, ServerId, Severity, Timestamp};

/// A dotted, lower-case type such as `server.lost`, `unit.failed` or a custom source's `backup.missing`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventKind(pub String);

impl EventKind {
    pub fn new(kind: impl Into<String>) -> Self {
        EventKind(kind.into())
    }

    /// `[a-z0-9_]+(\.[a-z0-9_]+)*`, at most 64 bytes.
    pub fn is_valid(&self) -> bool {
        self.0.len() <= 64
            && self.0.split('.').all(|part| {
                !part.is_empty()
                    && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            })
    }
}

/// What event rules match on and the timeline shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    pub kind: EventKind,
    /// Who says so: `agent`, `hub`, `api`, `rule:<id>`.
    pub source: String,
    pub server_id: Option<ServerId>,
    pub severity: Severity,
    /// One line for people.
    pub message: String,
    pub labels: Labels,
    pub at: Timestamp,
}
