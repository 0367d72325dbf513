//! What the dashboard is told as it happens, over the bus; and how many may listen.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use watchtower_api_types::Vitals;
use watchtower_model::{BatchId, RunId, ServerId, Timestamp};

use crate::{Hub, HubError};

/// Topic prefixes on the bus.
pub const VITALS: &str = "vitals/";
pub const RUN: &str = "run/";
pub const DEPLOYMENTS: &str = "deployments/";

/// Open sockets of one person, tokens of theirs included: some browsers with a page for each screen.
pub const SOCKETS_MAX: usize = 64;
/// When somebody who has them all may try again.
const FULL_RETRY_SECONDS: u64 = 10;

/// Who listens how often.
#[derive(Default)]
pub struct Listeners(Mutex<HashMap<String, usize>>);

impl Listeners {
    fn counts(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the sockets of one person, until it is dropped.
pub struct Listener {
    hub: Hub,
    person: String,
}

impl Listener {
    /// Refused when this person has [`SOCKETS_MAX`] already.
    pub fn of(hub: &Hub, person: &str) -> Result<Listener, HubError> {
        let mut counts = hub.listeners.counts();
        let open = counts.entry(person.to_string()).or_default();
        if *open >= SOCKETS_MAX {
            return Err(HubError::RateLimited { after_seconds: FULL_RETRY_SECONDS });
        }
        *open += 1;
        Ok(Listener { hub: hub.clone(), person: person.to_string() })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut counts = self.hub.listeners.counts();
        let left = counts.remove(&self.person).unwrap_or(1) - 1;
        if left > 0 {
            counts.insert(self.person.clone(), left);
        }
    }
}

/// New vitals of a server: also says that a report has come.
pub fn publish_vitals(hub: &Hub, server: ServerId, t: Timestamp, vitals: &Vitals) {
    let topic = format!("{VITALS}{server}");
    // Each report comes here, and mostly nobody looks.
    if hub.bus.may_be_heard(&topic) {
        publish(hub, &topic, &json!({ "server_id": server, "at": t.to_rfc3339(), "vitals": vitals }));
    }
}

/// New output or a new state in a run.
pub fn publish_run(hub: &Hub, run: RunId) {
    publish(hub, &format!("{RUN}{run}"), &json!({ "run_id": run }));
}

/// New steps, output or states in a batch of deployments.
pub fn publish_deployments(hub: &Hub, batch: BatchId) {
    publish(hub, &format!("{DEPLOYMENTS}{batch}"), &json!({ "batch_id": batch }));
}

fn publish(hub: &Hub, topic: &str, payload: &serde_json::Value) {
    if let Err(error) = hub.bus.publish(topic, payload.to_string().as_bytes()) {
        tracing::warn!(topic, "publishing: {error}");
    }
}
