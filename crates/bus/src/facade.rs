//! The bus as its callers see it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::check_name;
use crate::local::Local;
use crate::{BusError, BusStats, RedisBus, Subscription, Waiter};

/// Cheap to clone.
#[derive(Clone)]
pub enum Bus {
    #[doc(hidden)]
    InProcess(InProcess),
    #[doc(hidden)]
    Redis(RedisBus),
}

/// A bus that ends at this process.
#[derive(Clone, Default)]
pub struct InProcess(Arc<Local>);

impl Bus {
    pub fn in_process() -> Bus {
        Bus::InProcess(InProcess::default())
    }

    /// A bus among all hubs that share `url` and `namespace` (the cluster's id). Must be called within a tokio
    /// runtime. Redis need not be up: it is connected to in the background, again and again.
    pub fn redis(url: &str, namespace: &str) -> Result<Bus, BusError> {
        check_name(namespace)?;
        RedisBus::start(url, namespace).map(Bus::Redis)
    }

    fn local(&self) -> &Local {
        match self {
            Bus::InProcess(bus) => &bus.0,
            Bus::Redis(bus) => bus.local(),
        }
    }

    /// `in-process` or `redis`, for the status page.
    pub fn kind(&self) -> &'static str {
        match self {
            Bus::InProcess(_) => "in-process",
            Bus::Redis(_) => "redis",
        }
    }

    /// Whether a message on `topic` may find a subscriber. Among several hubs one never knows.
    pub fn may_be_heard(&self, topic: &str) -> bool {
        matches!(self, Bus::Redis(_)) || self.local().fan.has_subscriber(topic)
    }

    /// Tells all subscribers of `topic`, here and elsewhere. Never waits.
    pub fn publish(&self, topic: &str, payload: &[u8]) -> Result<(), BusError> {
        self.local().publish(topic, payload)?;
        if let Bus::Redis(bus) = self {
            bus.tell_publish(topic, payload);
        }
        Ok(())
    }

    /// Everything published from now on to topics that begin with `prefix`; an empty one means all.
    pub fn subscribe(&self, prefix: &str) -> Result<Subscription, BusError> {
        self.local().fan.subscribe(prefix)
    }

    /// Wakes all that wait for `name`, here and elsewhere. Never waits; a name that is not valid wakes nobody.
    pub fn wake(&self, name: &str) {
        self.local().wakes.wake(name);
        if let Bus::Redis(bus) = self {
            bus.tell_wake(name);
        }
    }

    /// Something to wait for wakes of `name` with. Make it before looking at the truth, so that no wake falls
    /// between the look and the wait.
    pub fn waiter(&self, name: &str) -> Result<Waiter, BusError> {
        check_name(name)?;
        self.local().wakes.waiter(name)
    }

    /// Whether this is the first call with `key` within `ttl` among all hubs. A cache in front of the store's
    /// unique index: after a restart or without Redis the same key may be first again.
    pub async fn dedup(&self, key: &str, ttl: Duration) -> bool {
        self.local().keys.first(key, ttl, Instant::now())
            && match self {
                Bus::InProcess(_) => true,
                Bus::Redis(bus) => bus.first(key, ttl).await.unwrap_or(true),
            }
    }

    /// Takes a token of the bucket, which all hubs share: `burst` at once, then `per_second`. Without Redis each
    /// hub has a bucket of its own.
    pub async fn take(&self, bucket: &str, per_second: f64, burst: u32) -> bool {
        let shared = match self {
            Bus::InProcess(_) => None,
            Bus::Redis(bus) => bus.take(bucket, per_second, burst).await,
        };
        shared.unwrap_or_else(|| self.local().buckets.take(bucket, per_second, burst, Instant::now()))
    }

    pub fn stats(&self) -> BusStats {
        self.local().counters.read()
    }
}
