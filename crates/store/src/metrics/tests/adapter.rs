//! The engine's store over the files, as the hub joins them.

use watchtower_tsdb::{
    Catalogue, CatalogueUpdate, ChunkRecord, ChunkStore, Day, Group, GroupRows, Level, LogEnd, LogPosition,
    ProgressRecord, RollupRecord, RowId, SeriesRecord, StoreError, Stored, Swap, Waiting,
};

use crate::metrics::{
    BlockRow, ChunkRow, MetricFiles, MetricsError, ProgressRow, Resolution, RollupRow, RowsOf, SeriesRow,
    StoredRow, SwapRows,
};

pub(super) struct Files(pub MetricFiles);

fn store_error(error: MetricsError) -> StoreError {
    let reason = error.to_string();
    match error {
        MetricsError::Full { .. } => StoreError::Full { action: "writing metrics".into() },
        MetricsError::Damaged { path, reason } => {
            StoreError::Corrupt { what: path.display().to_string(), reason }
        }
        _ => StoreError::Io { action: "metric files".into(), reason },
    }
}

fn swap_rows(swap: &Swap) -> SwapRows<'_> {
    let add = swap
        .add
        .iter()
        .map(|b| BlockRow { group: b.group.0, min_t: b.min_t, max_t: b.max_t, bytes: &b.bytes })
        .collect();
    SwapRows { source: swap.source, chunks: &swap.chunks, blocks: &swap.blocks, add }
}

fn resolution(level: Level) -> Resolution {
    match level {
        Level::Minute => Resolution::Minute,
        Level::Hour => Resolution::Hour,
    }
}

impl ChunkStore for Files {
    fn log_append(&self, record: &[u8]) -> Result<LogPosition, StoreError> {
        self.0.log_append(record).map(LogPosition).map_err(store_error)
    }

    fn log_rotate(&self) -> Result<LogPosition, StoreError> {
        self.0.log_rotate().map(LogPosition).map_err(store_error)
    }

    fn log_read(&self, each: &mut dyn FnMut(&[u8])) -> Result<LogEnd, StoreError> {
        let summary = self.0.log_read(each).map_err(store_error)?;
        Ok(LogEnd { records: summary.records, lost_bytes: summary.lost_bytes })
    }

    fn log_cut(&self, behind: LogPosition) -> Result<(), StoreError> {
        self.0.log_cut(behind.0).map_err(store_error)
    }

    fn catalogue(&self) -> Result<Catalogue, StoreError> {
        let rows = self.0.catalogue().map_err(store_error)?;
        let series = rows.series.into_iter();
        let progress = rows.progress.into_iter();
        Ok(Catalogue {
            series: series
                .map(|r| SeriesRecord { series: r.series, key: r.key, last_day: Day(r.last_day) })
                .collect(),
            progress: progress
                .map(|r| ProgressRecord { agent: r.agent, epoch: r.epoch, seq: r.seq })
                .collect(),
            next_series: rows.next_series,
            flushed_to: rows.flushed_to,
        })
    }

    fn update_catalogue(&self, update: &CatalogueUpdate) -> Result<(), StoreError> {
        let series = update.series.iter();
        let series: Vec<SeriesRow> = series
            .map(|r| SeriesRow { series: r.series, key: r.key.clone(), last_day: r.last_day.0 })
            .collect();
        let progress = update.progress.iter();
        let progress: Vec<ProgressRow> =
            progress.map(|r| ProgressRow { agent: r.agent, epoch: r.epoch, seq: r.seq }).collect();
        self.0.update_catalogue(&series, &progress, update.flushed_to).map_err(store_error)
    }

    fn remove_series(&self, series: &[u64]) -> Result<(), StoreError> {
        self.0.remove_series(series).map_err(store_error)
    }

    fn put_chunks(&self, day: Day, chunks: &[ChunkRecord]) -> Result<(), StoreError> {
        let rows: Vec<ChunkRow<'_>> = chunks
            .iter()
            .map(|c| ChunkRow { series: c.series, min_t: c.min_t, max_t: c.max_t, bytes: &c.bytes })
            .collect();
        self.0.put_chunks(day.0, &rows).map_err(store_error)
    }

    fn read_chunks(
        &self,
        day: Day,
        series: &[u64],
        from: i64,
        to: i64,
        each: &mut dyn FnMut(Stored<'_>) -> bool,
    ) -> Result<(), StoreError> {
        let mut groups: Vec<u64> = series.iter().map(|series| Group::of(*series).0).collect();
        groups.dedup();
        let rows = RowsOf { series, groups: &groups, from, to };
        let each = &mut |row: StoredRow<'_>| match row {
            StoredRow::Chunk { series, bytes } => each(Stored::Chunk { series, bytes }),
            StoredRow::Block { group, bytes } => each(Stored::Block { group: Group(group), bytes }),
        };
        self.0.read_rows(day.0, &rows, each).map_err(store_error)
    }

    fn series_within(&self, day: Day, series: &[u64], from: i64, to: i64) -> Result<Vec<u64>, StoreError> {
        let groups: Vec<u64> = series.iter().map(|series| Group::of(*series).0).collect();
        self.0.series_within(day.0, series, &groups, (from, to)).map_err(store_error)
    }

    fn waiting(&self, day: Day) -> Result<Vec<Waiting>, StoreError> {
        let counts = self.0.chunk_counts(day.0).map_err(store_error)?;
        let groups = counts.chunk_by(|a, b| Group::of(a.0) == Group::of(b.0));
        let waiting =
            groups.map(|of| Waiting { group: Group::of(of[0].0), chunks: of.iter().map(|c| c.1).sum() });
        Ok(waiting.collect())
    }

    fn read_group(&self, day: Day, group: Group) -> Result<GroupRows, StoreError> {
        let rows = self.0.read_group(day.0, group.0, group.first()..=group.last());
        let rows = rows.map_err(store_error)?;
        Ok(GroupRows { source: rows.source, chunks: rows.chunks, blocks: rows.blocks })
    }

    fn swap(&self, day: Day, swaps: &[Swap]) -> Result<(), StoreError> {
        let rows: Vec<SwapRows<'_>> = swaps.iter().map(swap_rows).collect();
        self.0.swap(day.0, &rows).map_err(store_error)
    }

    fn reclaim(&self, day: Day) -> Result<(), StoreError> {
        self.0.reclaim(day.0).map_err(store_error)
    }

    fn block_marks(&self, day: Day) -> Result<Vec<(Group, RowId)>, StoreError> {
        let marks = self.0.block_marks(day.0).map_err(store_error)?;
        Ok(marks.into_iter().map(|(group, row)| (Group(group), row)).collect())
    }

    fn put_rollups(
        &self,
        level: Level,
        period: Day,
        day: Day,
        rollups: &[RollupRecord],
    ) -> Result<(), StoreError> {
        let rows: Vec<RollupRow<'_>> =
            rollups.iter().map(|r| RollupRow { group: r.group.0, mark: r.mark, bytes: &r.bytes }).collect();
        self.0.put_rollups(resolution(level), period.0, day.0, &rows).map_err(store_error)
    }

    fn rollup_marks(&self, level: Level, period: Day, day: Day) -> Result<Vec<(Group, RowId)>, StoreError> {
        let marks = self.0.rollup_marks(resolution(level), period.0, day.0).map_err(store_error)?;
        Ok(marks.into_iter().map(|(group, row)| (Group(group), row)).collect())
    }

    fn read_rollups(
        &self,
        level: Level,
        period: Day,
        groups: &[Group],
        each: &mut dyn FnMut(Group, &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        let groups: Vec<u64> = groups.iter().map(|group| group.0).collect();
        let each = &mut |group, bytes: &[u8]| each(Group(group), bytes);
        self.0.read_rollups(resolution(level), period.0, &groups, each).map_err(store_error)
    }

    fn reclaim_rollups(&self, level: Level, period: Day) -> Result<(), StoreError> {
        self.0.reclaim_rollups(resolution(level), period.0).map_err(store_error)
    }

    fn rollup_periods(&self, level: Level) -> Result<Vec<Day>, StoreError> {
        Ok(self.0.rollup_periods(resolution(level)).into_iter().map(Day).collect())
    }

    fn drop_rollups(&self, level: Level, period: Day) -> Result<(), StoreError> {
        self.0.drop_rollups(resolution(level), period.0).map_err(store_error)
    }

    fn days(&self) -> Result<Vec<Day>, StoreError> {
        Ok(self.0.days().into_iter().map(Day).collect())
    }

    fn drop_day(&self, day: Day) -> Result<(), StoreError> {
        self.0.drop_day(day.0).map_err(store_error)
    }
}
