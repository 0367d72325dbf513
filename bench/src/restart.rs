//! How long a hub is away that died without a word: the log of ten minutes of a large fleet is played again.

use std::time::Instant;

use watchtower_testkit::remote_write::{Series, request};
use watchtower_tests::agents::now_ms;
use watchtower_tests::hub::{Hub, Setup};

use crate::process::resident_mb;
use crate::table::Table;

const SERIES: usize = 250_000;
const STEP_MS: i64 = 10_000;
const STEPS: i64 = 60;
const PER_REQUEST: usize = 5000;

pub fn measure(table: &mut Table) {
    let mut hub = Hub::start(Setup { timing: "interval=10s,lost_grace=1h".into(), ..Setup::default() });
    let labels: Vec<[(String, String); 3]> = (0..SERIES)
        .map(|n| {
            let of = |name: &str, value: String| (name.to_string(), value);
            [
                of("__name__", format!("m{}", n % 250)),
                of("instance", format!("s{}", n / 250)),
                of("job", "node".into()),
            ]
        })
        .collect();
    let first = now_ms() - STEPS * STEP_MS;
    for step in 0..STEPS {
        for (part, labels) in labels.chunks(PER_REQUEST).enumerate() {
            let sample =
                |i: usize| [(first + step * STEP_MS, ((part * PER_REQUEST + i) as i64 * step) as f64)];
            let samples: Vec<[(i64, f64); 1]> = (0..labels.len()).map(sample).collect();
            let series = labels.iter().zip(&samples).map(|(labels, samples)| Series { labels, samples });
            let body = request(&series.collect::<Vec<_>>());
            let answer = hub.api().raw("POST", "/prometheus/api/v1/write", "application/x-protobuf", &body);
            assert_eq!(answer.as_ref().map(|answer| answer.status), Ok(204), "{answer:?}");
        }
    }
    hub.kill();
    let began = Instant::now();
    hub.restart();
    let took = began.elapsed();
    let log = hub.log_tail();
    let opened = log.lines().rfind(|line| line.contains("metrics opened")).unwrap_or_default();
    let replayed = opened.split(' ').find_map(|word| word.strip_prefix("samples=")?.parse::<u64>().ok());
    let replayed = replayed.unwrap_or_else(|| panic!("the hub says what it replayed: {log}"));
    table.row(
        "ready again after kill -9, 250,000 series, 10 min of log",
        format!("{:.1} s, {replayed} samples replayed, {:.0} MB", took.as_secs_f64(), resident_mb(hub.pid())),
        "<= 5 s",
        "",
    );
}
