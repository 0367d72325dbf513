//! Scripts: versioned text with typed parameters.

use watchtower_model::ScriptId;

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    pub enum ParameterKind {
        /// One line, no control characters, does not start with `-`.
        Text = "text",
        Integer = "integer",
        Boolean = "boolean",
        /// One of `choices`.
        Choice = "choice",
    }
}

shapes! {
    pub struct Script {
        pub id: ScriptId,
        pub name: String,
        pub description: String,
        /// Counts up with each change; runs keep the version they ran.
        pub version: i64,
        pub body: String,
        pub sha256: String,
        pub interpreter: Vec<String>,
        pub parameters: Vec<Parameter>,
        pub timeout_seconds: f64,
        pub user: Option<String>,
        pub approval: Option<ScriptApproval>,
        /// Each run of it starts only when somebody else approves it.
        pub needs_approval: bool,
        /// To run it twice is as good as once: on a server where its end is unknown, or that did not take it in time, it is tried again.
        pub idempotent: bool,
        pub updated_by: String,
        pub created_at: Time,
        pub updated_at: Time,
    }

    /// An approver signed just this script: servers whose policy lists the key run it without its hash.
    pub struct ScriptApproval {
        /// `SHA256:…`, as `ssh-keygen -l` prints it.
        pub key: String,
        pub expires_at: Time,
    }

    /// Reaches the script as the environment variable of this name.
    #[serde(deny_unknown_fields)]
    pub struct Parameter {
        /// `[A-Z][A-Z0-9_]*`
        pub name: String,
        pub kind: ParameterKind,
        #[serde(default)]
        pub description: String,
        /// Its values are not shown again, and taken out of the output on the server.
        #[serde(default)]
        pub secret: bool,
        #[serde(default)]
        pub required: bool,
        #[serde(default)]
        pub default: Option<String>,
        #[serde(default)]
        pub choices: Vec<String>,
    }
}

inputs! {
    /// Made by `watchtower script sign`, with a key that the hub never sees.
    pub struct ApprovalInput {
        /// The JSON that was signed, byte for byte.
        pub manifest: String,
        /// Armoured SSH signature, namespace `watchtower-script@v1`.
        pub signature: String,
    }

    pub struct ScriptInput {
        pub name: String,
        #[serde(default)]
        pub description: String,
        pub body: String,
        /// `["/bin/sh"]` when absent; the path of the script's file is appended.
        #[serde(default)]
        pub interpreter: Vec<String>,
        #[serde(default)]
        pub parameters: Vec<Parameter>,
        /// 60 when absent, at most 3600.
        #[serde(default)]
        pub timeout_seconds: Option<f64>,
        /// Run as this user; absent means the agent's own.
        #[serde(default)]
        pub user: Option<String>,
        /// Each run of it starts only when somebody else approves it.
        #[serde(default)]
        pub needs_approval: bool,
        /// To run it twice is as good as once: where its end is unknown it is tried again, up to three tries.
        #[serde(default)]
        pub idempotent: bool,
    }
}
