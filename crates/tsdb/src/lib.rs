//! The metric engine: a durable log, recent samples in memory, chunks in a byte-level [`ChunkStore`].
//!
//! Invariants: [`Tsdb::append`] returns only when its samples are durable; a sample is in the log or in a stored
//! chunk at every moment, so a process that dies loses nothing it acknowledged; labels are looked up once per
//! series dictionary ([`Tsdb::resolve`]), never per sample.
//!
//! The way of a sample: `ingest` puts it into the `head` and the `log`, `commit` makes the log durable, `flush`
//! turns full chunks over to the store and cuts the log behind them, `merge` packs them into blocks, `rollup` makes of these what
//! stays when `retention` drops them, `select` joins all of it again, `names` says what there is.

pub mod limits;

mod codec;
mod store;

mod index;
mod series;

mod commit;
mod head;
mod ingest;
mod record;

mod db;
mod flush;
mod merge;
mod rollup;
mod retention;
mod select;
mod names;

mod memory;

pub use codec::{ChunkError, decode_chunk, encode_chunk};
pub use commit::Ticket;
pub use db::{OpenReport, Options, Stats, Tsdb, TsdbError};
pub use flush::FlushReport;
pub use index::{ResolveLimit, Resolved};
pub use ingest::{Batch, Outcome, Progress, Samples};
pub use memory::MemoryStore;
pub use merge::{Extent, MergeReport};
pub use names::Named;
pub use retention::Retention;
pub use rollup::{Kept, Level, Reads, Rest, Roll, RollReport, Rolled, RolledWindow, Span};
pub use select::{Owner, Query, SeriesWindow};
pub use store::{
    BlockRecord, Catalogue, CatalogueUpdate, ChunkRecord, ChunkStore, Day, Group, GroupRows, LogEnd,
    LogPosition, ProgressRecord, RollupRecord, RowId, SeriesRecord, StoreError, Stored, Swap, Waiting,
};

/// Names one series for as long as its data is kept: never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SeriesRef(pub u64);

#[cfg(test)]
mod tests;
