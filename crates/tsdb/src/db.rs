//! The engine as one object: opened by replay, shared by reference between threads.
//!
//! Locks, in the order in which they may be taken: `flushing`, `merging`, `head`, the commit queue, the list of what
//! waits to be merged, that of what is rolled up. None is held over a write to the store but the first two.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use watchtower_model::Id;

use crate::commit::Commit;
use crate::flush::FlushState;
use crate::head::{Head, Replayer};
use crate::limits::{MAX_AGE_MS, SERIES_PER_RESOURCE, SERIES_TOTAL};
use crate::merge::WaitList;
use crate::record::replay;
use crate::rollup::Rolling;
use crate::series::decode_key;
use crate::store::{Catalogue, ChunkStore, StoreError};

#[derive(Debug, Clone)]
pub struct Options {
    pub series_per_resource: usize,
    pub series_total: usize,
    /// Samples that arrive older than this are refused; about the retention.
    pub max_age_ms: i64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            series_per_resource: SERIES_PER_RESOURCE,
            series_total: SERIES_TOTAL,
            max_age_ms: MAX_AGE_MS,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TsdbError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "{bytes} bytes of samples wait for a log that cannot be written: see the errors of the metric store"
    )]
    LogBacklog { bytes: usize },
    #[error("the query selects {found} series: the limit is {limit}; add matchers")]
    TooManySeries { found: usize, limit: usize },
    #[error("the query reads more than {limit} samples: shorten the range or add matchers")]
    TooManySamples { limit: usize },
}

/// What opening found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenReport {
    pub series: usize,
    pub replayed_records: u64,
    pub replayed_samples: u64,
    /// Bytes at the end of the log that were torn by a crash: never acknowledged.
    pub lost_log_bytes: u64,
    /// Records or catalogue rows that could not be understood.
    pub unreadable: u64,
}

/// Counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub accepted: AtomicU64,
    pub duplicates: AtomicU64,
    pub refused: AtomicU64,
    pub series_refused: AtomicU64,
    pub damaged_chunks: AtomicU64,
    pub flushed_chunks: AtomicU64,
    pub merged_samples: AtomicU64,
    pub rolled_samples: AtomicU64,
    /// As the latest [`Tsdb::retain`] found it.
    pub days_held: AtomicU64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    pub series: usize,
    /// Distinct own label sets.
    pub label_sets: usize,
    pub head_bytes: usize,
    pub late_samples: usize,
    pub log_backlog_bytes: usize,
    pub accepted: u64,
    pub duplicates: u64,
    pub refused: u64,
    pub series_refused: u64,
    pub damaged_chunks: u64,
    pub flushed_chunks: u64,
    pub merged_samples: u64,
    /// Samples read to make rollups.
    pub rolled_samples: u64,
    /// Days of samples that are too old and stay until they are rolled up.
    pub days_held: u64,
    /// Groups of series that have chunks not yet merged.
    pub waiting_groups: usize,
    /// Series of which only rollups are left; not among `series`.
    pub ended_series: usize,
}

/// See the module.
pub struct Tsdb {
    head: RwLock<Head>,
    pub(crate) commit: Commit,
    pub(crate) store: Arc<dyn ChunkStore>,
    pub(crate) options: Options,
    pub(crate) counters: Counters,
    pub(crate) flushing: Mutex<FlushState>,
    pub(crate) merging: Mutex<()>,
    pub(crate) waiting: Mutex<WaitList>,
    pub(crate) rolling: Mutex<Rolling>,
}

impl Tsdb {
    /// Loads the catalogue and replays the log.
    pub fn open(store: Arc<dyn ChunkStore>, options: Options) -> Result<(Tsdb, OpenReport), TsdbError> {
        let mut report = OpenReport::default();
        let mut head = Head::default();
        let catalogue = store.catalogue()?;
        let mut progress: HashMap<Id, (u64, u64)> = HashMap::new();
        for p in &catalogue.progress {
            progress.insert(Id::from_bytes(p.agent), (p.epoch, p.seq));
        }
        load(&mut head, &catalogue, &mut report);
        let mut replayer = Replayer {
            head: &mut head,
            progress: &mut progress,
            removed: Vec::new(),
            samples: 0,
            bad_keys: 0,
        };
        let mut unreadable = 0;
        let end = store.log_read(&mut |record| {
            unreadable += u64::from(replay(record, &mut replayer).is_none());
        })?;
        report.unreadable += unreadable + replayer.bad_keys;
        report.replayed_samples = replayer.samples;
        report.replayed_records = end.records;
        report.lost_log_bytes = end.lost_bytes;
        store.remove_series(&replayer.removed)?;
        // Behind the replay: what the log has of a series must find it. By the newest sample there is, for there is no clock.
        end_idle(&mut head, catalogue.flushed_to.saturating_sub(options.max_age_ms));
        report.series = head.index.series();
        // What was replayed is older than anything that comes: its own epoch.
        head.epoch = 1;
        let flushing = Mutex::new(FlushState::new(store.log_rotate()?, catalogue.flushed_to));
        let (head, commit) = (RwLock::new(head), Commit::new(progress));
        let (merging, waiting) = (Mutex::default(), Mutex::new(waiting(&*store)?));
        let (counters, rolling) = (Counters::default(), Mutex::default());
        Ok((Tsdb { head, commit, store, options, counters, flushing, merging, waiting, rolling }, report))
    }

    pub(crate) fn head(&self) -> RwLockReadGuard<'_, Head> {
        self.head.read().expect("no code panics while it holds the head")
    }

    pub(crate) fn head_mut(&self) -> RwLockWriteGuard<'_, Head> {
        self.head.write().expect("no code panics while it holds the head")
    }

    /// Walks every series: cheap, but not for a hot path.
    pub fn stats(&self) -> Stats {
        let c = &self.counters;
        let head = self.head();
        Stats {
            series: head.index.series(),
            label_sets: head.index.shapes(),
            head_bytes: head.series.iter().flatten().map(|s| s.memory_bytes()).sum(),
            late_samples: head.late_samples,
            log_backlog_bytes: self.commit.backlog(),
            accepted: c.accepted.load(Relaxed),
            duplicates: c.duplicates.load(Relaxed),
            refused: c.refused.load(Relaxed),
            series_refused: c.series_refused.load(Relaxed),
            damaged_chunks: c.damaged_chunks.load(Relaxed),
            flushed_chunks: c.flushed_chunks.load(Relaxed),
            merged_samples: c.merged_samples.load(Relaxed),
            rolled_samples: c.rolled_samples.load(Relaxed),
            days_held: c.days_held.load(Relaxed),
            waiting_groups: self.wait_list().len(),
            ended_series: head.ended,
        }
    }
}

fn waiting(store: &dyn ChunkStore) -> Result<WaitList, StoreError> {
    let mut list = WaitList::default();
    for day in store.days()? {
        store.waiting(day)?.iter().for_each(|waiting| list.found(day, waiting));
    }
    Ok(list)
}

/// Ends the series that can have no samples any more, so that they count against no limit from the start.
fn end_idle(head: &mut Head, from: i64) {
    for number in 0..head.series.len() as u32 {
        if head.get(number).is_some_and(|series| series.idle_since(from)) && !head.late.contains_key(&number)
        {
            head.end(number);
        }
    }
}

fn load(head: &mut Head, catalogue: &Catalogue, report: &mut OpenReport) {
    for record in &catalogue.series {
        let (Ok(number), Some((id, labels))) = (u32::try_from(record.series), decode_key(&record.key)) else {
            report.unreadable += 1;
            continue;
        };
        let resource = head.index.resource(id);
        if head.index.find_series(resource, &labels).is_some() || head.get(number).is_some() {
            report.unreadable += 1;
            continue;
        }
        let series = head.insert(number, resource, &labels);
        series.catalogue_day = Some(record.last_day);
        series.stored_to = record.last_day.last().min(catalogue.flushed_to);
    }
    let next = usize::try_from(catalogue.next_series).unwrap_or(usize::MAX).min(u32::MAX as usize);
    if head.series.len() < next {
        head.series.resize_with(next, || None);
    }
}
