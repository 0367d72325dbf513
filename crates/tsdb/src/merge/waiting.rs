//! Which groups of which days have chunks that wait to be merged.
//!
//! Invariant: a group that has a chunk in the store is listed.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::limits::{CHUNK_SAMPLES, MERGE_QUIET_MS, MERGE_SAMPLES};
use crate::store::{Day, Group, Waiting};

/// What is known of a group without looking at its chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wait {
    pub samples: u32,
    /// One bit for each series of the group that has chunks.
    pub series: u16,
    pub touched_at: i64,
}

impl Wait {
    /// A day that is over waits for what still comes, and is merged whole once; a running day has its chunks merged bit by bit.
    fn due(&self, day: Day, now: i64) -> bool {
        match day.last() < now {
            true => now.saturating_sub(self.touched_at) >= MERGE_QUIET_MS,
            false => self.samples / self.series.count_ones().max(1) >= MERGE_SAMPLES,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct WaitList {
    groups: BTreeMap<(Day, Group), Wait>,
}

impl WaitList {
    /// What a start finds: samples are guessed, the first look at the group tells.
    pub(crate) fn found(&mut self, day: Day, waiting: &Waiting) {
        let samples = waiting.chunks.saturating_mul(u32::from(CHUNK_SAMPLES));
        self.groups.insert((day, waiting.group), Wait { samples, series: 1, touched_at: i64::MIN });
    }

    /// A chunk was stored.
    pub(crate) fn add(&mut self, day: Day, series: u64, samples: u32, now: i64) {
        let group = Group::of(series);
        let wait = self.groups.entry((day, group)).or_default();
        wait.samples = wait.samples.saturating_add(samples);
        wait.series |= 1 << (series - group.first());
        wait.touched_at = now;
    }

    /// The first group behind `after` that is due at `now`; without `now`, that waits at all.
    pub(super) fn next(&self, after: Option<(Day, Group)>, now: Option<i64>) -> Option<(Day, Group, Wait)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut behind = self.groups.range((from, Bound::Unbounded));
        let due = |day: Day, wait: &Wait| now.is_none_or(|now| wait.due(day, now));
        let (&(day, group), &wait) = behind.find(|((day, _), wait)| due(*day, wait))?;
        Some((day, group, wait))
    }

    /// What `seen` counts is merged; what came meanwhile waits on.
    pub(super) fn merged(&mut self, day: Day, group: Group, seen: Wait) {
        if self.groups.get(&(day, group)) == Some(&seen) {
            self.groups.remove(&(day, group));
        } else {
            self.correct(day, group, seen, 0);
        }
    }

    /// What `seen` counts are `samples` in truth.
    pub(super) fn correct(&mut self, day: Day, group: Group, seen: Wait, samples: u32) {
        if let Some(wait) = self.groups.get_mut(&(day, group)) {
            wait.samples = wait.samples.saturating_sub(seen.samples).saturating_add(samples);
            wait.series = u16::MAX;
        }
    }

    pub(crate) fn has(&self, day: Day) -> bool {
        self.groups.range((day, Group(0))..=(day, Group(u64::MAX))).next().is_some()
    }

    pub(crate) fn forget(&mut self, day: Day) {
        self.groups.retain(|(d, _), _| *d != day);
    }

    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }
}
