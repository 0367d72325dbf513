//! One day's blocks into the rollups of one level.

use std::sync::atomic::Ordering::Relaxed;

use super::{Bucket, Level, RollReport, buckets};
use crate::codec::{Field, Rollup, encode_rollup};
use crate::db::{Tsdb, TsdbError};
use crate::limits::{ROLL_SAMPLES_PER_ROUND, ROLLUP_BYTES_PER_WRITE, SERIES_PER_BLOCK};
use crate::merge::Gathered;
use crate::store::{Day, Group, RollupRecord};

type BySlot = Vec<Vec<Bucket>>;

impl Tsdb {
    pub(super) fn roll_day(&self, level: Level, day: Day, report: &mut RollReport) -> Result<(), TsdbError> {
        let mut parcel: Vec<RollupRecord> = Vec::new();
        let left = self.to_roll(level, day)?;
        if left.is_empty() {
            return Ok(());
        }
        for (group, mark) in left {
            if report.samples >= ROLL_SAMPLES_PER_ROUND {
                report.more = true;
                return self.put(level, day, parcel, report);
            }
            let bytes = self.roll_group(level, day, group, report)?;
            parcel.push(RollupRecord { group, mark, bytes });
            if parcel.iter().map(|rollup| rollup.bytes.len()).sum::<usize>() >= ROLLUP_BYTES_PER_WRITE {
                self.put(level, day, std::mem::take(&mut parcel), report)?;
            }
        }
        self.put(level, day, parcel, report)?;
        Ok(self.store.reclaim_rollups(level, level.period(day))?)
    }

    fn put(
        &self,
        level: Level,
        day: Day,
        parcel: Vec<RollupRecord>,
        report: &mut RollReport,
    ) -> Result<(), TsdbError> {
        if parcel.is_empty() {
            return Ok(());
        }
        let put = self.store.put_rollups(level, level.period(day), day, &parcel);
        self.rolling().rolled(day);
        put?;
        report.rows += parcel.len();
        report.bytes += parcel.iter().map(|rollup| rollup.bytes.len()).sum::<usize>();
        Ok(())
    }

    /// The row of a group for the whole period, with this day's buckets made anew.
    fn roll_group(
        &self,
        level: Level,
        day: Day,
        group: Group,
        report: &mut RollReport,
    ) -> Result<Vec<u8>, TsdbError> {
        let rows = self.store.read_group(day, group)?;
        let gathered = Gathered::new(group, &rows, true);
        self.counters.damaged_chunks.fetch_add(gathered.damaged, Relaxed);
        report.samples += gathered.samples();
        let mut all = self.known(level, day, group)?;
        for (known, samples) in all.iter_mut().zip(&gathered.series) {
            replace(known, day, buckets(samples, level.bucket_ms()));
        }
        let parts: Vec<(u8, &[Bucket])> = (0..).zip(all.iter().map(Vec::as_slice)).collect();
        Ok(encode_rollup(&parts.into_iter().filter(|(_, buckets)| !buckets.is_empty()).collect::<Vec<_>>()))
    }

    /// What there is of a group in the day's period. What cannot be read is made anew as far as there are samples.
    fn known(&self, level: Level, day: Day, group: Group) -> Result<BySlot, TsdbError> {
        let mut known: BySlot = vec![Vec::new(); SERIES_PER_BLOCK as usize];
        self.store.read_rollups(level, level.period(day), &[group], &mut |_, bytes| {
            let read = |known: &mut BySlot| {
                let mut rollup = Rollup::open(bytes)?;
                for slot in rollup.slots() {
                    let columns = rollup.read(slot, &Field::ALL)?;
                    if let Some(place) = known.get_mut(usize::from(slot)) {
                        *place = columns.buckets();
                    }
                }
                Ok::<_, crate::ChunkError>(())
            };
            if read(&mut known).is_err() {
                self.counters.damaged_chunks.fetch_add(1, Relaxed);
            }
            true
        })?;
        Ok(known)
    }
}

/// Puts the buckets of one day in the place of those that are known of it, unless these were made of more samples.
fn replace(known: &mut Vec<Bucket>, day: Day, new: Vec<Bucket>) {
    let from = known.partition_point(|bucket| bucket.last.t.0 < day.start());
    let to = known.partition_point(|bucket| bucket.last.t.0 <= day.last());
    let count = |buckets: &[Bucket]| buckets.iter().map(|b| u64::from(b.count)).sum::<u64>();
    if count(&new) >= count(&known[from..to]) {
        known.splice(from..to, new);
    }
}
