//! Damage on the disk of metrics: in blocks and rollups, with a checksum that fits as well as without, and in a day's file.
//!
//! What is damaged may be missing or an error; nothing may panic, hang, or keep new samples from being stored.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use watchtower_matchers::Matchers;
use watchtower_model::{Labels, Timestamp};
use watchtower_store::metrics::{BlockRow, ChunkRow, MetricFiles, MetricsError, RowsOf, SwapRows};
use watchtower_tsdb::{
    Batch, BlockRecord, ChunkStore, Day, Extent, Group, Kept, Level, MemoryStore, Options, Owner, Query,
    Reads, Roll, RollupRecord, Samples, SeriesRef, SeriesWindow, Swap, Tsdb, TsdbError, encode_chunk,
};

use super::{damage, fuzz, fuzz_rounds};

/// A midnight.
const DAY: Day = Day(20_700);
const STEP: i64 = 10_000;
const SAMPLES: i64 = 700;
const SUM_BYTES: usize = 4;
/// What comes in late makes a day slow in the end: then another is begun.
const ROUNDS_OF_A_DAY: usize = 300;
/// A file is written and opened in each.
const FILE_ROUNDS: u64 = 150;

/// A day of four series, each of another form, in one block.
struct Merged {
    store: Arc<MemoryStore>,
    db: Tsdb,
    block: Vec<u8>,
    series: SeriesRef,
    end: Timestamp,
    rounds: usize,
}

impl Merged {
    fn new() -> Merged {
        let store = Arc::new(MemoryStore::default());
        let (db, _) = Tsdb::open(Arc::<MemoryStore>::clone(&store), Options::default()).expect("it is empty");
        let names = ["same", "decimals", "floats", "strays"];
        let labels = names.map(|name| Labels::from_pairs([("__name__", name)]));
        let series: Vec<_> = db.resolve(None, &labels).refs.into_iter().flatten().collect();
        for i in 1..=SAMPLES {
            let t = Timestamp(DAY.start() + i * STEP + i % 3);
            let value = i as f64;
            let odd = if i % 100 == 7 { f64::NAN } else { value };
            let values: Vec<_> = series.iter().copied().zip([1.0, value / 10.0, value.sqrt(), odd]).collect();
            append(&db, t, &values);
        }
        let end = Timestamp(DAY.start() + SAMPLES * STEP + 2);
        db.flush_all(end).expect("memory takes it");
        while db.merge(end, Extent::Everything).expect("nothing is damaged yet").more {}
        let rows = store.read_group(DAY, Group(0)).expect("memory can be read");
        assert_eq!((rows.chunks.len(), rows.blocks.len()), (0, 1), "all of it is in one block");
        let (block, series) = (rows.blocks[0].1.clone(), series[0]);
        Merged { store, db, block, series, end, rounds: 0 }
    }

    fn select(&self, from: Timestamp, to: Timestamp) -> Result<Vec<SeriesWindow>, TsdbError> {
        let (matchers, max_samples) = (Matchers::default(), 100_000);
        let query = Query { matchers: &matchers, from, to, owner: Owner::Any, max_series: 10, max_samples };
        self.db.select(&query)
    }

    /// Reads the day with this in place of its block, and merges it with a new chunk.
    fn suffer(&mut self, damaged: Vec<u8>) {
        self.rounds += 1;
        let (min_t, max_t) = (DAY.start(), self.end.0);
        let rows = self.store.read_group(DAY, Group(0)).expect("memory can be read");
        let add = vec![BlockRecord { group: Group(0), min_t, max_t, bytes: damaged }];
        let blocks = rows.blocks.iter().map(|(row, _)| *row).collect();
        let chunks = rows.chunks.iter().map(|(row, ..)| *row).collect();
        self.store.swap(DAY, &[Swap { source: rows.source, chunks, blocks, add }]).expect("memory takes it");
        if let Ok(windows) = self.select(Timestamp(DAY.start()), self.end) {
            let times = windows.iter().flat_map(|window| window.samples.windows(2));
            times.for_each(|pair| assert!(pair[0].t < pair[1].t, "each time once, in order: {pair:?}"));
        }
        // Something to merge it with, which must not be lost for it.
        let t = self.end.plus_ms(self.rounds as i64);
        append(&self.db, t, &[(self.series, 2.0)]);
        self.db.flush_all(t).expect("memory takes it");
        let _ = self.db.merge(t, Extent::Everything);
        if let Ok(windows) = self.select(t, t) {
            let there = windows.iter().flat_map(|window| &window.samples).any(|sample| sample.t == t);
            assert!(there, "a sample is lost for a damaged block beside it");
        }
    }
}

fn append(db: &Tsdb, t: Timestamp, values: &[(SeriesRef, f64)]) {
    let samples = Samples::Report { t, values };
    let batch = Batch { progress: None, received_at: t, backfill: false, samples };
    db.append(&[batch]).expect("memory takes it");
}

#[test]
fn blocks() {
    let day = RefCell::new(Merged::new());
    assert_eq!(day.borrow().select(Timestamp(DAY.start()), day.borrow().end).map(|all| all.len()), Ok(4));
    fuzz("blocks", &["x", "\u{1}\u{7f}ab", "0"], |bytes| {
        let mut day = day.borrow_mut();
        if day.rounds == ROUNDS_OF_A_DAY {
            *day = Merged::new();
        }
        let mut damaged = damage(&day.block, bytes);
        if bytes.len() % 2 == 0 && damaged.len() > SUM_BYTES {
            // As of a writer that errs: what is behind the checksum is looked at, too.
            let body = damaged.len() - SUM_BYTES;
            let sum = crc32fast::hash(&damaged[..body]).to_le_bytes();
            damaged[body..].copy_from_slice(&sum);
        }
        day.suffer(damaged);
    });
}

/// A day as it is stored, closed.
fn day_file(dir: &Path) -> Vec<u8> {
    let files = MetricFiles::open(dir).expect("the folder is writable");
    let samples: Vec<_> = (0..120)
        .map(|i| watchtower_model::Sample { t: Timestamp(DAY.start() + i * STEP), v: i as f64 })
        .collect();
    let chunk = encode_chunk(&samples);
    let (min_t, max_t) = (DAY.start(), DAY.start() + 119 * STEP);
    let chunks: Vec<_> = (0..200).map(|series| ChunkRow { series, min_t, max_t, bytes: &chunk }).collect();
    files.put_chunks(DAY.0, &chunks).expect("it is stored");
    let block = Merged::new().block;
    let source = files.read_group(DAY.0, 0, 0..=15).expect("it is there").source;
    let add = vec![BlockRow { group: 0, min_t, max_t, bytes: &block }];
    files.swap(DAY.0, &[SwapRows { source, chunks: &[], blocks: &[], add }]).expect("it is stored");
    drop(files);
    let path = path_of(dir);
    std::fs::read(path).expect("the day has a file")
}

fn path_of(dir: &Path) -> std::path::PathBuf {
    let days = std::fs::read_dir(dir).expect("the folder is there").flatten();
    let mut days = days.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("20") && name.ends_with(".db")
    });
    days.next().expect("the day has a file")
}

/// Two days of the same series, of which only rollups are left of the first.
fn rolled_up() -> (Merged, Vec<u8>) {
    let day = Merged::new();
    let kept = Kept { raw_ms: 86_400_000, minute_ms: 90 * 86_400_000, hour_ms: 0 };
    let now = Timestamp(DAY.last() + 90_000_000);
    while day.db.roll(now, &kept, Roll::Over).expect("nothing is damaged yet").more {}
    assert_eq!(day.db.retain(now, &kept).expect("memory can drop").days, [DAY]);
    let mut row = Vec::new();
    let each = &mut |_, bytes: &[u8]| {
        row = bytes.to_vec();
        true
    };
    day.store.read_rollups(Level::Minute, DAY, &[Group(0)], each).expect("memory can be read");
    (day, row)
}

#[test]
fn rollups() {
    let (day, row) = rolled_up();
    let query = |reads| {
        let matchers = Matchers::default();
        let (from, to) = (Timestamp(DAY.start()), day.end);
        let query =
            Query { matchers: &matchers, from, to, owner: Owner::Any, max_series: 10, max_samples: 100_000 };
        day.db.select_rolled(&query, reads, 1)
    };
    assert_eq!(query(Reads::Growth).map(|found| found.series.len()), Ok(4));
    fuzz("rollups", &["x", "\u{1}\u{7f}ab", "0"], |bytes| {
        let mut damaged = damage(&row, bytes);
        if bytes.len() % 2 == 0 && damaged.len() > SUM_BYTES {
            let body = damaged.len() - SUM_BYTES;
            let sum = crc32fast::hash(&damaged[..body]).to_le_bytes();
            damaged[body..].copy_from_slice(&sum);
        }
        let rollup = RollupRecord { group: Group(0), mark: 1, bytes: damaged };
        day.store.put_rollups(Level::Minute, DAY, DAY, &[rollup]).expect("memory takes it");
        for reads in [Reads::Last, Reads::Growth, Reads::Sum] {
            let _ = query(reads);
        }
    });
}

#[test]
fn day_files() {
    let whole = tempfile::tempdir().expect("the temporary folder is writable");
    let bytes_of_day = day_file(whole.path());
    let name = path_of(whole.path()).file_name().expect("it has a name").to_owned();
    let fresh = [7; 30];
    // How long a shared disk takes to sync says nothing about what is read from it.
    let memory = Path::new("/dev/shm");
    let memory = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    fuzz_rounds("day_files", &["SQLite format 3", "\u{d}\u{0}", "chunks"], FILE_ROUNDS, |bytes| {
        let dir = tempfile::tempdir_in(&memory).expect("the temporary folder is writable");
        std::fs::write(dir.path().join(&name), damage(&bytes_of_day, bytes)).expect("the folder is writable");
        let files = MetricFiles::open(dir.path()).expect("the catalogue is not damaged");
        let series: Vec<u64> = (0..200).collect();
        let rows = RowsOf { series: &series, groups: &[0], from: i64::MIN, to: i64::MAX };
        let _ = files.read_rows(DAY.0, &rows, &mut |_| true);
        let _ = (files.chunk_counts(DAY.0), files.read_group(DAY.0, 0, 0..=15));
        let _ = (files.reclaim(DAY.0), files.days());
        // Whatever came of it: what is new is stored. The first try may be the one that finds the damage.
        let (min_t, max_t) = (DAY.start(), DAY.start());
        let chunk = [ChunkRow { series: 500, min_t, max_t, bytes: &fresh }];
        let stored = files.put_chunks(DAY.0, &chunk).or_else(|_| files.put_chunks(DAY.0, &chunk));
        // What claims to be of a newer version is left to that version.
        let fine = matches!(stored, Ok(()) | Err(MetricsError::Newer { .. }));
        assert!(fine, "a damaged day takes nothing new: {stored:?}");
    });
}
