//! The byte-level store below the engine: an append-only log, a series catalogue, chunks and merged blocks by day.
//!
//! Invariant: whatever a method reported as done survives a power cut. The engine alone knows what the bytes mean.

use std::fmt;

use crate::limits::SERIES_PER_BLOCK;
use crate::rollup::Level;

/// A position in the log: grows with every append, also over restarts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct LogPosition(pub u64);

/// Days since 1970-01-01 UTC. A chunk belongs to the one day that all its samples lie in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Day(pub i32);

impl Day {
    pub const MS: i64 = 86_400_000;
    /// Before every day that has a name.
    pub const NONE: Day = Day(i32::MIN);

    pub fn of(t: i64) -> Day {
        Day(t.div_euclid(Day::MS).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32)
    }

    /// The first millisecond of the day.
    pub fn start(self) -> i64 {
        i64::from(self.0) * Day::MS
    }

    /// The last millisecond of the day.
    pub fn last(self) -> i64 {
        self.start() + Day::MS - 1
    }
}

/// A series as the catalogue keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesRecord {
    pub series: u64,
    /// Resource and labels, encoded by the engine.
    pub key: Vec<u8>,
    /// The newest day with a chunk of this series; `Day::NONE` before the first.
    pub last_day: Day,
}

/// The newest report of an agent whose samples are in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressRecord {
    pub agent: [u8; 16],
    pub epoch: u64,
    pub seq: u64,
}

/// What the catalogue holds at start-up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    pub series: Vec<SeriesRecord>,
    pub progress: Vec<ProgressRecord>,
    /// No series ever put had this number or a greater one.
    pub next_series: u64,
    /// No stored chunk has a later sample. `i64::MIN` when there is none.
    pub flushed_to: i64,
}

/// Inserted or replaced in one transaction.
#[derive(Clone, Debug, Default)]
pub struct CatalogueUpdate {
    pub series: Vec<SeriesRecord>,
    pub progress: Vec<ProgressRecord>,
    pub flushed_to: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkRecord {
    pub series: u64,
    pub min_t: i64,
    pub max_t: i64,
    pub bytes: Vec<u8>,
}

/// Neighbouring series that are merged into common blocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Group(pub u64);

impl Group {
    pub fn of(series: u64) -> Group {
        Group(series / SERIES_PER_BLOCK)
    }

    pub fn first(self) -> u64 {
        self.0 * SERIES_PER_BLOCK
    }

    pub fn last(self) -> u64 {
        self.first() + (SERIES_PER_BLOCK - 1)
    }
}

/// Merged samples of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRecord {
    pub group: Group,
    pub min_t: i64,
    pub max_t: i64,
    pub bytes: Vec<u8>,
}

/// Something that a day holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored<'a> {
    Chunk { series: u64, bytes: &'a [u8] },
    Block { group: Group, bytes: &'a [u8] },
}

/// Names a chunk or a block within its day and kind for as long as it is there: never reused while a later one exists.
pub type RowId = i64;

/// All that a day holds of one group, each list oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRows {
    /// Names what was read: a day that is set aside and begun anew is another source.
    pub source: u64,
    pub chunks: Vec<(RowId, u64, Vec<u8>)>,
    pub blocks: Vec<(RowId, Vec<u8>)>,
}

/// Blocks that take the place of chunks and blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swap {
    /// Where the rows were read.
    pub source: u64,
    pub chunks: Vec<RowId>,
    pub blocks: Vec<RowId>,
    pub add: Vec<BlockRecord>,
}

/// How much of a group waits to be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub group: Group,
    pub chunks: u32,
}

/// What stands for a group's blocks of one day, or for all its days of a period, and of which blocks it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupRecord {
    pub group: Group,
    pub mark: RowId,
    pub bytes: Vec<u8>,
}

/// What reading the log found at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LogEnd {
    pub records: u64,
    /// Bytes of records that were torn or damaged and are gone. A torn tail was never acknowledged.
    pub lost_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("metric store: {action}: {reason}")]
    Io { action: String, reason: String },
    #[error("metric store: no space left while {action}: free space in the data directory")]
    Full { action: String },
    #[error("metric store: {what} is damaged: {reason}")]
    Corrupt { what: String, reason: String },
}

/// See the module. Methods may be called from many threads.
pub trait ChunkStore: Send + Sync {
    /// Appends one record and returns, once it is durable, the position behind it. After an error the record
    /// is not in the log.
    fn log_append(&self, record: &[u8]) -> Result<LogPosition, StoreError>;

    /// Starts a new segment, so that a cut at the returned position (the log's end) is exact.
    fn log_rotate(&self) -> Result<LogPosition, StoreError>;

    /// Hands every record that is left to `each`, oldest first. Called once, before the first append.
    fn log_read(&self, each: &mut dyn FnMut(&[u8])) -> Result<LogEnd, StoreError>;

    /// Forgets the segments that lie wholly before `behind`.
    fn log_cut(&self, behind: LogPosition) -> Result<(), StoreError>;

    fn catalogue(&self) -> Result<Catalogue, StoreError>;

    fn update_catalogue(&self, update: &CatalogueUpdate) -> Result<(), StoreError>;

    fn remove_series(&self, series: &[u64]) -> Result<(), StoreError>;

    /// Adds chunks to a day, in one transaction.
    fn put_chunks(&self, day: Day, chunks: &[ChunkRecord]) -> Result<(), StoreError>;

    /// Hands every chunk of the named series, and every block of their groups, that overlaps `from..=to` to
    /// `each`, as of one moment, until it says false; `series` rises. A day that cannot be read is set aside,
    /// reported by the store, and reads as empty.
    fn read_chunks(
        &self,
        day: Day,
        series: &[u64],
        from: i64,
        to: i64,
        each: &mut dyn FnMut(Stored<'_>) -> bool,
    ) -> Result<(), StoreError>;

    /// Those of the named series (rising) that have a chunk overlapping `from..=to` in a day, or whose group has such a block: what its
    /// indexes say.
    fn series_within(&self, day: Day, series: &[u64], from: i64, to: i64) -> Result<Vec<u64>, StoreError>;

    /// The groups of a day that have chunks.
    fn waiting(&self, day: Day) -> Result<Vec<Waiting>, StoreError>;

    fn read_group(&self, day: Day, group: Group) -> Result<GroupRows, StoreError>;

    /// Makes every swap in one transaction: a reader sees all of it or nothing. A day that is gone stays
    /// gone; one that is another source than the rows named is an error.
    fn swap(&self, day: Day, swaps: &[Swap]) -> Result<(), StoreError>;

    /// Gives the space of what was removed from a day back to the disk.
    fn reclaim(&self, day: Day) -> Result<(), StoreError>;

    /// The newest block of each group that has blocks in a day: another one after each change.
    fn block_marks(&self, day: Day) -> Result<Vec<(Group, RowId)>, StoreError>;

    /// Puts rows in the place of those of the same groups in a period, with what they were made of of one of its days, in one transaction.
    fn put_rollups(
        &self,
        level: Level,
        period: Day,
        day: Day,
        rollups: &[RollupRecord],
    ) -> Result<(), StoreError>;

    /// What the rollups of a day were made of.
    fn rollup_marks(&self, level: Level, period: Day, day: Day) -> Result<Vec<(Group, RowId)>, StoreError>;

    /// Hands the rows of these groups (rising) to `each` until it says false. A period that cannot be read is set aside and reads as empty.
    fn read_rollups(
        &self,
        level: Level,
        period: Day,
        groups: &[Group],
        each: &mut dyn FnMut(Group, &[u8]) -> bool,
    ) -> Result<(), StoreError>;

    /// Gives the space of rows that were replaced back to the disk.
    fn reclaim_rollups(&self, level: Level, period: Day) -> Result<(), StoreError>;

    /// The periods that have rollups, oldest first.
    fn rollup_periods(&self, level: Level) -> Result<Vec<Day>, StoreError>;

    fn drop_rollups(&self, level: Level, period: Day) -> Result<(), StoreError>;

    /// The days that have chunks, oldest first.
    fn days(&self) -> Result<Vec<Day>, StoreError>;

    /// Removes a whole day.
    fn drop_day(&self, day: Day) -> Result<(), StoreError>;
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&watchtower_model::Timestamp(self.start()).day())
    }
}
