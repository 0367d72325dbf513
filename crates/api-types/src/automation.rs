//! Automations: trigger -> gates -> run -> verify -> or escalate.

use std::collections::BTreeMap;

use watchtower_model::{AutomationId, IncidentId, RunId, ScriptId, ServerId};

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    pub enum AutomationMode {
        /// Record what it would have done.
        Observe = "observe",
        /// Ask a person first.
        Approve = "approve",
        Auto = "auto",
    }

    pub enum AttemptState {
        Observed = "observed",
        AwaitingApproval = "awaiting_approval",
        /// A gate said no.
        Blocked = "blocked",
        Running = "running",
        Verifying = "verifying",
        Fixed = "fixed",
        NotFixed = "not_fixed",
        Failed = "failed",
        Lost = "lost",
        Refused = "refused",
        Denied = "denied",
    }
}

shapes! {
    pub struct Automation {
        pub id: AutomationId,
        pub name: String,
        pub enabled: bool,
        pub trigger: AutomationTrigger,
        pub script_id: ScriptId,
        pub script: String,
        pub parameters: BTreeMap<String, String>,
        pub mode: AutomationMode,
        pub cooldown_seconds: f64,
        pub attempts_per_incident: u32,
        pub verify_within_seconds: Option<f64>,
        /// Three failures in a row opened it: it does nothing until a person closes it.
        pub breaker_open: bool,
        pub created_by: String,
        pub created_at: Time,
        pub attempts: Vec<Attempt>,
    }

    /// Alerts of this rule, or any alert whose labels match.
    #[serde(deny_unknown_fields)]
    pub struct AutomationTrigger {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rule_id: Option<watchtower_model::RuleId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub matchers: Option<String>,
    }

    /// One time it was considered for one server.
    pub struct Attempt {
        pub id: String,
        pub automation_id: AutomationId,
        pub server_id: ServerId,
        pub server: String,
        pub incident_id: Option<IncidentId>,
        pub incident_number: Option<i64>,
        pub state: AttemptState,
        pub gates: Vec<Gate>,
        pub run_id: Option<RunId>,
        pub run_number: Option<i64>,
        pub reason: String,
        pub created_at: Time,
        pub finished_at: Option<Time>,
    }

    /// Why, or why not.
    pub struct Gate {
        pub name: String,
        pub passed: bool,
        pub reason: String,
    }
}

inputs! {
    pub struct AutomationInput {
        pub name: String,
        #[serde(default = "yes")]
        pub enabled: bool,
        pub trigger: AutomationTrigger,
        /// Id or name.
        pub script: String,
        #[serde(default)]
        pub parameters: BTreeMap<String, String>,
        pub mode: AutomationMode,
        /// 900 when absent.
        #[serde(default)]
        pub cooldown_seconds: Option<f64>,
        /// 2 when absent.
        #[serde(default)]
        pub attempts_per_incident: Option<u32>,
        #[serde(default)]
        pub verify_within_seconds: Option<f64>,
    }
}

fn yes() -> bool {
    true
}
