//! From samples to buckets: what is left of one series in a span of time.
//!
//! Invariant: a bucket holds only real samples; a stale marker is a flag, and only where nothing came behind it. Aggregates of several
//! buckets are those of all their samples: the least of the least, the sum of the sums.

use watchtower_model::{Sample, is_stale, stale_nan};

/// See the module. The span has its right end and not its left one, as ranges in PromQL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bucket {
    pub first: Sample,
    pub last: Sample,
    /// NaN only where every sample is.
    pub min: f64,
    pub max: f64,
    pub sum: f64,
    /// What a counter lost: the sum of the values behind which a smaller one came. Growth is last - first + resets.
    pub resets: f64,
    /// 0: there is nothing but a stale marker, at the time of `last`.
    pub count: u32,
    /// The series ended behind `last`.
    pub stale: bool,
}

/// The end of the span that `t` lies in.
fn bound(t: i64, bucket_ms: i64) -> i64 {
    t.saturating_add(bucket_ms - 1).div_euclid(bucket_ms)
}

/// Samples of one series, times rising, into its buckets. Spans without samples have none.
pub(crate) fn buckets(samples: &[Sample], bucket_ms: i64) -> Vec<Bucket> {
    let spans = samples.chunk_by(|a, b| bound(a.t.0, bucket_ms) == bound(b.t.0, bucket_ms));
    spans.map(Bucket::of).collect()
}

impl Bucket {
    fn of(samples: &[Sample]) -> Bucket {
        let end = samples[samples.len() - 1];
        let stale = is_stale(end.v);
        let mut real = samples.iter().copied().filter(|s| !is_stale(s.v));
        let Some(first) = real.next() else {
            let at = Sample { t: end.t, v: stale_nan() };
            return Bucket {
                first: at,
                last: at,
                min: 0.0,
                max: 0.0,
                sum: 0.0,
                resets: 0.0,
                count: 0,
                stale,
            };
        };
        let mut sum = Sum { sum: first.v, lost: 0.0 };
        let one =
            Bucket { first, last: first, min: first.v, max: first.v, sum: 0.0, resets: 0.0, count: 1, stale };
        let mut all = real.fold(one, |mut all, sample| {
            if sample.v < all.last.v {
                all.resets += all.last.v;
            }
            if sample.v < all.min || all.min.is_nan() {
                all.min = sample.v;
            }
            if sample.v > all.max || all.max.is_nan() {
                all.max = sample.v;
            }
            sum.add(sample.v);
            (all.last, all.count) = (sample, all.count + 1);
            all
        });
        all.sum = sum.value();
        all
    }
}

/// Adds with the rounding error kept apart (Neumaier), as queries do over samples.
struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    fn add(&mut self, v: f64) {
        let sum = self.sum + v;
        if sum.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= v.abs() {
            self.lost += (self.sum - sum) + v;
        } else {
            self.lost += (v - sum) + self.sum;
        }
        self.sum = sum;
    }

    fn value(&self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }
}
