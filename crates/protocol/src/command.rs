//! What the hub may order an agent to do; travels inside an [`crate::Envelope`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchtower_model::{AgentId, ExecutionId, Timestamp};

use crate::envelope::Envelope;

/// Bound to one agent and a time window; `execution_id` in the body makes it single-use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub agent_id: AgentId,
    pub issued_at: Timestamp,
    /// Refused when it arrives later: work that waited too long is not done at a bad moment.
    pub not_after: Timestamp,
    pub body: CommandBody,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum CommandBody {
    Run(RunScript),
    /// TERM, then KILL after 10 s. Works before the start too: a later `run` of the same id is refused.
    Cancel {
        execution_id: ExecutionId,
    },
    /// Say what became of it. What the server does not know of is `lost`, and a later `run` of the same id is refused.
    Status {
        execution_id: ExecutionId,
    },
}

impl CommandBody {
    /// The execution that this is about.
    pub fn execution_id(&self) -> ExecutionId {
        match self {
            CommandBody::Run(run) => run.execution_id,
            CommandBody::Cancel { execution_id } | CommandBody::Status { execution_id } => *execution_id,
        }
    }
}

/// One script on one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunScript {
    pub execution_id: ExecutionId,
    pub script_name: String,
    /// Hex SHA-256 of `body`; what an allowlist names.
    pub script_sha256: String,
    /// Program and arguments; the path of a private file with the body is appended.
    pub interpreter: Vec<String>,
    pub body: String,
    /// Reach the script as environment variables, never as shell text.
    pub environment: BTreeMap<String, String>,
    /// Variables whose values are taken out of the output before it leaves the server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    pub timeout_ms: u64,
    /// Run as this user; absent means the agent's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Typed by a person just now rather than taken from the library: needs the `full` policy.
    #[serde(default)]
    pub ad_hoc: bool,
    /// An approver's word for this script, for servers whose policy names the approver instead of the script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Not a script but a newer agent. One that is too old to know of this runs `body`, which says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Update>,
}

impl RunScript {
    /// Whether a person typed it just now. An update only looks so to agents that are too old for it.
    pub fn is_typed(&self) -> bool {
        self.ad_hoc && self.update.is_none()
    }

    /// The environment for people to see: names of secrets, not their values.
    pub fn shown_environment(&self) -> BTreeMap<String, String> {
        let shown = |name: &String, value: &String| {
            if self.secrets.contains(name) { "***".to_string() } else { value.clone() }
        };
        self.environment.iter().map(|(name, value)| (name.clone(), shown(name, value))).collect()
    }
}

/// The agent itself in a newer version. What counts are the releases' signatures, not the hub's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Signed [`crate::Release`]s, one per architecture.
    pub releases: Vec<Envelope>,
    /// Opens the program at the agents' listener, for this execution.
    pub token: String,
}

/// Made off the hub (`watchtower script sign`), and only handed on by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The exact JSON of a [`watchtower_model::Manifest`] that was signed.
    pub manifest: String,
    /// An armoured SSH signature over it, namespace [`watchtower_model::APPROVAL_NAMESPACE`].
    pub signature: String,
}
