//! Thousands of generated queries: status, kind of error, label sets, times and values must be Prometheus' own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use watchtower_testkit::prometheus::Prometheus;
use watchtower_testkit::remote_write::{Series, request};
use watchtower_tests::api::{Answer, Api, encode};
use watchtower_tests::hub::{Hub, Setup};

use crate::data::{self, MINUTES};
use crate::generate::{Generator, Query};
use crate::random::Random;

/// By default the same queries each time.
const SEED: u64 = 42;
const QUERIES: usize = 3_200;
/// A multiple of every step of a subquery: from one run to the next only the date differs.
const GRID_MS: i64 = 37 * 60_000;
/// Samples sent together: Prometheus takes nothing that is an hour older than what it has.
const SLICE_MS: i64 = 5 * 60_000;
const SHOWN: usize = 30;

fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

struct Question {
    query: Query,
    path: String,
}

struct Mismatch {
    path: String,
    query: String,
    why: String,
}

#[test]
fn generated_queries_are_answered_as_prometheus_answers_them() {
    let Some(prometheus) = Prometheus::start() else { return };
    let hub = Hub::start(Setup { more: vec!["--promql-compat=2".into()], ..Setup::default() });
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let start = (now - (MINUTES + 2) * 60_000) / GRID_MS * GRID_MS;
    let (theirs, ours) = (Api::new(&prometheus.url(), None), hub.api());
    write(&theirs, "/api/v1/write", start);
    write(&ours, "/prometheus/api/v1/write", start);
    let seed = env("SEED").unwrap_or(SEED);
    let wanted = env("QUERIES").map_or(QUERIES, |n| n as usize);
    let questions = questions(seed, wanted, start);
    let mismatches = ask(&questions, &theirs, &ours);
    for m in mismatches.iter().take(SHOWN) {
        eprintln!("{}\n  {}\n  {}", m.query, m.path, m.why);
    }
    assert!(mismatches.is_empty(), "{} of {wanted} differ (seed {seed})", mismatches.len());
}

fn write(api: &Api, path: &str, start: i64) {
    let all = data::series(start);
    for slice in 0..=MINUTES * 60_000 / SLICE_MS {
        let (from, to) = (start + slice * SLICE_MS, start + (slice + 1) * SLICE_MS);
        let part: Vec<Series<'_>> = all
            .iter()
            .map(|series| {
                let first = series.samples.partition_point(|(t, _)| *t < from);
                let last = series.samples.partition_point(|(t, _)| *t < to);
                Series { labels: &series.labels, samples: &series.samples[first..last] }
            })
            .filter(|series| !series.samples.is_empty())
            .collect();
        if part.is_empty() {
            continue;
        }
        let answer = api.raw("POST", path, "application/x-protobuf", &request(&part)).unwrap();
        assert_eq!(answer.status, 204, "{path}: {}", answer.body);
    }
}

fn questions(seed: u64, count: usize, start: i64) -> Vec<Question> {
    let mut random = Random::new(seed);
    let one = |_| {
        let query = Generator::new(&mut random, start).query();
        let text = encode(&query.text);
        // On and off the grid of the samples.
        let off = *random.pick(&[0, 0, 1, 7_300, 14_999]);
        let at = |minute: u64| (start + minute as i64 * 60_000 + off) as f64 / 1000.0;
        let path = if random.in_ten(4) {
            format!("query?query={text}&time={:.3}", at(random.below(MINUTES as u64 + 5)))
        } else {
            let from = random.below(MINUTES as u64 - 10);
            let to = from + 1 + random.below(14);
            let step = *random.pick(&["15", "15", "30", "60", "47", "7.3", "300"]);
            format!("query_range?query={text}&start={:.3}&end={:.3}&step={step}", at(from), at(to))
        };
        Question { query, path }
    };
    (0..count).map(one).collect()
}

/// Two at a time, in the order of the questions.
fn ask(questions: &[Question], theirs: &Api, ours: &Api) -> Vec<Mismatch> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let work = || {
        while let Some((at, question)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            questions.get(at).map(|q| (at, q))
        } {
            let a = theirs.call("GET", &format!("/api/v1/{}", question.path), None);
            let b = ours.call("GET", &format!("/prometheus/api/v1/{}", question.path), None);
            if let Err(why) = same(&a, &b, question.query.chooses) {
                let mismatch =
                    Mismatch { path: question.path.clone(), query: question.query.text.clone(), why };
                found.lock().unwrap().push((at, mismatch));
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, mismatch)| mismatch).collect()
}

fn same(theirs: &Answer, ours: &Answer, chooses: bool) -> Result<(), String> {
    let (a, b) = (&theirs.body, &ours.body);
    if theirs.status != ours.status || a["errorType"] != b["errorType"] {
        let short = |answer: &Answer| {
            let text = answer.body.to_string();
            format!("{} {}", answer.status, text.chars().take(300).collect::<String>())
        };
        return Err(format!("theirs {}\n  ours   {}", short(theirs), short(ours)));
    }
    if theirs.status != 200 {
        return Ok(());
    }
    if a["data"]["resultType"] != b["data"]["resultType"] {
        return Err(format!("theirs {} ours {}", a["data"]["resultType"], b["data"]["resultType"]));
    }
    let (a, b) = (&a["data"]["result"], &b["data"]["result"]);
    if a.as_array().is_some_and(|x| x.iter().all(Value::is_object)) {
        return same_series(a, b, chooses);
    }
    same_points(std::slice::from_ref(a), std::slice::from_ref(b))
}

/// A result's elements by their labels.
fn by_labels(result: &Value) -> Vec<(String, Vec<Value>)> {
    let points = |element: &Value| match &element["values"] {
        Value::Array(values) => values.clone(),
        _ => vec![element["value"].clone()],
    };
    let all = result.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut all: Vec<_> = all.iter().map(|e| (e["metric"].to_string(), points(e))).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn same_series(theirs: &Value, ours: &Value, chooses: bool) -> Result<(), String> {
    let (a, b) = (by_labels(theirs), by_labels(ours));
    let labels = |all: &[(String, Vec<Value>)]| all.iter().map(|(l, _)| l.clone()).collect::<Vec<_>>();
    if labels(&a) != labels(&b) {
        if chooses {
            return Ok(());
        }
        let only = |x: &[(String, Vec<Value>)], y: &[(String, Vec<Value>)]| {
            let known = labels(y);
            x.iter()
                .filter(|(l, _)| !known.contains(l))
                .map(|(l, v)| format!("{l} {:?}", v.first()))
                .take(3)
                .collect::<Vec<_>>()
        };
        return Err(format!("labels: only theirs {:?}; only ours {:?}", only(&a, &b), only(&b, &a)));
    }
    for ((labels, x), (_, y)) in a.iter().zip(&b) {
        match same_points(x, y) {
            Err(_) if chooses => {}
            Err(why) => return Err(format!("{labels}: {why}")),
            Ok(()) => {}
        }
    }
    Ok(())
}

fn same_points(theirs: &[Value], ours: &[Value]) -> Result<(), String> {
    if theirs.len() != ours.len() {
        return Err(format!(
            "{} points, ours {}: {:?} {:?}",
            theirs.len(),
            ours.len(),
            theirs.first(),
            ours.first()
        ));
    }
    for (a, b) in theirs.iter().zip(ours) {
        let time = |point: &Value| (point[0].as_f64().unwrap_or(-1.0) * 1000.0).round();
        let (x, y) = (a[1].as_str().unwrap_or(""), b[1].as_str().unwrap_or(""));
        if time(a) != time(b) || !close(x, y) {
            return Err(format!("theirs {a} ours {b}"));
        }
    }
    Ok(())
}

fn close(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (Ok(a), Ok(b)) = (a.parse::<f64>(), b.parse::<f64>()) else { return false };
    (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}
