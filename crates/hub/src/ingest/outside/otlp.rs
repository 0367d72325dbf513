//! OTLP metrics: translated point by point; what cannot be stored is counted in points, as its senders count.

use std::collections::HashSet;

use watchtower_intake::otlp::{self, Format, Rejected, SeriesSample};
use watchtower_intake::{Encoding, IntakeError};
use watchtower_model::Labels;
use watchtower_tsdb::{Outcome, Resolved};

use super::{Point, foreign, server_names, store, unpack};
use crate::Hub;
use crate::error::HubError;

/// Series that are looked up at once: their labels are held together no longer than that.
const LOOKUP: usize = 1024;

/// Takes an `ExportMetricsServiceRequest`; returns, once all else is durable, what was rejected for good.
pub async fn otlp(
    hub: &Hub,
    format: Format,
    encoding: Encoding,
    body: impl AsRef<[u8]> + Send + 'static,
) -> Result<Rejected, HubError> {
    let decode = move |hub: &Hub, body: &[u8]| decode(hub, format, body);
    let (points, mut rejected) = unpack(hub, encoding, body, decode).await?;
    let Outcome { too_old, too_new, .. } = store(hub, points).await?;
    // These are counted in samples, of which a histogram's point has several: never less than the points.
    rejected.add(too_old.into(), || "samples that are too old".into());
    rejected.add(too_new.into(), || "samples from the future: check the sender's clock".into());
    Ok(rejected)
}

fn decode(hub: &Hub, format: Format, body: &[u8]) -> Result<(Vec<Point>, Rejected), IntakeError> {
    let request = otlp::read(format, body)?;
    hub.metadata.hear(|tell| otlp::described(&request, tell));
    let mut lookup = Lookup {
        hub,
        servers: server_names(hub),
        waiting: Vec::new(),
        series: 0,
        found: Vec::new(),
        rejected: Rejected::default(),
    };
    let unreadable = otlp::translate(&request, |points, samples| lookup.take(points, samples))?;
    lookup.flush();
    let Lookup { found, mut rejected, .. } = lookup;
    rejected.add(unreadable.points, || unreadable.reason.unwrap_or_default());
    Ok((found, rejected))
}

/// Samples on their way from labels to the series' numbers.
struct Lookup<'a> {
    hub: &'a Hub,
    servers: HashSet<String>,
    /// Each with the number of points it is.
    waiting: Vec<(u64, Vec<SeriesSample>)>,
    series: usize,
    found: Vec<Point>,
    rejected: Rejected,
}

impl Lookup<'_> {
    fn take(&mut self, points: u64, samples: Vec<SeriesSample>) {
        // One look is enough: the samples of a point share their `instance`.
        if let Some(sample) = samples.first()
            && let Err(error) = foreign(&sample.labels, &self.servers)
        {
            return self.rejected.add(points, || error.to_string());
        }
        self.series += samples.len();
        self.waiting.push((points, samples));
        if self.series >= LOOKUP {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let labels: Vec<Labels> = self
            .waiting
            .iter_mut()
            .flat_map(|(_, samples)| samples.iter_mut().map(|s| std::mem::take(&mut s.labels)))
            .collect();
        let Resolved { refs, limit, .. } = self.hub.tsdb.resolve(None, &labels);
        let mut numbers = refs.into_iter();
        for (points, samples) in self.waiting.drain(..) {
            let numbers: Vec<_> = numbers.by_ref().take(samples.len()).collect();
            if numbers.contains(&None) {
                let why = || limit.as_ref().map(ToString::to_string).unwrap_or_default();
                self.rejected.add(points, why);
            }
            let pairs = numbers.into_iter().zip(samples);
            self.found.extend(pairs.filter_map(|(number, sample)| Some((number?, sample.t, sample.v))));
        }
        self.series = 0;
    }
}
