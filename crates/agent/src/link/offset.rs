//! How far this machine's clock is from the hub's, over one connection.
//!
//! Invariant: samples are kept against the monotonic clock, so that a step of the wall clock shows at once. A
//! message takes time to arrive, never less than none: the largest of the last samples is the nearest.

use watchtower_model::Timestamp;

use crate::clock::Moment;

/// Beyond this timestamps are corrected.
pub const CORRECT_MS: i64 = 2_000;
/// Below this an episode of wrong time is over; between the two nothing changes.
const OVER_MS: i64 = 1_000;
/// Samples that are remembered.
const SAMPLES: usize = 8;

#[derive(Debug, Default)]
pub struct Offset {
    /// Hub's time minus our monotonic time.
    samples: Vec<i64>,
    next: usize,
    skewed: bool,
}

impl Offset {
    /// A new connection may lead to another hub with another clock.
    pub fn reset(&mut self) {
        self.samples.clear();
        self.next = 0;
    }

    pub fn sample(&mut self, hub_t: Timestamp, at: Moment) {
        let sample = hub_t.0.saturating_sub(at.mono_ms as i64);
        if self.samples.len() < SAMPLES {
            self.samples.push(sample);
        } else {
            self.samples[self.next] = sample;
        }
        self.next = (self.next + 1) % SAMPLES;
    }

    /// Hub's clock minus ours; `None` until measured.
    pub fn ms(&self, now: Moment) -> Option<i64> {
        let nearest = self.samples.iter().max()?;
        Some(nearest.saturating_add(now.mono_ms as i64).saturating_sub(now.wall.0))
    }

    /// What to add to our clock.
    pub fn correction_ms(&self, now: Moment) -> i64 {
        self.ms(now).filter(|ms| ms.abs() > CORRECT_MS).unwrap_or(0)
    }

    /// The offset in milliseconds, once when an episode of wrong time begins.
    pub fn new_episode(&mut self, now: Moment) -> Option<i64> {
        let ms = self.ms(now)?;
        if self.skewed {
            self.skewed = ms.abs() > OVER_MS;
            return None;
        }
        self.skewed = ms.abs() > CORRECT_MS;
        self.skewed.then_some(ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: i64, mono_ms: u64) -> Moment {
        Moment { wall: Timestamp(wall), mono_ms }
    }

    #[test]
    fn delay_does_not_look_like_skew_and_a_step_shows_at_once() {
        let mut offset = Offset::default();
        assert_eq!(offset.ms(at(0, 0)), None);
        // Hub is 5 s ahead; messages take 10 to 3000 ms.
        for (mono, delay) in [(1000, 3000), (2000, 10), (3000, 500)] {
            offset.sample(Timestamp(100_000 + mono as i64 + 5_000 - delay), at(100_000 + mono as i64, mono));
        }
        assert_eq!(offset.ms(at(104_000, 4000)), Some(4_990));
        assert_eq!(offset.correction_ms(at(104_000, 4000)), 4_990);
        assert_eq!(offset.new_episode(at(104_000, 4000)), Some(4_990));
        assert_eq!(offset.new_episode(at(105_000, 5000)), None);
        // NTP sets the clock right.
        assert_eq!(offset.correction_ms(at(111_000, 6000)), 0);
        assert_eq!(offset.new_episode(at(111_000, 6000)), None);
        assert!(offset.new_episode(at(200_000, 7000)).is_some());
    }
}
