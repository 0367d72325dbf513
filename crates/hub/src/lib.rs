//! The hub's stages: link -> ingest -> evaluate -> respond -> jobs, and what people ask of them.
//!
//! Invariants: only this crate sees an engine and an adapter together; it knows no HTTP. An incident changes only in `respond`, in
//! one transaction with its effects. Timers live in the database; the bus only wakes.

pub mod config;
pub mod error;
pub mod keys;
pub mod objects;
pub mod random;
pub mod servers;

pub mod link;

pub mod ingest;

pub mod metadata;

pub mod forward;

pub mod evaluate;

pub mod respond;

pub mod quiet;

pub mod jobs;

pub mod fleet;

pub mod heartbeats;

pub mod deployments;

pub mod query;
pub mod analytics;

pub mod access;

pub mod configure;

pub mod live;

pub mod disk;
pub mod upkeep;

mod defaults;
mod meters;
mod start;
mod watching;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};

use watchtower_bus::Bus;
use watchtower_egress::Egress;
use watchtower_model::Timestamp;
use watchtower_protocol::TrustBundle;
use watchtower_store::Store;
use watchtower_store::metrics::MetricFiles;
use watchtower_tsdb::Tsdb;

pub use config::{HubConfig, Timing, parse_kept};
pub use error::HubError;
pub use keys::Keys;
pub use meters::Meters;
pub use objects::Objects;
pub use start::StartError;
pub use watchtower_promql::{Dialect, Settings};

/// Names that the bus wakes by.
pub(crate) const WAKE_EVENTS: &str = "events";
pub(crate) const WAKE_OUTBOX: &str = "outbox";
pub(crate) const WAKE_NEWS: &str = "news";
pub(crate) const WAKE_INCIDENTS: &str = "incidents";
/// A run goes on, or all of them may: the halt began or ended.
pub(crate) const WAKE_RUNS: &str = "runs";
/// A step of a rotation was stored: every hub goes by it.
pub(crate) const WAKE_KEYS: &str = "keys";
pub(crate) const WAKE_CHANGES: &str = "changes";

/// A running hub; a handle that is cheap to clone.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
    /// Configuration that this handle alone takes for what is stored.
    supposed: Option<Arc<Objects>>,
}

pub struct Inner {
    pub config: HubConfig,
    pub started_at: Timestamp,
    pub store: Store,
    pub tsdb: Arc<Tsdb>,
    /// Where the metric engine keeps its bytes.
    pub metric_files: Arc<MetricFiles>,
    pub disk: disk::Disk,
    pub(crate) damage: upkeep::damage::Told,
    pub bus: Bus,
    pub egress: Egress,
    pub keys: Keys,
    pub servers: servers::Servers,
    pub links: link::Links,
    pub appender: ingest::Appender,
    pub forward: forward::Forward,
    pub metadata: metadata::Metadata,
    pub outside: ingest::outside::Outside,
    pub calls: respond::signals::CallLimits,
    pub(crate) settled: quiet::Settled,
    pub(crate) windows_told: quiet::WindowsTold,
    pub(crate) inhibitors: quiet::Known,
    pub meters: Meters,
    pub watching: watching::Watching,
    pub evaluator: evaluate::Evaluator,
    pub queries: query::Pool,
    pub deployments: deployments::Deployments,
    pub logins: access::LoginLimits,
    pub listeners: live::Listeners,
    pub(crate) shelf: jobs::updates::Shelf,
    objects: RwLock<Arc<Objects>>,
    reloading: tokio::sync::Mutex<()>,
    pub(crate) followed: upkeep::neighbours::Followed,
    /// Only one state change of incidents at a time in this hub: two would only make each other stale.
    pub(crate) responding: tokio::sync::Mutex<()>,
    /// What people write by reading and writing back (servers, users, the first administrator) happens one after the other.
    pub(crate) configuring: tokio::sync::Mutex<()>,
    /// All work on servers stands still.
    pub halt: jobs::switch::Switch,
    /// Messages to people wait.
    pub page_hold: jobs::switch::Switch,
    pub audits: upkeep::Audits,
    pub(crate) pace: jobs::pace::Pace,
    /// Most of the fleet is silent at once.
    pub(crate) cut_off: AtomicBool,
    stopping: tokio::sync::watch::Sender<bool>,
    /// The schema that a newer hub has made, when this one cannot work on it.
    outdated: tokio::sync::watch::Sender<Option<i64>>,
}

impl std::ops::Deref for Hub {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl Hub {
    /// The clock that due times are written with.
    pub fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    /// The same hub as if its configuration were another, for those who only ask: nothing else of it changes.
    pub(crate) fn as_if(&self, objects: Arc<Objects>) -> Hub {
        Hub { inner: Arc::clone(&self.inner), supposed: Some(objects) }
    }

    /// All configuration as of now.
    pub fn objects(&self) -> Arc<Objects> {
        if let Some(supposed) = &self.supposed {
            return Arc::clone(supposed);
        }
        Arc::clone(&self.objects.read().expect("no code panics while it holds the objects"))
    }

    /// Reads the configuration again after a change.
    pub async fn reload_objects(&self) -> Result<(), HubError> {
        // One after the other: what was read before a commit must not take the place of what was read behind it.
        let _one_at_a_time = self.reloading.lock().await;
        let fresh = Objects::load(&self.store).await?;
        self.evaluator.set_rules(&fresh);
        *self.objects.write().expect("no code panics while it holds the objects") = fresh;
        Ok(())
    }

    /// What agents of this hub trust.
    pub fn bundle(&self) -> TrustBundle {
        self.keys.bundle(vec![self.config.agent_url.clone()])
    }

    pub fn running(&self) -> bool {
        !*self.stopping.borrow()
    }

    /// Resolves when the hub is told to stop.
    pub async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// Resolves when this hub cannot go on beside a newer one: with the newer one's schema version.
    pub async fn outdated(&self) -> i64 {
        let mut outdated = self.outdated.subscribe();
        loop {
            if let Some(version) = *outdated.borrow_and_update() {
                return version;
            }
            // The sender is this hub's own.
            let _ = outdated.changed().await;
        }
    }

    pub(crate) fn wake_events(&self) {
        self.bus.wake(WAKE_EVENTS);
        self.bus.wake(WAKE_CHANGES);
    }
}
