//! How long to wait before dialling again: full jitter, so that thousands of agents do not come back at once.

use ring::rand::{SecureRandom, SystemRandom};

const FIRST_MS: u64 = 1_000;
const MAX_MS: u64 = 60_000;
/// A hub that refuses for good is asked again now and then: it may be told to take us back.
const REFUSED_MS: u64 = 300_000;

#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Milliseconds until the next attempt; `fraction` is random in 0..1.
    pub fn failed(&mut self, refused_for_good: bool, fraction: f64) -> u64 {
        let cap = if refused_for_good {
            REFUSED_MS
        } else {
            (FIRST_MS << self.failures.min(10)).clamp(FIRST_MS, MAX_MS)
        };
        self.failures = self.failures.saturating_add(1);
        let spread = if refused_for_good { MAX_MS } else { FIRST_MS };
        spread / 2 + (fraction * (cap - spread / 2) as f64) as u64
    }
}

/// A random number in 0..1; one half where the system has no random bytes.
pub fn random_fraction() -> f64 {
    let mut bytes = [0; 4];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_minute_and_are_spread() {
        let mut backoff = Backoff::default();
        let longest: Vec<u64> = (0..9).map(|_| backoff.failed(false, 0.999_999)).collect();
        assert!(longest.windows(2).all(|w| w[0] <= w[1]));
        assert!(longest[0] < 1_000 && longest[8] >= 59_000 && longest[8] <= 60_000, "{longest:?}");
        assert_eq!(backoff.failed(false, 0.0), 500);
        backoff.succeeded();
        assert!(backoff.failed(false, 0.999) < 1_000);
        assert!(backoff.failed(true, 0.0) >= 30_000);
        assert!((0..100).map(|_| random_fraction()).all(|f| (0.0..1.0).contains(&f)));
    }
}
