//! What a rule remembers between evaluations: plain data, for the store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchtower_model::{Labels, Severity, Timestamp};

use crate::key::DedupKey;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "phase")]
pub enum Phase {
    Pending,
    Firing {
        at: Timestamp,
        /// Since when the problem is gone while the alert is kept firing.
        kept_since: Option<Timestamp>,
    },
}

/// A problem that lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Labels of the series, without the metric name: what the recover expression must return.
    pub series: Labels,
    /// Labels and annotations for people, as last rendered.
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
    /// As text, because JSON has no NaN and no infinity.
    pub value: String,
    /// When the problem began.
    pub since: Timestamp,
    #[serde(flatten)]
    pub phase: Phase,
}

/// A breach that is known from backfilled samples only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restored {
    pub since: Timestamp,
    pub last: Timestamp,
}

/// The state of one rule, or of one rule for one partition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleState {
    pub alerts: BTreeMap<DedupKey, Alert>,
    /// The newest time that was evaluated; older ones change nothing but what is restored.
    pub evaluated_through: Option<Timestamp>,
    /// Why the last evaluation failed or was incomplete.
    pub error: Option<String>,
    pub(crate) restored: BTreeMap<DedupKey, Restored>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransitionKind {
    Pending,
    Firing,
    Resolved,
    /// A pending problem went before it fired.
    Cleared,
}

/// One change of one alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    pub kind: TransitionKind,
    pub key: DedupKey,
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
    pub severity: Severity,
    pub value: f64,
    /// When the problem began.
    pub since: Timestamp,
    /// When this change happened.
    pub at: Timestamp,
}
