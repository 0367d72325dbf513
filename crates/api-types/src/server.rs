//! Servers: what they are, how they do right now, how to add one.

use watchtower_model::{AgentId, Labels, ServerId, Severity};

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    /// What the hub knows of the server's agent.
    pub enum ServerStatus {
        /// Added, but no agent has reported yet.
        Pending = "pending",
        Up = "up",
        /// No report for three intervals.
        Lost = "lost",
        /// The agent said goodbye and its grace has not ended.
        Away = "away",
        /// In a maintenance window: nothing pages.
        Maintenance = "maintenance",
    }
}

shapes! {
    pub struct Server {
        pub id: ServerId,
        pub name: String,
        pub labels: Labels,
        pub status: ServerStatus,
        /// In words: `reporting every 10 s`, `no report for 2m`.
        pub status_reason: String,
        pub created_at: Time,
        pub last_report_at: Option<Time>,
        pub maintenance_until: Option<Time>,
        pub agent_id: Option<AgentId>,
        pub agent_version: Option<String>,
        pub interval_seconds: f64,
        pub facts: Option<Facts>,
        /// From the last live report; absent when there is none.
        pub vitals: Option<Vitals>,
        pub open_incidents: u32,
        pub worst_severity: Option<Severity>,
    }

    pub struct Facts {
        pub hostname: String,
        pub os: String,
        pub kernel: String,
        pub arch: String,
        pub cpu_model: String,
        pub cpus: u32,
        pub memory_bytes: u64,
        pub swap_bytes: u64,
        pub booted_at: Option<Time>,
        pub init: String,
        pub virtualization: String,
        /// The local policy: `monitor`, `allowlist` or `full`.
        pub policy: String,
        /// Why the agent would refuse every command, if it would.
        pub refuses: Option<String>,
        pub addresses: Vec<String>,
    }

    /// The numbers of a list row.
    #[derive(Default)]
    pub struct Vitals {
        /// 0 to 100 over all cores.
        pub cpu_percent: Option<f64>,
        pub memory_percent: Option<f64>,
        pub swap_percent: Option<f64>,
        /// The fullest filesystem.
        pub disk_percent: Option<f64>,
        pub disk_mountpoint: Option<String>,
        pub load1: Option<f64>,
        pub load_per_core: Option<f64>,
        pub receive_bytes_per_second: Option<f64>,
        pub transmit_bytes_per_second: Option<f64>,
        pub disk_bytes_per_second: Option<f64>,
        pub uptime_seconds: Option<f64>,
        pub processes: Option<u32>,
    }

    /// How to install the agent on this server. Shown once.
    pub struct Enrolment {
        pub server_id: ServerId,
        pub token: String,
        /// Paste on the server; pins the hub's key and checks the agent's checksum.
        pub command: String,
        pub expires_at: Time,
    }

    pub struct Processes {
        pub at: Time,
        pub total: u32,
        pub threads: u32,
        pub items: Vec<Process>,
    }

    pub struct Process {
        pub pid: u32,
        pub ppid: u32,
        pub started_at: Time,
        pub user: String,
        pub state: String,
        pub threads: u32,
        pub cpu_percent: f64,
        pub rss_bytes: u64,
        pub read_bytes_per_second: u64,
        pub write_bytes_per_second: u64,
        pub name: String,
        pub command: String,
    }

    /// A fresh report that was asked for.
    pub struct Collected {
        pub at: Time,
        pub round_trip_seconds: f64,
        pub samples: u32,
        pub server: Server,
    }

    /// Every chart of the server's page, in one answer.
    pub struct Panels {
        pub from_at: Time,
        pub to_at: Time,
        pub step_seconds: f64,
        pub panels: Vec<Panel>,
        /// What is to be said of the answer: that a part of it is from rollups.
        pub warnings: Vec<String>,
    }

    pub struct Panel {
        /// `cpu`, `load`, `memory`, `disk_space`, `disk_io`, `network`, `pressure`, ...
        pub id: String,
        pub title: String,
        /// `percent`, `bytes`, `bytes_per_second`, `seconds`, `count`, `celsius`.
        pub unit: String,
        pub stacked: bool,
        /// Unix seconds, shared by all series of the panel.
        pub times: Vec<f64>,
        pub series: Vec<PanelSeries>,
        /// The PromQL behind it.
        pub expr: String,
        /// Why there is nothing to show, if so.
        pub error: Option<String>,
    }

    pub struct PanelSeries {
        pub name: String,
        /// Aligned with `times`; null where there is no sample.
        pub values: Vec<Option<f64>>,
    }
}

inputs! {
    pub struct ServerInput {
        pub name: String,
        #[serde(default)]
        pub labels: Labels,
    }

    /// Absent fields stay as they are.
    #[derive(Default)]
    pub struct ServerPatch {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub labels: Option<Labels>,
        /// Nothing pages for this server until then; a time in the past ends it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub maintenance_until: Option<Time>,
    }
}
