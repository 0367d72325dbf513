//! How often to report: the hub's base interval, or a shorter one while somebody looks.
//!
//! Invariant: a shorter interval is a lease; without renewal the base returns by itself.

use watchtower_protocol::limits::{INTERVAL_LEASE_MS, INTERVAL_MS, INTERVAL_MS_MIN};

/// The longest interval a hub may ask for.
const INTERVAL_MS_MAX: u32 = 3_600_000;

#[derive(Debug)]
pub struct Interval {
    base_ms: u32,
    lease: Option<(u32, u64)>,
}

impl Default for Interval {
    fn default() -> Self {
        Interval { base_ms: INTERVAL_MS, lease: None }
    }
}

impl Interval {
    pub fn set_base(&mut self, interval_ms: u32) {
        self.base_ms = interval_ms.clamp(INTERVAL_MS_MIN, INTERVAL_MS_MAX);
    }

    pub fn lease(&mut self, interval_ms: u32, lease_ms: u32, mono_ms: u64) {
        let interval_ms = interval_ms.clamp(INTERVAL_MS_MIN, INTERVAL_MS_MAX);
        self.lease = Some((interval_ms, mono_ms + u64::from(lease_ms.min(INTERVAL_LEASE_MS))));
    }

    pub fn end_lease(&mut self) {
        self.lease = None;
    }

    /// The interval, and whether it is a lease.
    pub fn at(&self, mono_ms: u64) -> (u32, bool) {
        match self.lease {
            Some((interval_ms, until)) if mono_ms < until => (interval_ms, true),
            _ => (self.base_ms, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_by_itself_and_is_bounded() {
        let mut interval = Interval::default();
        assert_eq!(interval.at(0), (10_000, false));
        interval.lease(1, u32::MAX, 1_000);
        assert_eq!(interval.at(1_000), (1_000, true));
        assert_eq!(interval.at(1_000 + u64::from(INTERVAL_LEASE_MS)), (10_000, false));
        interval.set_base(0);
        assert_eq!(interval.at(u64::MAX), (1_000, false));
    }
}
