//! remote_write: most series are known by the bytes they were sent as.

use std::collections::HashSet;
use std::ops::Range;

use watchtower_intake::remote_write::{Series, WriteRequest, read_metadata};
use watchtower_intake::{Encoding, IntakeError};
use watchtower_model::{Labels, MetricMetadata};
use watchtower_tsdb::{Outcome, Resolved, SeriesRef};

use super::{KNOWN_MAX, Point, foreign, server_names, store, unpack};
use crate::Hub;
use crate::error::HubError;

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

/// Takes a remote_write request; returns once its samples are durable.
pub async fn remote_write(
    hub: &Hub,
    encoding: Encoding,
    body: impl AsRef<[u8]> + Send + 'static,
) -> Result<Written, HubError> {
    let Decoded { points, mut written } = unpack(hub, encoding, body, decode).await?;
    written.outcome = store(hub, points).await?;
    Ok(written)
}

struct Decoded {
    points: Vec<Point>,
    written: Written,
}

/// A series that is not known by its bytes, and where its samples stand among the points.
struct New {
    identity: Box<[u8]>,
    labels: Labels,
    points: Range<usize>,
}

fn decode(hub: &Hub, body: &[u8]) -> Result<Decoded, IntakeError> {
    let mut decoded = Decoded { points: Vec::new(), written: Written::default() };
    let mut new: Vec<New> = Vec::new();
    hub.metadata.hear(|tell| {
        read_metadata(body, |said| tell(said.family, MetricMetadata::new(said.kind, said.help, said.unit)))
    })?;
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
        match series.to_labels().and_then(|labels| foreign(&labels, servers).map(|()| labels)) {
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
