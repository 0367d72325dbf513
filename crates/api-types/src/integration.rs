//! Other tools that tell of their alerts here.

use std::collections::BTreeMap;

use watchtower_model::{IntegrationId, Labels, ServiceId, Severity};

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    pub enum IntegrationKind {
        /// Whatever speaks PagerDuty's Events API v2: `POST /v2/enqueue`.
        Pagerduty = "pagerduty",
        /// Whatever speaks Opsgenie's Alert API: `POST /v2/alerts`.
        Opsgenie = "opsgenie",
        /// Jobs that ping by a slug: `/ping/KEY/SLUG`, as to healthchecks.io.
        Heartbeat = "heartbeat",
        /// Any JSON by POST, read by a mapping.
        Generic = "generic",
        /// Whatever posts to an Alertmanager, such as Prometheus: `/alertmanager`.
        Alertmanager = "alertmanager",
        /// Alertmanager's webhook.
        Webhook = "webhook",
        /// Grafana's webhook contact point.
        Grafana = "grafana",
    }
}

shapes! {
    pub struct Integration {
        pub id: IntegrationId,
        pub name: String,
        pub kind: IntegrationKind,
        /// Absent: the routes decide by each alert's labels.
        pub service_id: Option<ServiceId>,
        pub enabled: bool,
        /// Where the tool sends to. Of a webhook, `KEY` stands for its key.
        pub url: String,
        pub open_alerts: u32,
        /// Of the kind `generic`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub mapping: Option<SignalMapping>,
        /// When its alerts open; absent: at the first trigger.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub open_after: Option<OpenAfter>,
        /// Alerts that were triggered, but not often enough yet.
        pub held_alerts: u32,
        pub created_at: Time,
        /// Shown once, when it is made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key: Option<String>,
    }
}

shapes! {
    /// What a mapping makes of a body.
    pub struct SignalPreview {
        pub items: Vec<MappedSignal>,
    }

    pub struct MappedSignal {
        /// Whether the alert is over.
        pub resolved: bool,
        pub key: Option<String>,
        pub title: String,
        pub description: String,
        pub severity: Severity,
        pub labels: BTreeMap<String, String>,
    }
}

shapes! {
    /// An alert of another tool that does not open yet: nobody is paged for it.
    pub struct HeldAlert {
        /// The sender's own name for it.
        pub key: String,
        pub title: String,
        pub severity: Severity,
        pub labels: Labels,
        /// Triggers that count as of now, and how many open it.
        pub count: u32,
        pub needed: u32,
        pub first_at: Time,
        pub last_at: Time,
        /// Forgotten then, unless it is triggered again.
        pub until_at: Time,
    }
}

inputs! {
    pub struct OpenAfter {
        /// 2 to 100.
        pub triggers: u32,
        /// 10 s to a day.
        pub within_seconds: f64,
    }

    /// Where in a body what is told of an alert is. Paths are such as `alert.name`, `alerts[0].id`, `labels["odd key"]`.
    pub struct SignalMapping {
        /// The list of alerts; absent: the body is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub items: Option<String>,
        /// Names the alert; absent: each is its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key: Option<String>,
        pub title: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub severity: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub state: Option<String>,
        /// Values of `state` that mean that it is over.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub resolved: Vec<String>,
        /// Labels by their names.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub labels: BTreeMap<String, String>,
    }

    pub struct SignalPreviewInput {
        pub mapping: SignalMapping,
        /// A body as the tool sends it.
        pub body: serde_json::Value,
    }

    pub struct IntegrationInput {
        pub name: String,
        pub kind: IntegrationKind,
        /// What is paged for its alerts; absent: the routes decide.
        #[serde(default)]
        pub service_id: Option<ServiceId>,
        /// Only of the kind `generic`, where it must be given.
        #[serde(default)]
        pub mapping: Option<SignalMapping>,
        /// Alerts open only at so many triggers of one key within a time; an end begins the count anew. Absent: at the first.
        #[serde(default)]
        pub open_after: Option<OpenAfter>,
        #[serde(default = "yes")]
        pub enabled: bool,
    }
}

fn yes() -> bool {
    true
}
