//! All that can move an incident, on one screen.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use watchtower_model::{AlertId, ChannelId, IncidentId, RunId, ServerId, Severity, Urgency, UserId};

use crate::{Earlier, PolicySnapshot, Reopening, ServiceSnapshot, Target};

/// Bytes of a run's output that go with a page; the end is kept, since errors are written last.
pub const OUTPUT_EXCERPT_BYTES_MAX: usize = 2 * 1024;

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Actor {
    User(UserId),
    /// A token or an integration, by its name.
    Api(String),
    /// The engine itself: a timer, an alert's source.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::User(id) => write!(f, "user:{id}"),
            Actor::Api(name) => write!(f, "api:{name}"),
            Actor::System => f.write_str("system"),
        }
    }
}

/// What [`crate::open`] needs: the first alert and the snapshots.
#[derive(Clone, Debug)]
pub struct Opening {
    pub id: IncidentId,
    pub number: i64,
    pub service: ServiceSnapshot,
    pub policy: PolicySnapshot,
    pub group_key: String,
    pub server_id: Option<ServerId>,
    pub alert: AlertSignal,
    /// The trouble of the same key before.
    pub earlier: Option<Earlier>,
    /// An automation starts for this alert; holds the page only if the service opted in.
    pub repair_starting: bool,
}

/// A trigger of an alert of this incident: its first, a repetition, or a change of severity. The engine
/// knows which from its own state.
#[derive(Clone, Debug)]
pub struct AlertSignal {
    pub id: AlertId,
    pub severity: Severity,
    /// Derived by the hub from severity and service.
    pub urgency: Urgency,
    pub title: String,
    /// The silence or window that suppresses paging for it, in words.
    pub suppressed_by: Option<String>,
}

/// What became of a repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Started,
    Fixed,
    NotFixed,
    Failed,
    /// It may have run; nobody knows.
    Lost,
    Refused,
    /// Too many servers have the problem for a repair of each: the incident itself tells of it.
    HeldBack,
}

impl RunState {
    /// Whether a person has to be told at once.
    pub fn needs_person(self) -> bool {
        !matches!(self, RunState::Started | RunState::Fixed)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Started => "started",
            RunState::Fixed => "fixed",
            RunState::NotFixed => "not_fixed",
            RunState::Failed => "failed",
            RunState::Lost => "lost",
            RunState::Refused => "refused",
            RunState::HeldBack => "held_back",
        }
    }
}

#[derive(Clone, Debug)]
pub struct RunReport {
    /// Absent when it was refused before a run existed.
    pub run_id: Option<RunId>,
    pub state: RunState,
    /// One line: the script's name, the exit code, the gate that refused.
    pub detail: String,
    /// Output of the run; cut to the last [`OUTPUT_EXCERPT_BYTES_MAX`].
    pub output: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOutcome {
    Sent,
    /// Will be tried again.
    Retrying,
    /// Given up on.
    Failed,
    /// Not sent, since somebody answered first.
    Cancelled,
}

/// What a sender reports, for the timeline only.
#[derive(Clone, Debug)]
pub struct DeliveryReport {
    pub target: Target,
    pub channel: Option<ChannelId>,
    pub outcome: DeliveryOutcome,
    pub detail: String,
}

/// The closed list of inputs.
#[derive(Clone, Debug)]
pub enum Input {
    AlertTriggered(AlertSignal),
    AlertResolved {
        alert: AlertId,
    },
    /// `snooze_ms` takes the place of the service's ack timeout.
    Ack {
        by: Actor,
        via: String,
        snooze_ms: Option<i64>,
    },
    Unack {
        by: Actor,
    },
    Resolve {
        by: Actor,
        note: String,
    },
    Escalate {
        by: Actor,
    },
    Note {
        by: Actor,
        text: String,
    },
    /// The only thing that moves what is resolved.
    Reopened(Box<Reopening>),
    /// Of the page for this step nobody could be reached: the next step begins at once.
    StepEmpty {
        generation: u64,
        step: usize,
        loop_no: u32,
    },
    /// Who is on call by a schedule that was paged just now, in words; `people` get the resolve notice.
    OnCall {
        people: Vec<Target>,
        text: String,
    },
    /// Whose turn it is of a page that asks one of several, in words.
    Drawn {
        step: usize,
        loop_no: u32,
        target: Target,
        text: String,
    },
    /// `next_wake_at` has come.
    Wake,
    Run(RunReport),
    Delivery(DeliveryReport),
    /// A silence or window, named in words, covers these alerts: paging stops if no other alert of it is open.
    Suppressed {
        by: String,
        alerts: BTreeSet<AlertId>,
    },
    /// The silence or window that suppressed it is over and its alerts are still open.
    SuppressionEnded,
}

impl Input {
    /// Whether it is meant for what the incident was merged into, where it was: what senders, repairs and readers of its pages say
    /// knows nothing of that.
    pub fn follows_a_merge(&self) -> bool {
        matches!(
            self,
            Input::AlertTriggered(_) | Input::AlertResolved { .. } | Input::Ack { .. } | Input::Run(_)
        )
    }
}
