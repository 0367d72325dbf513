//! A disk that changes bytes: what it changed is skipped and told, everything else is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_model::Timestamp;
use watchtower_testkit::remote_write::{Series, request};
use watchtower_testkit::wait;
use watchtower_tests::agents::now_ms;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};

const SERIES: usize = 48;
const SAMPLES: i64 = 1200;
const PAGE: usize = 8192;
const DAY_MS: i64 = 86_400_000;
const SOON: Duration = Duration::from_secs(40);

/// Values that do not compress, so that pages are full of them.
fn value(n: usize, i: i64) -> f64 {
    ((n as f64 + 1.3) * (i as f64 + 0.7)).sin()
}

/// Samples of every series each second from `first` on.
fn write(api: &Api, first: i64) {
    let labels: Vec<[(String, String); 2]> =
        (0..SERIES).map(|n| [("__name__".into(), "m".into()), ("n".into(), n.to_string())]).collect();
    for part in 0..SAMPLES / 100 {
        let samples: Vec<Vec<(i64, f64)>> = (0..SERIES)
            .map(|n| (part * 100..(part + 1) * 100).map(|i| (first + i * 1000, value(n, i))).collect())
            .collect();
        let all = labels.iter().zip(&samples).map(|(labels, samples)| Series { labels, samples });
        let body = request(&all.collect::<Vec<_>>());
        let answer = api.raw("POST", "/prometheus/api/v1/write", "application/x-protobuf", &body);
        assert_eq!(answer.as_ref().map(|a| a.status), Ok(204), "{answer:?}");
    }
}

/// How many samples each series has in the twenty minutes from `first` on.
fn counts(api: &Api, first: i64) -> Vec<usize> {
    let end = (first + SAMPLES * 1000) as f64 / 1000.0;
    let found = api.promql(&format!("m[20m] @ {end}"));
    found.iter().map(|series| series["values"].as_array().map_or(0, Vec::len)).collect()
}

fn day_file(hub: &Hub, t: i64) -> PathBuf {
    hub.data_dir().join("metrics").join(format!("{}.db", Timestamp(t).day()))
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("the day has a file");
    change(&mut bytes);
    fs::write(path, bytes).expect("the file can be written");
}

fn told(api: &Api, what: &str) {
    wait::until(SOON, what, || {
        let events = api.list("/events?limit=500");
        let found = |e: &Value| e["kind"] == "hub.metrics_damaged" && e["message"].to_string().contains(what);
        events.iter().any(found).then_some(())
    });
}

#[test]
fn damage_costs_what_it_hit_and_is_told() {
    let mut hub = Hub::start(Setup::default());
    let api = hub.api();
    // The twenty minutes until now, and as many at the end of the day before that day.
    let today = now_ms() - SAMPLES * 1000 - 1000;
    let yesterday = today / DAY_MS * DAY_MS - 4_000_000;
    write(&api, yesterday);
    write(&api, today);
    while api.post("/metrics/merge", &json!({}))["done"] != true {}
    for first in [yesterday, today] {
        assert!(counts(&api, first).iter().all(|n| *n >= 1199), "{:?}", counts(&api, first));
    }
    assert_eq!(hub.stop(), Some(0));

    // Bytes within the blocks of yesterday. A page that begins with a zero byte continues a row; those of trees and of the map of pages
    // begin with what kind they are: <https://sqlite.org/fileformat2.html>.
    let file = day_file(&hub, yesterday);
    change(&file, |bytes| {
        let pages = bytes.len() / PAGE;
        let continued: Vec<usize> = (1..pages).filter(|page| bytes[page * PAGE] == 0).collect();
        assert!(continued.len() > 30, "{} of {pages} pages", continued.len());
        for page in &continued[continued.len() * 2 / 5..continued.len() * 3 / 5] {
            bytes[page * PAGE + PAGE / 2] ^= 0x10;
        }
    });
    hub.restart();
    let left = counts(&api, yesterday);
    assert!((1..SERIES).contains(&left.len()), "{} of {SERIES} series are left", left.len());
    assert!(left.iter().all(|n| *n >= 1199), "{left:?}");
    assert_eq!(counts(&api, today).len(), SERIES);
    told(&api, "could not be read");
    assert_eq!(hub.stop(), Some(0));

    // The whole file.
    change(&file, |bytes| bytes[..PAGE].fill(0x5a));
    hub.restart();
    assert!(counts(&api, yesterday).is_empty());
    assert_eq!(counts(&api, today).len(), SERIES);
    told(&api, "was set aside");
    write(&api, yesterday);
}
