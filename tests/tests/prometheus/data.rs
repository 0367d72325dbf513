//! Series that hold everything a query may stumble over: resets, gaps, stale markers, NaN and infinities, histograms, times off
//! the grid, series older than the lookback. Values are multiples of a quarter, so that sums of them are exact in any order.

use crate::random::Random;

/// A stale marker as Prometheus writes it.
const STALE: u64 = 0x7ff0_0000_0000_0002;
/// How long the series are.
pub const MINUTES: i64 = 70;

pub struct Series {
    pub labels: Vec<(String, String)>,
    pub samples: Vec<(i64, f64)>,
}

struct Maker {
    random: Random,
    start: i64,
    all: Vec<Series>,
}

/// `start` in milliseconds.
pub fn series(start: i64) -> Vec<Series> {
    let mut maker = Maker { random: Random::new(7), start, all: Vec::new() };
    maker.counters();
    maker.gauges();
    maker.histograms();
    maker.others();
    maker.all
}

impl Maker {
    fn add(&mut self, name: &str, labels: &[(&str, &str)], samples: Vec<(i64, f64)>) {
        let mut labels: Vec<(String, String)> =
            labels.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        labels.push(("__name__".into(), name.into()));
        labels.sort();
        self.all.push(Series { labels, samples });
    }

    /// Times of a series: every `step` ms from `offset`, with gaps and, behind some of them, a stale marker (`None`).
    fn times(&mut self, step: i64, offset: i64, gaps: bool) -> Vec<(i64, bool)> {
        let mut times = Vec::new();
        let mut t = offset;
        while t < MINUTES * 60_000 {
            times.push((self.start + t, false));
            if gaps && self.random.below(40) == 0 {
                if self.random.in_ten(5) {
                    times.push((self.start + t + step, true));
                    t += step;
                }
                t += step * self.random.below(30) as i64;
            }
            t += step;
        }
        times
    }

    fn walk(&mut self, times: &[(i64, bool)], mut next: impl FnMut(&mut Random) -> f64) -> Vec<(i64, f64)> {
        let random = &mut self.random;
        times
            .iter()
            .map(|(t, stale)| (*t, if *stale { f64::from_bits(STALE) } else { next(random) }))
            .collect()
    }

    fn counters(&mut self) {
        for (job, instances) in [("api", 4), ("web", 3)] {
            for i in 0..instances {
                for code in ["200", "500"] {
                    let offset = if i % 2 == 0 { 0 } else { self.random.below(15_000) as i64 };
                    let times = self.times(15_000, offset, i > 0);
                    let mut value = self.random.below(1000) as f64 * 0.25;
                    let samples = self.walk(&times, |random| {
                        value += random.below(40) as f64 * 0.25;
                        if random.below(50) == 0 {
                            value = random.below(4) as f64;
                        }
                        value
                    });
                    let instance = format!("host-{i}:9100");
                    let labels = [("job", job), ("instance", &instance), ("code", code)];
                    self.add("requests_total", &labels, samples);
                }
            }
        }
    }

    fn gauges(&mut self) {
        for i in 0..5 {
            let (step, offset) =
                [(15_000, 0), (30_000, 7_300), (60_000, 500), (15_000, 14_999), (10_000, 0)][i];
            let times = self.times(step, offset, i != 0);
            let mut value = 20.0;
            let samples = self.walk(&times, |random| {
                value += (random.below(17) as f64 - 8.0) * 0.25;
                match (i, random.below(60)) {
                    (3, 0) => f64::NAN,
                    (3, 1) => f64::INFINITY,
                    (3, 2) => f64::NEG_INFINITY,
                    _ => value,
                }
            });
            let instance = format!("host-{i}:9100");
            let zone = ["eu", "us", "", "eu", "ünï"][i];
            self.add("temperature", &[("instance", &instance), ("zone", zone), ("job", "api")], samples);
        }
        for (i, value) in [0.0, -0.0, 1.0, -3.5].into_iter().enumerate() {
            let times = self.times(15_000, 0, false);
            let samples = self.walk(&times, |_| value);
            self.add("level", &[("n", &i.to_string())], samples);
        }
    }

    fn histograms(&mut self) {
        let bounds = ["0.25", "0.5", "1", "2.5", "+Inf"];
        for (job, i) in [("api", 0), ("api", 1), ("web", 0)] {
            let times = self.times(15_000, i * 100, i > 0);
            let mut counts = [0.0; 5];
            let mut rows: Vec<[f64; 5]> = Vec::new();
            let mut sum = 0.0;
            let sums = self.walk(&times, |random| {
                let from = random.below(5) as usize;
                let more = random.below(6) as f64;
                counts[from..].iter_mut().for_each(|count| *count += more);
                sum += more * from as f64 * 0.5;
                rows.push(counts);
                sum
            });
            let instance = format!("host-{i}:9100");
            let mut row = 0;
            let mut columns = vec![Vec::new(); 5];
            for (t, v) in &sums {
                let stale = v.to_bits() == STALE;
                for (b, column) in columns.iter_mut().enumerate() {
                    column.push((*t, if stale { *v } else { rows[row][b] }));
                }
                row += usize::from(!stale);
            }
            for (bound, column) in bounds.iter().zip(&columns) {
                let labels = [("job", job), ("instance", &instance), ("le", bound)];
                self.add("latency_seconds_bucket", &labels, column.clone());
            }
            self.add("latency_seconds_count", &[("job", job), ("instance", &instance)], columns[4].clone());
            self.add("latency_seconds_sum", &[("job", job), ("instance", &instance)], sums);
        }
        // Without the +Inf bucket, and with one alone.
        let times = self.times(15_000, 0, false);
        let mut n = 0.0;
        let samples = self.walk(&times, |_| {
            n += 1.0;
            n
        });
        self.add("odd_bucket", &[("le", "1"), ("kind", "no-inf")], samples.clone());
        self.add("odd_bucket", &[("le", "2"), ("kind", "no-inf")], samples.clone());
        self.add("odd_bucket", &[("le", "+Inf"), ("kind", "alone")], samples.clone());
        self.add("odd_bucket", &[("le", "abc"), ("kind", "words")], samples);
    }

    fn others(&mut self) {
        for (i, version) in ["1.0", "1.1", "1.1", "2.0"].into_iter().enumerate() {
            let times = self.times(60_000, 0, false);
            let samples = self.walk(&times, |_| 1.0);
            let instance = format!("host-{i}:9100");
            self.add("build_info", &[("job", "api"), ("instance", &instance), ("version", version)], samples);
        }
        // Older than the lookback most of the time.
        let times = self.times(7 * 60_000, 1_000, false);
        let samples = self.walk(&times, |random| random.below(9) as f64);
        self.add("sparse", &[("job", "web")], samples);
        let times = self.times(30_000, 0, false);
        let samples = self.walk(&times, |random| 951_782_400.0 + random.below(900_000_000) as f64);
        self.add("moment_seconds", &[("job", "web")], samples);
        // Ends in the middle; begins in the middle.
        let times = self.times(15_000, 0, false);
        let half = times.len() / 2;
        let (early, late) = times.split_at(half);
        let ended = self.walk(early, |random| random.below(5) as f64);
        self.add("half", &[("part", "first")], ended);
        let began = self.walk(late, |random| random.below(5) as f64);
        self.add("half", &[("part", "second")], began);
    }
}
