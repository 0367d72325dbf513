//! Samples out: matchers to series, head and store merged.
//!
//! Invariants: the head is read before the store, so that a chunk that moves between them meanwhile is seen
//! twice rather than never; duplicates fall out when the pieces are sorted, and what was stored first stays.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use watchtower_matchers::Matchers;
use watchtower_model::{Id, Labels, Sample, Timestamp};

use crate::SeriesRef;
use crate::codec::{Block, ChunkError, decode_into};
use crate::db::{Tsdb, TsdbError};
use crate::head::Head;
use crate::limits::SERIES_PER_LOCK;
use crate::store::{Day, Group, Stored};

/// Whose series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Owner<'a> {
    #[default]
    Any,
    /// This resource's.
    Resource(Id),
    /// Those of resources that have such labels themselves, whatever labels their series have: not those of other senders.
    ResourcesWith(&'a Matchers),
    /// Those that belong to no resource.
    Nobody,
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    pub matchers: &'a Matchers,
    /// First and last millisecond, both included.
    pub from: Timestamp,
    pub to: Timestamp,
    pub owner: Owner<'a>,
    pub max_series: usize,
    pub max_samples: usize,
}

/// One series and its samples in a range, sorted by time, each time once. Stale markers are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesWindow {
    /// The series' own labels joined with its resource's.
    pub labels: Labels,
    pub samples: Vec<Sample>,
}

pub(crate) struct Window {
    pub number: u32,
    labels: Labels,
    /// From memory, which is newer than what is stored.
    head: Vec<Sample>,
    stored: Vec<Sample>,
    in_store: bool,
}

impl Window {
    pub(crate) fn joined(mut self) -> SeriesWindow {
        if self.stored.is_empty() {
            self.stored = self.head;
        } else {
            self.stored.append(&mut self.head);
        }
        order(&mut self.stored);
        SeriesWindow { labels: self.labels, samples: self.stored }
    }
}

/// The windows that have samples in the store, by series.
struct Wanted<'a> {
    series: BTreeMap<u64, &'a mut Vec<Sample>>,
    /// Of all windows.
    samples: usize,
}

impl<'a> Wanted<'a> {
    fn new(windows: &'a mut [Window], samples: usize) -> Self {
        let in_store = windows.iter_mut().filter(|w| w.in_store);
        Wanted { series: in_store.map(|w| (u64::from(w.number), &mut w.stored)).collect(), samples }
    }

    /// Calls `read` with the samples of a series, if that is wanted.
    fn take<T>(&mut self, series: u64, read: impl FnOnce(&mut Vec<Sample>) -> T) -> Option<T> {
        let out = self.series.get_mut(&series)?;
        let before = out.len();
        let result = read(out);
        self.samples += out.len() - before;
        Some(result)
    }
}

impl Tsdb {
    /// The series that match, with their samples; series without samples in the range are left out.
    pub fn select(&self, query: &Query<'_>) -> Result<Vec<SeriesWindow>, TsdbError> {
        let (windows, _) = self.windows(query)?;
        let windows = windows.into_iter().map(Window::joined);
        Ok(windows.filter(|w| !w.samples.is_empty()).collect())
    }

    /// The series that match and may have something in the range, with their samples, and how many these are.
    pub(crate) fn windows(&self, query: &Query<'_>) -> Result<(Vec<Window>, usize), TsdbError> {
        let mut numbers = self.head().index.find(query.matchers, query.owner);
        self.leave_out_ended(&mut numbers, query.from.0);
        if numbers.len() > query.max_series {
            return Err(TsdbError::TooManySeries { found: numbers.len(), limit: query.max_series });
        }
        let mut windows = Vec::with_capacity(numbers.len());
        let mut samples = 0;
        for part in numbers.chunks(SERIES_PER_LOCK) {
            let head = self.head();
            for number in part {
                if let Some(window) = self.read_head(&head, *number, query) {
                    samples += window.head.len();
                    windows.push(window);
                }
                if samples > query.max_samples {
                    return Err(TsdbError::TooManySamples { limit: query.max_samples });
                }
            }
        }
        let samples = self.read_store(&mut windows, samples, query)?;
        Ok((windows, samples))
    }

    /// Series that ended before the range count against no limit of it.
    fn leave_out_ended(&self, numbers: &mut Vec<u32>, from: i64) {
        if self.head().ended == 0 {
            return;
        }
        let mut kept = Vec::with_capacity(numbers.len());
        for part in numbers.chunks(SERIES_PER_LOCK) {
            let head = self.head();
            let may = |number: &&u32| head.get(**number).is_some_and(|s| !s.ended || s.stored_to >= from);
            kept.extend(part.iter().filter(may));
        }
        *numbers = kept;
    }

    /// The joined labels of series; `None` for one that was removed.
    pub fn labels_of(&self, series: &[SeriesRef]) -> Vec<Option<Labels>> {
        let mut all = Vec::with_capacity(series.len());
        for part in series.chunks(SERIES_PER_LOCK) {
            let head = self.head();
            all.extend(part.iter().map(|series| {
                let series = head.get(u32::try_from(series.0).ok()?)?;
                Some(head.index.joined(series.resource, series.shape))
            }));
        }
        all
    }

    fn read_head(&self, head: &Head, number: u32, query: &Query<'_>) -> Option<Window> {
        let (from, to) = (query.from.0, query.to.0);
        let series = head.get(number)?;
        let mut samples = Vec::new();
        for chunk in series.sealed.iter().filter(|c| c.min_t <= to && c.max_t >= from) {
            self.decode(&chunk.bytes, from, to, &mut samples);
        }
        let open = &series.open;
        if open.count() > 0 && open.min_t() <= to && open.last_t() >= from {
            self.decode(&open.to_bytes(), from, to, &mut samples);
        }
        if let Some(late) = head.late.get(&number) {
            samples.extend(late.iter().filter(|s| from <= s.t.0 && s.t.0 <= to));
        }
        let in_store = series.stored_to >= from;
        if samples.is_empty() && !in_store {
            return None;
        }
        let labels = head.index.joined(series.resource, series.shape);
        Some(Window { number, labels, head: samples, stored: Vec::new(), in_store })
    }

    /// How many samples there are with those of the store.
    fn read_store(
        &self,
        windows: &mut [Window],
        samples: usize,
        query: &Query<'_>,
    ) -> Result<usize, TsdbError> {
        let (from, to) = (query.from.0, query.to.0);
        let mut wanted = Wanted::new(windows, samples);
        if wanted.series.is_empty() {
            return Ok(samples);
        }
        let series: Vec<u64> = wanted.series.keys().copied().collect();
        let (first, last) = (Day::of(from), Day::of(to));
        for day in self.store.days()?.into_iter().filter(|d| first <= *d && *d <= last) {
            self.store.read_chunks(day, &series, from, to, &mut |stored| {
                match stored {
                    Stored::Chunk { series, bytes } => {
                        wanted.take(series, |out| self.decode(bytes, from, to, out));
                    }
                    Stored::Block { group, bytes } => self.read_block(group, bytes, from, to, &mut wanted),
                }
                wanted.samples <= query.max_samples
            })?;
            if wanted.samples > query.max_samples {
                return Err(TsdbError::TooManySamples { limit: query.max_samples });
            }
        }
        Ok(wanted.samples)
    }

    fn read_block(&self, group: Group, bytes: &[u8], from: i64, to: i64, wanted: &mut Wanted<'_>) {
        let mut read = || {
            let mut block = Block::open(bytes)?;
            for slot in block.slots() {
                let series = group.first() + u64::from(slot);
                wanted.take(series, |out| block.read(slot, from, to, out)).transpose()?;
            }
            Ok::<_, ChunkError>(())
        };
        if read().is_err() {
            self.counters.damaged_chunks.fetch_add(1, Relaxed);
        }
    }

    fn decode(&self, bytes: &[u8], from: i64, to: i64, out: &mut Vec<Sample>) {
        if decode_into(bytes, from, to, out).is_err() {
            self.counters.damaged_chunks.fetch_add(1, Relaxed);
        }
    }
}

/// Sorts by time; of equal times the first stays.
fn order(samples: &mut Vec<Sample>) {
    if samples.windows(2).all(|w| w[0].t < w[1].t) {
        return;
    }
    samples.sort_by_key(|s| s.t);
    samples.dedup_by_key(|s| s.t);
}
