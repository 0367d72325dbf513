//! Samples of other senders: series found by the bytes they were sent as, everything durable before the answer.
//!
//! Such series belong to no server. What keeps a request from being taken whole is counted in [`Written`] with the first reason;
//! the rest of the request is stored all the same.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Semaphore;
pub use watchtower_intake::Encoding;
use watchtower_intake::remote_write::{Series, WriteRequest};
use watchtower_intake::{IntakeError, decompress};
use watchtower_model::{Labels, Timestamp};
use watchtower_tsdb::{Outcome, Resolved, SeriesRef};

use super::appender::{Append, AppendError, Points};
use crate::Hub;
use crate::error::HubError;

/// Requests that are unpacked and stored at the same time; others are told to come again.
const AT_ONCE: usize = 8;
/// Series whose sent form is remembered. Beyond, all are forgotten and found again by their labels.
const KNOWN_MAX: usize = 1_000_000;

/// What became of one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub outcome: Outcome,
    /// Samples of series that were refused.
    pub refused: u64,
    pub histograms: u64,
    /// Why the first series was refused.
    pub reason: Option<String>,
}

impl Written {
    /// What a sender must be told, if anything was not stored for good.
    pub fn complaint(&self) -> Option<String> {
        let Outcome { accepted, duplicates, too_old, too_new, .. } = self.outcome;
        let mut parts = Vec::new();
        if let Some(reason) = &self.reason {
            parts.push(format!("{} samples of refused series ({reason})", self.refused));
        }
        if too_old > 0 {
            parts.push(format!("{too_old} samples that are too old"));
        }
        if too_new > 0 {
            parts.push(format!("{too_new} samples from the future: check the sender's clock"));
        }
        if self.histograms > 0 {
            parts.push(format!(
                "{} native histograms, which are not supported: send classic ones",
                self.histograms
            ));
        }
        let taken = accepted + duplicates;
        (!parts.is_empty()).then(|| format!("stored {taken} samples; not stored: {}", parts.join("; ")))
    }
}

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

/// Takes a remote_write request; returns once its samples are durable.
pub async fn remote_write(
    hub: &Hub,
    encoding: Encoding,
    body: impl AsRef<[u8]> + Send + 'static,
) -> Result<Written, HubError> {
    let slot = Arc::clone(&hub.outside.slots)
        .try_acquire_owned()
        .map_err(|_| HubError::Unavailable("too many writes at once".into()))?;
    let worker = hub.clone();
    let decode = move || {
        let _slot = slot;
        let mut unpacked = Vec::new();
        decompress(encoding, body.as_ref(), &mut unpacked)?;
        decode(&worker, &unpacked)
    };
    let decoded = tokio::task::spawn_blocking(decode)
        .await
        .map_err(|_| HubError::Internal("decoding a write ended abnormally".into()))?;
    let Decoded { points, mut written } = decoded.map_err(|error| HubError::invalid("body", error))?;
    let received_at = hub.now();
    let append = Append { progress: None, received_at, backfill: true, points: Points::Loose(points) };
    written.outcome = hub.appender.append(append).await.map_err(|error| match error {
        AppendError::Store(error) => HubError::from(error),
        AppendError::Stopped => HubError::Unavailable(error.to_string()),
    })?;
    if written.outcome.unknown > 0 {
        // Retention took an idle series away meanwhile: the sender repeats, and finds it anew.
        hub.outside.known().clear();
        return Err(HubError::Unavailable("a series was removed while it was written".into()));
    }
    if written.outcome.late_full > 0 {
        return Err(HubError::Unavailable("too many out-of-order samples wait to be stored".into()));
    }
    hub.meters.samples.add(u64::from(written.outcome.accepted));
    hub.evaluator.want_outside();
    Ok(written)
}

type Point = (SeriesRef, Timestamp, f64);

struct Decoded {
    points: Vec<Point>,
    written: Written,
}

/// A series that is not known by its bytes, and where its samples stand among the points.
struct New {
    identity: Box<[u8]>,
    labels: Labels,
    points: std::ops::Range<usize>,
}

fn decode(hub: &Hub, body: &[u8]) -> Result<Decoded, IntakeError> {
    let mut decoded = Decoded { points: Vec::new(), written: Written::default() };
    let mut new: Vec<New> = Vec::new();
    let mut request = WriteRequest::new(body);
    let mut series = Series::default();
    let mut names: Option<HashSet<String>> = None;
    let known = hub.outside.known();
    while request.next(&mut series)? {
        decoded.written.histograms += series.histograms as u64;
        let from = decoded.points.len();
        if let Some(number) = known.get(series.identity()) {
            decoded.points.extend(series.samples.iter().map(|s| (*number, s.t, s.v)));
            continue;
        }
        let servers = names.get_or_insert_with(|| server_names(hub));
        match series.to_labels().and_then(|labels| foreign(labels, servers)) {
            Ok(labels) => {
                decoded.points.extend(series.samples.iter().map(|s| (SeriesRef(u64::MAX), s.t, s.v)));
                let points = from..decoded.points.len();
                new.push(New { identity: series.identity().into(), labels, points });
            }
            Err(error) => refuse(&mut decoded.written, series.samples.len(), || error.to_string()),
        }
    }
    drop(known);
    if !new.is_empty() {
        learn(hub, new, &mut decoded);
    }
    Ok(decoded)
}

fn refuse(written: &mut Written, samples: usize, why: impl FnOnce() -> String) {
    written.refused += samples as u64;
    written.reason.get_or_insert_with(why);
}

fn server_names(hub: &Hub) -> HashSet<String> {
    hub.servers.all().iter().map(|server| server.with(|state| state.name.clone())).collect()
}

/// Refuses series that give themselves out for a server's: alerts of such a series would be taken for that server's.
fn foreign(labels: Labels, servers: &HashSet<String>) -> Result<Labels, IntakeError> {
    match labels.get("instance") {
        Some(name) if servers.contains(name) => Err(IntakeError::BadSeries {
            reason: format!(
                "instance={name:?} is a server of this hub, whose series come from its agent alone"
            ),
        }),
        _ => Ok(labels),
    }
}

/// Finds or makes the new series, puts their numbers to their points, and remembers them.
fn learn(hub: &Hub, new: Vec<New>, decoded: &mut Decoded) {
    let (labels, rest): (Vec<Labels>, Vec<_>) =
        new.into_iter().map(|n| (n.labels, (n.identity, n.points))).unzip();
    let Resolved { refs, limit, .. } = hub.tsdb.resolve(None, &labels);
    let mut known = hub.outside.known();
    if known.len() + refs.len() > KNOWN_MAX {
        known.clear();
    }
    for ((identity, range), number) in rest.into_iter().zip(refs) {
        let Some(number) = number else {
            let why = || limit.map(|limit| limit.to_string()).unwrap_or_default();
            refuse(&mut decoded.written, range.len(), why);
            continue;
        };
        decoded.points[range].iter_mut().for_each(|point| point.0 = number);
        known.insert(identity, number);
    }
    drop(known);
    decoded.points.retain(|point| point.0 != SeriesRef(u64::MAX));
}
