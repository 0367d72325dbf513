//! The engine's store over the files, as the hub joins them.

use watchtower_tsdb::{
    Catalogue, CatalogueUpdate, ChunkRecord, ChunkStore, Day, LogEnd, LogPosition, ProgressRecord,
    SeriesRecord, StoreError,
};

use crate::metrics::{ChunkRow, MetricFiles, MetricsError, ProgressRow, SeriesRow};

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
        each: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        self.0.read_chunks(day.0, series, from, to, each).map_err(store_error)
    }

    fn days(&self) -> Result<Vec<Day>, StoreError> {
        Ok(self.0.days().into_iter().map(Day).collect())
    }

    fn drop_day(&self, day: Day) -> Result<(), StoreError> {
        self.0.drop_day(day.0).map_err(store_error)
    }
}
