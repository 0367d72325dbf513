//! One attempt at a repair as it is stored, and what it takes and asks.

use serde::{Deserialize, Serialize};
use watchtower_model::{AutomationId, IncidentId, RunId, ServerId, Timestamp, UserId};

/// How long the hub and the agent may be silent after a run's own time limit before it counts as lost:
/// kill grace 15 s, then two minutes for a reconnect.
pub(crate) const LOST_GRACE_MS: i64 = 135_000;
/// Verified means this many fresh samples in a row without the problem.
pub(crate) const GOOD_SAMPLES: u32 = 2;
/// The shortest verify window.
pub(crate) const VERIFY_MS_MIN: i64 = 120_000;
/// Nobody approves an old problem by accident.
pub(crate) const APPROVAL_MS: i64 = 30 * 60_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// For its delay, its approval, or its dispatch.
    Waiting,
    Running,
    Verifying,
    Fixed,
    NotFixed,
    Failed,
    /// It may have run; nobody knows.
    Lost,
    Refused,
}

impl AttemptState {
    pub fn is_over(self) -> bool {
        !matches!(self, AttemptState::Waiting | AttemptState::Running | AttemptState::Verifying)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            AttemptState::Waiting => "waiting",
            AttemptState::Running => "running",
            AttemptState::Verifying => "verifying",
            AttemptState::Fixed => "fixed",
            AttemptState::NotFixed => "not_fixed",
            AttemptState::Failed => "failed",
            AttemptState::Lost => "lost",
            AttemptState::Refused => "refused",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "by")]
pub enum Approval {
    NotNeeded,
    Awaited,
    Given(UserId),
}

/// The times that do not change once an attempt is planned; all in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub delay_ms: i64,
    /// Whether a person has to say yes first.
    pub needs_approval: bool,
    /// How late a start may still be accepted after it was asked for (`not_after`).
    pub start_within_ms: i64,
    /// The script's own time limit.
    pub timeout_ms: i64,
    /// The server's base interval.
    pub interval_ms: i64,
    /// The longest range in the rule's recover expression; 0 without one.
    pub longest_range_ms: i64,
    pub verify_within_ms: Option<i64>,
}

impl Plan {
    /// max(2 min, 3 intervals, the longest range, what the definition asks for).
    pub fn verify_window_ms(&self) -> i64 {
        VERIFY_MS_MIN
            .max(self.interval_ms.saturating_mul(3))
            .max(self.longest_range_ms)
            .max(self.verify_within_ms.unwrap_or(0))
    }
}

/// The whole state. Made by [`crate::begin`], changed by [`crate::advance`] alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub automation_id: AutomationId,
    pub server_id: ServerId,
    pub incident_id: Option<IncidentId>,
    /// Counted from 1 within the incident: part of the execution's id.
    pub number: u32,
    pub plan: Plan,
    pub state: AttemptState,
    pub approval: Approval,
    pub created_at: Timestamp,
    /// When the run was asked for; from then on it may have run.
    pub asked_at: Option<Timestamp>,
    pub run_id: Option<RunId>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub exit: Option<i32>,
    /// Good samples in a row, and the time of the newest one counted.
    pub good_samples: u32,
    pub last_sample_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// Why it ended, in words.
    pub outcome: String,
    /// When `Wake` is due.
    pub next_wake_at: Option<Timestamp>,
}

/// The closed list of inputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Approved {
        by: UserId,
    },
    Denied {
        by: UserId,
    },
    Started {
        run_id: RunId,
    },
    /// The script ended by itself with this exit code.
    Finished {
        exit: i32,
    },
    /// It was killed by its time limit or cancelled.
    Killed {
        reason: String,
    },
    Lost {
        reason: String,
    },
    /// By the agent's policy, the dispatcher, or a gate asked again.
    Refused {
        reason: String,
    },
    /// The recover expression was evaluated on a sample taken at `at` by the hub's clock.
    Sample {
        condition_true: bool,
        at: Timestamp,
    },
    Wake,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Gates are asked again, then the run is dispatched; a refusal comes back as [`Input::Refused`].
    StartRun {
        number: u32,
        not_after: Timestamp,
    },
    AskApproval {
        until: Timestamp,
    },
    /// The server reports every second until then.
    BoostInterval {
        until: Timestamp,
    },
    /// From the start of the run to the second good sample.
    Succeeded {
        took_ms: i64,
    },
    /// A person is needed now.
    Escalate {
        state: AttemptState,
        reason: String,
    },
    ScheduleWake {
        at: Timestamp,
    },
}
