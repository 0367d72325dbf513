//! The metric engine beside Prometheus and VictoriaMetrics: the same remote_write requests, the same range queries.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use watchtower_testkit::remote_write::{Series, request};
use watchtower_testkit::tether::{Tether, Tethered};
use watchtower_testkit::{port, wait};
use watchtower_tests::agents::now_ms;
use watchtower_tests::api::{Api, encode};
use watchtower_tests::hub::{Hub, Setup};

use crate::node::{self, Clock, Signal};
use crate::process::{cpu_seconds, find, resident_mb};
use crate::table::Table;

/// Series in groups of a thousand; the first group is histograms.
const GROUPS: usize = 50;
const PER_GROUP: usize = 1000;
/// Samples of each, a minute apart, ending now.
const SAMPLES: i64 = 60;
const STEP_MS: i64 = 60_000;
/// Series of a whole day, each 15 s, for the long query; sent first.
const LONG: usize = 20;
const LONG_STEP_MS: i64 = 15_000;
const DAY_MS: i64 = 86_400_000;
/// Servers with series as of an agent, each ten seconds for so long.
const SERVERS: usize = 4;
const SERVERS_FOR_MS: i64 = 8 * 3_600_000;
/// What Prometheus sends at once.
const PER_REQUEST: usize = 2000;
/// Repetitions of each query; the median counts.
const REPEATS: usize = 15;
const BOUNDS: [&str; 10] = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"];

type Labels = Vec<(String, String)>;

/// One engine under measurement.
struct Engine {
    name: &'static str,
    api: Api,
    pid: i32,
    write: &'static str,
    query: &'static str,
    data: PathBuf,
    /// What makes it merge at once, until it is done.
    merge: Option<fn(&Api)>,
    _alive: Box<dyn std::any::Any>,
}

pub fn measure(table: &mut Table) {
    let now = now_ms() / STEP_MS * STEP_MS;
    let queries = queries(now);
    let mut rows: Vec<(&'static str, Measured)> = Vec::new();
    for engine in [ours(), prometheus(), victoria()] {
        let Some(engine) = engine else { continue };
        eprintln!("  {}", engine.name);
        rows.push((engine.name, run(&engine, now, &queries)));
    }
    let peers = |f: &dyn Fn(&Measured) -> String| {
        rows[1..].iter().map(|(name, m)| format!("{name} {}", f(m))).collect::<Vec<_>>().join(", ")
    };
    let Some((_, mine)) = rows.first() else { return };
    let cpu = |m: &Measured| format!("{:.2} s", m.cpu_per_million);
    table.row("remote_write, CPU per million samples", cpu(mine), "<= 1.0 s", &peers(&cpu));
    let memory = |m: &Measured| format!("{:.0} MB", m.resident_mb);
    table.row("memory behind it (50,020 series)", memory(mine), "", &peers(&memory));
    let disk = |m: &Measured| format!("{:.2}", m.written);
    table.row("bytes on disk per sample, just written, log included", disk(mine), "", &peers(&disk));
    let disk = |m: &Measured| m.merged.map_or("-".into(), |bytes| format!("{bytes:.2}"));
    table.row("the same, merged", disk(mine), "", &peers(&disk));
    let cpu = |m: &Measured| m.merge_cpu.map_or("-".into(), |cpu| format!("{cpu:.2} s"));
    table.row("merging, CPU per million samples", cpu(mine), "", &peers(&cpu));
    let disk = |m: &Measured| m.node_merged.map_or("-".into(), |bytes| format!("{bytes:.2}"));
    table.row(
        "bytes per sample of servers' series, 10 s, 8 h, merged",
        disk(mine),
        "<= 2, then 1",
        &peers(&disk),
    );
    let cpu = |m: &Measured| m.node_merge_cpu.map_or("-".into(), |cpu| format!("{cpu:.2} s"));
    table.row("merging these, CPU per million samples", cpu(mine), "", &peers(&cpu));
    for (i, (what, _)) in queries.iter().enumerate() {
        let took = |m: &Measured| format!("{:.1} ms", m.queries[i].as_secs_f64() * 1000.0);
        table.row(what, took(mine), "not slower", &peers(&took));
    }
}

struct Measured {
    cpu_per_million: f64,
    resident_mb: f64,
    written: f64,
    merged: Option<f64>,
    merge_cpu: Option<f64>,
    node_merged: Option<f64>,
    node_merge_cpu: Option<f64>,
    queries: Vec<Duration>,
}

fn run(engine: &Engine, now: i64, queries: &[(&'static str, String)]) -> Measured {
    let long = LONG as i64 * (DAY_MS / LONG_STEP_MS);
    send_long(engine, now);
    let before = cpu_seconds(engine.pid);
    send_wide(engine, now);
    let cpu = cpu_seconds(engine.pid) - before;
    let samples = (GROUPS * PER_GROUP) as f64 * SAMPLES as f64;
    let resident_mb = resident_mb(engine.pid);
    let queries = queries.iter().map(|(_, path)| median(engine, path)).collect();
    let all = samples + long as f64;
    let written = folder_bytes(&engine.data) as f64 / all;
    let merge_cpu = merge(engine);
    let before = folder_bytes(&engine.data) as f64;
    // Others would not take samples so old any more, and have no merge to wait for.
    let node_samples = engine.merge.map_or(f64::NAN, |_| send_node(engine, now) as f64);
    let node_merge_cpu = merge(engine);
    let after = folder_bytes(&engine.data) as f64;
    Measured {
        cpu_per_million: cpu / (samples / 1e6),
        resident_mb,
        written,
        merged: merge_cpu.map(|_| before / all),
        merge_cpu: merge_cpu.map(|cpu| cpu / (all / 1e6)),
        node_merged: node_merge_cpu.map(|_| (after - before) / node_samples),
        node_merge_cpu: node_merge_cpu.map(|cpu| cpu / (node_samples / 1e6)),
        queries,
    }
}

/// CPU seconds it took; `None` of an engine that cannot be told to.
fn merge(engine: &Engine) -> Option<f64> {
    let merge = engine.merge?;
    let before = cpu_seconds(engine.pid);
    merge(&engine.api);
    Some(cpu_seconds(engine.pid) - before)
}

fn queries(now: i64) -> Vec<(&'static str, String)> {
    let path = |query: &str, hours: i64, step: u32| {
        let (from, to) = (now - hours * 3_600_000, now);
        let query = encode(query);
        format!("query_range?query={query}&start={}&end={}&step={step}&nocache=1", from / 1000, to / 1000)
    };
    vec![
        ("rate of 1 series, 24 h by the minute", path("rate(long_total{n=\"7\"}[5m])", 24, 60)),
        (
            "sum by of 1,000 rates, 1 h by 15 s",
            path("sum by (job) (rate(requests_total{group=\"3\"}[5m]))", 1, 15),
        ),
        (
            "quantile over 1,000 buckets, 1 h by 15 s",
            path("histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m])))", 1, 15),
        ),
    ]
}

fn median(engine: &Engine, path: &str) -> Duration {
    let path = format!("{}/{path}", engine.query);
    let mut times: Vec<Duration> = (0..REPEATS)
        .map(|_| {
            let began = Instant::now();
            let answer = engine.api.call("GET", &path, None);
            let took = began.elapsed();
            let series = answer.body["data"]["result"].as_array().map_or(0, Vec::len);
            assert!(answer.status == 200 && series == 1, "{}: {path}: {}", engine.name, answer.body);
            took
        })
        .collect();
    times.sort();
    times[REPEATS / 2]
}

fn owned(pairs: &[(&str, &str)]) -> Labels {
    let mut labels: Labels = pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    labels.sort();
    labels
}

fn wide_labels() -> Vec<Labels> {
    let mut all = Vec::with_capacity(GROUPS * PER_GROUP);
    for i in 0..PER_GROUP {
        let instance = format!("host-{}:9100", i / BOUNDS.len());
        let le = BOUNDS[i % BOUNDS.len()];
        all.push(owned(&[
            ("__name__", "latency_seconds_bucket"),
            ("instance", &instance),
            ("job", "api"),
            ("le", le),
        ]));
    }
    for group in 1..GROUPS {
        for i in 0..PER_GROUP {
            all.push(owned(&[
                ("__name__", "requests_total"),
                ("group", &group.to_string()),
                ("instance", &format!("host-{}:9100", i % 100)),
                ("job", "api"),
                ("path", &format!("/v1/resource/{}", i / 100)),
            ]));
        }
    }
    all
}

/// A value like a counter's: grows by a little that differs by series and time.
fn value(series: usize, step: i64) -> f64 {
    let wobble = (series as i64 * 31 + step * 17) % 13;
    (series % 97) as f64 * 10.0 + (step * 20 + wobble) as f64
}

/// As a sender does that scrapes each minute: one sample of each series, 2,000 to a request.
fn send_wide(engine: &Engine, now: i64) {
    let labels = wide_labels();
    for step in 0..SAMPLES {
        let t = now - (SAMPLES - 1 - step) * STEP_MS;
        for (part, labels) in labels.chunks(PER_REQUEST).enumerate() {
            let sample = |i: usize| [(t, value(part * PER_REQUEST + i, step))];
            let samples: Vec<[(i64, f64); 1]> = (0..labels.len()).map(sample).collect();
            let series = labels.iter().zip(&samples).map(|(labels, samples)| Series { labels, samples });
            post(engine, &request(&series.collect::<Vec<_>>()));
        }
    }
}

fn send_long(engine: &Engine, now: i64) {
    let labels: Vec<Labels> =
        (0..LONG).map(|n| owned(&[("__name__", "long_total"), ("n", &n.to_string())])).collect();
    let steps: Vec<i64> = (0..DAY_MS / LONG_STEP_MS).collect();
    for part in steps.chunks(PER_REQUEST / LONG) {
        let samples: Vec<Vec<(i64, f64)>> = (0..LONG)
            .map(|n| part.iter().map(|s| (now - DAY_MS + (s + 1) * LONG_STEP_MS, value(n, *s))).collect())
            .collect();
        let series = labels.iter().zip(&samples).map(|(labels, samples)| Series { labels, samples });
        post(engine, &request(&series.collect::<Vec<_>>()));
    }
}

/// A report of each server at a time, as agents send. The number of samples.
fn send_node(engine: &Engine, now: i64) -> usize {
    let steps = SERVERS_FOR_MS / node::STEP_MS;
    let first = now - SERVERS_FOR_MS;
    for server in 0..SERVERS {
        let instance = format!("node-{server}");
        let labels = |n: usize| {
            let name = format!("node_series_{}_total", n % 40);
            owned(&[("__name__", &name), ("instance", &instance), ("job", "node"), ("n", &n.to_string())])
        };
        let labels: Vec<Labels> = (0..node::SERIES).map(labels).collect();
        let mut clock = Clock::new(server as u64, first);
        let mut signals: Vec<Signal> = (0..node::SERIES).map(|n| Signal::new(server, n)).collect();
        for part in (0..steps).step_by(PER_REQUEST / node::SERIES) {
            let steps = part..(part + (PER_REQUEST / node::SERIES) as i64).min(steps);
            let times: Vec<i64> = steps.map(|step| clock.at(step)).collect();
            let samples: Vec<Vec<(i64, f64)>> =
                signals.iter_mut().map(|s| times.iter().map(|t| (*t, s.next())).collect()).collect();
            let series = labels.iter().zip(&samples).map(|(labels, samples)| Series { labels, samples });
            post(engine, &request(&series.collect::<Vec<_>>()));
        }
    }
    SERVERS * node::SERIES * steps as usize
}

fn post(engine: &Engine, body: &[u8]) {
    let answer = engine.api.raw("POST", engine.write, "application/x-protobuf", body);
    let status = answer.as_ref().map_or(0, |answer| answer.status);
    assert!(status == 204, "{}: {answer:?}", engine.name);
}

fn folder_bytes(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

fn ours() -> Option<Engine> {
    let hub = Hub::start(Setup { timing: "interval=10s,lost_grace=1h".into(), ..Setup::default() });
    Some(Engine {
        name: "Watchtower",
        api: hub.api(),
        pid: hub.pid(),
        write: "/prometheus/api/v1/write",
        query: "/prometheus/api/v1",
        data: hub.data_dir().join("metrics"),
        merge: Some(|api| while api.post("/metrics/merge", &json!({}))["done"] != true {}),
        _alive: Box::new(hub),
    })
}

fn prometheus() -> Option<Engine> {
    peer("prometheus", "Prometheus", "/-/ready", None, &|dir, port| {
        std::fs::write(dir.join("prometheus.yml"), "global: {}\n").expect("the folder is writable");
        vec![
            format!("--config.file={}", dir.join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", dir.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-remote-write-receiver".into(),
        ]
    })
}

fn victoria() -> Option<Engine> {
    let merge = |api: &Api| {
        for path in ["/internal/force_flush", "/internal/force_merge"] {
            assert_eq!(api.status("GET", path, None), Some(200), "{path}");
        }
        // It is answered before it is done.
        std::thread::sleep(Duration::from_secs(10));
    };
    peer("victoria-metrics", "VictoriaMetrics", "/health", Some(merge), &|dir, port| {
        vec![
            format!("-storageDataPath={}", dir.join("data").display()),
            format!("-httpListenAddr=127.0.0.1:{port}"),
            "-search.latencyOffset=0s".into(),
        ]
    })
}

fn peer(
    program: &str,
    name: &'static str,
    health: &str,
    merge: Option<fn(&Api)>,
    args: &dyn Fn(&Path, u16) -> Vec<String>,
) -> Option<Engine> {
    let program = find(program)?;
    let dir = TempDir::with_prefix("wt-bench-").ok()?;
    let port = port::free();
    let tether: Tether = Tethered {
        program: &program,
        args: args(dir.path(), port),
        envs: vec![],
        ids: None,
        log: None,
        stop_signal: "TERM",
    }
    .spawn();
    let api = Api::new(&format!("http://127.0.0.1:{port}"), None);
    wait::until(Duration::from_secs(30), "the peer to be ready", || {
        (api.status("GET", health, None) == Some(200)).then_some(())
    });
    // Ready is said before the receiver takes samples.
    std::thread::sleep(Duration::from_secs(1));
    Some(Engine {
        name,
        api,
        pid: tether.pid(),
        write: "/api/v1/write",
        query: "/api/v1",
        data: dir.path().join("data"),
        merge,
        _alive: Box::new((tether, dir)),
    })
}
