//! Other tools that tell of their alerts here.

use watchtower_model::{IntegrationId, ServiceId};

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    pub enum IntegrationKind {
        /// Whatever speaks PagerDuty's Events API v2: `POST /v2/enqueue`.
        Pagerduty = "pagerduty",
        /// Whatever speaks Opsgenie's Alert API: `POST /v2/alerts`.
        Opsgenie = "opsgenie",
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
        pub created_at: Time,
        /// Shown once, when it is made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key: Option<String>,
    }
}

inputs! {
    pub struct IntegrationInput {
        pub name: String,
        pub kind: IntegrationKind,
        /// What is paged for its alerts; absent: the routes decide.
        #[serde(default)]
        pub service_id: Option<ServiceId>,
        #[serde(default = "yes")]
        pub enabled: bool,
    }
}

fn yes() -> bool {
    true
}
