//! Rules: when trouble begins and ends.

use watchtower_model::{AutomationId, Labels, RuleId, Severity};

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    pub enum RuleKind {
        /// PromQL with `for`.
        Metric = "metric",
        /// A match on an event's kind and labels.
        Event = "event",
        /// PromQL whose result is stored under a name of its own.
        Recording = "recording",
    }

    /// What a metric rule says when its expression has no data for a server that had some.
    pub enum NoData {
        /// Resolved, as Prometheus.
        Ok = "ok",
        /// Stays as it is.
        Keep = "keep",
        /// Fires.
        Alert = "alert",
    }

    pub enum RuleState {
        Inactive = "inactive",
        Pending = "pending",
        Firing = "firing",
    }
}

shapes! {
    pub struct Rule {
        pub id: RuleId,
        pub name: String,
        pub kind: RuleKind,
        pub enabled: bool,
        /// Ships with Watchtower; may be changed and switched off.
        pub builtin: bool,
        /// Whether its alerts page. A rule that does not is visible only.
        pub paging: bool,
        pub severity: Severity,
        /// PromQL of a metric or recording rule.
        pub expr: Option<String>,
        /// The metric name that a recording rule stores under.
        pub record: Option<String>,
        /// What alerts carry as the label `alertname`, where that is not the rule's name.
        pub alert_name: Option<String>,
        /// Ends the alert when it returns the series; absent means when `expr` no longer does.
        pub recover_expr: Option<String>,
        pub for_seconds: f64,
        pub keep_firing_for_seconds: f64,
        pub no_data: NoData,
        /// Kind of an event rule, `*` matches any rest: `unit.*`.
        pub event_kind: Option<String>,
        /// Kind that resolves it.
        pub resolve_kind: Option<String>,
        /// Label matchers on the event.
        pub event_matchers: Option<String>,
        pub labels: Labels,
        /// `summary` and `description` are shown; templates as in Prometheus.
        pub annotations: std::collections::BTreeMap<String, String>,
        pub version: i64,
        pub created_at: Time,
        pub updated_at: Time,
        pub firing: u32,
        pub pending: u32,
        pub last_evaluated_at: Option<Time>,
        pub last_error: Option<String>,
        pub instances: Vec<RuleInstance>,
        /// Automations that start on this rule's alerts.
        pub automations: Vec<AutomationId>,
    }

    /// One label set of a rule that is not inactive.
    pub struct RuleInstance {
        pub labels: Labels,
        pub state: RuleState,
        pub since_at: Time,
        pub value: Option<f64>,
    }

    /// What an import did, or would do. With problems it does nothing.
    pub struct RuleImport {
        pub rules: Vec<ImportedRule>,
        pub problems: Vec<ImportProblem>,
    }

    pub struct ImportedRule {
        pub name: String,
        pub group: String,
        pub kind: RuleKind,
        /// `created`, `updated` or `unchanged`.
        pub outcome: String,
    }

    pub struct ImportProblem {
        /// The rule it is about; empty when the file as a whole cannot be read.
        pub rule: String,
        pub message: String,
    }

    /// What the expression says right now.
    pub struct RulePreview {
        /// Where the expression is wrong, if it is.
        pub error: Option<String>,
        pub error_span: Option<TextSpan>,
        pub series: Vec<RulePreviewSeries>,
        /// Series beyond those listed.
        pub more: u32,
        /// How often it would have fired in the window, at the resolution of `step_seconds`.
        pub would_have_fired: u32,
        pub window_seconds: f64,
        pub step_seconds: f64,
    }

    /// What a rule would have done in the past.
    pub struct RuleBacktest {
        pub would_have_fired: u32,
        /// Those on which it would have fired, the most often first.
        pub servers: Vec<RuleBacktestServer>,
        /// Servers beyond those listed.
        pub more: u32,
        pub from_at: Time,
        pub to_at: Time,
        /// How often it was looked at.
        pub step_seconds: f64,
        pub evaluations: u32,
    }

    pub struct RuleBacktestServer {
        /// Of the label `instance`; absent for alerts about no server.
        pub server: Option<String>,
        pub would_have_fired: u32,
        /// How long at least one of its alerts fired.
        pub firing_seconds: f64,
        pub first_fired_at: Option<Time>,
        pub last_fired_at: Option<Time>,
        /// Still, at the end.
        pub firing: bool,
    }

    pub struct TextSpan {
        pub start: u32,
        pub end: u32,
    }

    pub struct RulePreviewSeries {
        pub labels: Labels,
        /// Now; absent when the condition does not hold now.
        pub value: Option<f64>,
        /// How often this series would have fired.
        pub would_have_fired: u32,
        pub summary: String,
    }
}

inputs! {
    pub struct RuleInput {
        pub name: String,
        pub kind: RuleKind,
        #[serde(default = "yes")]
        pub enabled: bool,
        #[serde(default = "yes")]
        pub paging: bool,
        #[serde(default)]
        pub severity: Severity,
        #[serde(default)]
        pub expr: Option<String>,
        #[serde(default)]
        pub record: Option<String>,
        #[serde(default)]
        pub alert_name: Option<String>,
        #[serde(default)]
        pub recover_expr: Option<String>,
        #[serde(default)]
        pub for_seconds: f64,
        #[serde(default)]
        pub keep_firing_for_seconds: f64,
        #[serde(default = "no_data_ok")]
        pub no_data: NoData,
        #[serde(default)]
        pub event_kind: Option<String>,
        #[serde(default)]
        pub resolve_kind: Option<String>,
        #[serde(default)]
        pub event_matchers: Option<String>,
        #[serde(default)]
        pub labels: Labels,
        #[serde(default)]
        pub annotations: std::collections::BTreeMap<String, String>,
    }

    /// A rule file of Prometheus.
    pub struct RuleImportInput {
        /// The file as it is, YAML.
        pub text: String,
        /// Whether alerts of its rules page. Look at them first: by default they are visible only.
        #[serde(default)]
        pub paging: bool,
        /// Say what would happen, and change nothing.
        #[serde(default)]
        pub dry_run: bool,
    }

    pub struct RuleBacktestInput {
        pub expr: String,
        #[serde(default)]
        pub recover_expr: Option<String>,
        #[serde(default)]
        pub for_seconds: f64,
        #[serde(default)]
        pub keep_firing_for_seconds: f64,
        /// How far to look back; 7 days when absent, at most 15.
        #[serde(default)]
        pub window_seconds: Option<f64>,
    }

    pub struct RulePreviewInput {
        pub expr: String,
        #[serde(default)]
        pub for_seconds: f64,
        /// How far to look back; an hour when absent, at most 7 days.
        #[serde(default)]
        pub window_seconds: Option<f64>,
    }
}

impl RuleInput {
    /// A rule that is on, pages, and says nothing yet.
    pub fn new(name: impl Into<String>, kind: RuleKind) -> RuleInput {
        RuleInput {
            name: name.into(),
            kind,
            enabled: true,
            paging: true,
            severity: Severity::default(),
            expr: None,
            record: None,
            alert_name: None,
            recover_expr: None,
            for_seconds: 0.0,
            keep_firing_for_seconds: 0.0,
            no_data: NoData::Ok,
            event_kind: None,
            resolve_kind: None,
            event_matchers: None,
            labels: Labels::empty(),
            annotations: Default::default(),
        }
    }
}

fn yes() -> bool {
    true
}

fn no_data_ok() -> NoData {
    NoData::Ok
}
