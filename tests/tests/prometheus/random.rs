//! Repeatable chance.

use watchtower_tests::random;

/// What a generator of queries asks of chance.
pub struct Random(random::Random);

impl Random {
    pub fn new(seed: u64) -> Random {
        // Small seeds alone would begin alike.
        Random(random::Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1))
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        (self.0.next() >> 11) % bound
    }

    pub fn in_ten(&mut self, n: u64) -> bool {
        self.below(10) < n
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }
}
