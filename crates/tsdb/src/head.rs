//! Everything in memory: the index, the recent samples of every series, the late ones.
//!
//! Invariant: a series' number is its place in `series` for ever; numbers only grow.

use std::collections::HashMap;

use watchtower_model::{Id, Labels, Sample, Timestamp};

use crate::codec::decode_into;
use crate::index::{Index, ResolveLimit};
use crate::ingest::Progress;
use crate::record::Replay;
use crate::series::{Series, Verdict, decode_key};

#[derive(Debug, Default)]
pub(crate) struct Head {
    pub index: Index,
    pub series: Vec<Option<Box<Series>>>,
    /// Out-of-order samples by series, sorted by time, until the next flush.
    pub late: HashMap<u32, Vec<Sample>>,
    pub late_samples: usize,
    /// Counts the flushes that move the log on.
    pub epoch: u32,
    /// Series of which only rollups are left.
    pub ended: usize,
}

/// What became of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Accepted,
    Duplicate,
    TooOld,
    LateFull,
    Unknown,
}

/// How far behind its series' newest a sample may be, and how many such samples may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LateBounds {
    pub window_ms: i64,
    pub samples: usize,
}

impl LateBounds {
    /// For replay: what is in the log was accepted and acknowledged.
    pub(crate) const NONE: LateBounds = LateBounds { window_ms: i64::MAX, samples: usize::MAX };
}

impl Head {
    pub(crate) fn get(&self, series: u32) -> Option<&Series> {
        self.series.get(series as usize)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, series: u32) -> Option<&mut Series> {
        self.series.get_mut(series as usize)?.as_deref_mut()
    }

    /// Makes series `number`, whose (resource, labels) must be new.
    pub(crate) fn insert(&mut self, number: u32, resource: u32, labels: &Labels) -> &mut Series {
        let at = number as usize;
        if self.series.len() <= at {
            self.series.resize_with(at + 1, || None);
        }
        let shape = self.index.add(resource, labels, number);
        self.series[at].insert(Box::new(Series::new(number, shape, resource)))
    }

    /// The series of (resource, labels), and whether it had to be made.
    pub(crate) fn resolve(
        &mut self,
        id: Option<Id>,
        labels: &Labels,
        per_resource: usize,
        total: usize,
    ) -> Result<(u32, bool), ResolveLimit> {
        let resource = self.index.resource(id);
        if let Some(series) = self.index.find_series(resource, labels) {
            self.revive(series);
            return Ok((series, false));
        }
        if id.is_some() && self.index.series_of(resource) >= per_resource {
            return Err(ResolveLimit::PerResource(per_resource));
        }
        if self.index.series() >= total || self.series.len() >= u32::MAX as usize {
            return Err(ResolveLimit::Total(total));
        }
        let number = self.series.len() as u32;
        self.insert(number, resource, labels);
        Ok((number, true))
    }

    /// Takes one sample; `bounds` hold what comes out of order.
    #[inline]
    pub(crate) fn push(&mut self, number: u32, t: i64, v: f64, bounds: LateBounds) -> Fate {
        let epoch = self.epoch;
        let Some(series) = self.series.get_mut(number as usize).and_then(Option::as_deref_mut) else {
            return Fate::Unknown;
        };
        if series.ended {
            return Fate::Unknown;
        }
        match series.push(t, v, epoch) {
            Verdict::Appended => Fate::Accepted,
            Verdict::Duplicate => Fate::Duplicate,
            Verdict::Late if t < series.last_t.saturating_sub(bounds.window_ms) => Fate::TooOld,
            Verdict::Late => self.push_late(number, t, v, bounds.samples),
        }
    }

    fn push_late(&mut self, number: u32, t: i64, v: f64, limit: usize) -> Fate {
        if self.get(number).is_some_and(|s| holds(s, t)) {
            return Fate::Duplicate;
        }
        if self.late_samples >= limit {
            return Fate::LateFull;
        }
        let list = self.late.entry(number).or_default();
        match list.binary_search_by_key(&t, |s| s.t.0) {
            Ok(_) => Fate::Duplicate,
            Err(at) => {
                list.insert(at, Sample { t: Timestamp(t), v });
                self.late_samples += 1;
                Fate::Accepted
            }
        }
    }

    /// Only rollups are left of a series.
    pub(crate) fn end(&mut self, number: u32) {
        if let Some(series) = self.series.get_mut(number as usize).and_then(Option::as_deref_mut)
            && !std::mem::replace(&mut series.ended, true)
        {
            self.index.end(series.resource);
            self.ended += 1;
        }
    }

    fn revive(&mut self, number: u32) {
        if let Some(series) = self.series.get_mut(number as usize).and_then(Option::as_deref_mut)
            && std::mem::take(&mut series.ended)
        {
            self.index.revive(series.resource);
            self.ended -= 1;
        }
    }

    /// Forgets a series; its number stays unused.
    pub(crate) fn remove(&mut self, number: u32) {
        self.revive(number);
        if let Some(series) = self.series.get_mut(number as usize).and_then(Option::take) {
            self.index.remove(series.resource, series.shape);
            self.drop_late(number);
        }
    }

    pub(crate) fn remove_resource(&mut self, id: Id) -> Vec<u32> {
        let numbers = self.index.remove_resource(id);
        for number in &numbers {
            self.ended -= usize::from(self.get(*number).is_some_and(|series| series.ended));
            self.series[*number as usize] = None;
            self.drop_late(*number);
        }
        numbers
    }

    /// Lets go of late samples that are in the store now; others may have come meanwhile.
    pub(crate) fn late_stored(&mut self, number: u32, stored: &[Sample]) {
        let Some(list) = self.late.get_mut(&number) else { return };
        let before = list.len();
        list.retain(|s| stored.binary_search_by_key(&s.t, |x| x.t).is_err());
        self.late_samples -= before - list.len();
        if list.is_empty() {
            self.late.remove(&number);
        }
        if let (Some(last), Some(series)) = (stored.last(), self.get_mut(number)) {
            series.stored_to = series.stored_to.max(last.t.0);
        }
    }

    fn drop_late(&mut self, number: u32) {
        if let Some(list) = self.late.remove(&number) {
            self.late_samples -= list.len();
        }
    }
}

/// Whether a sample of exactly this time is in memory: a resent report must not fill the late buffer.
fn holds(series: &Series, t: i64) -> bool {
    let mut at = Vec::with_capacity(1);
    if series.open.count() > 0 && t >= series.open.min_t() {
        // Damage is impossible here: these bytes were just made.
        return decode_into(&series.open.to_bytes(), t, t, &mut at).is_ok() && !at.is_empty();
    }
    let covering = series.sealed.iter().filter(|c| c.min_t <= t && t <= c.max_t);
    covering.into_iter().any(|c| decode_into(&c.bytes, t, t, &mut at).is_ok() && !at.is_empty())
}

/// Builds a head from the log's records.
#[derive(Debug)]
pub(crate) struct Replayer<'a> {
    pub head: &'a mut Head,
    pub progress: &'a mut HashMap<Id, (u64, u64)>,
    /// Series that a record removed: the catalogue may still have them.
    pub removed: Vec<u64>,
    pub samples: u64,
    /// Series records that could not be read.
    pub bad_keys: u64,
}

impl Replay for Replayer<'_> {
    fn series(&mut self, series: u64, key: &[u8]) {
        let (Ok(number), Some((id, labels))) = (u32::try_from(series), decode_key(key)) else {
            self.bad_keys += 1;
            return;
        };
        let resource = self.head.index.resource(id);
        if self.head.get(number).is_none() && self.head.index.find_series(resource, &labels).is_none() {
            self.head.insert(number, resource, &labels);
        }
    }

    fn sample(&mut self, series: u32, t: i64, v: f64) {
        if self.head.push(series, t, v, LateBounds::NONE) == Fate::Accepted {
            self.samples += 1;
        }
    }

    fn progress(&mut self, progress: Progress) {
        let at = self.progress.entry(progress.agent.0).or_default();
        *at = (*at).max((progress.epoch, progress.seq));
    }

    fn removed(&mut self, series: u32) {
        self.head.remove(series);
        self.removed.push(u64::from(series));
    }
}
