//! Deployments over SSH: one agent installation each, many in a batch.

use watchtower_model::{BatchId, DeploymentId, Labels, ServerId};

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    pub enum DeploymentAction {
        /// Also the upgrade, where another version is there.
        Install = "install",
        Uninstall = "uninstall",
        /// To the version that the host keeps since its agent was last upgraded or updated.
        RollBack = "rollback",
    }

    pub enum DeploymentStatus {
        /// Waits for its turn: ten are worked on at once.
        Pending = "pending",
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
    }

    pub enum StepStatus {
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
    }

    /// What a server lets the hub do. Only root on the server itself can widen it later.
    pub enum AgentPolicy {
        /// Watch only: nothing can be run, not even by somebody who has stolen the hub.
        Monitor = "monitor",
        /// Only scripts that an approver signed with a key which the hub does not have.
        Allowlist = "allowlist",
        /// Whatever the hub asks for: whoever steals the hub is root on the server.
        Full = "full",
    }

    pub enum TargetFormat {
        /// The hub finds out.
        Auto = "auto",
        /// `[user@]host[:port]`, ranges as `web-[01..20]`; by line, space or comma.
        List = "list",
        Csv = "csv",
        SshConfig = "ssh_config",
        Ansible = "ansible",
    }

    pub enum HostKeyRule {
        /// The key must be known.
        Strict = "strict",
        /// An unknown key is remembered, but no password is sent to its host; a changed one is refused.
        AcceptNew = "accept_new",
    }
}

shapes! {
    pub struct Deployment {
        pub id: DeploymentId,
        pub number: i64,
        /// Deployments that were asked for together.
        pub batch_id: BatchId,
        /// The batch whose failed ones these repeat.
        pub retry_of: Option<BatchId>,
        pub action: DeploymentAction,
        /// Name of the server's record, which the deployment makes if it is new.
        pub server: String,
        pub server_id: Option<ServerId>,
        /// `user@host:port`.
        pub target: String,
        pub policy: AgentPolicy,
        pub dry_run: bool,
        pub status: DeploymentStatus,
        /// `installed`, `already_there`, `upgraded`, `rolled_back`, `uninstalled`, `nothing_there` or `planned`. With a failure
        /// `rolled_back` is an upgrade's, whose agent did not report.
        pub change: Option<String>,
        /// Of the agent that is on the host now.
        pub version: Option<String>,
        /// As `uname -m` says it.
        pub arch: Option<String>,
        /// What is good to know; of a dry run the plan, a line each.
        pub remarks: Vec<String>,
        pub failure: Option<DeploymentFailure>,
        pub created_by: String,
        pub created_at: Time,
        pub started_at: Option<Time>,
        pub finished_at: Option<Time>,
        /// Only on a single deployment; empty until its turn comes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub steps: Option<Vec<DeploymentStep>>,
    }

    pub struct DeploymentFailure {
        /// Empty when it failed outside any step.
        pub step: String,
        /// `E_AUTH`, `E_SUDO_PASSWORD`, ...
        pub code: String,
        /// What is wrong.
        pub cause: String,
        /// What to do about it.
        pub fix: String,
        /// What the host said; may be several lines.
        pub detail: String,
    }

    /// Hosts read from a text.
    pub struct ParsedTargets {
        /// As which it was read.
        pub format: TargetFormat,
        pub items: Vec<DeploymentTarget>,
        /// What could not be read, with its line.
        pub problems: Vec<String>,
    }

    pub struct DeploymentStep {
        /// `connect`, `host_key`, `sign_in`, `probe`, ...
        pub name: String,
        pub status: StepStatus,
        pub started_at: Time,
        pub ended_at: Option<Time>,
        /// What it found, in a few words.
        pub detail: String,
        /// The end of what the host printed.
        pub output: String,
    }
}

inputs! {
    /// Secrets stay in the hub's memory, until shortly after the batch has ended.
    pub struct DeploymentInput {
        #[serde(default = "install")]
        pub action: DeploymentAction,
        /// From 1 to 500.
        pub targets: Vec<DeploymentTarget>,
        #[serde(default)]
        pub ssh: SshAccess,
        /// For hosts without a policy of their own; an existing one is never touched.
        #[serde(default = "full")]
        pub policy: AgentPolicy,
        /// Leave the other hub that a host belongs to.
        #[serde(default)]
        pub takeover: bool,
        /// Stop before anything changes and tell the plan.
        #[serde(default)]
        pub dry_run: bool,
        /// Remove the server's record after its agent is uninstalled.
        #[serde(default)]
        pub remove_server: bool,
    }

    /// One host.
    pub struct DeploymentTarget {
        /// Name or address.
        pub host: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub port: Option<u16>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user: Option<String>,
        /// Name of the server's record; the host's when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub server: Option<String>,
        /// For a new record.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        pub labels: Labels,
        /// Jump hosts of this target alone, in place of those of all: `[user@]host[:port]`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub jump: Vec<String>,
    }

    /// How to get into the hosts, and into the jump hosts.
    #[derive(Default)]
    pub struct SshAccess {
        /// Where a target names none; `root` when absent.
        #[serde(default)]
        pub user: Option<String>,
        #[serde(default)]
        pub port: Option<u16>,
        /// Jump hosts, the first one to connect to first: `[user@]host[:port]`.
        #[serde(default)]
        pub jump: Vec<String>,
        /// Id or name of a saved credential.
        #[serde(default)]
        pub credential: Option<String>,
        #[serde(default)]
        pub password: Option<String>,
        /// OpenSSH or PEM text.
        #[serde(default)]
        pub private_key: Option<String>,
        /// Of the private key.
        #[serde(default)]
        pub passphrase: Option<String>,
        /// The password itself is tried when absent.
        #[serde(default)]
        pub sudo_password: Option<String>,
        /// `accept_new` when absent.
        #[serde(default)]
        pub host_keys: Option<HostKeyRule>,
        /// SHA-1 algorithms, for very old servers.
        #[serde(default)]
        pub legacy_algorithms: bool,
    }

    /// Only what failed is done again, as a new batch. Secrets are needed again once the hub has let go of them.
    #[derive(Default)]
    pub struct DeploymentRetry {
        #[serde(default)]
        pub ssh: Option<SshAccess>,
    }

    pub struct TargetsInput {
        /// At most 256 KiB.
        pub text: String,
        #[serde(default = "auto")]
        pub format: TargetFormat,
    }
}

fn auto() -> TargetFormat {
    TargetFormat::Auto
}

fn install() -> DeploymentAction {
    DeploymentAction::Install
}

fn full() -> AgentPolicy {
    AgentPolicy::Full
}
