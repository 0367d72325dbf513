//! Chunks into blocks: many small rows become few, and a tenth of the bytes.
//!
//! Invariants: one swap is one transaction of the store, so that every sample is in a chunk or in a block at each moment, for readers
//! and for a disk whose power fails; a round takes a bounded number of samples and holds no lock that ingest or a query waits for.
//!
//! Of a day that goes on, the chunks of a group are merged once its series have 512 samples in them on average. A day that is over
//! is merged whole, chunks and blocks, once it was left alone for an hour; what comes for it later waits for such an hour again.

mod build;
mod waiting;

use std::sync::MutexGuard;
use std::sync::atomic::Ordering::Relaxed;

use watchtower_model::Timestamp;

use crate::db::{Tsdb, TsdbError};
use crate::limits::{CHUNKS_PER_WRITE, MERGE_SAMPLES, MERGE_SAMPLES_PER_ROUND};
use crate::store::{Day, Group, Swap};
use waiting::Wait;

pub(crate) use build::Gathered;
pub(crate) use waiting::WaitList;

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MergeReport {
    pub samples: usize,
    /// Chunks and blocks that are gone, and blocks that came for them.
    pub rows_removed: usize,
    pub blocks: usize,
    /// Bytes of these blocks.
    pub bytes: usize,
    /// There is more to do at once.
    pub more: bool,
}

impl MergeReport {
    pub fn add(&mut self, other: MergeReport) {
        self.samples += other.samples;
        self.rows_removed += other.rows_removed;
        self.blocks += other.blocks;
        self.bytes += other.bytes;
        self.more = other.more;
    }
}

/// Which groups a round takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Those that are worth it.
    Due,
    /// All that have chunks, each day whole.
    Everything,
}

/// Swaps of one day on their way to the store.
#[derive(Default)]
struct Round {
    day: Option<Day>,
    swaps: Vec<Swap>,
    groups: Vec<(Group, Wait)>,
    rows: usize,
    report: MergeReport,
}

impl Tsdb {
    pub(crate) fn wait_list(&self) -> MutexGuard<'_, WaitList> {
        self.waiting.lock().expect("no code panics while it holds the list")
    }

    /// One round: up to about a million samples. After an error everything is as it was, to be tried again.
    pub fn merge(&self, now: Timestamp, extent: Extent) -> Result<MergeReport, TsdbError> {
        let _one = self.merging.lock().expect("no code panics while it merges");
        let due = (extent == Extent::Due).then_some(now.0);
        let mut round = Round::default();
        let mut at = None;
        loop {
            let next = self.wait_list().next(at, due);
            let Some((day, group, wait)) = next else { break };
            if round.report.samples >= MERGE_SAMPLES_PER_ROUND {
                round.report.more = true;
                break;
            }
            if round.day != Some(day) || round.rows >= CHUNKS_PER_WRITE {
                self.store_swaps(&mut round)?;
            }
            at = Some((day, group));
            round.day = Some(day);
            self.gather(group, wait, due, &mut round)?;
        }
        self.store_swaps(&mut round)?;
        self.counters.merged_samples.fetch_add(round.report.samples as u64, Relaxed);
        Ok(round.report)
    }

    /// Reads a group and adds its swap to the round.
    fn gather(&self, group: Group, wait: Wait, now: Option<i64>, round: &mut Round) -> Result<(), TsdbError> {
        let Some(day) = round.day else { return Ok(()) };
        let rows = self.store.read_group(day, group)?;
        let whole = now.is_none_or(|now| day.last() < now);
        let gathered = Gathered::new(group, &rows, whole);
        self.counters.damaged_chunks.fetch_add(gathered.damaged, Relaxed);
        if rows.chunks.is_empty() || gathered.rows() == 0 {
            self.wait_list().merged(day, group, wait);
        } else if !whole && gathered.longest() < MERGE_SAMPLES as usize {
            // The guess of a start was too high.
            self.wait_list().correct(day, group, wait, gathered.samples() as u32);
        } else {
            round.report.samples += gathered.samples();
            round.rows += gathered.rows();
            round.groups.push((group, wait));
            round.swaps.push(gathered.into_swap());
        }
        Ok(())
    }

    fn store_swaps(&self, round: &mut Round) -> Result<(), TsdbError> {
        let Some(day) = round.day.filter(|_| !round.swaps.is_empty()) else { return Ok(()) };
        self.store.swap(day, &round.swaps)?;
        self.rolling.lock().expect("no code panics while it holds the list").changed(day);
        for swap in round.swaps.drain(..) {
            round.report.rows_removed += swap.chunks.len() + swap.blocks.len();
            round.report.blocks += swap.add.len();
            round.report.bytes += swap.add.iter().map(|block| block.bytes.len()).sum::<usize>();
        }
        round.rows = 0;
        let mut list = self.wait_list();
        round.groups.drain(..).for_each(|(group, wait)| list.merged(day, group, wait));
        let more = list.has(day);
        drop(list);
        if !more {
            self.store.reclaim(day)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
