//! The files alone, and under the engine with the power cut at any point.

mod adapter;
mod blocks;
mod faults;
mod rollups;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use watchtower_matchers::Matchers;
use watchtower_model::{AgentId, Id, Labels, Timestamp};
use watchtower_tsdb::{Batch, Extent, Options, Owner, Progress, Query, Samples, Tsdb};

use super::*;
use adapter::Files;

const T0: i64 = 1_767_225_600_000 - 600_000;

fn records(files: &MetricFiles) -> (Vec<Vec<u8>>, LogSummary) {
    let mut all = Vec::new();
    let summary = files.log_read(&mut |r| all.push(r.to_vec())).unwrap();
    (all, summary)
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn the_log_survives_restarts_and_cuts() {
    let dir = tempfile::tempdir().unwrap();
    let files = MetricFiles::open(dir.path()).unwrap();
    let first = files.log_append(b"one").unwrap();
    assert!(files.log_append(b"two").unwrap() > first);
    let cut = files.log_rotate().unwrap();
    files.log_append(b"three").unwrap();
    drop(files);
    let files = MetricFiles::open(dir.path()).unwrap();
    let (all, summary) = records(&files);
    assert_eq!(all, [&b"one"[..], b"two", b"three"]);
    assert_eq!(summary, LogSummary { records: 3, lost_bytes: 0 });
    let after = files.log_append(b"four").unwrap();
    assert!(after > cut, "positions grow over restarts");
    files.log_cut(first).unwrap();
    assert_eq!(records(&files).0.len(), 4, "a segment goes only as a whole");
    files.log_cut(cut).unwrap();
    assert_eq!(records(&files).0, [&b"three"[..], b"four"]);
    let end = files.log_rotate().unwrap();
    files.log_cut(end).unwrap();
    assert!(records(&MetricFiles::open(dir.path()).unwrap()).0.is_empty());
    assert!(MetricFiles::open(dir.path()).unwrap().log_rotate().unwrap() >= end);
}

#[test]
fn a_torn_or_damaged_tail_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let files = MetricFiles::open(dir.path()).unwrap();
    for record in ["first", "second"] {
        files.log_append(record.as_bytes()).unwrap();
    }
    drop(files);
    let segment = fs::read_dir(dir.path().join("log")).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&segment).unwrap();
    for len in 0..whole.len() {
        fs::write(&segment, &whole[..len]).unwrap();
        let (all, summary) = records(&MetricFiles::open(dir.path()).unwrap());
        let expected = if len >= 8 + 13 { 1 } else { 0 };
        assert_eq!(all.len(), expected, "{len}");
        let kept = [if len < 8 { 0 } else { 8 }, 21][expected];
        assert_eq!(summary.lost_bytes, (len - kept) as u64, "{len}");
    }
    let mut flipped = whole.clone();
    flipped[24] ^= 1;
    flipped.extend_from_slice(&[0; 100]);
    fs::write(&segment, &flipped).unwrap();
    let files = MetricFiles::open(dir.path()).unwrap();
    files.log_append(b"third").unwrap();
    assert_eq!(records(&files).0, [&b"first"[..], b"third"]);
}

#[test]
fn the_catalogue_keeps_its_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let files = MetricFiles::open(dir.path()).unwrap();
    assert_eq!(files.catalogue().unwrap().flushed_to, i64::MIN);
    let row = |series, last_day| SeriesRow { series, key: vec![1, 2], last_day };
    let progress = ProgressRow { agent: [7; 16], epoch: u64::MAX, seq: 3 };
    files.update_catalogue(&[row(4, i32::MIN), row(9, 5)], &[progress], 77).unwrap();
    files.update_catalogue(&[row(4, 6)], &[ProgressRow { seq: 4, ..progress }], 78).unwrap();
    files.remove_series(&[9]).unwrap();
    drop(files);
    let rows = MetricFiles::open(dir.path()).unwrap().catalogue().unwrap();
    assert_eq!(rows.series, [row(4, 6)]);
    assert_eq!(rows.progress, [ProgressRow { seq: 4, ..progress }]);
    assert_eq!((rows.next_series, rows.flushed_to), (10, 78));
}

#[test]
fn a_catalogue_of_the_first_format_is_taken_over_and_damage_costs_one_pack() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("series.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(
        "CREATE TABLE series (series INTEGER PRIMARY KEY, key BLOB NOT NULL, last_day INTEGER NOT NULL) STRICT;
         CREATE TABLE progress (agent BLOB PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
         CREATE TABLE bounds (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
         PRAGMA user_version = 1;
         INSERT INTO series VALUES (1, x'01', 7), (63, x'02', 8), (64, x'03', -2147483648), (1000, x'04', 9);
         INSERT INTO bounds VALUES ('next_series', 1001), ('flushed_to', 5);",
    )
    .unwrap();
    drop(old);
    let row = |series, byte, last_day| SeriesRow { series, key: vec![byte], last_day };
    let all = [row(1, 1, 7), row(63, 2, 8), row(64, 3, i32::MIN), row(1000, 4, 9)];
    for _ in 0..2 {
        let rows = MetricFiles::open(dir.path()).unwrap().catalogue().unwrap();
        assert_eq!(rows.series, all);
        assert_eq!((rows.next_series, rows.flushed_to), (1001, 5));
    }
    let files = MetricFiles::open(dir.path()).unwrap();
    files.remove_series(&[1000, 1, 77]).unwrap();
    assert_eq!(files.catalogue().unwrap().series, all[1..3]);
    drop(files);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("UPDATE packs SET data = x'0102030405060708' WHERE pack = 0").unwrap();
    drop(connection);
    let files = MetricFiles::open(dir.path()).unwrap();
    assert_eq!(files.catalogue().unwrap().series, all[2..3]);
    files.update_catalogue(&all[..1], &[], 6).unwrap();
    assert_eq!(files.catalogue().unwrap().series, [all[0].clone(), all[2].clone()]);
}

#[test]
fn chunks_are_found_by_series_and_range() {
    let dir = tempfile::tempdir().unwrap();
    let files = MetricFiles::open(dir.path()).unwrap();
    let chunk = |series, min_t, max_t, bytes| ChunkRow { series, min_t, max_t, bytes };
    files.put_chunks(20, &[chunk(1, 0, 9, &b"a"[..]), chunk(1, 10, 19, b"b"), chunk(2, 0, 9, b"c")]).unwrap();
    for day in 21..40 {
        files.put_chunks(day, &[chunk(1, 0, 9, &b"x"[..])]).unwrap();
    }
    let read = |day, series: &[u64], from, to, limit| {
        let mut found = Vec::new();
        let each = &mut |row: StoredRow<'_>| {
            if let StoredRow::Chunk { series, bytes } = row {
                found.push((series, bytes.to_vec()));
            }
            found.len() < limit
        };
        files.read_rows(day, &RowsOf { series, groups: &[], from, to }, each).unwrap();
        found
    };
    assert_eq!(read(20, &[1, 2, 3], 9, 10, 9), [(1, b"a".to_vec()), (1, b"b".to_vec()), (2, b"c".to_vec())]);
    assert_eq!(read(20, &[1, 2], 10, 30, 9), [(1, b"b".to_vec())]);
    assert_eq!(read(20, &[1, 2], 0, 30, 2).len(), 2);
    assert!(read(19, &[1], 0, 30, 9).is_empty());
    assert_eq!(files.days().len(), 20);
    files.drop_day(20).unwrap();
    assert!(read(20, &[1], 0, 30, 9).is_empty());
    assert_eq!(files.days(), (21..40).collect::<Vec<_>>());
    assert!(!dir.path().join("1970-01-21.db").exists() && dir.path().join("1970-01-22.db").exists());
}

#[test]
fn a_damaged_day_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let chunk = [ChunkRow { series: 1, min_t: 0, max_t: 9, bytes: b"a" }];
    let files = MetricFiles::open(dir.path()).unwrap();
    for day in [20, 21, 22] {
        files.put_chunks(day, &chunk).unwrap();
    }
    drop(files);
    for name in ["1970-01-22.db", "1970-01-23.db"] {
        fs::write(dir.path().join(name), vec![0x5a; 16_384]).unwrap();
    }
    let files = MetricFiles::open(dir.path()).unwrap();
    let mut found = 0;
    for day in [20, 21] {
        files
            .read_rows(day, &RowsOf { series: &[1], groups: &[], from: 0, to: 9 }, &mut |_| {
                found += 1;
                true
            })
            .unwrap();
    }
    assert_eq!(found, 1, "the other day is intact");
    files.put_chunks(22, &chunk).unwrap();
    assert_eq!(files.days(), [20, 22]);
    let aside: Vec<i32> = files.set_aside().iter().map(|s| s.day).collect();
    assert_eq!(aside, [21, 22]);
    assert!(dir.path().join("1970-01-23.db.damaged-1").exists());
    assert_eq!(MetricFiles::open(dir.path()).unwrap().days(), [20, 22]);
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(MetricFiles::open(dir.path()).unwrap());
    let connection = rusqlite::Connection::open(dir.path().join("series.db")).unwrap();
    connection.execute_batch("PRAGMA user_version = 9").unwrap();
    drop(connection);
    assert!(matches!(MetricFiles::open(dir.path()), Err(MetricsError::Newer { found: 9, .. })));
}

/// Reports with flushes and merges between them; the files are copied at every step, as a killed process leaves them,
/// and every copy must hold everything acknowledged until then.
#[test]
fn copies_of_the_files_hold_what_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let open = |path: &Path| {
        let files = Files(MetricFiles::open(path).unwrap());
        Tsdb::open(Arc::new(files), Options::default()).unwrap().0
    };
    let live = dir.path().join("live");
    let mut db = open(&live);
    let agent = AgentId(Id::from_bytes([7; 16]));
    let labels: Vec<Labels> = (0..5).map(|i| Labels::from_pairs([("__name__", format!("m{i}"))])).collect();
    let count = |db: &Tsdb| {
        let matchers = Matchers::default();
        let (from, to) = (Timestamp(0), Timestamp(i64::MAX));
        let query =
            Query { matchers: &matchers, from, to, owner: Owner::Any, max_series: 10, max_samples: 10_000 };
        db.select(&query).unwrap().iter().map(|w| w.samples.len()).collect::<Vec<_>>()
    };
    for seq in 0..90u64 {
        let now = Timestamp(T0 + seq as i64 * 60_000);
        let refs = db.resolve(Some(Id::from_bytes([1; 16])), &labels).refs;
        let values: Vec<_> = refs.into_iter().flatten().map(|s| (s, seq as f64)).collect();
        let samples = Samples::Report { t: now, values: &values };
        let progress = Some(Progress { agent, epoch: 1, seq });
        db.append(&[Batch { progress, received_at: now, backfill: false, samples }]).unwrap();
        if seq % 7 == 3 {
            db.flush(now).unwrap();
        }
        if seq % 30 == 29 {
            db.flush_all(now).unwrap();
        }
        if seq % 20 == 14 {
            db.merge(now, Extent::Everything).unwrap();
            assert_eq!(count(&db), [seq as usize + 1; 5], "merged after report {seq}");
        }
        if seq % 10 == 5 {
            let copy = dir.path().join(format!("copy-{seq}"));
            copy_dir(&live, &copy);
            let copied = open(&copy);
            assert_eq!(count(&copied), [seq as usize + 1; 5], "after report {seq}");
            assert_eq!(copied.progress(agent), Some((1, seq)));
        }
        if seq == 40 {
            drop(db);
            db = open(&live);
        }
    }
    assert_eq!(count(&db), [90; 5]);
}
