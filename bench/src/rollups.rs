//! What rollups cost: the CPU to make them, the disk per series and year, a query over ninety days. The engine in this process, on real
//! files, with series as a server reports them.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tempfile::TempDir;
use watchtower_hub::query::{MetricStore, Scope, Source};
use watchtower_model::{Labels, Timestamp};
use watchtower_promql::{Limits, Settings, eval_range, parse};
use watchtower_store::metrics::{MetricFiles, Resolution};
use watchtower_tsdb::{Batch, Extent, Kept, Options, Roll, Samples, SeriesRef, Tsdb};

use crate::node::{self, Clock, Signal};
use crate::process::cpu_seconds;
use crate::table::Table;

/// A fifth of a server's series, in its shares of kinds, for so many days.
const SERIES: usize = 50;
const DAYS: i64 = 93;
const DAY_MS: i64 = 86_400_000;
const KEPT: Kept = Kept { raw_ms: 2 * DAY_MS, minute_ms: 200 * DAY_MS, hour_ms: 700 * DAY_MS };
/// A midnight.
const START: i64 = 20_480 * DAY_MS;
const REPEATS: usize = 9;

struct Engine {
    db: Arc<Tsdb>,
    files: Arc<MetricFiles>,
    series: Vec<SeriesRef>,
    signals: Vec<Signal>,
    clock: Clock,
    _dir: TempDir,
}

pub fn measure(table: &mut Table) {
    let Some(mut engine) = Engine::new() else { return };
    let (mut cpu, mut samples, mut raw_bytes) = (0.0, 0usize, 0u64);
    for day in 0..DAYS {
        engine.fill(day);
        let now = Timestamp(START + (day + 1) * DAY_MS + 3_600_000);
        raw_bytes += engine.settle(now);
        let before = cpu_seconds(std::process::id() as i32);
        loop {
            let round = engine.db.roll(now, &KEPT, Roll::Over).expect("the disk takes rollups");
            samples += round.samples;
            if !round.more {
                break;
            }
        }
        cpu += cpu_seconds(std::process::id() as i32) - before;
        engine.db.retain(now, &KEPT).expect("the disk takes removals");
    }
    // Each level reads the day for itself.
    let rolled = samples as f64 / 2.0 / 1e6;
    table.row("rolling up to 1m and 1h, CPU per million samples", format!("{:.2} s", cpu / rolled), "", "");
    let year = |bytes: u64| format!("{:.0} KiB", bytes as f64 / SERIES as f64 / DAYS as f64 * 365.0 / 1024.0);
    table.row("disk per series and year: samples of 10 s", year(raw_bytes), "", "");
    for of in Resolution::ALL {
        let what = format!("the same: rollups of {}", of.name());
        table.row(&what, year(engine.files.rollup_bytes(of)), "", "");
    }
    // On the bounds of hours these answer; a minute beside them only minutes can.
    for (of, beside_ms) in [("1m", 60_000), ("1h", 0)] {
        for (what, query) in
            [("rate of 1 series", "rate(node_6[6h])"), ("sum of 50 rates", "sum(rate({job=\"node\"}[6h]))")]
        {
            let what = format!("{what}, 90 days by 6 h, from rollups of {of}");
            table.row(&what, format!("{:.1} ms", engine.query(query, beside_ms)), "", "");
        }
    }
}

impl Engine {
    fn new() -> Option<Engine> {
        let dir = TempDir::with_prefix("wt-bench-").ok()?;
        let files = Arc::new(MetricFiles::open(dir.path()).ok()?);
        let store = Arc::new(MetricStore(Arc::clone(&files)));
        let db = Arc::new(Tsdb::open(store, Options::default()).ok()?.0);
        let labels: Vec<Labels> = (0..SERIES)
            .map(|n| {
                Labels::from_pairs([
                    ("__name__", format!("node_{n}")),
                    ("job", "node".into()),
                    ("n", n.to_string()),
                ])
            })
            .collect();
        let series = db.resolve(None, &labels).refs.into_iter().flatten().collect();
        let signals = (0..SERIES).map(|n| Signal::new(0, n)).collect();
        Some(Engine { db, files, series, signals, clock: Clock::new(0, START), _dir: dir })
    }

    /// Reports of one day.
    fn fill(&mut self, day: i64) {
        let steps = DAY_MS / node::STEP_MS;
        for step in day * steps..(day + 1) * steps {
            let t = Timestamp(self.clock.at(step));
            let values: Vec<(SeriesRef, f64)> = self
                .series
                .iter()
                .zip(&mut self.signals)
                .map(|(series, signal)| (*series, signal.next()))
                .collect();
            let samples = Samples::Report { t, values: &values };
            let batch = Batch { progress: None, received_at: t, backfill: false, samples };
            // Durable with the flush: what the log costs is measured elsewhere.
            self.db.enqueue(&[batch]).expect("the log takes samples");
        }
    }

    /// Stores and merges all; the bytes of the newest whole day.
    fn settle(&self, now: Timestamp) -> u64 {
        self.db.flush_all(now).expect("the disk takes chunks");
        while self.db.merge(now, Extent::Everything).expect("the disk takes blocks").more {}
        let day = Timestamp(now.0 - DAY_MS).day();
        std::fs::metadata(self._dir.path().join(Path::new(&format!("{day}.db")))).map_or(0, |file| file.len())
    }

    /// Milliseconds, the median.
    fn query(&self, text: &str, beside_ms: i64) -> f64 {
        let expr = parse(text).expect("it is PromQL");
        let end = START + (DAYS - 2) * DAY_MS - beside_ms;
        let (start, end) = (Timestamp(end - 90 * DAY_MS), Timestamp(end));
        let limits = Limits { series: 50_000, samples: 20_000_000, keep_going: &|| true };
        let mut times: Vec<f64> = (0..REPEATS)
            .map(|_| {
                let source =
                    Source::new(Arc::clone(&self.db), Scope::default(), limits.series, limits.samples);
                let began = Instant::now();
                let found =
                    eval_range(&expr, start, end, 6 * 3_600_000, &source, &Settings::default(), &limits);
                let took = began.elapsed();
                let points = found.expect("it is answered").iter().map(|w| w.samples.len()).sum::<usize>();
                assert!(points > 350 && !source.warnings().is_empty(), "{text}: {points} points");
                took.as_secs_f64() * 1000.0
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times[REPEATS / 2]
    }
}
