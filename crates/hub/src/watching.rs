//! Servers that somebody looks at report every second; the wish is a lease that must be renewed.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use watchtower_model::ServerId;
use watchtower_protocol::HubMessage;
use watchtower_protocol::limits::{INTERVAL_LEASE_MS, INTERVAL_MS_MIN};

use crate::Hub;

/// Servers at one second at the same time.
const WATCHED_MAX: usize = 20;
/// Renewed well before the agent would fall back.
const RENEW_EVERY: Duration = Duration::from_millis(INTERVAL_LEASE_MS as u64 / 3);

#[derive(Default)]
pub struct Watching(Mutex<HashMap<ServerId, Lease>>);

struct Lease {
    until: Instant,
    told_at: Option<Instant>,
}

impl Watching {
    /// Wants one-second reports of a server for a while. Beyond the limit the wish is not granted.
    pub fn want(&self, hub: &Hub, server: ServerId, lasting: Duration) {
        let now = Instant::now();
        {
            let mut leases = self.lock();
            leases.retain(|_, lease| lease.until > now);
            if leases.len() >= WATCHED_MAX && !leases.contains_key(&server) {
                return;
            }
            let lease = leases.entry(server).or_insert(Lease { until: now, told_at: None });
            lease.until = lease.until.max(now + lasting);
            if lease.told_at.is_some_and(|at| at.elapsed() < RENEW_EVERY) {
                return;
            }
            lease.told_at = Some(now);
        }
        tell(hub, server);
    }

    /// An agent connected: tells it what is still wanted.
    pub fn renew(&self, hub: &Hub, server: ServerId) {
        if self.lock().get(&server).is_some_and(|lease| lease.until > Instant::now()) {
            tell(hub, server);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ServerId, Lease>> {
        self.0.lock().expect("no code panics while it holds the leases")
    }
}

fn tell(hub: &Hub, server: ServerId) {
    let agent = hub.servers.get(server).and_then(|server| server.with(|state| state.agent_id));
    if let Some(link) = agent.and_then(|agent| hub.links.get(agent)) {
        link.send(HubMessage::Interval { interval_ms: INTERVAL_MS_MIN, lease_ms: INTERVAL_LEASE_MS });
    }
}
