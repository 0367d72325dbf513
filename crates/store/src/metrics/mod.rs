//! The metric engine's bytes on disk: a log of samples, a catalogue of series, one file of chunks and blocks per day, files of rollups.
//!
//! Invariant: when a method returns, what it wrote survives a power cut. What the bytes mean is the engine's
//! business; this module never looks inside.
//!
//! ```text
//! metrics/log/00000000000000000000.log   segments, named by their first position (`log`)
//! metrics/series.db                      the catalogue (`catalogue`)
//! metrics/metadata.json                  what is said of metrics' names (`metadata`)
//! metrics/2026-11-23.db                  chunks and blocks of one UTC day (`day`, `days`): retention is unlink
//! metrics/rollups/1m/2026-11-23.db       its rollups by the minute (`rollups`)
//! metrics/rollups/1h/2026-11-11.db       rollups by the hour of 32 days, named by the first
//! metrics/2026-11-23.db.damaged-1        a file that could not be read, set aside
//! ```

mod error;
mod file;

mod seam;

mod log;

mod pack;

mod catalogue;
mod metadata;

mod period;

mod day;
mod rollups;

mod days;

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

pub use catalogue::{CatalogueRows, ProgressRow, SeriesRow};
pub use day::{BlockRow, ChunkRow, GroupRows, RowsOf, StoredRow, SwapRows};
pub use days::SetAside;
pub use error::MetricsError;
pub use log::LogSummary;
pub use rollups::RollupRow;

use catalogue::CatalogueFile;
use days::DayFiles;
use log::Log;
use metadata::MetadataFile;
use seam::{Disk, RealDisk};

/// Which rollups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    Minute,
    Hour,
}

impl Resolution {
    pub const ALL: [Resolution; 2] = [Resolution::Minute, Resolution::Hour];

    /// As people write it, and the name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Resolution::Minute => "1m",
            Resolution::Hour => "1h",
        }
    }
}

/// See the module. All methods may be called from many threads.
#[derive(Debug)]
pub struct MetricFiles {
    log: Log,
    catalogue: CatalogueFile,
    metadata: MetadataFile,
    days: DayFiles,
    /// As [`Resolution::ALL`] has them.
    rollups: [DayFiles; 2],
}

impl MetricFiles {
    /// Opens or makes the folder `dir` (`<data directory>/metrics`).
    pub fn open(dir: &Path) -> Result<Self, MetricsError> {
        Self::open_on(dir, Box::new(RealDisk))
    }

    fn open_on(dir: &Path, disk: Box<dyn Disk>) -> Result<Self, MetricsError> {
        let log_dir = dir.join("log");
        fs::create_dir_all(&log_dir).map_err(|e| MetricsError::io(&log_dir, "making the folder", e))?;
        Ok(MetricFiles {
            log: Log::open(&log_dir, disk)?,
            catalogue: CatalogueFile::open(&dir.join("series.db"))?,
            metadata: MetadataFile::new(dir),
            days: DayFiles::open(dir, day::FORMATS)?,
            rollups: [open_rollups(dir, Resolution::Minute)?, open_rollups(dir, Resolution::Hour)?],
        })
    }

    fn rollups(&self, of: Resolution) -> &DayFiles {
        &self.rollups[of as usize]
    }

    /// Appends one record, durably; returns the position behind it. After an error it is not in the log.
    pub fn log_append(&self, record: &[u8]) -> Result<u64, MetricsError> {
        self.log.append(record)
    }

    /// Starts a new segment at the log's end, which it returns.
    pub fn log_rotate(&self) -> Result<u64, MetricsError> {
        self.log.rotate()
    }

    /// Hands the records found by `open` to `each`, oldest first.
    pub fn log_read(&self, each: &mut dyn FnMut(&[u8])) -> Result<LogSummary, MetricsError> {
        self.log.read(each)
    }

    /// Removes the segments that lie wholly before `behind`.
    pub fn log_cut(&self, behind: u64) -> Result<(), MetricsError> {
        self.log.cut(behind)
    }

    pub fn catalogue(&self) -> Result<CatalogueRows, MetricsError> {
        self.catalogue.read()
    }

    /// Inserts or replaces, in one transaction.
    pub fn update_catalogue(
        &self,
        series: &[SeriesRow],
        progress: &[ProgressRow],
        flushed_to: i64,
    ) -> Result<(), MetricsError> {
        self.catalogue.update(series, progress, flushed_to)
    }

    pub fn remove_series(&self, series: &[u64]) -> Result<(), MetricsError> {
        self.catalogue.remove(series)
    }

    /// As it was last put.
    pub fn metadata(&self) -> Result<Option<Vec<u8>>, MetricsError> {
        self.metadata.read()
    }

    /// In the place of what was put before.
    pub fn put_metadata(&self, bytes: &[u8]) -> Result<(), MetricsError> {
        self.metadata.write(bytes)
    }

    /// Adds chunks to a day (counted from 1970-01-01), in one transaction. A damaged file is set aside first.
    pub fn put_chunks(&self, day: i32, chunks: &[ChunkRow<'_>]) -> Result<(), MetricsError> {
        self.days.with_new(day, |file| file.put(chunks))
    }

    /// Hands blocks and then chunks to `each`, all as of one moment, until it says false. A day without a file, or
    /// with one that turns out damaged, has none; so it is with everything below.
    pub fn read_rows(
        &self,
        day: i32,
        rows: &RowsOf<'_>,
        each: &mut dyn FnMut(StoredRow<'_>) -> bool,
    ) -> Result<(), MetricsError> {
        self.days.with(day, |file| file.read(rows, each))
    }

    /// Those of the series (rising, each with its group at the same place) that have a chunk or a block of the group which overlaps the
    /// range of milliseconds, both included.
    pub fn series_within(
        &self,
        day: i32,
        series: &[u64],
        groups: &[u64],
        range: (i64, i64),
    ) -> Result<Vec<u64>, MetricsError> {
        self.days.with(day, |file| file.series_within(series, groups, range))
    }

    /// The series that have chunks in a day, and how many.
    pub fn chunk_counts(&self, day: i32) -> Result<Vec<(u64, u32)>, MetricsError> {
        self.days.with(day, |file| file.chunk_counts())
    }

    /// The chunks of a range of series and the blocks of a group.
    pub fn read_group(
        &self,
        day: i32,
        group: u64,
        series: RangeInclusive<u64>,
    ) -> Result<GroupRows, MetricsError> {
        self.days.with(day, |file| file.read_group(group, series))
    }

    /// Makes all swaps in one transaction.
    pub fn swap(&self, day: i32, swaps: &[SwapRows<'_>]) -> Result<(), MetricsError> {
        self.days.with(day, |file| file.swap(swaps))
    }

    /// Gives the pages of removed rows back to the disk.
    pub fn reclaim(&self, day: i32) -> Result<(), MetricsError> {
        self.days.with(day, |file| file.reclaim())?;
        self.catalogue.reclaim()
    }

    /// Days with a file, oldest first.
    pub fn days(&self) -> Vec<i32> {
        self.days.list()
    }

    pub fn drop_day(&self, day: i32) -> Result<(), MetricsError> {
        self.days.remove(day)
    }

    /// The newest block of each group of a day.
    pub fn block_marks(&self, day: i32) -> Result<Vec<(u64, i64)>, MetricsError> {
        self.days.with(day, |file| file.block_marks())
    }

    /// Puts rows of the period that begins with the day `period`, made of blocks of `day`, in one transaction.
    pub fn put_rollups(
        &self,
        of: Resolution,
        period: i32,
        day: i32,
        rollups: &[RollupRow<'_>],
    ) -> Result<(), MetricsError> {
        self.rollups(of).with_new(period, |file| file.put_rollups(day, rollups))
    }

    /// What the rollups of a day were made of.
    pub fn rollup_marks(
        &self,
        of: Resolution,
        period: i32,
        day: i32,
    ) -> Result<Vec<(u64, i64)>, MetricsError> {
        self.rollups(of).with(period, |file| file.rollup_marks(day))
    }

    /// Hands the rows of these groups to `each` until it says false.
    pub fn read_rollups(
        &self,
        of: Resolution,
        period: i32,
        groups: &[u64],
        each: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), MetricsError> {
        self.rollups(of).with(period, |file| file.read_rollups(groups, each))
    }

    /// Gives the pages of replaced rows back to the disk.
    pub fn reclaim_rollups(&self, of: Resolution, period: i32) -> Result<(), MetricsError> {
        self.rollups(of).with(period, |file| file.reclaim())
    }

    /// Periods with a file, oldest first.
    pub fn rollup_periods(&self, of: Resolution) -> Vec<i32> {
        self.rollups(of).list()
    }

    pub fn drop_rollups(&self, of: Resolution, period: i32) -> Result<(), MetricsError> {
        self.rollups(of).remove(period)
    }

    /// Bytes of the rollups of one resolution.
    pub fn rollup_bytes(&self, of: Resolution) -> u64 {
        self.rollups(of).bytes()
    }

    /// Files found damaged since the start.
    pub fn set_aside(&self) -> Vec<SetAside> {
        let mut all = self.days.set_aside();
        all.extend(self.rollups.iter().flat_map(DayFiles::set_aside));
        all
    }

    /// Bytes of log, catalogue, day files and rollups.
    pub fn bytes_on_disk(&self) -> u64 {
        let rollups: u64 = self.rollups.iter().map(DayFiles::bytes).sum();
        self.log.bytes() + self.catalogue.bytes() + self.days.bytes() + rollups
    }
}

fn open_rollups(dir: &Path, of: Resolution) -> Result<DayFiles, MetricsError> {
    DayFiles::open(&dir.join("rollups").join(of.name()), rollups::FORMATS)
}

/// Makes the creation, renaming or removal of files in `dir` durable.
fn sync_dir(dir: &Path) -> Result<(), MetricsError> {
    let synced = fs::File::open(dir).and_then(|d| d.sync_all());
    synced.map_err(|e| MetricsError::io(dir, "syncing the folder", e))
}

#[cfg(test)]
mod tests;
