//! Wake hints, dedup keys, rate limits and publish/subscribe, within one hub or among several over Redis.
//!
//! Invariants: nothing here is the only copy of anything: losing the bus costs latency, never a page. `publish`
//! and `wake` never wait. Every buffer has a bound, and a subscriber that lost something is told. While Redis is
//! away every question is answered from this hub's own memory, and the failure is counted.

mod buckets;
mod error;
mod facade;
mod local;
mod recent_keys;
mod redis_bus;
mod redis_link;
mod subscription;
mod wakes;

pub use buckets::BUCKETS_MAX;
pub use error::BusError;
pub use facade::Bus;
pub use local::PAYLOAD_BYTES_MAX;
pub use recent_keys::KEYS_MAX;
pub use redis_bus::RedisBus;
pub use subscription::{BUFFER_MESSAGES, Received, SUBSCRIPTIONS_MAX, Subscription};
pub use wakes::{NAMES_MAX, Waiter};

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters since the start, for the hub's own metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusStats {
    /// Messages that a subscriber's full buffer did not take.
    pub lagged: u64,
    /// Questions that Redis did not answer in time; they were answered locally.
    pub redis_failures: u64,
    /// Hints for other hubs that were dropped.
    pub redis_dropped: u64,
    /// Connections made to Redis for listening; more than one means that it was away.
    pub redis_connects: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub lagged: AtomicU64,
    pub redis_failures: AtomicU64,
    pub redis_dropped: AtomicU64,
    pub redis_connects: AtomicU64,
}

impl Counters {
    pub fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }

    pub fn read(&self) -> BusStats {
        let get = |c: &AtomicU64| c.load(Ordering::Relaxed);
        BusStats {
            lagged: get(&self.lagged),
            redis_failures: get(&self.redis_failures),
            redis_dropped: get(&self.redis_dropped),
            redis_connects: get(&self.redis_connects),
        }
    }
}
