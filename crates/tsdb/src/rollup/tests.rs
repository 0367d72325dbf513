//! Rollups are made when a day is over, made anew when something comes for it, durable before its samples go, and read in their place.

use std::sync::Arc;

use watchtower_matchers::Matchers;
use watchtower_model::{Sample, is_stale, stale_nan};

use super::*;
use crate::store::RollupRecord;
use crate::tests::{T0, everything, id, labels_of, loose, open, refs, select};
use crate::{Batch, ChunkStore, Extent, MemoryStore, Options, Owner, Query, Samples, SeriesRef};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = Day::MS;
/// A midnight.
const START: i64 = T0 + 20 * MINUTE;
const STEP: i64 = 20_000;

fn sample(t: i64, v: f64) -> Sample {
    Sample { t: Timestamp(t), v }
}

#[test]
fn a_bucket_is_what_its_samples_say() {
    let values = [3.0, 5.0, 2.0, 4.0, 1.0];
    let samples: Vec<Sample> = (0..5).map(|i| sample(START + 1 + i * 15_000, values[i as usize])).collect();
    let all = buckets(&samples, MINUTE);
    // 60,001 ms behind the bound is the next bucket's; the bound itself would be this one's.
    assert_eq!(all.len(), 2);
    let first = Bucket {
        first: samples[0],
        last: samples[3],
        min: 2.0,
        max: 5.0,
        sum: 14.0,
        resets: 5.0,
        count: 4,
        stale: false,
    };
    assert_eq!(all[0], first);
    assert_eq!((all[1].count, all[1].resets, all[1].last.v), (1, 0.0, 1.0));
    assert_eq!(buckets(&[sample(START, 1.0), sample(START + 1, 1.0)], MINUTE).len(), 2);
    assert_eq!(buckets(&[sample(START + 1, 1.0), sample(START + MINUTE, 1.0)], MINUTE).len(), 1);
    let odd = [
        sample(START + 1, f64::NAN),
        sample(START + 2, f64::INFINITY),
        sample(START + 3, stale_nan()),
        sample(START + 4, 1.0),
        sample(START + 5, stale_nan()),
    ];
    let [all] = buckets(&odd, MINUTE).try_into().unwrap();
    assert!(all.first.v.is_nan() && all.sum.is_nan() && all.stale);
    assert_eq!((all.count, all.min, all.max, all.last.v), (3, 1.0, f64::INFINITY, 1.0));
    let [only] = buckets(&odd[4..], MINUTE).try_into().unwrap();
    assert!(only.count == 0 && only.stale && is_stale(only.last.v));
}

/// A counter that falls now and then, a gauge, and a series that never changes, of one server.
struct Days {
    store: Arc<MemoryStore>,
    db: Tsdb,
    series: Vec<SeriesRef>,
    now: i64,
}

const KEPT: Kept = Kept { raw_ms: 2 * DAY, minute_ms: 4 * DAY, hour_ms: 40 * DAY };

fn value(series: usize, t: i64) -> f64 {
    let step = (t - START) / STEP;
    match series {
        0 => (step % 5000) as f64 * 3.0,
        1 => (step * step % 997) as f64 / 10.0,
        _ => 7.0,
    }
}

impl Days {
    fn new() -> Days {
        let store = Arc::new(MemoryStore::default());
        let db = open(&store);
        let series = refs(&db, Some(id(1)), &["counter", "gauge", "same"]);
        Days { store, db, series, now: START }
    }

    /// Samples up to `hours` later, stored and merged.
    fn run(&mut self, hours: i64) {
        let end = self.now + hours * HOUR;
        while self.now < end {
            self.now += STEP;
            let t = Timestamp(self.now);
            let of = |(i, series): (usize, &SeriesRef)| (*series, value(i, self.now));
            let values: Vec<(SeriesRef, f64)> = self.series.iter().enumerate().map(of).collect();
            let samples = Samples::Report { t, values: &values };
            self.db.append(&[Batch { progress: None, received_at: t, backfill: false, samples }]).unwrap();
        }
        self.settle();
    }

    fn settle(&self) {
        self.db.flush_all(Timestamp(self.now)).unwrap();
        while self.db.merge(Timestamp(self.now), Extent::Everything).unwrap().more {}
    }

    fn roll(&self) -> RollReport {
        let mut all = RollReport::default();
        loop {
            let round = self.db.roll(Timestamp(self.now), &KEPT, Roll::Over).unwrap();
            all.add(round);
            if !round.more {
                return RollReport { more: false, ..all };
            }
        }
    }

    fn retain(&self) -> crate::Retention {
        self.db.retain(Timestamp(self.now), &KEPT).unwrap()
    }
}

fn rolled(db: &Tsdb, name: &str, times: (i64, i64), reads: Reads) -> Rolled {
    rolled_by(db, name, times, reads, 1)
}

fn rolled_by(db: &Tsdb, name: &str, (from, to): (i64, i64), reads: Reads, grain_ms: i64) -> Rolled {
    let matchers: Matchers = format!("__name__={name}").parse().unwrap();
    let (from, to, owner) = (Timestamp(from), Timestamp(to), Owner::Any);
    let query = Query { matchers: &matchers, from, to, owner, max_series: 10, max_samples: 1_000_000 };
    db.select_rolled(&query, reads, grain_ms).unwrap()
}

/// The last value of each bucket in `(from, to]`, with its time. What lies at a midnight is a bucket of the day behind it.
fn expected(series: usize, from: i64, to: i64, bucket: i64) -> Vec<(i64, f64)> {
    let times: Vec<i64> = (from.div_euclid(STEP) + 1..=to / STEP).map(|i| i * STEP).collect();
    let buckets = times.chunk_by(|a, b| {
        Day::of(*a) == Day::of(*b) && (*a - 1).div_euclid(bucket) == (*b - 1).div_euclid(bucket)
    });
    buckets.map(|times| times[times.len() - 1]).map(|t| (t, value(series, t))).collect()
}

/// Without printing thousands of points.
fn same(found: &[(i64, f64)], expected: &[(i64, f64)], what: &str) {
    let first = found.iter().zip(expected).find(|(a, b)| a != b);
    assert!(
        first.is_none() && found.len() == expected.len(),
        "{what}: {first:?}, {} of {}",
        found.len(),
        expected.len()
    );
}

fn points(rolled: &Rolled) -> Vec<(i64, f64)> {
    rolled.series.iter().flat_map(|w| &w.samples).map(|s| (s.t.0, s.v)).collect()
}

/// Six days: the first two have only hours, two more have minutes, the last two samples.
fn six_days() -> Days {
    let mut days = Days::new();
    for _ in 0..6 {
        days.run(24);
        days.roll();
        days.retain();
    }
    days.run(1);
    days.roll();
    days.retain();
    days
}

#[test]
fn each_time_is_answered_from_the_finest_there_is_and_once() {
    let days = six_days();
    // The first sample of the second day lies at midnight, and so begins its file.
    let raw: Vec<Day> = days.store.days().unwrap();
    let first_raw = raw[0].start();
    assert_eq!(first_raw, START + 4 * DAY);
    let minutes = days.store.rollup_periods(Level::Minute).unwrap();
    let first_minute = minutes[0].start();
    assert_eq!(first_minute, START + 2 * DAY);
    let found = rolled(&days.db, "gauge", (START, days.now), Reads::Last);
    let span = |until, bucket_ms| Span { until: Timestamp(until), bucket_ms };
    assert_eq!(found.spans, [span(first_minute, HOUR), span(first_raw, MINUTE)]);
    let mut all = expected(1, START, first_minute - 1, HOUR);
    all.extend(expected(1, first_minute - 1, first_raw - 1, MINUTE));
    all.extend((0..).map(|i| first_raw + i * STEP).take_while(|t| *t <= days.now).map(|t| (t, value(1, t))));
    same(&points(&found), &all, "six days");
    // Nothing of it where all are samples, and after a restart it is the same.
    let recent = rolled(&days.db, "gauge", (first_raw, days.now), Reads::Mean);
    assert!(recent.spans.is_empty() && recent.series[0].rests.is_empty());
    let again = open(&Arc::new(days.store.copy()));
    assert!(rolled(&again, "gauge", (START, days.now), Reads::Last) == found);
    assert!(select(&again, "__name__=gauge", first_raw, days.now)[0].samples == recent.series[0].samples);
}

#[test]
fn the_hour_answers_where_it_says_as_much_and_was_made_of_as_much() {
    let days = six_days();
    let (from, to) = (START, START + 4 * DAY - 1);
    let lengths = |db: &Tsdb, grain_ms| -> Vec<i64> {
        let found = rolled_by(db, "gauge", (from, to), Reads::Max, grain_ms);
        found.spans.iter().map(|span| span.bucket_ms).collect()
    };
    assert_eq!(lengths(&days.db, 30 * MINUTE), [HOUR, MINUTE]);
    for grain_ms in [HOUR, 6 * HOUR, DAY, 0] {
        assert_eq!(lengths(&days.db, grain_ms), [HOUR], "{grain_ms}");
    }
    let found = rolled_by(&days.db, "gauge", (from, to), Reads::Last, HOUR);
    same(&points(&found), &expected(1, from, to, HOUR), "by the hour");
    // As if the power had failed between the two levels of a day for which something came late.
    let third = Day::of(START + 2 * DAY);
    let (mut row, group) = (Vec::new(), Group::of(days.series[0].0));
    let read = &mut |_: Group, bytes: &[u8]| {
        row = bytes.to_vec();
        true
    };
    days.store.read_rollups(Level::Minute, third, &[group], read).unwrap();
    let store = Arc::new(days.store.copy());
    let newer = RollupRecord { group, mark: RowId::MAX, bytes: row };
    store.put_rollups(Level::Minute, third, third, &[newer]).unwrap();
    assert_eq!(lengths(&open(&store), HOUR), [HOUR, MINUTE, HOUR]);
}

#[test]
fn every_number_of_a_bucket_is_that_of_its_samples() {
    let days = six_days();
    let (from, to) = (START + 2 * DAY, START + 2 * DAY + HOUR);
    for (bucket, from, to) in [(MINUTE, from, to), (HOUR, START + HOUR, START + 5 * HOUR)] {
        let samples: Vec<Sample> =
            (from / STEP + 1..=to / STEP).map(|i| sample(i * STEP, value(0, i * STEP))).collect();
        let truth = buckets(&samples, bucket);
        for (reads, number) in [
            (Reads::Min, (|b: &Bucket| b.min) as fn(&Bucket) -> f64),
            (Reads::Max, |b| b.max),
            (Reads::Sum, |b| b.sum),
            (Reads::Count, |b| f64::from(b.count)),
            (Reads::Mean, |b| b.sum),
            (Reads::Growth, |b| b.last.v),
        ] {
            let found = rolled(&days.db, "counter", (from, to), reads);
            let [window] = found.series.try_into().unwrap();
            let at = window.samples.partition_point(|s| s.t.0 <= from);
            let values: Vec<f64> = window.samples[at..].iter().map(|s| s.v).collect();
            assert_eq!(values, truth.iter().map(number).collect::<Vec<_>>(), "{reads:?} {bucket}");
            if reads == Reads::Growth {
                let rest = |b: &Bucket| Rest { first: b.first, resets: b.resets, count: b.count };
                assert_eq!(window.rests[at..], truth.iter().map(rest).collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn samples_go_only_behind_their_rollup_whatever_fails() {
    for fails in 0..10 {
        let mut days = Days::new();
        days.run(4 * 24);
        let before = everything(&days.db);
        days.store.fail_after(Some(fails));
        let failed = days.db.roll(Timestamp(days.now), &KEPT, Roll::Over).is_err();
        let _ = days.db.retain(Timestamp(days.now), &KEPT);
        days.store.fail_after(None);
        // The power fails now.
        let store = Arc::new(days.store.copy());
        let db = open(&store);
        if failed {
            assert_eq!(everything(&db), before, "{fails}: nothing is gone");
        }
        let after = Days { store, db, ..days };
        after.roll();
        assert_eq!(after.roll(), RollReport::default(), "{fails}: it is done once");
        let done = after.retain();
        assert_eq!((done.waiting, after.store.days().unwrap()[0].start()), (0, START + 2 * DAY), "{fails}");
        let found = rolled(&after.db, "counter", (START, START + 2 * DAY - 1), Reads::Last);
        same(&points(&found), &expected(0, START, START + 2 * DAY - 1, MINUTE), &format!("{fails}"));
    }
}

#[test]
fn a_day_that_is_not_rolled_up_is_kept() {
    let mut days = Days::new();
    days.run(5 * 24);
    let done = days.retain();
    assert_eq!((done.days.len(), done.waiting, days.db.stats().days_held), (0, 3, 3));
    // When space is short only these are rolled up.
    while days.db.roll(Timestamp(days.now), &KEPT, Roll::Expired).unwrap().more {}
    assert_eq!(days.store.rollup_periods(Level::Minute).unwrap().len(), 3);
    assert_eq!((days.retain().days.len(), days.db.stats().days_held), (3, 0));
    // Without rollups, nothing waits for them.
    let none = Kept { raw_ms: DAY, minute_ms: 0, hour_ms: 0 };
    assert_eq!(days.db.retain(Timestamp(days.now), &none).unwrap().days.len(), 1);
}

#[test]
fn what_comes_late_makes_the_rollup_anew() {
    let mut days = Days::new();
    days.run(24);
    assert_eq!(days.roll().rows, 2, "one group, two levels");
    days.run(2);
    assert_eq!(days.roll(), RollReport::default());
    let late = START + 23 * HOUR + 1;
    loose(&days.db, true, &[(days.series[2], late, 100.0)]);
    days.settle();
    assert_eq!(days.roll().rows, 2);
    days.run(3 * 24);
    days.roll();
    days.retain();
    let found = rolled(&days.db, "same", (late, late + MINUTE), Reads::Max);
    assert!(points(&found).contains(&(START + 23 * HOUR + MINUTE, 100.0)), "{found:?}");
}

#[test]
fn a_day_that_is_begun_again_takes_nothing_from_its_rollup() {
    let mut days = Days::new();
    days.run(2 * 24);
    days.roll();
    // The day's file was damaged and set aside, and something came for it behind that.
    days.store.drop_day(Day::of(START + DAY)).unwrap();
    days.db.waiting.lock().unwrap().forget(Day::of(START + DAY));
    loose(&days.db, true, &[(days.series[0], START + DAY + HOUR + 1, 1.0)]);
    days.settle();
    days.now += 3 * DAY;
    days.roll();
    days.retain();
    let from = START + DAY;
    let found = rolled(&days.db, "counter", (from, from + 5 * HOUR), Reads::Last);
    let at = |found: &Rolled| points(found).into_iter().filter(|(t, _)| *t > from).collect::<Vec<_>>();
    same(&at(&found), &expected(0, from, from + 5 * HOUR, MINUTE), "begun again");
}

#[test]
fn a_lost_file_costs_its_period_and_the_coarser_level_steps_in() {
    let days = six_days();
    let lost = Day::of(START + 3 * DAY);
    days.store.drop_rollups(Level::Minute, lost).unwrap();
    let found = rolled(&days.db, "counter", (START + 2 * DAY, START + 4 * DAY), Reads::Last);
    let lengths: Vec<i64> = found.spans.iter().map(|span| span.bucket_ms).collect();
    assert_eq!(lengths, [HOUR, MINUTE, HOUR]);
    let of_day: Vec<(i64, f64)> = points(&found).into_iter().filter(|(t, _)| Day::of(*t) == lost).collect();
    same(&of_day, &expected(0, START + 3 * DAY - 1, START + 4 * DAY - 1, HOUR), "the lost day");
    for period in days.store.rollup_periods(Level::Hour).unwrap() {
        days.store.drop_rollups(Level::Hour, period).unwrap();
    }
    let found = rolled(&days.db, "counter", (START, START + 4 * DAY - 1), Reads::Last);
    same(&points(&found), &expected(0, START + 2 * DAY - 1, START + 3 * DAY - 1, MINUTE), "the day before");
}

#[test]
fn a_series_that_ended_is_read_but_counts_no_more() {
    let store = Arc::new(MemoryStore::default());
    let few = Options { series_per_resource: 3, ..Options::default() };
    let db = Tsdb::open(Arc::clone(&store) as Arc<dyn ChunkStore>, few).unwrap().0;
    let series = refs(&db, Some(id(1)), &["counter", "gauge", "same"]);
    let mut days = Days { store, db, series, now: START };
    days.run(24);
    days.now += 3 * DAY;
    days.settle();
    days.roll();
    let done = days.retain();
    assert_eq!((done.series, days.db.stats().series, days.db.stats().ended_series), (0, 0, 3));
    assert!(labels_of(&days.db, "").is_empty(), "what is left of it is for queries alone");
    assert_eq!(points(&rolled(&days.db, "gauge", (START, START + HOUR), Reads::Last)).len(), 60);
    assert!(select(&days.db, "__name__=gauge", days.now - DAY, days.now).is_empty());
    let others = refs(&days.db, Some(id(1)), &["x", "y", "z"]);
    assert_eq!(others.len(), 3, "the limit is theirs again");
    // From the start on: what it finds in the catalogue has no samples any more.
    loose(&days.db, false, &[(others[0], days.now, 1.0)]);
    days.db.flush_all(Timestamp(days.now)).unwrap();
    let short = Options { max_age_ms: KEPT.raw_ms, ..Options::default() };
    let again = Tsdb::open(Arc::new(days.store.copy()), short).unwrap().0;
    assert_eq!((again.stats().series, again.stats().ended_series), (1, 5), "two never had any");
    // A sender that kept the number is told to resolve it; the number is the old one.
    let late = (days.series[0], days.now, 1.0);
    assert_eq!(loose(&days.db, false, &[late]).unknown, 1);
    days.db.remove_resource(id(1)).unwrap();
    assert_eq!((days.db.stats().series, days.db.stats().ended_series), (0, 0));
}

#[test]
fn a_series_that_comes_back_goes_on() {
    let mut days = Days::new();
    days.run(24);
    days.now += 3 * DAY;
    days.settle();
    days.roll();
    days.retain();
    assert_eq!(refs(&days.db, Some(id(1)), &["counter"]), [days.series[0]]);
    loose(&days.db, false, &[(days.series[0], days.now, 1.0)]);
    assert_eq!((days.db.stats().series, days.db.stats().ended_series), (1, 2));
    let found = rolled(&days.db, "counter", (START, days.now), Reads::Last);
    assert_eq!((found.series.len(), points(&found).last()), (1, Some(&(days.now, 1.0))));
    // When the last rollup is gone, so are they.
    let later = Timestamp(days.now + 100 * DAY);
    // What is stored leaves memory with the flush behind it.
    days.db.flush_all(later).unwrap();
    days.db.flush(later).unwrap();
    while days.db.merge(later, Extent::Everything).unwrap().more {}
    while days.db.roll(later, &KEPT, Roll::Over).unwrap().more {}
    assert_eq!(days.db.retain(later, &KEPT).unwrap().series, 3);
    assert_eq!(days.store.rollup_periods(Level::Hour).unwrap(), []);
}
