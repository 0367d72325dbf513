//! Full chunks over to the store, the log cut behind them.
//!
//! Invariant: the log is cut only behind records whose every sample is in a stored chunk. For that, time is
//! divided into epochs that begin with a new log segment; when an epoch begins, chunks opened two epochs ago
//! are closed and stored, and the log is cut where the last epoch began.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering::Relaxed;

use watchtower_model::{Sample, Timestamp};

use crate::codec::{count_of, encode_chunk};
use crate::db::{Tsdb, TsdbError};
use crate::head::Head;
use crate::limits::{CHUNK_SAMPLES, CHUNKS_PER_WRITE, EPOCH_MS, KEEP_MS, SERIES_PER_LOCK};
use crate::series::{SealedChunk, encode_key};
use crate::store::{CatalogueUpdate, ChunkRecord, Day, LogPosition, ProgressRecord, SeriesRecord};

/// What one flush did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlushReport {
    pub chunks: usize,
    pub log_cut: bool,
}

#[derive(Debug)]
pub(crate) struct FlushState {
    /// Where in the log the current epoch began.
    epoch_start: LogPosition,
    /// When it began; `None` until the first flush.
    epoch_since: Option<i64>,
    flushed_to: i64,
}

impl FlushState {
    pub(crate) fn new(epoch_start: LogPosition, flushed_to: i64) -> Self {
        FlushState { epoch_start, epoch_since: None, flushed_to }
    }
}

/// Chunks on their way to the store, with what must be marked in the head afterwards.
#[derive(Debug, Default)]
struct Parcel {
    chunks: Vec<ChunkRecord>,
    late: Vec<(u32, Vec<Sample>)>,
}

impl Tsdb {
    /// Stores what is full, lets go of what is stored and no longer recent, and moves the log on when an epoch
    /// is over. Call it about once a minute. An error leaves everything readable and to be tried again.
    pub fn flush(&self, now: Timestamp) -> Result<FlushReport, TsdbError> {
        let mut state = self.flush_state();
        let since = *state.epoch_since.get_or_insert(now.0);
        let over = now.0.saturating_sub(since) >= EPOCH_MS;
        self.flush_epoch(&mut state, now, over.then_some(2))
    }

    /// Stores everything and empties the log: for a planned stop or a backup.
    pub fn flush_all(&self, now: Timestamp) -> Result<FlushReport, TsdbError> {
        let mut state = self.flush_state();
        self.flush_epoch(&mut state, now, Some(1))
    }

    pub(crate) fn flush_state(&self) -> MutexGuard<'_, FlushState> {
        self.flushing.lock().expect("no code panics while it flushes")
    }

    /// With `close`, a new epoch begins, and chunks that were opened that many epochs before it are closed.
    fn flush_epoch(
        &self,
        state: &mut FlushState,
        now: Timestamp,
        close: Option<u32>,
    ) -> Result<FlushReport, TsdbError> {
        let mut cut = None;
        let mut close_before = None;
        if let Some(epochs) = close {
            let ticket = self.commit.queue(&[], |_| ());
            self.wait(ticket)?;
            let start = self.store.log_rotate()?;
            // Records before `start` carry older epochs: the number changes only now.
            let mut head = self.head_mut();
            head.epoch += 1;
            close_before = Some(head.epoch.saturating_sub(epochs - 1));
            cut = Some(if epochs == 1 { start } else { state.epoch_start });
            (state.epoch_start, state.epoch_since) = (start, Some(now.0));
        }
        let chunks = self.store_chunks(state, now, close_before)?;
        if let Some(position) = cut {
            // Samples to come may name series whose record is in the part of the log that goes now.
            let rows = self.uncatalogued();
            let progress = self.progress_rows();
            let update = CatalogueUpdate { series: rows, progress, flushed_to: state.flushed_to };
            self.store.update_catalogue(&update)?;
            self.mark_catalogued(&update.series);
            self.store.log_cut(position)?;
        }
        Ok(FlushReport { chunks, log_cut: cut.is_some() })
    }

    fn store_chunks(
        &self,
        state: &mut FlushState,
        now: Timestamp,
        close_before: Option<u32>,
    ) -> Result<usize, TsdbError> {
        let mut stored = 0;
        let mut parcel = Parcel::default();
        let slots = self.head().series.len();
        for from in (0..slots).step_by(SERIES_PER_LOCK) {
            let mut head = self.head_mut();
            let to = (from + SERIES_PER_LOCK).min(slots);
            for number in from as u32..to as u32 {
                pack(&mut head, number, close_before, now.0, &mut parcel);
            }
            drop(head);
            if parcel.chunks.len() >= CHUNKS_PER_WRITE || to == slots {
                stored += self.store_parcel(state, std::mem::take(&mut parcel), now)?;
            }
        }
        self.counters.flushed_chunks.fetch_add(stored as u64, Relaxed);
        Ok(stored)
    }

    fn store_parcel(
        &self,
        state: &mut FlushState,
        mut parcel: Parcel,
        now: Timestamp,
    ) -> Result<usize, TsdbError> {
        if parcel.chunks.is_empty() {
            return Ok(0);
        }
        let newest = parcel.chunks.iter().map(|c| c.max_t).max().unwrap_or(i64::MIN);
        state.flushed_to = state.flushed_to.max(newest);
        // The catalogue first: a chunk whose series is unknown would be lost, the reverse is only idle.
        let series = self.catalogue_rows(&parcel.chunks);
        let update = CatalogueUpdate { series, progress: Vec::new(), flushed_to: state.flushed_to };
        self.store.update_catalogue(&update)?;
        parcel.chunks.sort_by_key(|c| (Day::of(c.min_t), c.series, c.min_t));
        for day in parcel.chunks.chunk_by(|a, b| Day::of(a.min_t) == Day::of(b.min_t)) {
            for part in day.chunks(CHUNKS_PER_WRITE) {
                self.store.put_chunks(Day::of(part[0].min_t), part)?;
            }
        }
        self.mark_stored(&parcel);
        let mut list = self.wait_list();
        for chunk in &parcel.chunks {
            list.add(Day::of(chunk.min_t), chunk.series, count_of(&chunk.bytes), now.0);
        }
        Ok(parcel.chunks.len())
    }

    /// How far every agent is, for when the log that says so goes.
    fn progress_rows(&self) -> Vec<ProgressRecord> {
        let all = self.commit.all_progress().into_iter();
        all.map(|(agent, (epoch, seq))| ProgressRecord { agent: *agent.as_bytes(), epoch, seq }).collect()
    }

    /// Rows for the series that are new in the catalogue or have a chunk in a newer day.
    fn catalogue_rows(&self, chunks: &[ChunkRecord]) -> Vec<SeriesRecord> {
        let mut rows = std::collections::BTreeMap::new();
        let head = self.head();
        for chunk in chunks {
            let day = Day::of(chunk.min_t);
            let Some(series) = head.get(chunk.series as u32) else { continue };
            if series.catalogue_day.is_some_and(|known| known >= day) {
                continue;
            }
            let number = chunk.series as u32;
            let new = || row(&head, number, series.resource, series.shape, day);
            let known = rows.entry(chunk.series).or_insert_with(new);
            known.last_day = known.last_day.max(day);
        }
        rows.into_values().collect()
    }

    /// Rows for the series that have no chunk yet.
    fn uncatalogued(&self) -> Vec<SeriesRecord> {
        let mut rows = Vec::new();
        let slots = self.head().series.len();
        for from in (0..slots).step_by(SERIES_PER_LOCK) {
            let head = self.head();
            for number in from as u32..(from + SERIES_PER_LOCK).min(slots) as u32 {
                if let Some(series) = head.get(number).filter(|s| s.catalogue_day.is_none()) {
                    rows.push(row(&head, number, series.resource, series.shape, Day::NONE));
                }
            }
        }
        rows
    }

    fn mark_catalogued(&self, rows: &[SeriesRecord]) {
        let mut head = self.head_mut();
        for row in rows {
            if let Some(series) = head.get_mut(row.series as u32) {
                series.catalogue_day.get_or_insert(row.last_day);
            }
        }
    }

    fn mark_stored(&self, parcel: &Parcel) {
        let mut head = self.head_mut();
        for chunk in &parcel.chunks {
            let Some(series) = head.get_mut(chunk.series as u32) else { continue };
            let day = Day::of(chunk.min_t);
            series.catalogue_day = Some(series.catalogue_day.map_or(day, |known| known.max(day)));
            let same = |c: &&mut SealedChunk| (c.min_t, c.max_t) == (chunk.min_t, chunk.max_t);
            if let Some(sealed) = series.sealed.iter_mut().find(same) {
                sealed.stored = true;
            }
        }
        for (number, stored) in &parcel.late {
            head.late_stored(*number, stored);
        }
    }
}

fn row(head: &Head, number: u32, resource: u32, shape: u32, last_day: Day) -> SeriesRecord {
    let key = encode_key(head.index.resource_id(resource), head.index.own(shape));
    SeriesRecord { series: u64::from(number), key, last_day }
}

/// Puts what series `number` has to store into the parcel.
fn pack(head: &mut Head, number: u32, close_before: Option<u32>, now: i64, parcel: &mut Parcel) {
    let Some(series) = head.get_mut(number) else { return };
    if series.open.count() > 0 && close_before.is_some_and(|epoch| series.open_epoch < epoch) {
        series.seal();
    }
    series.evict_before(now.saturating_sub(KEEP_MS));
    for chunk in series.sealed.iter().filter(|c| !c.stored) {
        parcel.chunks.push(ChunkRecord {
            series: u64::from(number),
            min_t: chunk.min_t,
            max_t: chunk.max_t,
            bytes: chunk.bytes.to_vec(),
        });
    }
    if let Some(late) = head.late.get(&number) {
        let days = late.chunk_by(|a, b| Day::of(a.t.0) == Day::of(b.t.0));
        for part in days.flat_map(|day| day.chunks(usize::from(CHUNK_SAMPLES))) {
            parcel.chunks.push(ChunkRecord {
                series: u64::from(number),
                min_t: part[0].t.0,
                max_t: part[part.len() - 1].t.0,
                bytes: encode_chunk(part),
            });
        }
        parcel.late.push((number, late.clone()));
    }
}
