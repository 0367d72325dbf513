//! The two clocks of a machine, read in one place.
//!
//! Invariant: ages come from the monotonic clock, which no NTP step and no operator can move.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use watchtower_model::Timestamp;

/// One moment on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    pub wall: Timestamp,
    /// Milliseconds since boot, suspend included, so that it survives a restart of the agent.
    pub mono_ms: u64,
}

pub fn now() -> Moment {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let boot = clock_gettime(ClockId::Boottime);
    Moment {
        wall: Timestamp(since_epoch.as_millis() as i64),
        mono_ms: (boot.tv_sec as u64) * 1000 + (boot.tv_nsec as u64) / 1_000_000,
    }
}

/// CPU time of this thread in nanoseconds: what a collector costs, whatever else the machine does.
pub fn thread_cpu_ns() -> u64 {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    (spent.tv_sec as u64) * 1_000_000_000 + spent.tv_nsec as u64
}
