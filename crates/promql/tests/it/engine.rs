//! Limits, fetches and compatibility.

use std::cell::Cell;

use watchtower_matchers::Matchers;
use watchtower_model::{Labels, Sample, Timestamp};
use watchtower_promql::*;

use crate::source::Memory;

fn source(series: usize) -> Memory {
    let one = |i: usize| {
        let labels = Labels::from_pairs([("__name__", "x".to_string()), ("i", i.to_string())]);
        (labels, (0..200).map(|n| Sample { t: Timestamp(n * 15_000), v: n as f64 }).collect())
    };
    Memory { series: (0..series).map(one).collect(), ..Memory::default() }
}

fn range(
    text: &str,
    source: &dyn SeriesSource,
    limits: &Limits<'_>,
) -> Result<Vec<SeriesWindow>, QueryError> {
    let (start, end) = (Timestamp(600_000), Timestamp(1_200_000));
    eval_range(&parse(text).unwrap(), start, end, 15_000, source, &Settings::default(), limits)
}

const WIDE: Limits<'static> = Limits { series: 1000, samples: 1_000_000, keep_going: &|| true };

#[test]
fn every_selector_is_fetched_once() {
    let source = source(3);
    let found =
        range("sum by (i) (rate(x[5m])) + x offset 1m > max_over_time(x[1m:15s]) * 0", &source, &WIDE)
            .unwrap();
    assert_eq!((found.len(), found[0].samples.len()), (3, 41));
    assert_eq!(source.selects.get(), 3);
}

#[test]
fn limits_are_told_with_the_place() {
    let source = source(20);
    let text = "1 + x";
    let few = Limits { series: 10, ..WIDE };
    let error = range(text, &source, &few).unwrap_err();
    assert_eq!((error.kind, error.span.map(|s| (s.start, s.end))), (ErrorKind::Limit, Some((4, 5))));
    let error = range(text, &source, &Limits { samples: 100, ..WIDE }).unwrap_err();
    assert!(error.message.contains("more than 100 samples"), "{error}");
    let error = range("max_over_time(x[5m:1s])", &source, &Limits { samples: 5000, ..WIDE }).unwrap_err();
    assert!(error.message.contains("computes more than 5000 values"), "{error}");
    let error = range("max_over_time(vector(1)[1y:1ms])", &source, &WIDE).unwrap_err();
    assert!(error.message.contains("computes more than"), "{error}");
    let (start, end) = (Timestamp(0), Timestamp(11_000_000));
    let many = eval_range(&parse("1").unwrap(), start, end, 1000, &source, &Settings::default(), &WIDE);
    assert_eq!(many.unwrap_err().kind, ErrorKind::Invalid);
}

#[test]
fn the_deadline_ends_a_query() {
    let asked = Cell::new(0);
    let keep_going = || {
        asked.set(asked.get() + 1);
        asked.get() < 50
    };
    let error = range("x + x", &source(1), &Limits { keep_going: &keep_going, ..WIDE }).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert_eq!(asked.get(), 50);
}

#[test]
fn a_failing_source_is_named() {
    struct Broken;
    impl SeriesSource for Broken {
        fn select(&self, _: &Matchers, _: Timestamp, _: Timestamp) -> Result<Vec<SeriesWindow>, SourceError> {
            Err(SourceError::Failed("disk on fire".into()))
        }
    }
    let error = range("rate(x[5m])", &Broken, &WIDE).unwrap_err();
    assert_eq!((error.kind, error.to_string()), (ErrorKind::Source, "at 5-10: disk on fire".into()));
}

#[test]
fn version_2_includes_the_left_end() {
    let source = source(1);
    let count = |dialect| {
        let settings = Settings::of(dialect);
        let expr = parse("count_over_time(x[1m])").unwrap();
        match eval_instant(&expr, Timestamp(600_000), &source, &settings, &WIDE).unwrap() {
            Answer::Vector(all) => all[0].v,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((count(Dialect::Prometheus3), count(Dialect::Prometheus2)), (4.0, 5.0));
}
