//! The same data twice: all samples kept, and most of them rolled up. Queries at the bounds of buckets get the same answers from both.

use std::sync::{Arc, OnceLock};

use watchtower_hub::query::{Scope, Source};
use watchtower_matchers::Matchers;
use watchtower_model::{Labels, Timestamp, stale_nan};
use watchtower_promql::{
    Answer, Dialect, Fetched, Limits, SeriesSource, SeriesWindow, Settings, SourceError, Wanted,
    eval_instant, eval_range, parse,
};
use watchtower_tsdb::{Batch, Extent, Kept, MemoryStore, Options, Roll, Samples, SeriesRef, Tsdb};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 86_400_000;
/// A midnight.
const START: i64 = 20_700 * DAY;
const DAYS: i64 = 6;
const STEP: i64 = 20_000;
/// Two days of samples, two more by the minute, the first two by the hour.
const KEPT: Kept = Kept { raw_ms: 2 * DAY, minute_ms: 4 * DAY, hour_ms: 40 * DAY };
const MINUTES_FROM: i64 = START + 2 * DAY;
const SAMPLES_FROM: i64 = START + 4 * DAY;
const NOW: i64 = START + DAYS * DAY + HOUR;

const WIDE: Limits<'static> = Limits { series: 1000, samples: 10_000_000, keep_going: &|| true };

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n) as i64
    }

    fn pick<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len() as u64) as usize]
    }
}

/// The value of a series at its `n`th time, or nothing.
fn value(kind: &str, n: i64) -> Option<f64> {
    Some(match kind {
        "steady_total" => n as f64 * 12.0,
        // Falls to zero at odd times, also twice within a minute.
        "falling_total" => (n % 1013 % 190) as f64 * 0.25,
        "restarted_total" => (n % 1440) as f64 + 0.5,
        "gauge" => ((n * n * 31) % 9973) as f64 / 10.0 - 300.0,
        "wave" => (n as f64 / 77.0).sin() * 1e9,
        "same" => 42.0,
        // Once in ten minutes: older than the lookback half of the time.
        "sparse" if n % 30 == 4 => (n / 30) as f64,
        // Ends by a marker, is away for some hours, comes back.
        "ending" if n % 3000 == 2000 => stale_nan(),
        "ending" if n % 3000 < 2000 => n as f64,
        // Just goes away.
        "gaps" if n % 700 < 500 => (n % 700) as f64,
        "odd" if n % 97 == 5 => f64::NAN,
        "odd" if n % 1501 == 3 => f64::INFINITY,
        "odd" => n as f64,
        _ => return None,
    })
}

const KINDS: [&str; 10] = [
    "steady_total",
    "falling_total",
    "restarted_total",
    "gauge",
    "wave",
    "same",
    "sparse",
    "ending",
    "gaps",
    "odd",
];

fn fill(db: &Tsdb, kept: Option<&Kept>) {
    let labels: Vec<Labels> = KINDS
        .iter()
        .enumerate()
        .map(|(i, kind)| {
            Labels::from_pairs([
                ("__name__", *kind),
                ("kind", *kind),
                ("half", if i % 2 == 0 { "a" } else { "b" }),
            ])
        })
        .collect();
    let series: Vec<SeriesRef> = db.resolve(None, &labels).refs.into_iter().flatten().collect();
    let mut numbers = Numbers(7);
    let mut day = START;
    for n in 0..=(NOW - START) / STEP {
        // Some lie just on a bound, most of them some milliseconds behind it.
        let t = Timestamp(START + n * STEP + if n % 5 == 0 { 0 } else { numbers.below(9) });
        let values: Vec<(SeriesRef, f64)> =
            series.iter().zip(KINDS).filter_map(|(s, kind)| Some((*s, value(kind, n)?))).collect();
        let samples = Samples::Report { t, values: &values };
        db.append(&[Batch { progress: None, received_at: t, backfill: false, samples }]).unwrap();
        if t.0 >= day + DAY + HOUR {
            day += DAY;
            db.flush_all(t).unwrap();
            while db.merge(t, Extent::Everything).unwrap().more {}
            if let Some(kept) = kept {
                while db.roll(t, kept, Roll::Over).unwrap().more {}
                assert_eq!(db.retain(t, kept).unwrap().waiting, 0);
            }
        }
    }
}

/// All samples, and what is left of them.
fn both() -> &'static (Arc<Tsdb>, Arc<Tsdb>) {
    static BOTH: OnceLock<(Arc<Tsdb>, Arc<Tsdb>)> = OnceLock::new();
    BOTH.get_or_init(|| {
        let open = || Arc::new(Tsdb::open(Arc::new(MemoryStore::default()), Options::default()).unwrap().0);
        let (raw, rolled) = (open(), open());
        fill(&raw, None);
        fill(&rolled, Some(&KEPT));
        (raw, rolled)
    })
}

fn source(db: &Arc<Tsdb>) -> Source {
    Source::new(Arc::clone(db), Scope::default(), 1000, 10_000_000)
}

/// The finest there is, whatever would do.
struct Finest(Source);

impl SeriesSource for Finest {
    fn select(
        &self,
        of: &Matchers,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SeriesWindow>, SourceError> {
        self.0.select(of, from, to)
    }

    fn fetch(
        &self,
        of: &Matchers,
        from: Timestamp,
        to: Timestamp,
        wanted: Wanted,
    ) -> Result<Fetched, SourceError> {
        self.0.fetch(of, from, to, Wanted { grain_ms: 1, ..wanted })
    }
}

fn range(db: &Arc<Tsdb>, text: &str, times: (i64, i64, i64), dialect: Dialect) -> Vec<SeriesWindow> {
    range_from(&source(db), text, times, dialect)
}

fn range_from(
    source: &dyn SeriesSource,
    text: &str,
    (start, end, step): (i64, i64, i64),
    dialect: Dialect,
) -> Vec<SeriesWindow> {
    let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let (start, end) = (Timestamp(start), Timestamp(end));
    eval_range(&expr, start, end, step, source, &Settings::of(dialect), &WIDE)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn instant(db: &Arc<Tsdb>, text: &str, at: i64) -> Vec<(Labels, f64)> {
    let answer = eval_instant(&parse(text).unwrap(), Timestamp(at), &source(db), &Settings::default(), &WIDE);
    let Answer::Vector(mut all) = answer.unwrap_or_else(|error| panic!("{text}: {error}")) else {
        panic!("{text}")
    };
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    all.into_iter().map(|e| (e.labels, e.v)).collect()
}

fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

fn compare(a: &[SeriesWindow], b: &[SeriesWindow], what: &str) {
    let labels = |all: &[SeriesWindow]| all.iter().map(|w| w.labels.to_string()).collect::<Vec<_>>();
    assert_eq!(labels(a), labels(b), "{what}");
    for (a, b) in a.iter().zip(b) {
        let times = |w: &SeriesWindow| w.samples.iter().map(|s| s.t.0 - START).collect::<Vec<_>>();
        assert_eq!(times(a), times(b), "{what}: {}", a.labels);
        for (x, y) in a.samples.iter().zip(&b.samples) {
            let at = (x.t.0 - START) as f64 / HOUR as f64;
            assert!(same(x.v, y.v), "{what}: {} at {at} h: {} of samples, {} of rollups", a.labels, x.v, y.v);
        }
    }
}

const EXACT: [&str; 11] = [
    "rate",
    "increase",
    "delta",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "avg_over_time",
    "count_over_time",
    "last_over_time",
    "present_over_time",
    "absent_over_time",
];

/// A query whose times lie on multiples of `unit`.
fn query(numbers: &mut Numbers, unit: &str) -> String {
    let selector = match numbers.below(3) {
        0 => (*numbers.pick(&KINDS)).to_string(),
        1 => format!("{{__name__=\"{}\"}} offset {}{unit}", numbers.pick(&KINDS), 1 + numbers.below(3)),
        _ => format!("{{__name__=~\".+_total|gauge|same\",half=\"{}\"}}", numbers.pick(&["a", "b"])),
    };
    let (plain, offset) = selector
        .split_once(" offset")
        .map_or((&*selector, ""), |(plain, _)| (plain, &selector[plain.len()..]));
    let many = plain.contains("=~");
    let length = 1 + numbers.below(6);
    let inner = match numbers.below(4) {
        0 => selector.clone(),
        1 if !many => format!("max_over_time({plain}[{}{unit}:1{unit}]{offset})", length + 1),
        _ => format!("{}({plain}[{length}{unit}]{offset})", numbers.pick(&EXACT)),
    };
    match numbers.below(4) {
        0 if many => format!("sum by (half) ({inner})"),
        1 => format!("max({inner}) > 0"),
        2 if !many => format!("timestamp({inner})"),
        _ if many => format!("count without (half, kind, __name__) ({inner})"),
        _ => inner,
    }
}

#[test]
fn at_the_bounds_of_buckets_rollups_answer_as_samples_do() {
    let (raw, rolled) = both();
    let mut numbers = Numbers(99);
    let regions = [
        ("hours", START + 8 * HOUR, MINUTES_FROM, "h", HOUR),
        ("minutes", MINUTES_FROM + 10 * MINUTE, SAMPLES_FROM, "m", MINUTE),
        ("hours and minutes", MINUTES_FROM - 6 * HOUR, MINUTES_FROM + 6 * HOUR, "h", HOUR),
        ("minutes and samples", SAMPLES_FROM - 30 * MINUTE, SAMPLES_FROM + 30 * MINUTE, "m", MINUTE),
        ("all", START + 8 * HOUR, NOW, "h", HOUR),
    ];
    let mut values = 0;
    for round in 0..700 {
        let (name, from, to, unit, unit_ms) = regions[round % regions.len()];
        let text = query(&mut numbers, unit);
        let start = from + numbers.below(((to - from) / unit_ms) as u64) * unit_ms;
        let step = (1 + numbers.below(5)) * unit_ms;
        let end = (start + 20 * step).min(to);
        let dialect = Dialect::Prometheus3;
        let a = range(raw, &text, (start, end, step), dialect);
        let b = range(rolled, &text, (start, end, step), dialect);
        let what = format!("{name}, {text} from {} h by {} m", (start - START) / HOUR, step / MINUTE);
        compare(&a, &b, &what);
        let finest = range_from(&Finest(source(rolled)), &text, (start, end, step), dialect);
        compare(&a, &finest, &format!("{what}, from the finest"));
        values += a.iter().map(|w| w.samples.len()).sum::<usize>();
        // The walk by steps and the one by series are two pieces of code.
        if !text.contains("absent") && round % 5 == 0 {
            let (a, b) = (instant(raw, &text, end), instant(rolled, &text, end));
            assert_eq!(a.len(), b.len(), "{what}");
            assert!(a.iter().zip(&b).all(|(a, b)| a.0 == b.0 && same(a.1, b.1)), "{what}: {a:?} {b:?}");
        }
    }
    assert!(values > 5000, "{values} values were compared");
}

#[test]
fn between_bounds_the_answer_is_that_of_the_bound_before() {
    let (_, rolled) = both();
    let mut numbers = Numbers(5);
    for (from, to, unit, unit_ms) in
        [(START + 8 * HOUR, MINUTES_FROM, "h", HOUR), (MINUTES_FROM + HOUR, SAMPLES_FROM, "m", MINUTE)]
    {
        for _ in 0..60 {
            let text = query(&mut numbers, unit);
            if text.contains("timestamp") || text.contains(':') {
                continue;
            }
            let at = from + numbers.below(((to - from) / unit_ms) as u64) * unit_ms;
            let between = at + 1 + numbers.below(unit_ms as u64 - 1);
            let (a, b) = (instant(rolled, &text, at), instant(rolled, &text, between));
            assert!(
                a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.0 == b.0 && same(a.1, b.1)),
                "{text} at {between}: {a:?} {b:?}"
            );
        }
    }
}

#[test]
fn a_range_shorter_than_a_bucket_is_answered_from_the_bucket_and_brought_to_its_length() {
    let (raw, rolled) = both();
    let at = START + 20 * HOUR;
    let one = |db, text: &str| instant(db, text, at)[0].1;
    assert!(same(one(rolled, "rate(steady_total[5m])"), one(raw, "rate(steady_total[1h])")));
    assert!(same(one(rolled, "increase(steady_total[5m])"), one(raw, "increase(steady_total[1h])") / 12.0));
    assert!(same(one(rolled, "count_over_time(gauge[10m])"), 30.0));
    assert!(same(one(rolled, "sum_over_time(gauge[30m])"), one(raw, "sum_over_time(gauge[1h])") / 2.0));
    assert!(same(one(rolled, "avg_over_time(gauge[5m])"), one(raw, "avg_over_time(gauge[1h])")));
    assert!(same(one(rolled, "max_over_time(gauge[90m])"), one(raw, "max_over_time(gauge[2h])")));
    // Where samples are, nothing grows.
    let at = NOW - HOUR;
    for text in ["increase(steady_total[90s])", "count_over_time(gauge[61s])", "sparse"] {
        assert_eq!(instant(rolled, text, at), instant(raw, text, at), "{text}");
    }
}

#[test]
fn version_2_has_no_left_end_over_buckets() {
    let (_, rolled) = both();
    let count = |dialect| {
        range(rolled, "count_over_time(same[2h])", (START + 9 * HOUR, START + 10 * HOUR, HOUR), dialect)
    };
    compare(&count(Dialect::Prometheus3), &count(Dialect::Prometheus2), "of version 2");
}

#[test]
fn what_lies_on_the_bounds_of_hours_is_answered_by_the_hour() {
    let (_, rolled) = both();
    let (from, to) = (SAMPLES_FROM - DAY, SAMPLES_FROM);
    let read = |text: &str, (start, step): (i64, i64)| {
        let source = source(rolled);
        range_from(&source, text, (start, to, step), Dialect::Prometheus3);
        let length = |told: &String| told.rsplit(' ').next().unwrap_or_default().to_string();
        source.warnings().first().map(length).unwrap_or_default()
    };
    let by_the_hour = [
        "rate(steady_total[6h])",
        "steady_total",
        "sum(max_over_time(gauge[1h] offset 2h))",
        "min_over_time(avg_over_time(gauge[2h])[6h:1h])",
        "gauge @ end()",
    ];
    let by_the_minute = [
        "rate(steady_total[90m])",
        "steady_total offset 1m",
        "stddev_over_time(gauge[6h])",
        "min_over_time(avg_over_time(gauge[2h])[6h:10m])",
        "max_over_time(gauge[6h:])",
    ];
    for text in by_the_hour {
        assert_eq!(read(text, (from, HOUR)), "1h", "{text}");
        assert_eq!(read(text, (from, 2 * HOUR)), "1h", "{text}");
    }
    for text in by_the_minute {
        assert_eq!(read(text, (from, HOUR)), "1m", "{text}");
    }
    for off in [(from + MINUTE, HOUR), (from, 30 * MINUTE)] {
        assert_eq!(read("rate(steady_total[6h])", off), "1m", "{off:?}");
    }
}

#[test]
fn an_answer_from_rollups_says_so() {
    let (_, rolled) = both();
    let told = |text: &str, at: i64| {
        let source = source(rolled);
        eval_instant(&parse(text).unwrap(), Timestamp(at), &source, &Settings::default(), &WIDE).unwrap();
        source.warnings()
    };
    let [hours, minutes] = [(MINUTES_FROM, "1h"), (SAMPLES_FROM, "1m")].map(|(until, length)| {
        let until = Timestamp(until).to_rfc3339();
        format!("before {until} samples are no longer kept: answered from rollups of {length}")
    });
    assert_eq!(told("rate(steady_total[5m])", SAMPLES_FROM + 5 * MINUTE), [""; 0]);
    assert_eq!(told("rate(steady_total[5m])", SAMPLES_FROM + 4 * MINUTE), std::slice::from_ref(&minutes));
    assert_eq!(told("rate(steady_total[3d])", SAMPLES_FROM + MINUTE), [minutes.clone(), hours.clone()]);
    assert_eq!(
        told("stddev_over_time(gauge[1h]) + deriv(gauge[1h]) + gauge", START + DAY),
        [hours, "deriv, stddev_over_time knows only the last value of each bucket of rollups".into()]
    );
}
