//! Alerts and incidents.

use watchtower_model::{
    AlertId, ChannelId, IncidentId, Labels, RuleId, RunId, ServerId, ServiceId, Severity, Urgency,
};

use crate::derive::{inputs, shapes, words};
use crate::{Processes, Time};

words! {
    pub enum IncidentState {
        Triggered = "triggered",
        Acknowledged = "acknowledged",
        Resolved = "resolved",
    }

    pub enum AlertState {
        Firing = "firing",
        Resolved = "resolved",
    }
}

shapes! {
    /// One open problem, unique by source and dedup key.
    pub struct Alert {
        pub id: AlertId,
        /// `rule:<id>`, `api`.
        pub source: String,
        pub dedup_key: String,
        pub state: AlertState,
        pub severity: Severity,
        pub summary: String,
        pub description: String,
        pub labels: Labels,
        pub value: Option<f64>,
        pub rule_id: Option<RuleId>,
        pub server_id: Option<ServerId>,
        pub server: Option<String>,
        pub incident_id: Option<IncidentId>,
        pub incident_number: Option<i64>,
        /// Why nobody is paged for it now: a silence, a maintenance window, an inhibition. Absent: somebody is.
        pub suppressed_by: Option<String>,
        pub count: i64,
        pub first_seen_at: Time,
        pub last_seen_at: Time,
        pub resolved_at: Option<Time>,
    }

    pub struct Incident {
        pub id: IncidentId,
        pub number: i64,
        pub title: String,
        pub state: IncidentState,
        pub severity: Severity,
        pub urgency: Urgency,
        pub service_id: ServiceId,
        pub service: String,
        pub server_id: Option<ServerId>,
        pub server: Option<String>,
        /// A drill: left out of the statistics.
        pub test: bool,
        pub alert_count: u32,
        pub open_alert_count: u32,
        pub triggered_at: Time,
        pub acknowledged_at: Option<Time>,
        pub acknowledged_by: Option<String>,
        /// Why nobody is paged for it: the silence, maintenance window or inhibition that covers the first of its open alerts, which are all covered.
        pub suppressed_by: Option<String>,
        pub resolved_at: Option<Time>,
        pub resolved_by: Option<String>,
        /// `alerts_resolved`, `manual`, `timeout`, `merged`.
        pub resolve_reason: Option<String>,
        /// How often it was opened again after an end; `resolved_at` is the last end.
        pub reopened: u32,
        /// Number of the incident that it goes on in.
        pub merged_into: Option<i64>,
        /// Numbers of those that go on in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub merged: Vec<i64>,
        pub time_to_acknowledge_seconds: Option<f64>,
        pub time_to_resolve_seconds: Option<f64>,
        /// The policy ended and nobody acknowledged.
        pub unanswered: bool,
        /// It comes and goes: it ends only after ten minutes without it.
        pub flapping: bool,
        /// Number of the incident of the same trouble that ended before.
        pub recurrence_of: Option<i64>,
        /// What the latest repair did: `running`, `verifying`, `fixed`, `not_fixed`, `failed`, `lost`, `refused`, `held_back`, `awaiting_approval`.
        pub repair: Option<String>,
        pub pending_actions: Vec<PendingAction>,
        /// Only on a single incident.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub alerts: Vec<Alert>,
        /// What tells its servers apart from the others, in words: `all 12 have rack="r7", which 14 servers have`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub in_common: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub chart: Option<ChartHint>,
        /// The top processes when it was triggered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub processes: Option<Processes>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub runbook_url: Option<String>,
    }

    /// What happens next if nobody does anything.
    pub struct PendingAction {
        /// `escalate`, `unacknowledge`, `auto_resolve`, `release_hold`, `resolve_calm`, and of a single incident `notify`.
        pub kind: String,
        pub at: Time,
        /// In words: `pages team Operations`.
        pub text: String,
    }

    /// The metric that broke, and where the line is.
    pub struct ChartHint {
        pub expr: String,
        pub threshold: Option<f64>,
        /// `above` or `below`.
        pub direction: Option<String>,
    }

    pub struct TimelineEntry {
        pub sequence: i64,
        pub at: Time,
        /// `opened`, `paged`, `not_paged`, `delivered`, `delivery_failed`, `acknowledged`, `escalated`, `run`, `note`,
        /// `alert_resolved`, `resolved`, ...
        pub kind: String,
        pub actor: String,
        pub text: String,
        /// Output of a repair, the answer of a provider, a note's text.
        pub detail: Option<String>,
        pub run_id: Option<RunId>,
        pub run_number: Option<i64>,
    }

    /// One message to one channel.
    pub struct Delivery {
        pub id: String,
        pub kind: String,
        pub channel_id: ChannelId,
        pub channel: String,
        /// `pending`, `sending`, `delivered`, `failed`, `cancelled`.
        pub state: String,
        pub attempts: u32,
        pub created_at: Time,
        pub next_at: Option<Time>,
        pub delivered_at: Option<Time>,
        pub last_error: Option<String>,
    }

    /// Without drills.
    pub struct IncidentStats {
        pub since_at: Time,
        pub total: u32,
        pub open: u32,
        pub unacknowledged: u32,
        pub auto_resolved: u32,
        pub time_to_acknowledge_p50_seconds: Option<f64>,
        pub time_to_acknowledge_p90_seconds: Option<f64>,
        pub time_to_resolve_p50_seconds: Option<f64>,
        pub time_to_resolve_p90_seconds: Option<f64>,
    }
}

inputs! {
    /// An incident by hand, or a drill.
    pub struct IncidentInput {
        pub title: String,
        #[serde(default)]
        pub severity: Severity,
        /// Id or name; absent means the routes decide.
        #[serde(default)]
        pub service: Option<String>,
        #[serde(default)]
        pub server: Option<String>,
        #[serde(default)]
        pub labels: Labels,
        #[serde(default)]
        pub description: String,
        /// Marked TEST everywhere and left out of the statistics.
        #[serde(default)]
        pub test: bool,
    }

    #[derive(Default)]
    pub struct ResolveInput {
        #[serde(default)]
        pub note: Option<String>,
    }

    pub struct MergeInput {
        /// Number of the incident that it goes on in; that one is open.
        pub into: i64,
    }

    pub struct NoteInput {
        pub text: String,
    }
}
