//! Events: what happened.

use watchtower_model::{EventId, Labels, ServerId, Severity};

use crate::Time;
use crate::derive::{inputs, shapes};

shapes! {
    pub struct Event {
        pub id: EventId,
        /// Dotted words: `unit.failed`, `server.lost`, `backup.missing`.
        pub kind: String,
        /// `agent`, `hub`, `api`, `rule:<id>`.
        pub source: String,
        pub server_id: Option<ServerId>,
        pub server: Option<String>,
        pub severity: Severity,
        pub message: String,
        pub labels: Labels,
        pub at: Time,
    }
}

inputs! {
    /// A custom event. Event rules turn it into an alert.
    pub struct EventInput {
        pub kind: String,
        #[serde(default)]
        pub severity: Severity,
        pub message: String,
        /// Id or name of the server it is about.
        #[serde(default)]
        pub server: Option<String>,
        #[serde(default)]
        pub labels: Labels,
    }
}
