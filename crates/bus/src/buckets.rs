//! Token buckets: `burst` at once, then `per_second`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Buckets kept at once; a full bucket is the same as none and is dropped first.
pub const BUCKETS_MAX: usize = 50_000;

struct Bucket {
    tokens: f64,
    at: Instant,
    per_second: f64,
    burst: f64,
}

impl Bucket {
    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.burst);
        self.at = now;
    }
}

#[derive(Default)]
pub(crate) struct Buckets(Mutex<HashMap<String, Bucket>>);

impl Buckets {
    /// Takes one token, if there is one.
    pub fn take(&self, name: &str, per_second: f64, burst: u32, now: Instant) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(name) {
            make_room(&mut buckets, now);
        }
        let burst = f64::from(burst);
        let fresh = || Bucket { tokens: burst, at: now, per_second, burst };
        let bucket = buckets.entry(name.to_string()).or_insert_with(fresh);
        (bucket.per_second, bucket.burst) = (per_second.max(0.0), burst);
        bucket.refill(now);
        let taken = bucket.tokens >= 1.0;
        if taken {
            bucket.tokens -= 1.0;
        }
        taken
    }
}

/// Drops what is full again; if a flood of names left nothing full, the limits begin anew.
fn make_room(buckets: &mut HashMap<String, Bucket>, now: Instant) {
    buckets.retain(|_, bucket| {
        bucket.refill(now);
        bucket.tokens < bucket.burst
    });
    if buckets.len() >= BUCKETS_MAX {
        buckets.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let (buckets, now) = (Buckets::default(), Instant::now());
        let taken = |at| (0..10).filter(|_| buckets.take("a", 2.0, 5, at)).count();
        assert_eq!(taken(now), 5);
        assert_eq!(taken(now + Duration::from_millis(1_500)), 3);
        assert_eq!(taken(now + Duration::from_secs(3_600)), 5);
        assert!(!buckets.take("never", 0.0, 0, now));
    }

    #[test]
    fn a_flood_of_names_does_not_grow_it_without_end() {
        let (buckets, now) = (Buckets::default(), Instant::now());
        for i in 0..BUCKETS_MAX + 5 {
            assert!(buckets.take(&i.to_string(), 1.0, 1, now));
        }
        assert!(buckets.0.lock().unwrap().len() <= BUCKETS_MAX);
    }
}
