//! Who is paged for what: teams, services, routes, escalation policies.

use watchtower_model::{ChannelId, Id, PolicyId, RouteId, ServiceId, TeamId, Urgency, UserId};

use crate::derive::{inputs, shapes, words};
use crate::{Role, Time};

words! {
    pub enum TargetKind {
        User = "user",
        Team = "team",
        /// Whoever is on call by it when the step begins.
        Schedule = "schedule",
        Channel = "channel",
    }
}

words! {
    /// Whom a step pages.
    #[derive(Default)]
    pub enum StepStrategy {
        /// Every target.
        #[default]
        All = "all",
        /// One of them, by turns over all incidents of the policy.
        RoundRobin = "round_robin",
    }
}

impl StepStrategy {
    fn is_all(&self) -> bool {
        *self == StepStrategy::All
    }
}

shapes! {
    pub struct Team {
        pub id: TeamId,
        pub name: String,
        pub members: Vec<UserId>,
        /// What automations that act as this team may do: not what its members may. Absent: nothing acts as it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub role: Option<Role>,
        /// Label matchers of the servers they may act on; absent means all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub servers: Option<String>,
        pub created_at: Time,
    }

    pub struct Service {
        pub id: ServiceId,
        pub name: String,
        pub description: String,
        pub team_id: Option<TeamId>,
        pub policy_id: PolicyId,
        /// An acknowledged incident falls back to triggered after this; absent means never.
        pub ack_timeout_seconds: Option<f64>,
        /// An incident nobody touched resolves itself after this; absent means never.
        pub auto_resolve_seconds: Option<f64>,
        /// Hold the first page while a repair runs, at most this long; absent means page at once.
        pub hold_pages_for_seconds: Option<f64>,
        /// Alerts of one rule that follow each other within this share an incident; absent means 60, 0 means never.
        pub group_window_seconds: Option<f64>,
        /// How long the last alert must stay away before an incident ends; absent means 0: it ends with it.
        pub resolve_delay_seconds: Option<f64>,
        /// What comes back so soon after its end opens the same incident again; absent means 0: it opens another one.
        pub reopen_window_seconds: Option<f64>,
        pub runbook_url: Option<String>,
        pub open_incidents: u32,
        pub created_at: Time,
    }

    /// The first route, by position, whose matchers match an alert's labels decides. The last one has none.
    pub struct Route {
        pub id: RouteId,
        pub position: i64,
        pub matchers: String,
        pub service_id: ServiceId,
    }

    pub struct Policy {
        pub id: PolicyId,
        pub name: String,
        pub steps: Vec<PolicyStep>,
        /// How often to start again from the first step when nobody answered.
        pub repeat: u32,
        pub created_at: Time,
    }

    pub struct PolicyStep {
        /// Time until the next step, from the start of this one.
        pub delay_seconds: f64,
        pub targets: Vec<StepTarget>,
        /// All of them where it is absent.
        #[serde(default, skip_serializing_if = "StepStrategy::is_all")]
        pub strategy: StepStrategy,
    }

    pub struct StepTarget {
        pub kind: TargetKind,
        #[schema(value_type = String)]
        pub id: Id,
    }

    /// What would happen if an incident began at this time and nobody answered: one round through the steps.
    pub struct PagePlan {
        pub service: String,
        pub urgency: Urgency,
        pub at: Time,
        pub messages: Vec<PlannedMessage>,
        /// What follows the last step, in words.
        pub then: String,
        /// Who would not be reached, and why, in words.
        pub warnings: Vec<String>,
    }

    pub struct PlannedMessage {
        /// From the beginning of the incident.
        pub after_seconds: f64,
        /// From 1.
        pub step: u32,
        /// Absent where the policy names the channel itself.
        pub person: Option<String>,
        pub channel: String,
        pub channel_id: ChannelId,
        /// What of the policy leads there, in words: `whoever is on call for Operations`, `one of ann, ben by turns; next: ben`.
        pub target: String,
    }
}

inputs! {
    pub struct TeamInput {
        pub name: String,
        #[serde(default)]
        pub members: Vec<UserId>,
        /// What automations that act as this team may do, for administrators to say; nothing acts as it when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub role: Option<Role>,
        /// Label matchers of the servers they may act on; absent means all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub servers: Option<String>,
    }

    pub struct ServiceInput {
        pub name: String,
        #[serde(default)]
        pub description: String,
        #[serde(default)]
        pub team_id: Option<TeamId>,
        pub policy_id: PolicyId,
        #[serde(default)]
        pub ack_timeout_seconds: Option<f64>,
        #[serde(default)]
        pub auto_resolve_seconds: Option<f64>,
        #[serde(default)]
        pub hold_pages_for_seconds: Option<f64>,
        /// Alerts of one rule, each at most this much later than the one before, share an incident while nobody has answered. Absent
        /// means 60; 0 gives each alert an incident of its own.
        #[serde(default)]
        pub group_window_seconds: Option<f64>,
        #[serde(default)]
        pub resolve_delay_seconds: Option<f64>,
        /// The same trouble again within this after its end opens the same incident again, at most a day; absent means 0.
        #[serde(default)]
        pub reopen_window_seconds: Option<f64>,
        #[serde(default)]
        pub runbook_url: Option<String>,
    }

    pub struct RouteInput {
        /// Label matchers such as `env="prod",team=~"db|storage"`.
        pub matchers: String,
        pub service_id: ServiceId,
        /// Place among the routes, from 0; absent means before the last one.
        #[serde(default)]
        pub position: Option<i64>,
    }

    pub struct PolicyInput {
        pub name: String,
        pub steps: Vec<PolicyStep>,
        #[serde(default)]
        pub repeat: u32,
    }
}
