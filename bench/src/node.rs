//! Series as a server reports them: most never change, some count, some wander.
//!
//! The shares are those of the agent's own series on a small server: of 260, six in ten constant, the rest counters of hundredths of
//! seconds, of bytes and operations that come in bursts, and gauges in pages of 4096 bytes.

pub const SERIES: usize = 250;
pub const STEP_MS: i64 = 10_000;

/// Times a step apart as a timer meets them, some milliseconds late.
pub struct Clock(Numbers, i64);

impl Clock {
    pub fn new(seed: u64, first: i64) -> Self {
        Clock(Numbers(seed), first)
    }

    pub fn at(&mut self, step: i64) -> i64 {
        self.1 + step * STEP_MS + (self.0.next() % 9) as i64
    }
}

/// The same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

/// One series: what it does, and where it is.
pub struct Signal {
    numbers: Numbers,
    kind: usize,
    now: i64,
}

impl Signal {
    pub fn new(server: usize, number: usize) -> Self {
        let mut numbers = Numbers((server * SERIES + number) as u64);
        let now = 100_000 + (numbers.next() % 1_000_000) as i64;
        Signal { numbers, kind: number % 10, now }
    }

    /// Its next value.
    pub fn next(&mut self) -> f64 {
        let n = self.numbers.next() as i64;
        match self.kind {
            // Seconds of processor time: up to a core's worth of hundredths.
            6 => {
                self.now += n % 1000;
                self.now as f64 / 100.0
            }
            // Bytes: quiet most of the time.
            7 => {
                self.now += if n % 4 == 0 { n % 1_000_000 } else { n % 3000 };
                self.now as f64
            }
            8 => {
                self.now += if n % 3 == 0 { n % 40 } else { 0 };
                self.now as f64
            }
            // Memory.
            9 => {
                self.now += n % 129 - 64;
                (self.now * 4096) as f64
            }
            _ => self.now as f64,
        }
    }
}
