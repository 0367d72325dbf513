//! Merging: when it is due, what it leaves, and that nobody can tell when it happened.

use std::sync::Arc;

use super::*;
use crate::tests::{T0, everything, id, loose, open, refs};
use crate::{Batch, MemoryStore, Samples, SeriesRef};

const STEP: i64 = 10_000;
const HOUR: i64 = 3_600_000;
/// A midnight.
const DAY: i64 = T0 + 20 * 60_000;

/// Reports of three series, flushed each minute as the hub does.
struct Reports {
    store: Arc<MemoryStore>,
    db: Tsdb,
    series: Vec<SeriesRef>,
    now: i64,
    sent: usize,
}

impl Reports {
    fn new() -> Reports {
        let store = Arc::new(MemoryStore::default());
        let db = open(&store);
        let series = refs(&db, Some(id(1)), &["a", "b", "c"]);
        Reports { store, db, series, now: DAY, sent: 0 }
    }

    fn run(&mut self, hours: i64) {
        for _ in 0..hours * HOUR / STEP {
            self.now += STEP;
            let value = self.sent as f64;
            let values = [(self.series[0], value), (self.series[1], 1.0), (self.series[2], value.sqrt())];
            let samples = Samples::Report { t: Timestamp(self.now), values: &values };
            let received_at = Timestamp(self.now);
            self.db.append(&[Batch { progress: None, received_at, backfill: false, samples }]).unwrap();
            self.sent += 1;
            if self.now % 60_000 == 0 {
                self.db.flush(received_at).unwrap();
            }
        }
    }

    fn merge(&self, extent: Extent) -> MergeReport {
        let mut all = MergeReport::default();
        loop {
            all.add(self.db.merge(Timestamp(self.now), extent).unwrap());
            if !all.more {
                return all;
            }
        }
    }

    /// Every series has every sample, here and after a power cut.
    fn check(&self) {
        for db in [&self.db, &open(&Arc::new(self.store.copy()))] {
            let all = everything(db);
            assert_eq!(all.values().map(Vec::len).collect::<Vec<_>>(), [self.sent; 3]);
            for (i, (t, bits)) in all.values().next().unwrap().iter().enumerate() {
                assert_eq!((*t, *bits), (DAY + (i as i64 + 1) * STEP, (i as f64).to_bits()));
            }
        }
    }
}

#[test]
fn the_running_day_is_merged_from_512_samples_on_and_whole_when_it_is_over() {
    let mut reports = Reports::new();
    reports.run(1);
    assert_eq!(reports.merge(Extent::Due), MergeReport::default(), "360 samples are too few");
    reports.run(1);
    let (chunks, blocks) = reports.store.rows();
    assert!(chunks > 15 && blocks == 0, "{chunks} {blocks}");
    let report = reports.merge(Extent::Due);
    assert!(report.samples > 3 * 512 && report.rows_removed == chunks && report.blocks == 1, "{report:?}");
    assert_eq!(reports.store.rows(), (0, 1));
    reports.check();
    assert_eq!(reports.merge(Extent::Due), MergeReport::default(), "it is merged");
    for _ in 2..24 {
        reports.run(1);
        reports.merge(Extent::Due);
        reports.check();
    }
    let (_, blocks) = reports.store.rows();
    assert!(blocks > 10, "{blocks}: the day is over, but was added to less than an hour ago");
    reports.run(1);
    let before = reports.store.rows().1;
    let report = reports.merge(Extent::Due);
    assert_eq!((report.samples, report.rows_removed > before, report.blocks), (3 * 8639, true, 2));
    assert_eq!(reports.store.rows().1, 2);
    reports.check();
}

#[test]
fn a_start_finds_what_waits() {
    let mut reports = Reports::new();
    reports.run(1);
    reports.db = open(&reports.store);
    // More chunks than samples would tell: the look at them corrects it.
    assert_eq!(reports.merge(Extent::Due), MergeReport::default());
    reports.run(1);
    reports.db = open(&reports.store);
    assert_eq!(reports.merge(Extent::Due).blocks, 1);
    reports.check();
}

#[test]
fn late_samples_of_a_merged_time_are_there_and_merged_again() {
    let mut reports = Reports::new();
    reports.run(25);
    reports.merge(Extent::Everything);
    let late = DAY + 20 * HOUR + 1;
    loose(&reports.db, true, &[(reports.series[0], late, 77.0), (reports.series[0], late - 1, -1.0)]);
    let has = |db: &Tsdb| {
        let all = everything(db);
        let samples = all.values().next().unwrap();
        let at = samples.binary_search_by_key(&late, |s| s.0).unwrap();
        assert_eq!(samples[at].1, 77.0f64.to_bits());
        assert_eq!(samples.len(), reports.sent + 1);
        f64::from_bits(samples[at - 1].1)
    };
    has(&reports.db);
    reports.db.flush(Timestamp(reports.now)).unwrap();
    let first = (20 * HOUR / STEP - 1) as f64;
    assert_eq!(has(&reports.db), first, "what was stored first stays");
    assert_eq!(reports.merge(Extent::Due).samples, 0, "not before it is quiet for an hour");
    reports.now += HOUR;
    let report = reports.merge(Extent::Due);
    assert!(report.samples > 3 * 8000 && report.rows_removed >= 3, "{report:?}");
    assert_eq!(has(&reports.db), first);
    assert_eq!(has(&open(&Arc::new(reports.store.copy()))), first);
}

#[test]
fn a_store_that_fails_at_any_step_loses_nothing() {
    for fails in 0..8 {
        let mut reports = Reports::new();
        reports.run(3);
        reports.store.fail_after(Some(fails));
        let result = reports.db.merge(Timestamp(reports.now), Extent::Everything);
        assert_eq!(result.is_err(), fails == 0, "{fails}: one day takes one write");
        reports.store.fail_after(None);
        reports.check();
        reports.merge(Extent::Everything);
        reports.check();
        assert_eq!(reports.store.rows().0, 0, "what failed is tried again");
    }
}

#[test]
fn a_damaged_block_is_skipped_counted_and_left() {
    let mut reports = Reports::new();
    reports.run(2);
    reports.db.flush_all(Timestamp(reports.now)).unwrap();
    reports.merge(Extent::Everything);
    reports.run(1);
    reports.db.flush_all(Timestamp(reports.now)).unwrap();
    let before = reports.db.stats().damaged_chunks;
    reports.store.damage_blocks();
    let lengths: Vec<usize> = everything(&reports.db).values().map(Vec::len).collect();
    assert_eq!(lengths, [360; 3], "the hour behind it is there");
    assert_eq!(reports.db.stats().damaged_chunks, before + 1);
    reports.merge(Extent::Everything);
    assert_eq!(reports.store.rows(), (0, 2), "what cannot be read is not thrown away");
    assert_eq!(everything(&reports.db).values().map(Vec::len).sum::<usize>(), 3 * 360);
}

#[test]
fn a_round_is_bounded() {
    let store = Arc::new(MemoryStore::default());
    let db = open(&store);
    let names: Vec<String> = (0..400).map(|i| format!("m{i:03}")).collect();
    let series = refs(&db, None, &names.iter().map(String::as_str).collect::<Vec<_>>());
    for i in 0..3000 {
        let t = Timestamp(DAY + i * 1000);
        let values: Vec<_> = series.iter().map(|s| (*s, i as f64)).collect();
        let samples = Samples::Report { t, values: &values };
        db.append(&[Batch { progress: None, received_at: t, backfill: false, samples }]).unwrap();
    }
    db.flush_all(Timestamp(DAY + 3_000_000)).unwrap();
    let first = db.merge(Timestamp(DAY + 3_000_000), Extent::Due).unwrap();
    assert!(first.more && first.samples < 1_100_000, "{first:?}");
    let second = db.merge(Timestamp(DAY + 3_000_000), Extent::Due).unwrap();
    assert_eq!((second.more, first.samples + second.samples), (false, 400 * 3000));
}
