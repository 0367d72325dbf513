//! Rollups out: for the time before the oldest day of samples, each day from the finest level that has it, or from a coarser one that
//! says as much of what is asked.
//!
//! Invariant: a time is answered either from samples or from one level, never from two of them: the days of samples begin where the last
//! span ends.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use watchtower_model::{Labels, Sample, Timestamp, stale_nan};

use super::Level;
use crate::codec::{ChunkError, Columns, Field, Rollup};
use crate::db::{Tsdb, TsdbError};
use crate::select::{Query, Window};
use crate::store::{Day, Group};

/// Which number of a bucket stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// The newest value; where the series ended, a stale marker a millisecond behind it.
    Last,
    Min,
    Max,
    Sum,
    /// With its [`Rest`].
    Count,
    /// The sum, with its [`Rest`].
    Mean,
    /// The newest value, with its [`Rest`].
    Growth,
}

impl Reads {
    fn fields(self) -> &'static [Field] {
        match self {
            Reads::Last => &[Field::Counts, Field::Last],
            Reads::Min => &[Field::Counts, Field::Min],
            Reads::Max => &[Field::Counts, Field::Max],
            Reads::Sum => &[Field::Counts, Field::Sum],
            Reads::Count => &[Field::Counts],
            Reads::Mean => &[Field::Counts, Field::Sum],
            Reads::Growth => &[Field::Counts, Field::Last, Field::First, Field::Resets],
        }
    }

    fn has_rest(self) -> bool {
        matches!(self, Reads::Count | Reads::Mean | Reads::Growth)
    }

    fn value(self, columns: &Columns, at: usize) -> f64 {
        match self {
            Reads::Last | Reads::Growth => columns.get(Field::Last, at),
            Reads::Min => columns.get(Field::Min, at),
            Reads::Max => columns.get(Field::Max, at),
            Reads::Sum | Reads::Mean => columns.get(Field::Sum, at),
            Reads::Count => f64::from(columns.count(at)),
        }
    }
}

/// What the one value of a bucket does not say of it. What was not asked for is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rest {
    pub first: Sample,
    /// The sum of the values behind which a smaller one came.
    pub resets: f64,
    pub count: u32,
}

/// Up to `until` and with it, from where the span before ends: buckets of this length, which end at its multiples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub until: Timestamp,
    pub bucket_ms: i64,
}

/// One series: buckets, each at the time of its last sample, and behind them samples.
#[derive(Clone, Debug, PartialEq)]
pub struct RolledWindow {
    pub labels: Labels,
    pub samples: Vec<Sample>,
    /// Of the first samples, where [`Reads`] has it.
    pub rests: Vec<Rest>,
}

/// What [`Tsdb::select_rolled`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct Rolled {
    pub series: Vec<RolledWindow>,
    /// Oldest first. Behind the last of them are samples; there is none where all are.
    pub spans: Vec<Span>,
}

/// Days of one level on end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    level: Level,
    first: Day,
    last: Day,
}

impl Tsdb {
    /// As [`Tsdb::select`]; for the time whose samples are no longer kept, buckets, of which the first two that the range needs lie before it.
    /// `grain_ms` divides every time and range that is looked at: an hour's multiple is answered by the hour, with a sixtieth of the work.
    pub fn select_rolled(&self, query: &Query<'_>, reads: Reads, grain_ms: i64) -> Result<Rolled, TsdbError> {
        let (from, to) = (query.from.0, query.to.0);
        let stretches = match self.first_day_of_samples()? {
            Some(day) if from >= day.start() => Vec::new(),
            first => self.stretches(from, to, first, grain_ms)?,
        };
        let Some(newest) = stretches.last() else {
            let series = self.select(query)?.into_iter();
            let plain = |w: crate::SeriesWindow| RolledWindow {
                labels: w.labels,
                samples: w.samples,
                rests: Vec::new(),
            };
            return Ok(Rolled { series: series.map(plain).collect(), spans: Vec::new() });
        };
        let end_of_rollups = newest.last.last();
        // What is between the bounds of buckets is answered as of the bound before, over a range that begins at a bound.
        let from = from.saturating_sub(2 * Level::Hour.bucket_ms());
        let (windows, mut samples) = self.windows(&Query { from: Timestamp(from), ..*query })?;
        let mut all: Vec<Reading> = windows.into_iter().map(Reading::new).collect();
        let mut wanted: BTreeMap<u64, &mut Reading> =
            all.iter_mut().map(|reading| (u64::from(reading.window.number), reading)).collect();
        for stretch in &stretches {
            let range = (from.max(stretch.first.start()), to.min(stretch.last.last()));
            self.read_stretch(stretch, range, reads, &mut wanted, &mut samples, query.max_samples)?;
        }
        let bound =
            |s: &Stretch| Span { until: Timestamp(s.last.last() + 1), bucket_ms: s.level.bucket_ms() };
        let spans = stretches.iter().map(bound).collect();
        let series = all.into_iter().map(|reading| reading.joined(end_of_rollups));
        Ok(Rolled { series: series.filter(|w| !w.samples.is_empty()).collect(), spans })
    }

    fn first_day_of_samples(&self) -> Result<Option<Day>, TsdbError> {
        Ok(self.store.days()?.into_iter().min())
    }

    /// Where the days of `from..=to` before the first day of samples are.
    fn stretches(
        &self,
        from: i64,
        to: i64,
        first: Option<Day>,
        grain_ms: i64,
    ) -> Result<Vec<Stretch>, TsdbError> {
        let minutes = self.store.rollup_periods(Level::Minute)?;
        let hours = self.store.rollup_periods(Level::Hour)?;
        let newest = match first {
            Some(day) => Day(day.0 - 1),
            None => match self.newest_rolled(&minutes, &hours)? {
                Some(day) => day,
                None => return Ok(Vec::new()),
            },
        };
        let oldest = minutes.iter().chain(&hours).min().copied().unwrap_or(newest);
        // The start of a bucket may lie hours before the range, in another level.
        let begin = Day::of(from.saturating_sub(2 * Level::Hour.bucket_ms())).max(oldest);
        let end = newest.min(Day::of(to));
        let mut all: Vec<Stretch> = Vec::new();
        for day in (begin.0..=end.0).map(Day) {
            let fine = minutes.binary_search(&day).is_ok();
            let coarse = hours.binary_search(&Level::Hour.period(day)).is_ok();
            let level = match (fine, coarse) {
                (true, true) if Level::Hour.suffices(grain_ms) && self.is_alike(day)? => Level::Hour,
                (true, _) => Level::Minute,
                (false, true) => Level::Hour,
                (false, false) => continue,
            };
            match all.last_mut() {
                Some(stretch) if stretch.level == level => stretch.last = day,
                _ => all.push(Stretch { level, first: day, last: day }),
            }
        }
        Ok(all)
    }

    /// Where rollups end when there is no day of samples behind them: their last period may be one that goes on.
    fn newest_rolled(&self, minutes: &[Day], hours: &[Day]) -> Result<Option<Day>, TsdbError> {
        let mut newest = minutes.last().copied();
        let Some(period) = hours.last().copied() else { return Ok(newest) };
        for day in (period.0..=Level::Hour.last_day(period).0).rev().map(Day) {
            if newest.is_some_and(|newest| newest >= day) {
                break;
            }
            if !self.store.rollup_marks(Level::Hour, period, day)?.is_empty() {
                newest = Some(day);
            }
        }
        Ok(newest)
    }

    fn read_stretch(
        &self,
        stretch: &Stretch,
        range: (i64, i64),
        reads: Reads,
        wanted: &mut BTreeMap<u64, &mut Reading>,
        samples: &mut usize,
        max_samples: usize,
    ) -> Result<(), TsdbError> {
        let mut groups: Vec<Group> = wanted.keys().map(|series| Group::of(*series)).collect();
        groups.dedup();
        let level = stretch.level;
        let days = level.period_days();
        let mut period = level.period(Day::of(range.0));
        while period <= Day::of(range.1) {
            self.store.read_rollups(level, period, &groups, &mut |group, bytes| {
                match read_row(group, bytes, range, reads, wanted) {
                    Ok(read) => *samples += read,
                    Err(_) => drop(self.counters.damaged_chunks.fetch_add(1, Relaxed)),
                }
                *samples <= max_samples
            })?;
            if *samples > max_samples {
                return Err(TsdbError::TooManySamples { limit: max_samples });
            }
            period = Day(period.0 + days);
        }
        Ok(())
    }
}

/// How many buckets the row has of what is wanted.
fn read_row(
    group: Group,
    bytes: &[u8],
    range: (i64, i64),
    reads: Reads,
    wanted: &mut BTreeMap<u64, &mut Reading>,
) -> Result<usize, ChunkError> {
    let mut rollup = Rollup::open(bytes)?;
    let mut read = 0;
    for slot in rollup.slots() {
        let Some(reading) = wanted.get_mut(&(group.first() + u64::from(slot))) else { continue };
        let columns = rollup.read(slot, reads.fields())?;
        read += reading.take(&columns, range, reads);
    }
    Ok(read)
}

/// A series while its buckets are read.
struct Reading {
    window: Window,
    buckets: Vec<Sample>,
    rests: Vec<Rest>,
}

impl Reading {
    fn new(window: Window) -> Self {
        Reading { window, buckets: Vec::new(), rests: Vec::new() }
    }

    fn take(&mut self, columns: &Columns, (from, to): (i64, i64), reads: Reads) -> usize {
        let before = self.buckets.len();
        let begin = columns.last_t.partition_point(|t| *t < from);
        let end = columns.last_t.partition_point(|t| *t <= to);
        for at in begin..end {
            let t = Timestamp(columns.last_t[at]);
            let count = columns.count(at);
            if count > 0 {
                self.buckets.push(Sample { t, v: reads.value(columns, at) });
                if reads.has_rest() {
                    let first = Sample {
                        t: Timestamp(columns.first_t.get(at).copied().unwrap_or(t.0)),
                        v: columns.get(Field::First, at),
                    };
                    self.rests.push(Rest { first, resets: columns.get(Field::Resets, at), count });
                }
            }
            if columns.stale(at) && reads == Reads::Last {
                let t = if count > 0 { t.plus_ms(1) } else { t };
                self.buckets.push(Sample { t, v: stale_nan() });
            }
        }
        self.buckets.len() - before
    }

    fn joined(self, end_of_rollups: i64) -> RolledWindow {
        let raw = self.window.joined();
        let mut samples = self.buckets;
        samples.extend(raw.samples.into_iter().filter(|s| s.t.0 > end_of_rollups));
        RolledWindow { labels: raw.labels, samples, rests: self.rests }
    }
}
