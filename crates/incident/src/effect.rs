//! All that an incident asks of the hub. The hub writes these in the transaction that stores the state.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use watchtower_model::{AlertId, IncidentId, Timestamp};

use crate::{Actor, Target};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    Opened,
    AlertAdded,
    Retriggered,
    SeverityRaised,
    AlertResolved,
    Paged,
    /// Who was on call as a step began.
    OnCall,
    /// Whose turn it was.
    Turn,
    NotPaged,
    Acknowledged,
    Unacknowledged,
    Escalated,
    StepEmpty,
    Exhausted,
    Flapping,
    Calm,
    Resolved,
    Reopened,
    /// It took in another incident, or was taken in.
    Merged,
    Note,
    Run,
    Delivery,
    /// Something came too late or does not apply; nothing changed.
    Ignored,
}

impl TimelineKind {
    pub fn as_str(self) -> &'static str {
        match self {
            TimelineKind::Opened => "opened",
            TimelineKind::AlertAdded => "alert_added",
            TimelineKind::Retriggered => "retriggered",
            TimelineKind::SeverityRaised => "severity_raised",
            TimelineKind::AlertResolved => "alert_resolved",
            TimelineKind::Paged => "paged",
            TimelineKind::OnCall => "on_call",
            TimelineKind::Turn => "turn",
            TimelineKind::NotPaged => "not_paged",
            TimelineKind::Acknowledged => "acknowledged",
            TimelineKind::Unacknowledged => "unacknowledged",
            TimelineKind::Escalated => "escalated",
            TimelineKind::StepEmpty => "step_empty",
            TimelineKind::Exhausted => "exhausted",
            TimelineKind::Flapping => "flapping",
            TimelineKind::Calm => "calm",
            TimelineKind::Resolved => "resolved",
            TimelineKind::Reopened => "reopened",
            TimelineKind::Merged => "merged",
            TimelineKind::Note => "note",
            TimelineKind::Run => "run",
            TimelineKind::Delivery => "delivery",
            TimelineKind::Ignored => "ignored",
        }
    }
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Unique within the incident: executing one state twice makes the same key, so a unique index on
    /// (incident, key) turns a double execution into an error.
    pub key: String,
    pub at: Timestamp,
    pub kind: TimelineKind,
    pub actor: Actor,
    pub text: String,
    pub data: Value,
}

/// Why a page goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageReason {
    Opened,
    /// The step before was not answered in time.
    NotAnswered,
    /// Nobody of the step before could be reached.
    NobodyReached,
    EscalatedByPerson,
    AckTimeout,
    Unacknowledged,
    SeverityRaised,
    UrgencyRaised,
    RepairFailed,
    HoldEnded,
    SuppressionEnded,
    Merged,
    Reopened,
}

impl PageReason {
    pub fn text(self) -> &'static str {
        match self {
            PageReason::Opened => "the incident opened",
            PageReason::NotAnswered => "the step before was not answered",
            PageReason::NobodyReached => "nobody of the step before could be reached",
            PageReason::EscalatedByPerson => "it was escalated by hand",
            PageReason::AckTimeout => "the acknowledgement ran out",
            PageReason::Unacknowledged => "the acknowledgement was taken back",
            PageReason::SeverityRaised => "the severity rose above the acknowledged one",
            PageReason::UrgencyRaised => "the urgency rose",
            PageReason::RepairFailed => "the repair did not help",
            PageReason::HoldEnded => "the time that a running repair may hold the page is over",
            PageReason::SuppressionEnded => "what kept it quiet ended",
            PageReason::Reopened => "it is not over: the incident was opened again",
            PageReason::Merged => "an incident that was not answered either was merged into it",
        }
    }
}

/// A page to all targets of one step. The hub resolves targets to people and contact methods now, and derives
/// each send's idempotency key from (incident, generation, step, loop, target, channel).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    pub generation: u64,
    pub step: usize,
    #[serde(rename = "loop")]
    pub loop_no: u32,
    pub targets: Vec<Target>,
    /// One of them, as [`crate::in_turn`] says over all incidents of the policy: the hub draws it, and says so by [`crate::Input::Drawn`].
    pub by_turns: bool,
    pub reason: PageReason,
    /// The end of a failed repair's output.
    pub output: Option<String>,
}

/// News of an incident for those who got a page of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The incident itself, or one that was merged into it: they know it by that.
    pub incident: IncidentId,
    pub targets: Vec<Target>,
    pub catch_all: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Timeline(Entry),
    Page(Page),
    /// The policy ran out: the catch-all channel is told.
    PageCatchAll {
        generation: u64,
        loop_no: u32,
        reason: PageReason,
        output: Option<String>,
    },
    /// Unsent pages of generations below this one are void.
    CancelPages {
        generation: u64,
    },
    /// To those who got a page by something that rings until somebody has it.
    AckNotice(Notice),
    /// To exactly those who got a page, whatever silence began meanwhile.
    ResolveNotice(Notice),
    /// The incident was resolved above its alerts: their rows are closed with it.
    ResolveAlerts {
        alerts: Vec<AlertId>,
    },
    /// It is opened again, and the alerts that its end closed with it.
    ReopenAlerts {
        alerts: Vec<AlertId>,
    },
}
