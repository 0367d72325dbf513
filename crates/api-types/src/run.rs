//! Runs and executions: one start over targets, its part on each server.

use std::collections::BTreeMap;

use watchtower_model::{AutomationId, ExecutionId, IncidentId, RunId, ScriptId, ServerId};

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    pub enum RunState {
        Queued = "queued",
        /// Somebody else must approve it first.
        AwaitingApproval = "awaiting_approval",
        Running = "running",
        Succeeded = "succeeded",
        /// Some executions succeeded.
        Partial = "partial",
        Failed = "failed",
        Cancelled = "cancelled",
        /// Nobody approved it in time.
        Expired = "expired",
    }

    pub enum ExecutionState {
        /// Its turn has not come: others must end first, or somebody must approve the run.
        Queued = "queued",
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
        /// Too many others failed: it was not started.
        Skipped = "skipped",
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
        /// Not started, because too many others failed.
        pub skipped: u32,
        /// Servers whose turn has not come.
        pub queued: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rollout: Option<Rollout>,
        /// Without approval by then it does not start.
        pub approve_by: Option<Time>,
        pub approved_by: Option<String>,
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
        /// 1, unless an idempotent script was tried again on this server.
        pub try_number: u32,
        /// The tries before it, oldest first. Their output is found by their ids.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub earlier: Vec<EarlierTry>,
    }

    /// A try that became `lost` or was not taken in time, and after which another was made.
    pub struct EarlierTry {
        pub id: ExecutionId,
        pub state: ExecutionState,
        pub reason: Option<String>,
        pub started_at: Option<Time>,
        pub finished_at: Option<Time>,
    }

    /// How a run goes over its servers; absent fields do not restrict.
    #[derive(Default)]
    #[serde(deny_unknown_fields)]
    pub struct Rollout {
        /// So many servers first; the others only when every one of these has succeeded: `2` or `10%`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub canary: Option<String>,
        /// How many servers may be under way at any time: `5` or `20%`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub at_once: Option<String>,
        /// With more failures than this nothing further starts: `0`, `3` or `10%`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max_failures: Option<String>,
        /// Of servers with the same value of this label one at a time, such as `service`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub one_per: Option<String>,
    }

    /// What servers have printed that ended alike and said the same.
    pub struct FoldedOutput {
        pub servers: Vec<String>,
        pub state: ExecutionState,
        pub exit_code: Option<i32>,
        pub reason: Option<String>,
        /// Both streams in order of arrival; bytes that are not UTF-8 are replaced.
        pub text: String,
        /// The text is the end of a longer output, shown for one server only.
        pub truncated: bool,
    }

    /// The one switch that stops all work on servers.
    pub struct Halt {
        pub on: bool,
        pub reason: Option<String>,
        pub by: Option<String>,
        pub since: Option<Time>,
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
        /// All servers at once when absent.
        #[serde(default)]
        pub rollout: Option<Rollout>,
        /// Starts only when somebody else approves it within an hour; scripts can demand it too.
        #[serde(default)]
        pub needs_approval: bool,
        #[serde(default)]
        pub dry_run: bool,
    }

    /// Each agent checks the release's signature, version and hash, and goes back when the new program does not work.
    pub struct AgentUpdateInput {
        pub on: String,
        /// All servers at once when absent.
        #[serde(default)]
        pub rollout: Option<Rollout>,
        #[serde(default)]
        pub needs_approval: bool,
        #[serde(default)]
        pub dry_run: bool,
    }

    pub struct HaltInput {
        pub reason: String,
    }

    /// A command typed just now: servers with the policy `full` take it.
    pub struct ExecInput {
        pub command: Vec<String>,
        pub on: String,
        #[serde(default)]
        pub timeout_seconds: Option<f64>,
        /// All servers at once when absent.
        #[serde(default)]
        pub rollout: Option<Rollout>,
        #[serde(default)]
        pub needs_approval: bool,
        #[serde(default)]
        pub dry_run: bool,
    }
}
