//! How coarse, and how long each is kept.

use watchtower_model::Timestamp;

use crate::store::Day;

const DAY_MS: i64 = Day::MS;

/// A resolution of rollups.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Level {
    Minute,
    Hour,
}

impl Level {
    pub const ALL: [Level; 2] = [Level::Minute, Level::Hour];

    /// The length of a bucket in milliseconds. Buckets end at its multiples, so that none but the first sample of a day shares one with
    /// the day before.
    pub fn bucket_ms(self) -> i64 {
        match self {
            Level::Minute => 60_000,
            Level::Hour => 3_600_000,
        }
    }

    /// Whether buckets of this length are as good as finer ones for times and ranges that are multiples of `grain_ms`.
    pub fn suffices(self, grain_ms: i64) -> bool {
        grain_ms % self.bucket_ms() == 0
    }

    /// How many days lie in one file.
    pub fn period_days(self) -> i32 {
        match self {
            Level::Minute => 1,
            Level::Hour => 32,
        }
    }

    /// The first day of the period that `day` lies in, which names it.
    pub fn period(self, day: Day) -> Day {
        Day(day.0.div_euclid(self.period_days()) * self.period_days())
    }

    /// The last day of a period.
    pub fn last_day(self, period: Day) -> Day {
        Day(period.0 + (self.period_days() - 1))
    }
}

/// How long samples and rollups are kept, in milliseconds. A level that is not kept longer than samples is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub raw_ms: i64,
    pub minute_ms: i64,
    pub hour_ms: i64,
}

impl Default for Kept {
    fn default() -> Self {
        Kept { raw_ms: 15 * DAY_MS, minute_ms: 90 * DAY_MS, hour_ms: 730 * DAY_MS }
    }
}

impl Kept {
    pub(crate) fn of(&self, level: Level) -> i64 {
        match level {
            Level::Minute => self.minute_ms,
            Level::Hour => self.hour_ms,
        }
    }

    pub(crate) fn levels(&self) -> impl Iterator<Item = Level> + use<> {
        let kept = *self;
        Level::ALL.into_iter().filter(move |level| kept.of(*level) > kept.raw_ms)
    }

    /// Nothing older is in any file.
    pub(crate) fn oldest(&self, now: Timestamp) -> i64 {
        now.0.saturating_sub(self.raw_ms.max(self.minute_ms).max(self.hour_ms))
    }
}
