//! Rollups in their files: replaced by group, kept over restarts, and of a damaged one only its period is lost.

use watchtower_tsdb::{Kept, Level, Reads, Roll};

use super::*;

const DAY_MS: i64 = 86_400_000;

fn row(group: u64, mark: i64, bytes: &[u8]) -> RollupRow<'_> {
    RollupRow { group, mark, bytes }
}

fn all(files: &MetricFiles, of: Resolution, period: i32) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    let each = &mut |group, bytes: &[u8]| {
        found.push((group, String::from_utf8_lossy(bytes).into_owned()));
        true
    };
    files.read_rollups(of, period, &[1, 2, 3], each).unwrap();
    found
}

#[test]
fn rows_take_the_place_of_those_of_their_group() {
    let dir = tempfile::tempdir().unwrap();
    let files = MetricFiles::open(dir.path()).unwrap();
    files.put_rollups(Resolution::Hour, 32, 40, &[row(1, 5, b"a"), row(3, 6, b"c")]).unwrap();
    files.put_rollups(Resolution::Hour, 32, 41, &[row(1, 9, b"ab")]).unwrap();
    files.put_rollups(Resolution::Minute, 40, 40, &[row(1, 5, b"m")]).unwrap();
    drop(files);
    let files = MetricFiles::open(dir.path()).unwrap();
    assert_eq!(all(&files, Resolution::Hour, 32), [(1, "ab".into()), (3, "c".into())]);
    assert_eq!(files.rollup_marks(Resolution::Hour, 32, 40).unwrap(), [(1, 5), (3, 6)]);
    assert_eq!(files.rollup_marks(Resolution::Hour, 32, 41).unwrap(), [(1, 9)]);
    assert_eq!(files.rollup_periods(Resolution::Minute), [40]);
    assert_eq!(files.days(), [0; 0], "they are no days of samples");
    let [minutes, hours] = Resolution::ALL.map(|of| files.rollup_bytes(of));
    assert!(minutes > 0 && hours > 0 && files.bytes_on_disk() >= minutes + hours);
    let long = vec![7; 1_000_000];
    files.put_rollups(Resolution::Hour, 32, 42, &[row(3, 7, &long)]).unwrap();
    files.put_rollups(Resolution::Hour, 32, 42, &[row(3, 8, b"c")]).unwrap();
    assert!(files.rollup_bytes(Resolution::Hour) > 1_000_000);
    files.reclaim_rollups(Resolution::Hour, 32).unwrap();
    assert!(files.rollup_bytes(Resolution::Hour) < 100_000, "what was replaced is given back");
    files.drop_rollups(Resolution::Hour, 32).unwrap();
    assert_eq!((files.rollup_bytes(Resolution::Hour), all(&files, Resolution::Hour, 32)), (0, Vec::new()));
}

#[test]
fn a_damaged_file_is_set_aside_and_costs_its_period() {
    let dir = tempfile::tempdir().unwrap();
    let files = MetricFiles::open(dir.path()).unwrap();
    for day in [40, 41] {
        files.put_rollups(Resolution::Minute, day, day, &[row(1, 5, b"a")]).unwrap();
    }
    drop(files);
    let path = dir.path().join("rollups/1m/1970-02-10.db");
    fs::write(&path, b"no database at all".repeat(600)).unwrap();
    let files = MetricFiles::open(dir.path()).unwrap();
    assert!(all(&files, Resolution::Minute, 40).is_empty());
    assert_eq!(all(&files, Resolution::Minute, 41), [(1, "a".into())]);
    let aside = files.set_aside();
    assert_eq!((aside.len(), aside[0].day, aside[0].path.exists()), (1, 40, true));
    files.put_rollups(Resolution::Minute, 40, 40, &[row(1, 7, b"again")]).unwrap();
    assert_eq!(all(&files, Resolution::Minute, 40), [(1, "again".into())]);
}

#[test]
fn the_engine_rolls_up_into_files_and_drops_the_days_behind_them() {
    let dir = tempfile::tempdir().unwrap();
    let kept = Kept { raw_ms: 2 * DAY_MS, minute_ms: 10 * DAY_MS, hour_ms: 40 * DAY_MS };
    let open = |dir: &Path| {
        Tsdb::open(Arc::new(Files(MetricFiles::open(dir).unwrap())), Options::default()).unwrap().0
    };
    let db = open(dir.path());
    let series = db.resolve(None, &[Labels::from_pairs([("__name__", "m")])]).refs[0].unwrap();
    let start = 20_000 * DAY_MS;
    let mut now = Timestamp(start);
    for i in 1..=4 * DAY_MS / 30_000 {
        now = Timestamp(start + i * 30_000);
        let samples = Samples::Loose(&[(series, now, i as f64)]);
        db.append(&[Batch { progress: None, received_at: now, backfill: false, samples }]).unwrap();
    }
    db.flush_all(now).unwrap();
    while db.merge(now, Extent::Everything).unwrap().more {}
    assert_eq!(db.retain(now, &kept).unwrap().waiting, 2, "nothing goes before it is rolled up");
    // The power fails half way.
    db.roll(now, &Kept { hour_ms: 0, ..kept }, Roll::Over).unwrap();
    let copy = dir.path().join("copy");
    copy_dir(&dir.path().join("log"), &copy.join("log"));
    copy_dir(&dir.path().join("rollups"), &copy.join("rollups"));
    for name in fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()) {
        if dir.path().join(&name).is_file() {
            fs::copy(dir.path().join(&name), copy.join(&name)).unwrap();
        }
    }
    for db in [open(&copy), db] {
        assert_eq!(db.retain(now, &kept).unwrap().waiting, 2, "by the hour it is not");
        while db.roll(now, &kept, Roll::Over).unwrap().more {}
        assert_eq!(db.retain(now, &kept).unwrap().days.len(), 2);
        for (level, step) in [(Level::Minute, 60_000), (Level::Hour, 3_600_000)] {
            if level == Level::Hour {
                let early = Kept { minute_ms: 0, ..kept };
                db.retain(now, &early).unwrap();
            }
            let matchers = Matchers::default();
            let (from, to) = (Timestamp(start), Timestamp(start + 2 * DAY_MS - 1));
            let query = Query {
                matchers: &matchers,
                from,
                to,
                owner: Owner::Any,
                max_series: 10,
                max_samples: 10_000,
            };
            let found = db.select_rolled(&query, Reads::Last, 1).unwrap();
            assert_eq!(found.spans.iter().map(|span| span.bucket_ms).collect::<Vec<_>>(), [step]);
            let values: Vec<f64> = found.series[0].samples.iter().map(|s| s.v).collect();
            let mut expected: Vec<f64> =
                (1..=2 * DAY_MS / step).map(|i| (i * step / 30_000) as f64).collect();
            // The end of the first day is a bucket of the second, and that of the second a sample of the third.
            let last = expected.len() - 1;
            expected[last] = (2 * DAY_MS / 30_000 - 1) as f64;
            let midnight = (DAY_MS / step) as usize - 1;
            expected.insert(midnight, expected[midnight] - 1.0);
            assert_eq!(values, expected, "{level:?}");
        }
    }
}
