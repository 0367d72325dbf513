//! The breaker of one automation: failures in a row open it, an hour later one attempt may try with approval.

use serde::{Deserialize, Serialize};
use watchtower_model::Timestamp;

/// Failures in a row that open it.
pub const FAILURES_TO_OPEN: u32 = 3;
/// How long it stays open before it is half-open.
pub const OPEN_MS: i64 = 3_600_000;
/// A problem that returns within this time of its repair was not repaired.
pub const CAME_BACK_MS: i64 = 3_600_000;

/// Stored beside the automation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    pub failures_in_row: u32,
    pub opened_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    Closed,
    Open { until: Timestamp },
    HalfOpen,
}

/// Whether a problem that fires `now` means that the repair of `fixed_at` did not hold: it then counts as
/// a failure.
pub fn came_back(fixed_at: Timestamp, now: Timestamp) -> bool {
    now.since(fixed_at) < CAME_BACK_MS
}

impl Breaker {
    pub fn state(&self, now: Timestamp) -> BreakerState {
        match self.opened_at.map(|at| at.plus_ms(OPEN_MS)) {
            None => BreakerState::Closed,
            Some(until) if now < until => BreakerState::Open { until },
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// A repair was verified: closes it.
    pub fn succeeded(self) -> Breaker {
        Breaker::default()
    }

    /// A repair failed or its problem came back within [`CAME_BACK_MS`]. A failure while half-open opens it
    /// for another full time.
    pub fn failed(self, now: Timestamp) -> Breaker {
        let failures_in_row = self.failures_in_row.saturating_add(1);
        let opened_at = if failures_in_row >= FAILURES_TO_OPEN { Some(now) } else { self.opened_at };
        Breaker { failures_in_row, opened_at }
    }

    /// A person has looked: closed by hand.
    pub fn reset(self) -> Breaker {
        Breaker::default()
    }
}
