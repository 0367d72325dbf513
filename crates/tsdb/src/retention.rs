//! What is old goes: days of samples once they are rolled up, periods of rollups, series of which nothing is left.
//!
//! Invariant: a series is known as long as anything of it is stored, unless there are more that ended than may be remembered.

use std::sync::atomic::Ordering::Relaxed;

use watchtower_model::Timestamp;

use crate::db::{Tsdb, TsdbError};
use crate::limits::{ENDED_SERIES, SERIES_PER_LOCK};
use crate::rollup::{Kept, Level};
use crate::store::Day;

/// What [`Tsdb::retain`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    pub days: Vec<Day>,
    /// Days of samples that are too old and stay until they are rolled up.
    pub waiting: usize,
    /// Periods of rollups.
    pub periods: Vec<(Level, Day)>,
    /// Series that are forgotten.
    pub series: usize,
}

impl Tsdb {
    /// Drops what is older than is `kept`. A day of samples that is not rolled up yet stays, and those behind it.
    pub fn retain(&self, now: Timestamp, kept: &Kept) -> Result<Retention, TsdbError> {
        let _flushing = self.flush_state();
        let _merging = self.merging.lock().expect("no code panics while it merges");
        let mut done = Retention::default();
        let from = now.0.saturating_sub(kept.raw_ms);
        for day in self.store.days()?.into_iter().filter(|day| day.last() < from) {
            // In their order: what is before the first day of samples is read from rollups.
            if done.waiting > 0 || !self.is_rolled(day, kept)? {
                done.waiting += 1;
                continue;
            }
            self.store.drop_day(day)?;
            self.wait_list().forget(day);
            done.days.push(day);
        }
        self.counters.days_held.store(done.waiting as u64, Relaxed);
        for level in Level::ALL {
            let from = now.0.saturating_sub(kept.of(level).max(kept.raw_ms));
            for period in self.store.rollup_periods(level)? {
                if level.last_day(period).last() < from {
                    self.store.drop_rollups(level, period)?;
                    done.periods.push((level, period));
                }
            }
        }
        let gone = self.end_series(from, kept.oldest(now));
        self.store.remove_series(&gone)?;
        done.series = gone.len();
        Ok(done)
    }

    /// Ends the series without samples since `from`, and forgets those without any since `oldest`, or too many.
    fn end_series(&self, from: i64, oldest: i64) -> Vec<u64> {
        let mut gone = Vec::new();
        let mut ended = Vec::new();
        let slots = self.head().series.len();
        for first in (0..slots).step_by(SERIES_PER_LOCK) {
            let mut head = self.head_mut();
            for number in first as u32..(first + SERIES_PER_LOCK).min(slots) as u32 {
                let idle = head.get(number).filter(|series| series.idle_since(from));
                let Some(newest) = idle.map(|series| series.stored_to) else { continue };
                if head.late.contains_key(&number) {
                    continue;
                }
                if newest < oldest {
                    head.remove(number);
                    gone.push(u64::from(number));
                } else {
                    head.end(number);
                    ended.push((newest, number));
                }
            }
        }
        self.forget_first(ended, ENDED_SERIES, &mut gone);
        gone
    }

    fn forget_first(&self, mut ended: Vec<(i64, u32)>, limit: usize, gone: &mut Vec<u64>) {
        let excess = ended.len().saturating_sub(limit);
        if excess == 0 {
            return;
        }
        ended.sort_unstable();
        for part in ended[..excess].chunks(SERIES_PER_LOCK) {
            let mut head = self.head_mut();
            for (_, number) in part {
                // It may have come back meanwhile.
                if head.get(*number).is_some_and(|series| series.ended) {
                    head.remove(*number);
                    gone.push(u64::from(*number));
                }
            }
        }
    }
}
