//! The incident as it is stored: one JSON document beside the columns that the store indexes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use watchtower_model::{AlertId, IncidentId, ServerId, Severity, Timestamp, Urgency};

use crate::{Actor, Asked, Calm, Merged, MergedInto, PolicySnapshot, ServiceSnapshot, Target};

/// Alerts that one incident takes before the hub opens another.
pub const ALERTS_PER_INCIDENT_MAX: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Triggered,
    Acknowledged,
    /// Terminal, but for a reopening.
    Resolved,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Triggered => "triggered",
            Status::Acknowledged => "acknowledged",
            Status::Resolved => "resolved",
        }
    }
}

/// Of incidents stored by a hub that did not write it.
fn long_ago() -> Timestamp {
    Timestamp(0)
}

/// One alert of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentAlert {
    pub severity: Severity,
    pub open: bool,
}

/// A timer that will change the incident, shown to people as "what happens next". At most one of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingKind {
    /// The hold for a running repair ends and the first page goes out.
    ReleaseHold,
    /// The current step was not answered.
    Escalate,
    /// The acknowledgement runs out.
    Unacknowledge,
    /// Nothing was heard for the service's auto-resolve time.
    AutoResolve,
    /// All alerts are over, and have stayed so.
    ResolveCalm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAction {
    pub kind: PendingKind,
    pub at: Timestamp,
}

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Every alert was resolved by its source.
    AlertsResolved,
    /// A person or an API call said so.
    Manual,
    /// The service's auto-resolve time passed.
    Timeout,
    /// It goes on in another one.
    Merged,
}

/// The whole state. Made by [`crate::open`], changed by [`crate::advance`] alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    /// The number people say. Numbers may have gaps.
    pub number: i64,
    pub service: ServiceSnapshot,
    pub policy: PolicySnapshot,
    pub status: Status,
    /// The highest severity seen so far.
    pub severity: Severity,
    pub urgency: Urgency,
    pub title: String,
    pub group_key: String,
    pub server_id: Option<ServerId>,
    pub alerts: BTreeMap<AlertId, IncidentAlert>,
    /// Triggers received, the first included.
    pub triggers: u64,
    pub last_seen_at: Timestamp,
    /// When the latest of its alerts joined, the first included.
    #[serde(default = "long_ago")]
    pub joined_at: Timestamp,
    /// When a repair that did not help was paged for last.
    #[serde(default)]
    pub repair_paged_at: Option<Timestamp>,
    /// Bumped by acknowledge and resolve. A page of an older generation must not be sent.
    pub generation: u64,
    /// Index into `policy.steps` of the step that was begun last.
    pub step: usize,
    /// Rounds through the policy finished so far.
    #[serde(rename = "loop")]
    pub loop_no: u32,
    /// Of a step by turns.
    #[serde(default)]
    pub asked: Option<Asked>,
    pub triggered_at: Timestamp,
    pub step_started_at: Timestamp,
    pub acked_by: Option<Actor>,
    pub acked_at: Option<Timestamp>,
    /// Severity when acknowledged: only something worse pages again.
    pub acked_severity: Option<Severity>,
    pub first_acked_at: Option<Timestamp>,
    /// Of the last end, as the two that follow.
    pub resolved_at: Option<Timestamp>,
    pub resolved_by: Option<Actor>,
    pub resolved_reason: Option<Resolution>,
    /// The policy ran out without an answer.
    pub unanswered: bool,
    /// It comes and goes: its end waits until it stayed away.
    #[serde(default)]
    pub flapping: bool,
    /// The incident of the same key that ended before this one began.
    #[serde(default)]
    pub recurrence_of: Option<i64>,
    /// Alerts that its end closed before their sources did.
    #[serde(default)]
    pub closed_by_end: BTreeSet<AlertId>,
    /// How often it was opened again.
    #[serde(default)]
    pub reopened: u32,
    /// When alerts came back while all was calm or over, those of the last half hour.
    #[serde(default)]
    pub came_back: Vec<Timestamp>,
    /// Set while all of its alerts are over and it waits whether they stay so.
    #[serde(default)]
    pub calm: Option<Calm>,
    /// What it goes on in.
    #[serde(default)]
    pub merged_into: Option<MergedInto>,
    /// What goes on in it, at most [`crate::MERGED_MAX`].
    #[serde(default)]
    pub merged: Vec<Merged>,
    /// Why nobody is paged although it is triggered (a silence, a maintenance window).
    pub suppressed: Option<String>,
    /// Exactly those who got a page: they get the resolve notice.
    pub paged: BTreeSet<Target>,
    /// The catch-all channel got a page, so it gets the resolve notice too.
    pub catch_all_paged: bool,
    /// Sorted by time; see [`Incident::next_wake_at`].
    pub pending_actions: Vec<PendingAction>,
    /// Timeline entries made so far: numbers the next entry's key.
    pub entries: u64,
}

impl Incident {
    /// When the hub must call [`crate::advance`] with `Wake`: the earliest pending action.
    pub fn next_wake_at(&self) -> Option<Timestamp> {
        self.pending_actions.first().map(|a| a.at)
    }

    pub fn is_resolved(&self) -> bool {
        self.status == Status::Resolved
    }

    pub fn open_alerts(&self) -> impl Iterator<Item = AlertId> + '_ {
        self.alerts.iter().filter(|(_, a)| a.open).map(|(id, _)| *id)
    }

    /// Whether an alert of the same rule that begins at `now` joins it and is not paged for by itself: only while nobody has
    /// answered, so that whoever answers misses nothing that comes after, and while somebody is still to be paged.
    pub fn gathers(&self, now: Timestamp) -> bool {
        self.status == Status::Triggered
            && !self.unanswered
            && self.suppressed.is_none()
            && self.alerts.len() < ALERTS_PER_INCIDENT_MAX
            && now.since(self.joined_at) < self.service.group_window_ms
    }

    /// The title, and how many alerts it stands for beside its own.
    pub fn headline(&self) -> String {
        match self.alerts.len() {
            0 | 1 => self.title.clone(),
            n => format!("{} (+{} more)", self.title, n - 1),
        }
    }

    /// The re-check just before a page is sent: still unanswered and of this generation. It does not look at
    /// the step, so that the last page of an exhausted policy still goes out.
    pub fn page_is_current(&self, generation: u64) -> bool {
        self.status == Status::Triggered && self.generation == generation
    }

    pub(crate) fn schedule(&mut self, kind: PendingKind, at: Timestamp) {
        self.cancel(kind);
        self.pending_actions.push(PendingAction { kind, at });
        self.pending_actions.sort_by_key(|a| (a.at, a.kind));
    }

    pub(crate) fn cancel(&mut self, kind: PendingKind) {
        self.pending_actions.retain(|a| a.kind != kind);
    }

    pub(crate) fn is_pending(&self, kind: PendingKind) -> bool {
        self.pending_actions.iter().any(|a| a.kind == kind)
    }
}
