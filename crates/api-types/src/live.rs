//! The live channel: `/api/v1/live`, a WebSocket of JSON text frames.
//!
//! The client sends `{"sub": 1, "topic": "changes", "after": 42}`; the hub answers with `snapshot`, then `event`s. `changes` is
//! resumable: it reads a commit-ordered table, and `reset` says that `after` is too old. The other topics re-query.

use serde_json::Value;
use watchtower_model::ServerId;

use crate::derive::{inputs, shapes, words};

words! {
    pub enum LiveTopic {
        /// What changed, as `{kind, id}`: fetch it again. Resumable.
        Changes = "changes",
        /// Vitals and processes of one server, at one second while subscribed.
        Server = "server",
        /// Vitals of all visible servers, at most once a second each.
        Vitals = "vitals",
        /// Output of one run, as it comes.
        Run = "run",
        /// Steps and output of a batch of deployments, as they come.
        Deployments = "deployments",
    }
}

inputs! {
    pub struct LiveRequest {
        /// Chosen by the client; names the subscription. The same number again replaces it.
        pub sub: u32,
        /// Absent ends the subscription.
        #[serde(default)]
        pub topic: Option<LiveTopic>,
        /// Id of the server (`server`), the run (`run`) or the batch (`deployments`).
        #[serde(default)]
        pub id: Option<String>,
        /// Resume behind this sequence (`changes`).
        #[serde(default)]
        pub after: Option<i64>,
    }
}

shapes! {
    #[serde(tag = "type", rename_all = "snake_case")]
    pub enum LiveMessage {
        Snapshot { sub: u32, sequence: i64, data: Value },
        Event { sub: u32, sequence: i64, data: Value },
        /// Too much was missed: fetch everything again.
        Reset { sub: u32, sequence: i64 },
        Error { sub: u32, code: String, message: String },
    }

    /// Data of a `vitals` event.
    pub struct VitalsUpdate {
        pub server_id: ServerId,
        pub vitals: crate::Vitals,
    }
}
