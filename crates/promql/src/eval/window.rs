//! The samples that a range holds, and where a range lies over buckets.
//!
//! Invariant: over samples a range is what Prometheus says it is. Over buckets it ends at the last bound of a bucket that is not behind
//! its end, and begins at one: it is as long as was asked where that is a multiple of the bucket, else longer.

use watchtower_model::Sample;

use super::prepare::Prepared;
use super::{BucketSpan, Dialect, Rest};

/// Samples of one series in `(start, end]`; the first of them may be buckets.
pub(super) struct Window<'a> {
    pub samples: &'a [Sample],
    pub rests: &'a [Rest],
    pub start: i64,
    pub end: i64,
    /// The length that was asked for, by the length that there is: 1 but over buckets.
    pub scale: f64,
    pub dialect: Dialect,
}

/// Where a range lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    pub start: i64,
    pub end: i64,
    pub scale: f64,
}

/// The length of the buckets at a time; `None` where there are samples.
fn bucket_at(spans: &[BucketSpan], t: i64) -> Option<i64> {
    let at = spans.partition_point(|span| span.until.0 < t);
    spans.get(at).map(|span| span.bucket_ms.max(1))
}

/// The time as of which a time among buckets is answered.
pub(super) fn as_of(spans: &[BucketSpan], t: i64) -> i64 {
    bucket_at(spans, t).map_or(t, |bucket| t.div_euclid(bucket) * bucket)
}

impl Bounds {
    pub(super) fn new(spans: &[BucketSpan], end: i64, range_ms: i64) -> Bounds {
        let plain = end.saturating_sub(range_ms);
        if spans.is_empty() {
            return Bounds { start: plain, end, scale: 1.0 };
        }
        let end = as_of(spans, end);
        // A start that is a bound has whole buckets behind it, whichever span it is in.
        let start = as_of(spans, end.saturating_sub(range_ms));
        let shortest = bucket_at(spans, end).unwrap_or(0);
        let start = start.min(end.saturating_sub(shortest));
        let length = end.saturating_sub(start);
        let scale = if length == range_ms || length <= 0 { 1.0 } else { range_ms as f64 / length as f64 };
        Bounds { start, end, scale }
    }
}

impl<'a> Window<'a> {
    pub(super) fn new(
        series: &'a Prepared,
        from: usize,
        to: usize,
        bounds: Bounds,
        dialect: Dialect,
    ) -> Self {
        let buckets = series.rests.len();
        Window {
            samples: &series.samples[from..to],
            rests: &series.rests[from.min(buckets)..to.min(buckets)],
            start: bounds.start,
            end: bounds.end,
            scale: bounds.scale,
            dialect,
        }
    }

    /// How many samples there were.
    pub(super) fn count(&self) -> f64 {
        let of_buckets: f64 = self.rests.iter().map(|rest| f64::from(rest.count)).sum();
        of_buckets + (self.samples.len() - self.rests.len()) as f64
    }

    /// The first sample there was.
    pub(super) fn first(&self) -> Option<Sample> {
        self.rests.first().map(|rest| rest.first).or(self.samples.first().copied())
    }

    /// The sum of the values behind which a smaller one came.
    pub(super) fn resets(&self) -> f64 {
        let falls = |samples: &[Sample]| -> f64 {
            samples.windows(2).filter(|w| w[1].v < w[0].v).map(|w| w[0].v).sum()
        };
        if self.rests.is_empty() {
            return falls(self.samples);
        }
        let (buckets, plain) = self.samples.split_at(self.rests.len());
        let within: f64 = self.rests.iter().map(|rest| rest.resets).sum();
        let next = self.rests[1..].iter().map(|rest| rest.first).chain(plain.first().copied());
        let between = buckets.iter().zip(next).filter(|(last, first)| first.v < last.v);
        within + between.map(|(last, _)| last.v).sum::<f64>() + falls(plain)
    }
}

#[cfg(test)]
mod tests {
    use watchtower_model::Timestamp;

    use super::*;

    const HOUR: i64 = 3_600_000;
    const MINUTE: i64 = 60_000;

    fn bounds(end: i64, range_ms: i64) -> (i64, i64, f64) {
        let span = |until, bucket_ms| BucketSpan { until: Timestamp(until), bucket_ms };
        let Bounds { start, end, scale } =
            Bounds::new(&[span(24 * HOUR, HOUR), span(48 * HOUR, MINUTE)], end, range_ms);
        (start, end, scale)
    }

    #[test]
    fn a_range_over_buckets_lies_at_their_bounds() {
        assert_eq!(bounds(60 * HOUR + 7, 5 * MINUTE), (60 * HOUR + 7 - 5 * MINUTE, 60 * HOUR + 7, 1.0));
        assert_eq!(bounds(30 * HOUR, 5 * MINUTE), (30 * HOUR - 5 * MINUTE, 30 * HOUR, 1.0));
        assert_eq!(bounds(30 * HOUR + 59_999, 5 * MINUTE), (30 * HOUR - 5 * MINUTE, 30 * HOUR, 1.0));
        assert_eq!(bounds(30 * HOUR, 90_000), (30 * HOUR - 2 * MINUTE, 30 * HOUR, 0.75));
        assert_eq!(bounds(10 * HOUR, 5 * MINUTE), (9 * HOUR, 10 * HOUR, 5.0 / 60.0));
        assert_eq!(bounds(10 * HOUR + 1, 90 * MINUTE), (8 * HOUR, 10 * HOUR, 0.75));
        // Over two seams: the start lies at the bound of where it is.
        assert_eq!(bounds(48 * HOUR + 30_000, MINUTE), (48 * HOUR - MINUTE, 48 * HOUR + 30_000, 60.0 / 90.0));
        assert_eq!(bounds(25 * HOUR, 2 * HOUR), (23 * HOUR, 25 * HOUR, 1.0));
        assert_eq!(bounds(24 * HOUR + MINUTE, 2 * MINUTE), (23 * HOUR, 24 * HOUR + MINUTE, 2.0 / 61.0));
    }
}
