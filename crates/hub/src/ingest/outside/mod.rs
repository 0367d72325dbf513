//! Samples of other senders: everything durable before the answer.
//!
//! Such series belong to no server. What keeps a request from being taken whole is counted with the first reason; the rest of the
//! request is stored all the same.

mod otlp;
mod remote_write;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Semaphore;
pub use watchtower_intake::Encoding;
pub use watchtower_intake::otlp::{Format, answer, refusal};
use watchtower_intake::{IntakeError, decompress};
use watchtower_model::{Labels, Timestamp};
use watchtower_tsdb::{Outcome, SeriesRef};

pub use self::otlp::otlp;
pub use self::remote_write::remote_write;
use super::appender::{Append, AppendError, Points};
use crate::Hub;
use crate::error::HubError;

/// Requests that are unpacked and stored at the same time; others are told to come again.
const AT_ONCE: usize = 8;
/// Series whose sent form is remembered. Beyond, all are forgotten and found again by their labels.
const KNOWN_MAX: usize = 1_000_000;

pub struct Outside {
    slots: Arc<Semaphore>,
    known: Mutex<HashMap<Box<[u8]>, SeriesRef>>,
}

impl Default for Outside {
    fn default() -> Self {
        Outside { slots: Arc::new(Semaphore::new(AT_ONCE)), known: Mutex::default() }
    }
}

impl Outside {
    fn known(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, SeriesRef>> {
        self.known.lock().expect("no code panics while it holds the known series")
    }
}

type Point = (SeriesRef, Timestamp, f64);

/// Unpacks and decodes a body on a thread for it, within the number of those that may be at work at once.
async fn unpack<T: Send + 'static>(
    hub: &Hub,
    encoding: Encoding,
    body: impl AsRef<[u8]> + Send + 'static,
    decode: impl FnOnce(&Hub, &[u8]) -> Result<T, IntakeError> + Send + 'static,
) -> Result<T, HubError> {
    hub.disk.takes_metrics()?;
    let slot = Arc::clone(&hub.outside.slots)
        .try_acquire_owned()
        .map_err(|_| HubError::Unavailable("too many writes at once".into()))?;
    let worker = hub.clone();
    let work = move || {
        let _slot = slot;
        let mut unpacked = Vec::new();
        decompress(encoding, body.as_ref(), &mut unpacked)?;
        decode(&worker, &unpacked)
    };
    let decoded = tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| HubError::Internal("decoding a write ended abnormally".into()))?;
    decoded.map_err(|error| HubError::invalid("body", error))
}

/// Returns once the points are durable.
async fn store(hub: &Hub, points: Vec<Point>) -> Result<Outcome, HubError> {
    let received_at = hub.now();
    let append = Append { progress: None, received_at, backfill: true, points: Points::Loose(points) };
    let outcome = hub.appender.append(append).await.map_err(|error| match error {
        AppendError::Store(error) => HubError::from(error),
        AppendError::Stopped => HubError::Unavailable(error.to_string()),
    })?;
    if outcome.unknown > 0 {
        // Retention took an idle series away meanwhile: the sender repeats, and finds it anew.
        hub.outside.known().clear();
        return Err(HubError::Unavailable("a series was removed while it was written".into()));
    }
    if outcome.late_full > 0 {
        return Err(HubError::Unavailable("too many out-of-order samples wait to be stored".into()));
    }
    hub.meters.samples.add(u64::from(outcome.accepted));
    hub.evaluator.want_outside();
    Ok(outcome)
}

fn server_names(hub: &Hub) -> HashSet<String> {
    hub.servers.all().iter().map(|server| server.with(|state| state.name.clone())).collect()
}

/// Refuses series that give themselves out for a server's: alerts of such a series would be taken for that server's.
fn foreign(labels: &Labels, servers: &HashSet<String>) -> Result<(), IntakeError> {
    match labels.get("instance") {
        Some(name) if servers.contains(name) => Err(IntakeError::BadSeries {
            reason: format!(
                "instance={name:?} is a server of this hub, whose series come from its agent alone"
            ),
        }),
        _ => Ok(()),
    }
}
