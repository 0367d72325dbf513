//! Runs and executions: one start over targets, its part on each server.

use std::collections::BTreeMap;

use watchtower_model::{AutomationId, ExecutionId, IncidentId, RunId, ScriptId, ServerId};

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    pub enum RunState {
        Queued = "queued",
        Running = "running",
        Succeeded = "succeeded",
        /// Some executions succeeded.
        Partial = "partial",
        Failed = "failed",
        Cancelled = "cancelled",
    }

    pub enum ExecutionState {
        /// Not yet given to the agent.
        Pending = "pending",
        Dispatched = "dispatched",
        Accepted = "accepted",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        TimedOut = "timed_out",
        Cancelled = "cancelled",
        /// The agent refused; it did not run.
        Rejected = "rejected",
        /// It may have run; nobody knows.
        Lost = "lost",
        /// Its time passed before the agent took it.
        Expired = "expired",
    }
}

shapes! {
    pub struct Run {
        pub id: RunId,
        pub number: i64,
        pub script_id: Option<ScriptId>,
        /// The script's name, or the ad-hoc command.
        pub name: String,
        pub script_version: Option<i64>,
        pub parameters: BTreeMap<String, String>,
        /// The selector the targets came from.
        pub on: String,
        pub state: RunState,
        pub started_by: String,
        pub automation_id: Option<AutomationId>,
        pub incident_id: Option<IncidentId>,
        pub incident_number: Option<i64>,
        pub created_at: Time,
        pub finished_at: Option<Time>,
        pub total: u32,
        pub succeeded: u32,
        pub failed: u32,
        /// Only on a single run.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub executions: Vec<Execution>,
    }

    pub struct Execution {
        pub id: ExecutionId,
        pub server_id: ServerId,
        pub server: String,
        pub state: ExecutionState,
        pub exit_code: Option<i32>,
        pub reason: Option<String>,
        pub created_at: Time,
        pub started_at: Option<Time>,
        pub finished_at: Option<Time>,
        pub stdout_bytes: u64,
        pub stderr_bytes: u64,
    }

    /// What a run would do.
    pub struct RunPlan {
        pub script: String,
        pub body: String,
        pub servers: Vec<String>,
        /// Servers that match but cannot run it now, with the reason.
        pub unavailable: Vec<String>,
        pub environment: BTreeMap<String, String>,
    }

    /// A dry run has a plan, a real one a run.
    pub struct RunStarted {
        pub plan: RunPlan,
        pub run: Option<Run>,
    }

    pub struct Output {
        pub execution_id: ExecutionId,
        pub parts: Vec<OutputPart>,
        /// No more will come.
        pub complete: bool,
    }

    /// Bytes that are not UTF-8 are replaced; `offset` jumps where the middle was dropped.
    pub struct OutputPart {
        /// Order of arrival over both streams; pass the last one as `after`.
        pub sequence: i64,
        pub stream: String,
        pub offset: u64,
        pub text: String,
    }
}

inputs! {
    pub struct RunInput {
        /// Id or name.
        pub script: String,
        /// The newest when absent.
        #[serde(default)]
        pub version: Option<i64>,
        /// Label matchers over the servers' labels and `name`; an empty one selects nothing.
        pub on: String,
        #[serde(default)]
        pub parameters: BTreeMap<String, String>,
        #[serde(default)]
        pub timeout_seconds: Option<f64>,
        /// Number of the incident this is for.
        #[serde(default)]
        pub incident: Option<i64>,
        #[serde(default)]
        pub dry_run: bool,
    }

    /// A command typed just now: servers with the policy `full` take it.
    pub struct ExecInput {
        pub command: Vec<String>,
        pub on: String,
        #[serde(default)]
        pub timeout_seconds: Option<f64>,
        #[serde(default)]
        pub dry_run: bool,
    }
}
