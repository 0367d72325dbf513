//! Rollups: what is kept of samples when they are no longer kept themselves, by the minute and by the hour.
//!
//! Invariants: a day's samples are dropped only once every group of its blocks has its rollup, durable and made of just these blocks;
//! what comes for a day later makes the rollups of its groups anew; a rollup made anew has no series with fewer samples than before, so
//! that a day which was lost or begun again takes nothing away.
//!
//! A day is rolled up once it is over and merged as a whole. Each row says which block was the newest it was made of (its mark): what is
//! to be done is read from the marks, so that a crash between any two writes leaves only work that is done again.

mod bucket;
mod level;
mod roll;
mod select;

use std::collections::BTreeSet;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering::Relaxed;

use watchtower_model::Timestamp;

use crate::db::{Tsdb, TsdbError};
use crate::limits::ROLL_SAMPLES_PER_ROUND;
use crate::store::{Day, Group, RowId};

pub(crate) use bucket::{Bucket, buckets};
pub use level::{Kept, Level};
pub use select::{Reads, Rest, Rolled, RolledWindow, Span};

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RollReport {
    /// Samples read.
    pub samples: usize,
    /// Rows written, and their bytes: of the hour, all of a period each time.
    pub rows: usize,
    pub bytes: usize,
    /// There is more to do at once.
    pub more: bool,
}

impl RollReport {
    pub fn add(&mut self, other: RollReport) {
        self.samples += other.samples;
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.more = other.more;
    }
}

/// Days whose rollups are as their blocks are: so that the marks need not be compared each time.
#[derive(Debug, Default)]
pub(crate) struct Rolling {
    done: BTreeSet<(Level, Day)>,
    /// Days of which both levels were made of the same blocks.
    alike: BTreeSet<Day>,
}

impl Rolling {
    /// The blocks of a day changed.
    pub(crate) fn changed(&mut self, day: Day) {
        self.done.retain(|(_, of)| *of != day);
    }

    /// So did its rollups.
    fn rolled(&mut self, day: Day) {
        self.alike.remove(&day);
    }
}

/// Which days a round takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roll {
    /// All that are over.
    Over,
    /// Only those whose samples are to be dropped: what must not wait when space is short, for it gives more than it takes.
    Expired,
}

impl Tsdb {
    /// One round: up to about a million samples. After an error everything is as it was, to be tried again.
    pub fn roll(&self, now: Timestamp, kept: &Kept, which: Roll) -> Result<RollReport, TsdbError> {
        let _merging = self.merging.lock().expect("no code panics while it merges");
        let before = match which {
            Roll::Over => now.0,
            Roll::Expired => now.0.saturating_sub(kept.raw_ms),
        };
        let mut report = RollReport::default();
        for day in self.store.days()?.into_iter().filter(|day| day.last() < before) {
            // It is rolled up when it is merged as a whole.
            if self.wait_list().has(day) {
                continue;
            }
            for level in kept.levels() {
                if report.samples >= ROLL_SAMPLES_PER_ROUND {
                    report.more = true;
                    break;
                }
                self.roll_day(level, day, &mut report)?;
            }
        }
        self.counters.rolled_samples.fetch_add(report.samples as u64, Relaxed);
        Ok(report)
    }

    fn rolling(&self) -> MutexGuard<'_, Rolling> {
        self.rolling.lock().expect("no code panics while it holds the list")
    }

    /// The same as [`Tsdb::left`], by what is remembered.
    fn to_roll(&self, level: Level, day: Day) -> Result<Vec<(Group, RowId)>, TsdbError> {
        if self.rolling().done.contains(&(level, day)) {
            return Ok(Vec::new());
        }
        let left = self.left(level, day)?;
        if left.is_empty() {
            self.rolling().done.insert((level, day));
        }
        Ok(left)
    }

    /// Whether both levels of a day were made of the same blocks, so that either may answer for it.
    fn is_alike(&self, day: Day) -> Result<bool, TsdbError> {
        // Held while the marks are read: what is written meanwhile is taken back behind this.
        let mut rolling = self.rolling();
        if rolling.alike.contains(&day) {
            return Ok(true);
        }
        let marks = |level: Level| -> Result<BTreeSet<(Group, RowId)>, TsdbError> {
            Ok(self.store.rollup_marks(level, level.period(day), day)?.into_iter().collect())
        };
        let alike = marks(Level::Minute)? == marks(Level::Hour)?;
        if alike {
            rolling.alike.insert(day);
        }
        Ok(alike)
    }

    /// Groups of a day whose rollup is missing or made of other blocks, with the newest of these.
    fn left(&self, level: Level, day: Day) -> Result<Vec<(Group, RowId)>, TsdbError> {
        let blocks = self.store.block_marks(day)?;
        let made = self.store.rollup_marks(level, level.period(day), day)?;
        let made: BTreeSet<(Group, RowId)> = made.into_iter().collect();
        Ok(blocks.into_iter().filter(|mark| !made.contains(mark)).collect())
    }

    /// Whether the samples of a day may go. The files are asked: one of them may have been lost since it was written.
    pub(crate) fn is_rolled(&self, day: Day, kept: &Kept) -> Result<bool, TsdbError> {
        for level in kept.levels() {
            if self.wait_list().has(day) {
                return Ok(false);
            }
            if !self.left(level, day)?.is_empty() {
                self.rolling().changed(day);
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
