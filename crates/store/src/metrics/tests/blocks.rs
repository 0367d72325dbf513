//! Blocks in the files of days: swapped as one, given back to the disk, added to files of the first format.

use std::path::Path;

use super::*;

const DAY: i32 = 20;

fn chunk(series: u64, bytes: &[u8]) -> ChunkRow<'_> {
    ChunkRow { series, min_t: 0, max_t: 9, bytes }
}

fn block(group: u64, bytes: &[u8]) -> BlockRow<'_> {
    BlockRow { group, min_t: 0, max_t: 9, bytes }
}

/// Blocks and chunks of the first two series and their group, as text.
fn all(files: &MetricFiles) -> Vec<String> {
    let mut found = Vec::new();
    let rows = RowsOf { series: &[1, 2], groups: &[0], from: 0, to: 9 };
    let each = &mut |row: StoredRow<'_>| {
        let (StoredRow::Chunk { bytes, .. } | StoredRow::Block { bytes, .. }) = row;
        found.push(String::from_utf8_lossy(bytes).into_owned());
        true
    };
    files.read_rows(DAY, &rows, each).unwrap();
    found
}

fn bytes(dir: &Path) -> u64 {
    let sizes = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    sizes.sum()
}

#[test]
fn a_swap_is_seen_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let files = MetricFiles::open(dir.path()).unwrap();
    files.put_chunks(DAY, &[chunk(1, b"a"), chunk(2, b"b"), chunk(17, b"other")]).unwrap();
    let group = files.read_group(DAY, 0, 0..=15).unwrap();
    assert_eq!(files.chunk_counts(DAY).unwrap(), [(1, 1), (2, 1), (17, 1)]);
    let rows: Vec<i64> = group.chunks.iter().map(|c| c.0).collect();
    assert_eq!(rows.len(), 2);
    files.put_chunks(DAY, &[chunk(1, b"late")]).unwrap();
    let swap = SwapRows { source: group.source, chunks: &rows, blocks: &[], add: vec![block(0, b"ab")] };
    // A reader that began before still has what it began with.
    let mut before = Vec::new();
    let rows_of = RowsOf { series: &[1, 2], groups: &[], from: 0, to: 9 };
    let each = &mut |row: StoredRow<'_>| {
        if before.is_empty() {
            files.swap(DAY, std::slice::from_ref(&swap)).unwrap();
        }
        before.push(format!("{row:?}"));
        true
    };
    files.read_rows(DAY, &rows_of, each).unwrap();
    assert_eq!(before.len(), 3, "{before:?}");
    assert_eq!(all(&files), ["ab", "late"]);
    let group = files.read_group(DAY, 0, 0..=15).unwrap();
    let (chunks, blocks): (Vec<i64>, Vec<i64>) =
        (group.chunks.iter().map(|c| c.0).collect(), group.blocks.iter().map(|b| b.0).collect());
    let swap =
        SwapRows { source: group.source, chunks: &chunks, blocks: &blocks, add: vec![block(0, b"abl")] };
    files.swap(DAY, &[swap]).unwrap();
    drop(files);
    let files = MetricFiles::open(dir.path()).unwrap();
    assert_eq!(all(&files), ["abl"]);
    assert_eq!(files.chunk_counts(DAY).unwrap(), [(17, 1)]);
}

#[test]
fn rows_of_a_day_that_was_set_aside_name_nothing_in_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let files = MetricFiles::open(dir.path()).unwrap();
    files.put_chunks(DAY, &[chunk(1, b"a")]).unwrap();
    let group = files.read_group(DAY, 0, 0..=15).unwrap();
    files.drop_day(DAY).unwrap();
    let rows = [group.chunks[0].0];
    let swap = || [SwapRows { source: group.source, chunks: &rows, blocks: &[], add: vec![block(0, b"a")] }];
    files.swap(DAY, &swap()).unwrap();
    assert!(files.days().is_empty(), "a day that is gone stays gone");
    files.put_chunks(DAY, &[chunk(1, b"new")]).unwrap();
    assert!(matches!(files.swap(DAY, &swap()), Err(MetricsError::Replaced { .. })));
    assert_eq!(all(&files), ["new"]);
}

#[test]
fn what_is_removed_is_given_back_to_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let files = MetricFiles::open(dir.path()).unwrap();
    let long = vec![7; 4000];
    let chunks: Vec<ChunkRow<'_>> = (0..4000).map(|i| chunk(i % 16, &long)).collect();
    files.put_chunks(DAY, &chunks).unwrap();
    let group = files.read_group(DAY, 0, 0..=15).unwrap();
    let rows: Vec<i64> = group.chunks.iter().map(|c| c.0).collect();
    let swap = SwapRows { source: group.source, chunks: &rows, blocks: &[], add: vec![block(0, b"small")] };
    files.swap(DAY, &[swap]).unwrap();
    assert!(bytes(dir.path()) > 16_000_000);
    files.reclaim(DAY).unwrap();
    assert!(bytes(dir.path()) < 300_000, "{}", bytes(dir.path()));
    assert_eq!(all(&files), ["small"]);
}

#[test]
fn who_only_reads_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let files = MetricFiles::open(dir.path()).unwrap();
    files.put_chunks(DAY, &[chunk(1, b"a")]).unwrap();
    files.reclaim(DAY).unwrap();
    drop(files);
    let before = bytes(dir.path());
    let files = MetricFiles::open(dir.path()).unwrap();
    assert_eq!(all(&files), ["a"]);
    files.catalogue().unwrap();
    let journals = ["1970-01-21.db-wal", "series.db-wal"];
    let sizes = journals.map(|name| fs::metadata(dir.path().join(name)).map_or(0, |m| m.len()));
    assert_eq!(sizes, [0, 0], "{before}");
}

#[test]
fn a_file_of_the_first_format_takes_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(dir.path().join("1970-01-21.db")).unwrap();
    old.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;
         CREATE TABLE chunks (series INTEGER NOT NULL, min_t INTEGER NOT NULL, max_t INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
         CREATE INDEX chunks_by_series ON chunks (series, min_t, max_t);
         PRAGMA user_version = 1;
         INSERT INTO chunks VALUES (1, 0, 9, x'61'), (2, 0, 9, x'62');
         WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 15)
         INSERT INTO chunks SELECT i, 0, 9, zeroblob(200000) FROM n;",
    )
    .unwrap();
    drop(old);
    let files = MetricFiles::open(dir.path()).unwrap();
    assert_eq!(all(&files), ["a", "b"]);
    let group = files.read_group(DAY, 0, 0..=15).unwrap();
    let rows: Vec<i64> = group.chunks.iter().map(|c| c.0).collect();
    files
        .swap(
            DAY,
            &[SwapRows { source: group.source, chunks: &rows, blocks: &[], add: vec![block(0, b"ab")] }],
        )
        .unwrap();
    assert!(bytes(dir.path()) > 2_600_000);
    files.reclaim(DAY).unwrap();
    assert!(bytes(dir.path()) < 300_000, "{}", bytes(dir.path()));
    assert_eq!(all(&files), ["ab"]);
}

#[test]
fn what_a_range_has_is_found_by_the_indexes() {
    let dir = tempfile::tempdir().unwrap();
    let files = MetricFiles::open(dir.path()).unwrap();
    files.put_chunks(DAY, &[chunk(1, b"a"), ChunkRow { min_t: 20, max_t: 29, ..chunk(17, b"b") }]).unwrap();
    let source = files.read_group(DAY, 2, 32..=47).unwrap().source;
    let add = vec![BlockRow { min_t: 20, max_t: 29, ..block(2, b"c") }];
    files.swap(DAY, &[SwapRows { source, add, ..SwapRows::default() }]).unwrap();
    let within = |day, from, to| {
        files.series_within(day, &[1, 2, 17, 33, 40, 50], &[0, 0, 1, 2, 2, 3], (from, to)).unwrap()
    };
    assert_eq!(within(DAY, 0, 30), [1, 17, 33, 40]);
    assert_eq!(within(DAY, 9, 19), [1]);
    assert_eq!(within(DAY, 29, 90), [17, 33, 40]);
    assert!(within(DAY, 10, 19).is_empty() && within(DAY + 1, 0, 30).is_empty());
}
