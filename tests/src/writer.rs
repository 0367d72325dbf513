//! A sender of remote_write that remembers what it was told is stored.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use watchtower_testkit::remote_write::{Series, request};

use crate::agents::now_ms;
use crate::api::{Answer, Api};

/// The metric it writes, with a label `n`.
pub const METRIC: &str = "written_total";
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Samples by series: time in milliseconds, value.
type Samples = BTreeMap<usize, BTreeMap<i64, f64>>;

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    acked: Mutex<Samples>,
    refusals: Mutex<Vec<Answer>>,
}

/// Writes until it is dropped: each request a second of samples of every series; what fails is sent again until it is taken.
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub fn start(api: Api, series: usize) -> Writer {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = std::thread::spawn(move || write(&api, &own, series));
        Writer { shared, thread: Some(thread) }
    }

    fn acked(&self) -> MutexGuard<'_, Samples> {
        self.shared.acked.lock().expect("no holder panics")
    }

    /// Samples of which the hub said that they are stored.
    pub fn acked_samples(&self) -> usize {
        self.acked().values().map(BTreeMap::len).sum()
    }

    /// Answers other than that.
    pub fn refusals(&self) -> Vec<Answer> {
        self.shared.refusals.lock().expect("no holder panics").clone()
    }

    pub fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the writer ends well");
        }
    }

    /// Asks for everything.
    ///
    /// # Panics
    /// If a sample is gone that was acknowledged.
    pub fn check(&self, api: &Api) {
        for (n, samples) in self.acked().iter() {
            let found = api.promql(&format!("{METRIC}{{n=\"{n}\"}}[2h]"));
            let found: BTreeMap<i64, f64> = found[0]["values"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|pair| {
                    let t = (pair[0].as_f64()? * 1000.0).round() as i64;
                    Some((t, pair[1].as_str()?.parse().ok()?))
                })
                .collect();
            for (t, value) in samples {
                assert_eq!(
                    found.get(t),
                    Some(value),
                    "series {n}: the sample of {t} was acknowledged and is gone"
                );
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

fn write(api: &Api, shared: &Shared, series: usize) {
    let labels: Vec<[(String, String); 2]> =
        (0..series).map(|n| [("__name__".into(), METRIC.into()), ("n".into(), n.to_string())]).collect();
    let mut last = now_ms();
    for round in 0u64.. {
        let now = now_ms().max(last + 1);
        last = now;
        let samples: Vec<[(i64, f64); 1]> =
            (0..series).map(|n| [(now, (round * 3 + n as u64) as f64)]).collect();
        let all = labels.iter().zip(&samples).map(|(labels, samples)| Series { labels, samples });
        let body = request(&all.collect::<Vec<_>>());
        loop {
            if shared.stop.load(Ordering::Relaxed) {
                return;
            }
            match api.raw("POST", "/prometheus/api/v1/write", "application/x-protobuf", &body) {
                Ok(answer) if answer.status == 204 => break,
                Ok(answer) => shared.refusals.lock().expect("no holder panics").push(answer),
                Err(_) => {}
            }
            std::thread::sleep(AGAIN_AFTER);
        }
        let mut acked = shared.acked.lock().expect("no holder panics");
        for (n, [(t, value)]) in samples.iter().enumerate() {
            acked.entry(n).or_default().insert(*t, *value);
        }
    }
}
