//! Automations: an alert or the clock -> gates -> run -> verify -> or escalate.

use std::collections::BTreeMap;

use watchtower_model::{AutomationId, IncidentId, RunId, ScriptId, ServerId};

use crate::derive::{inputs, shapes, words};
use crate::{Rollout, Time};

words! {
    pub enum AutomationMode {
        /// Record what it would have done.
        Observe = "observe",
        /// Ask a person first.
        Approve = "approve",
        Auto = "auto",
    }

    /// What a firing does while the run of an earlier one is not over.
    pub enum Overlap {
        Skip = "skip",
        /// One waits for the end of it; further ones are skipped.
        Queue = "queue",
        Allow = "allow",
    }

    pub enum FiringState {
        /// No hub ran when it was due.
        Missed = "missed",
        /// A gate said no.
        Skipped = "skipped",
        /// For the end of an earlier run.
        Waiting = "waiting",
        Observed = "observed",
        AwaitingApproval = "awaiting_approval",
        Running = "running",
        Succeeded = "succeeded",
        /// Some servers succeeded.
        Partial = "partial",
        Failed = "failed",
        Cancelled = "cancelled",
        /// Nobody approved it in time, or no server took it.
        Expired = "expired",
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
        /// Newest first: of thirty days on a single automation, one in a list.
        pub attempts: Vec<Attempt>,
        /// The servers of a cron trigger, as label matchers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub on: Option<String>,
        /// How a cron trigger's run goes over them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rollout: Option<Rollout>,
        /// By whose right it acts: `team payments`, or the person who saved it last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub stands_for: Option<String>,
        /// The name of the team that it acts as; absent when it acts as a person, or the team is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub team: Option<String>,
        /// A cron trigger in words: `at 03:30 on Mondays, Europe/Berlin`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub words: Option<String>,
        /// The next firings of a cron trigger: five on a single automation, one in a list.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub next: Vec<FiringTime>,
        /// What became of the last ones, newest first: fifty on a single automation, one in a list.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub firings: Vec<Firing>,
    }

    /// Alerts of this rule, any alert whose labels match, or the clock.
    #[serde(deny_unknown_fields)]
    pub struct AutomationTrigger {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rule_id: Option<watchtower_model::RuleId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub matchers: Option<String>,
        /// Minute, hour, day of the month, month, day of the week: `30 3 * * mon`; or `@hourly` to `@yearly`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub cron: Option<String>,
        /// IANA name of the zone whose clocks count; UTC when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub timezone: Option<String>,
        /// `skip` when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub overlap: Option<Overlap>,
        /// The newest firing that was missed while no hub ran is made up for when it is younger; 0 when absent: none is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub missed_grace_seconds: Option<f64>,
    }

    /// One due time of a cron trigger, and what became of it.
    pub struct Firing {
        pub id: String,
        pub automation_id: AutomationId,
        pub due_at: Time,
        pub state: FiringState,
        pub gates: Vec<Gate>,
        /// Why it did not run, in words.
        pub reason: String,
        /// Due times before it that were missed too.
        pub passed: u32,
        /// Servers that match but could not take the run, each with its reason.
        pub left_out: Vec<String>,
        /// Who fired it by hand.
        pub by: Option<String>,
        pub run_id: Option<RunId>,
        pub run_number: Option<i64>,
        pub created_at: Time,
        pub finished_at: Option<Time>,
    }

    /// An instant, and what the clocks of the trigger's zone show then.
    pub struct FiringTime {
        pub at: Time,
        /// RFC 3339 with the zone's offset: `2026-11-30T03:30:00+01:00`.
        pub local: String,
    }

    /// What a cron expression means; a wrong one is an answer with its error, not a failure.
    pub struct CronPreview {
        pub timezone: String,
        pub words: String,
        pub next: Vec<FiringTime>,
        pub error: Option<String>,
        /// `cron` or `timezone`: which of them is wrong.
        pub error_field: Option<String>,
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
        /// With a cron trigger: the servers, as label matchers; an empty one selects nothing.
        #[serde(default)]
        pub on: Option<String>,
        /// With a cron trigger: all servers at once when absent.
        #[serde(default)]
        pub rollout: Option<Rollout>,
        /// Id or name of the team by whose right it acts; by that of who saves it when absent.
        #[serde(default)]
        pub team: Option<String>,
    }

    pub struct CronPreviewInput {
        pub cron: String,
        /// UTC when absent.
        #[serde(default)]
        pub timezone: Option<String>,
    }
}

fn yes() -> bool {
    true
}
