//! Every bound of the engine. A bound that is hit is a typed error or a counter, never silence.

/// Samples of a full chunk.
pub const CHUNK_SAMPLES: u16 = 120;
/// How far behind its series' newest sample a live sample may be.
pub const OUT_OF_ORDER_MS: i64 = 3_600_000;
/// The same for batches marked as backfill.
pub const BACKFILL_MS: i64 = 24 * 3_600_000;
/// How far in the future of its arrival a sample may be: a wrong clock must not close the window behind it.
pub const FUTURE_MS: i64 = 10 * 60_000;
/// How old a sample may be when it arrives, unless the options say otherwise: every old day costs a file.
pub const MAX_AGE_MS: i64 = 15 * 86_400_000;
/// Series of one resource, unless the options say otherwise.
pub const SERIES_PER_RESOURCE: usize = 20_000;
/// Series without a resource (remote_write and such) count against the total only.
pub const SERIES_TOTAL: usize = 5_000_000;
/// Bytes that may wait for a log that cannot be written; beyond, appends are refused.
pub const LOG_BACKLOG_BYTES: usize = 64 * 1024 * 1024;
/// How long a flushed chunk stays readable from memory, for the windows of rules.
pub const KEEP_MS: i64 = 10 * 60_000;
/// How long samples may stay in open chunks before these are written short, so that the log can be cut.
pub const EPOCH_MS: i64 = 20 * 60_000;
/// Neighbouring series whose chunks are merged into common blocks: series of one sender come at the same times.
pub const SERIES_PER_BLOCK: u64 = 16;
/// Samples of each series that must lie in chunks before a merge of the running day is worth it.
pub const MERGE_SAMPLES: u32 = 512;
/// Samples of one series in one block: half a day of a sample each ten seconds, with room for jitter.
pub const BLOCK_SAMPLES_MAX: usize = 4400;
/// What a round of merging takes at once; between rounds its caller lets others run.
pub const MERGE_SAMPLES_PER_ROUND: usize = 1_000_000;
/// A day that is over is merged whole when nothing was added to it for so long.
pub const MERGE_QUIET_MS: i64 = 3_600_000;
/// Chunks written in one transaction of the store.
pub const CHUNKS_PER_WRITE: usize = 4096;
/// Series visited under one hold of the lock by a query or a flush: ingest waits no longer than this takes.
pub const SERIES_PER_LOCK: usize = 1024;
/// Rows of the store's indexes that one question for names looks up: some seconds; what is left then is taken to be there.
pub const NAME_LOOKUPS: usize = 5_000_000;
/// Out-of-order samples held in memory until the next flush.
pub const LATE_SAMPLES: usize = 4_000_000;
/// Buckets of one series in one row of rollups: 32 days by the hour or one by the minute, with what lies at midnights.
pub const ROLLUP_BUCKETS_MAX: usize = 1600;
/// What a round of rolling up reads at once.
pub const ROLL_SAMPLES_PER_ROUND: usize = 1_000_000;
/// Bytes of rollups written in one transaction.
pub const ROLLUP_BYTES_PER_WRITE: usize = 8 * 1024 * 1024;
/// Series without samples that are remembered for their rollups; beyond, those that ended first are forgotten.
pub const ENDED_SERIES: usize = 1_000_000;
