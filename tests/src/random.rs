//! Chance that can be had again: the same seed, the same test.

use ring::rand::{SecureRandom, SystemRandom};

/// xorshift64*.
pub struct Random(pub u64);

impl Random {
    /// From `WATCHTOWER_SEED`, or from a fresh seed; either way it is printed.
    ///
    /// # Panics
    /// If the variable is no number.
    pub fn of_test(name: &str) -> Random {
        let given = std::env::var("WATCHTOWER_SEED").ok();
        let seed = given.map_or_else(fresh, |text| text.parse().expect("WATCHTOWER_SEED is a number"));
        eprintln!("{name}: WATCHTOWER_SEED={seed}");
        // Zero would stay zero.
        Random(seed.max(1))
    }

    #[expect(clippy::should_implement_trait, reason = "it never ends, which an iterator may")]
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `bound`; 0 when that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn fresh() -> u64 {
    let mut bytes = [0; 4];
    SystemRandom::new().fill(&mut bytes).expect("there is randomness");
    u64::from(u32::from_le_bytes(bytes))
}
