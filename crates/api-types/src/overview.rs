//! The first page, and the hub's own health.

use watchtower_model::Severity;

use crate::derive::shapes;
use crate::{Incident, IncidentStats, Time};

shapes! {
    pub struct Overview {
        pub servers: ServerCounts,
        pub stats: IncidentStats,
        /// Worst and oldest first, at most 8.
        pub needs_action: Vec<Incident>,
        pub runs_in_progress: u32,
        pub deployments_in_progress: u32,
        pub activity: Vec<Activity>,
    }

    #[derive(Default)]
    pub struct ServerCounts {
        pub total: u32,
        pub up: u32,
        pub lost: u32,
        pub away: u32,
        pub pending: u32,
        pub maintenance: u32,
        /// With an open incident of severity error or critical.
        pub critical: u32,
        /// With an open incident of severity warning or info.
        pub warning: u32,
    }

    pub struct Activity {
        pub at: Time,
        pub kind: String,
        pub text: String,
        pub severity: Option<Severity>,
        /// A path in the dashboard.
        pub link: Option<String>,
    }

    pub struct HubStatus {
        pub version: String,
        pub started_at: Time,
        pub database: String,
        pub bus: String,
        pub agents_connected: u32,
        pub series: u64,
        pub samples_per_second: f64,
        /// Age of the oldest thing that should have been sent already.
        pub outbox_lag_seconds: f64,
        pub memory_bytes: u64,
        pub disk_free_bytes: u64,
        /// What is wrong with the hub itself, in words.
        pub problems: Vec<String>,
    }

    pub struct MetricsMerge {
        /// Packed anew.
        pub samples: u64,
        /// Of all metrics on disk, before and after.
        pub before_bytes: u64,
        pub after_bytes: u64,
        pub took_seconds: f64,
        /// False: there was too much for one call; ask again.
        pub done: bool,
    }
}
