//! No series is left out of a range that it has a sample in, wherever that sample lies.

use std::sync::Arc;

use watchtower_model::{Labels, Timestamp};

use crate::codec::tests::Numbers;
use crate::tests::{T0, id, loose, named, open, refs, select};
use crate::{Day, Extent, Kept, MemoryStore, Roll, Tsdb};

const HOUR: i64 = 3_600_000;
const KEPT: Kept = Kept { raw_ms: 3 * Day::MS, minute_ms: 6 * Day::MS, hour_ms: 40 * Day::MS };

fn names_in(db: &Tsdb, from: i64, to: i64) -> Vec<String> {
    let name = |labels: &Labels| labels.get("__name__").unwrap().to_string();
    named(db, "", Some((from, to))).iter().map(name).collect()
}

/// More than a group of series, so that those at its ends are merged apart.
fn far_apart(db: &Tsdb) {
    let list: Vec<String> = (0..33).map(|i| format!("n{i:02}")).collect();
    let series = refs(db, Some(id(1)), &list.iter().map(String::as_str).collect::<Vec<_>>());
    for (series, t) in [(series[0], T0), (series[16], T0 + 2 * Day::MS), (series[32], T0 + 4 * Day::MS)] {
        loose(db, false, &[(series, t, 1.0), (series, t + 1000, 2.0)]);
    }
}

#[test]
fn a_range_has_the_series_of_its_time() {
    let store = Arc::new(MemoryStore::default());
    let db = open(&store);
    far_apart(&db);
    let check = |db: &Tsdb| {
        for (days, expected) in [
            ((0, 0), vec!["n00"]),
            ((2, 2), vec!["n16"]),
            ((4, 4), vec!["n32"]),
            ((1, 1), vec![]),
            ((5, 9), vec![]),
            ((-9, -1), vec![]),
            ((0, 2), vec!["n00", "n16"]),
            ((1, 9), vec!["n16", "n32"]),
            ((3, 1), vec![]),
        ] {
            let (from, to) = (T0 + days.0 * Day::MS, T0 + days.1 * Day::MS + 1000);
            assert_eq!(names_in(db, from, to), expected, "{days:?}");
        }
        assert_eq!(names_in(db, T0 - Day::MS, i64::MAX), ["n00", "n16", "n32"]);
        // To the millisecond where samples are not merged with those of others.
        assert!(names_in(db, T0 + 1001, T0 + Day::MS).is_empty());
        assert_eq!(names_in(db, T0 + 1000, T0 + Day::MS), ["n00"]);
    };
    check(&db);
    let now = Timestamp(T0 + 4 * Day::MS + 2 * HOUR);
    db.flush_all(now).unwrap();
    db.flush(now).unwrap();
    check(&db);
    while db.merge(now, Extent::Everything).unwrap().more {}
    check(&db);
    check(&open(&Arc::new(store.copy())));
    // The first day's samples are gone: rollups of it are left.
    while db.roll(now, &KEPT, Roll::Over).unwrap().more {}
    db.retain(now, &KEPT).unwrap();
    assert_eq!(names_in(&db, T0, T0), ["n00"]);
    assert_eq!(names_in(&db, T0 + 1001, T0 + Day::MS - HOUR), Vec::<String>::new());
    assert_eq!(names_in(&db, T0 - Day::MS, i64::MAX), ["n00", "n16", "n32"]);
    assert_eq!(named(&db, "__name__=n00", None), [], "without a range: those that have samples");
    let later = Timestamp(now.0 + 20 * Day::MS);
    while db.roll(later, &KEPT, Roll::Over).unwrap().more {}
    db.retain(later, &KEPT).unwrap();
    assert_eq!(names_in(&db, T0, T0), ["n00"], "from the hour, without a day of samples");
}

#[test]
fn late_samples_count() {
    let db = open(&Arc::default());
    let series = refs(&db, None, &["a"])[0];
    loose(&db, false, &[(series, T0, 1.0)]);
    loose(&db, true, &[(series, T0 - 5 * HOUR, 1.0)]);
    let seen = |from, to| !names_in(&db, from, to).is_empty();
    assert!(
        seen(T0 - 6 * HOUR, T0 - 4 * HOUR)
            && !seen(T0 - 4 * HOUR, T0 - HOUR)
            && !seen(T0 - 9 * HOUR, T0 - 6 * HOUR)
    );
}

/// Whatever flushes, merges, days that go and restarts do: what a query finds in a range is named in it.
#[test]
fn what_a_query_finds_is_named() {
    for seed in 1..=10 {
        let mut numbers = Numbers(seed);
        let store = Arc::new(MemoryStore::default());
        let mut db = open(&store);
        let list: Vec<String> = (0..40).map(|i| format!("n{i:02}")).collect();
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let (mut now, mut absent) = (T0, 0);
        for _ in 0..120 {
            now += HOUR + (numbers.next() % 1000) as i64;
            let series = refs(&db, Some(id(1)), &list);
            let at = numbers.next() as usize % list.len();
            let back = if numbers.next().is_multiple_of(4) { 20 * HOUR } else { 0 };
            for series in &series[at..(at + 3).min(list.len())] {
                loose(&db, true, &[(*series, now - back, 1.0), (*series, now - back + 5000, 2.0)]);
            }
            match numbers.next() % 8 {
                0 => drop(db.flush(Timestamp(now)).unwrap()),
                1 => drop(db.flush_all(Timestamp(now)).unwrap()),
                2 => while db.merge(Timestamp(now), Extent::Everything).unwrap().more {},
                3 => {
                    while db.roll(Timestamp(now), &KEPT, Roll::Over).unwrap().more {}
                    db.retain(Timestamp(now), &KEPT).unwrap();
                }
                4 => db = open(&store),
                _ => {}
            }
            let from = now - (numbers.next() % (6 * Day::MS as u64)) as i64;
            let to = from + (numbers.next() % (12 * HOUR as u64)) as i64;
            let shown = names_in(&db, from, to);
            for window in select(&db, "", from, to) {
                let name = window.labels.get("__name__").unwrap();
                assert!(shown.iter().any(|shown| shown == name), "seed {seed}: {name} in {from}..={to}");
            }
            absent += list.len() - shown.len();
        }
        assert!(absent > 1000, "seed {seed}: ranges leave series out, {absent}");
    }
}
