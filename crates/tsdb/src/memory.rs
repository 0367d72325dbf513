//! A [`ChunkStore`] in memory, for tests: it can be copied at any moment, as a disk that survives a power cut,
//! and told to fail.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use crate::rollup::Level;
use crate::store::{
    BlockRecord, Catalogue, CatalogueUpdate, ChunkRecord, ChunkStore, Day, Group, GroupRows, LogEnd,
    LogPosition, RollupRecord, RowId, SeriesRecord, StoreError, Stored, Swap, Waiting,
};

#[derive(Clone, Debug, Default)]
struct DayRows {
    chunks: BTreeMap<RowId, ChunkRecord>,
    blocks: BTreeMap<RowId, BlockRecord>,
}

#[derive(Clone, Debug, Default)]
struct Period {
    rows: BTreeMap<Group, Vec<u8>>,
    marks: BTreeMap<(Day, Group), RowId>,
}

#[derive(Clone, Debug, Default)]
struct State {
    /// Segments by their first position.
    log: BTreeMap<u64, Vec<Vec<u8>>>,
    end: u64,
    series: BTreeMap<u64, SeriesRecord>,
    progress: BTreeMap<[u8; 16], (u64, u64)>,
    next_series: u64,
    flushed_to: Option<i64>,
    days: BTreeMap<Day, DayRows>,
    rollups: BTreeMap<(Level, Day), Period>,
    next_row: RowId,
    /// Writes left before every write fails.
    writes_left: Option<u64>,
    log_appends: u64,
}

#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

impl MemoryStore {
    /// What a disk would hold if the power failed now.
    pub fn copy(&self) -> MemoryStore {
        let state = State { writes_left: None, ..self.lock().clone() };
        MemoryStore { state: Mutex::new(state) }
    }

    /// Every write after the next `count` fails; `None` heals the store.
    pub fn fail_after(&self, count: Option<u64>) {
        self.lock().writes_left = count;
    }

    /// Calls of `log_append` that succeeded.
    pub fn log_appends(&self) -> u64 {
        self.lock().log_appends
    }

    pub fn log_bytes(&self) -> usize {
        self.lock().log.values().flatten().map(Vec::len).sum()
    }

    /// Chunks and blocks of all days.
    pub fn rows(&self) -> (usize, usize) {
        let state = self.lock();
        let count = |of: fn(&DayRows) -> usize| state.days.values().map(of).sum();
        (count(|day| day.chunks.len()), count(|day| day.blocks.len()))
    }

    /// Changes one byte of every block, as a failing disk does.
    pub fn damage_blocks(&self) {
        let mut state = self.lock();
        for block in state.days.values_mut().flat_map(|day| day.blocks.values_mut()) {
            let middle = block.bytes.len() / 2;
            block.bytes[middle] ^= 1;
        }
    }

    /// Bytes of all rows of rollups of a level.
    pub fn rollup_bytes(&self, level: Level) -> usize {
        let state = self.lock();
        let periods = state.rollups.iter().filter(|((of, _), _)| *of == level);
        periods.flat_map(|(_, period)| period.rows.values()).map(Vec::len).sum()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds the store")
    }

    fn writing(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let mut state = self.lock();
        match &mut state.writes_left {
            Some(0) => return Err(StoreError::Full { action: "writing".into() }),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(state)
    }
}

impl ChunkStore for MemoryStore {
    fn log_append(&self, record: &[u8]) -> Result<LogPosition, StoreError> {
        let mut state = self.writing()?;
        state.log_appends += 1;
        let end = state.end;
        match state.log.last_entry() {
            Some(mut segment) => segment.get_mut().push(record.to_vec()),
            None => drop(state.log.insert(end, vec![record.to_vec()])),
        }
        state.end += record.len() as u64;
        Ok(LogPosition(state.end))
    }

    fn log_rotate(&self) -> Result<LogPosition, StoreError> {
        let mut state = self.writing()?;
        let end = state.end;
        state.log.entry(end).or_default();
        Ok(LogPosition(end))
    }

    fn log_read(&self, each: &mut dyn FnMut(&[u8])) -> Result<LogEnd, StoreError> {
        let state = self.lock();
        let mut records = 0;
        for record in state.log.values().flatten() {
            each(record);
            records += 1;
        }
        Ok(LogEnd { records, lost_bytes: 0 })
    }

    fn log_cut(&self, behind: LogPosition) -> Result<(), StoreError> {
        let mut state = self.writing()?;
        let ends: Vec<u64> = state.log.keys().skip(1).copied().chain([state.end]).collect();
        let mut ends = ends.into_iter();
        state.log.retain(|_, _| ends.next().is_some_and(|end| end > behind.0));
        Ok(())
    }

    fn catalogue(&self) -> Result<Catalogue, StoreError> {
        let state = self.lock();
        let progress = state.progress.iter();
        Ok(Catalogue {
            series: state.series.values().cloned().collect(),
            progress: progress
                .map(|(agent, (epoch, seq))| crate::ProgressRecord {
                    agent: *agent,
                    epoch: *epoch,
                    seq: *seq,
                })
                .collect(),
            next_series: state.next_series,
            flushed_to: state.flushed_to.unwrap_or(i64::MIN),
        })
    }

    fn update_catalogue(&self, update: &CatalogueUpdate) -> Result<(), StoreError> {
        let mut state = self.writing()?;
        for record in &update.series {
            state.next_series = state.next_series.max(record.series + 1);
            state.series.insert(record.series, record.clone());
        }
        for p in &update.progress {
            state.progress.insert(p.agent, (p.epoch, p.seq));
        }
        state.flushed_to = Some(update.flushed_to);
        Ok(())
    }

    fn remove_series(&self, series: &[u64]) -> Result<(), StoreError> {
        let mut state = self.writing()?;
        for number in series {
            state.series.remove(number);
        }
        Ok(())
    }

    fn put_chunks(&self, day: Day, chunks: &[ChunkRecord]) -> Result<(), StoreError> {
        let mut state = self.writing()?;
        for chunk in chunks {
            state.next_row += 1;
            let row = state.next_row;
            state.days.entry(day).or_default().chunks.insert(row, chunk.clone());
        }
        Ok(())
    }

    fn read_chunks(
        &self,
        day: Day,
        series: &[u64],
        from: i64,
        to: i64,
        each: &mut dyn FnMut(Stored<'_>) -> bool,
    ) -> Result<(), StoreError> {
        let rows = self.lock().days.get(&day).cloned().unwrap_or_default();
        let near = |group: Group| {
            let at = series.partition_point(|s| *s < group.first());
            series.get(at).is_some_and(|s| *s <= group.last())
        };
        let blocks = rows.blocks.values().filter(|b| near(b.group) && b.min_t <= to && b.max_t >= from);
        let blocks = blocks.map(|b| Stored::Block { group: b.group, bytes: &b.bytes });
        let chunks = rows
            .chunks
            .values()
            .filter(|c| series.binary_search(&c.series).is_ok() && c.min_t <= to && c.max_t >= from);
        let chunks = chunks.map(|c| Stored::Chunk { series: c.series, bytes: &c.bytes });
        let _ = blocks.chain(chunks).all(each);
        Ok(())
    }

    fn series_within(&self, day: Day, series: &[u64], from: i64, to: i64) -> Result<Vec<u64>, StoreError> {
        let state = self.lock();
        let Some(rows) = state.days.get(&day) else { return Ok(Vec::new()) };
        let in_block = |series: u64| {
            let mut of_group = rows.blocks.values().filter(|b| b.group == Group::of(series));
            of_group.any(|b| b.min_t <= to && b.max_t >= from)
        };
        let in_chunk = |series: u64| {
            let mut of_series = rows.chunks.values().filter(|c| c.series == series);
            of_series.any(|c| c.min_t <= to && c.max_t >= from)
        };
        Ok(series.iter().copied().filter(|series| in_block(*series) || in_chunk(*series)).collect())
    }

    fn waiting(&self, day: Day) -> Result<Vec<Waiting>, StoreError> {
        let mut counts: BTreeMap<Group, u32> = BTreeMap::new();
        for chunk in self.lock().days.get(&day).into_iter().flat_map(|day| day.chunks.values()) {
            *counts.entry(Group::of(chunk.series)).or_default() += 1;
        }
        Ok(counts.into_iter().map(|(group, chunks)| Waiting { group, chunks }).collect())
    }

    fn read_group(&self, day: Day, group: Group) -> Result<GroupRows, StoreError> {
        let state = self.lock();
        let Some(rows) = state.days.get(&day) else { return Ok(GroupRows::default()) };
        let chunks = rows.chunks.iter().filter(|(_, c)| Group::of(c.series) == group);
        let blocks = rows.blocks.iter().filter(|(_, b)| b.group == group);
        Ok(GroupRows {
            source: 0,
            chunks: chunks.map(|(row, c)| (*row, c.series, c.bytes.clone())).collect(),
            blocks: blocks.map(|(row, b)| (*row, b.bytes.clone())).collect(),
        })
    }

    fn swap(&self, day: Day, swaps: &[Swap]) -> Result<(), StoreError> {
        let mut state = self.writing()?;
        let State { days, next_row, .. } = &mut *state;
        let Some(rows) = days.get_mut(&day) else { return Ok(()) };
        for swap in swaps {
            rows.chunks.retain(|row, _| !swap.chunks.contains(row));
            rows.blocks.retain(|row, _| !swap.blocks.contains(row));
            for block in &swap.add {
                *next_row += 1;
                rows.blocks.insert(*next_row, block.clone());
            }
        }
        Ok(())
    }

    fn reclaim(&self, _: Day) -> Result<(), StoreError> {
        Ok(())
    }

    fn block_marks(&self, day: Day) -> Result<Vec<(Group, RowId)>, StoreError> {
        let mut marks: BTreeMap<Group, RowId> = BTreeMap::new();
        for (row, block) in self.lock().days.get(&day).into_iter().flat_map(|day| &day.blocks) {
            marks.insert(block.group, *row);
        }
        Ok(marks.into_iter().collect())
    }

    fn put_rollups(
        &self,
        level: Level,
        period: Day,
        day: Day,
        rollups: &[RollupRecord],
    ) -> Result<(), StoreError> {
        let mut state = self.writing()?;
        let rows = state.rollups.entry((level, period)).or_default();
        for rollup in rollups {
            rows.rows.insert(rollup.group, rollup.bytes.clone());
            rows.marks.insert((day, rollup.group), rollup.mark);
        }
        Ok(())
    }

    fn rollup_marks(&self, level: Level, period: Day, day: Day) -> Result<Vec<(Group, RowId)>, StoreError> {
        let state = self.lock();
        let marks = state.rollups.get(&(level, period)).into_iter().flat_map(|period| &period.marks);
        Ok(marks.filter(|((of, _), _)| *of == day).map(|((_, group), mark)| (*group, *mark)).collect())
    }

    fn read_rollups(
        &self,
        level: Level,
        period: Day,
        groups: &[Group],
        each: &mut dyn FnMut(Group, &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        let found = self.lock().rollups.get(&(level, period)).cloned().unwrap_or_default();
        let _ = groups.iter().filter_map(|g| Some((*g, found.rows.get(g)?))).all(|(g, bytes)| each(g, bytes));
        Ok(())
    }

    fn reclaim_rollups(&self, _: Level, _: Day) -> Result<(), StoreError> {
        Ok(())
    }

    fn rollup_periods(&self, level: Level) -> Result<Vec<Day>, StoreError> {
        Ok(self.lock().rollups.keys().filter(|(of, _)| *of == level).map(|(_, period)| *period).collect())
    }

    fn drop_rollups(&self, level: Level, period: Day) -> Result<(), StoreError> {
        self.writing()?.rollups.remove(&(level, period));
        Ok(())
    }

    fn days(&self) -> Result<Vec<Day>, StoreError> {
        Ok(self.lock().days.keys().copied().collect())
    }

    fn drop_day(&self, day: Day) -> Result<(), StoreError> {
        self.writing()?.days.remove(&day);
        Ok(())
    }
}
