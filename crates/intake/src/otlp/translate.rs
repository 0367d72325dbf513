//! A request becomes series: point by point, so that no more than one point's labels are held here.

use watchtower_model::limits::LABELS_MAX;
use watchtower_model::{Labels, METRIC_NAME, Timestamp};

use super::labels::{Identity, Pairs};
use super::name::{Kind, metric_name};
use super::points::{Part, Point};
use super::request::{CUMULATIVE, Metric, MetricsRequest, Points, ResourceMetrics};
use crate::IntakeError;

/// Bytes of labels that one request may become: buckets repeat the labels of their point.
pub const LABEL_BYTES_MAX: usize = 256 * 1024 * 1024;
/// `target_info` is said again this often within a request, so that it is found for each of its points.
const INFO_EVERY_MS: i64 = 150_000;
/// How far before its newest point a request's `target_info` begins at the earliest.
const INFO_SPAN_MS: i64 = 24 * 3_600_000;

/// One sample and the series it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesSample {
    pub labels: Labels,
    pub t: Timestamp,
    pub v: f64,
}

/// Points that cannot be stored whatever the sender does, and why the first cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    pub points: u64,
    pub reason: Option<String>,
}

impl Rejected {
    pub fn add(&mut self, points: u64, why: impl FnOnce() -> String) {
        self.points += points;
        if points > 0 {
            self.reason.get_or_insert_with(why);
        }
    }
}

/// Gives the samples of each point to `take`, with the number of points they are (`target_info` is none).
///
/// # Errors
/// [`IntakeError::TooMany`] if labels would grow beyond [`LABEL_BYTES_MAX`]; what was given before must not be stored.
pub fn translate(
    request: &MetricsRequest,
    mut take: impl FnMut(u64, Vec<SeriesSample>),
) -> Result<Rejected, IntakeError> {
    let (rejected, bytes_left) = (Rejected::default(), LABEL_BYTES_MAX);
    let mut turn = Turn { take: &mut take, rejected, bytes_left, seen: None };
    for resource in &request.resource_metrics {
        turn.resource(resource)?;
    }
    Ok(turn.rejected)
}

struct Turn<'a> {
    take: &'a mut dyn FnMut(u64, Vec<SeriesSample>),
    rejected: Rejected,
    bytes_left: usize,
    /// First and last time of the resource's points.
    seen: Option<(i64, i64)>,
}

impl Turn<'_> {
    fn resource(&mut self, from: &ResourceMetrics) -> Result<(), IntakeError> {
        let identity = Identity::of(&from.resource.attributes);
        self.seen = None;
        for metric in from.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            self.metric(&identity, metric)?;
        }
        match (self.seen, identity.target_info(&from.resource.attributes)) {
            (Some((first, last)), Some(pairs)) => {
                self.target_info(&pairs, first.max(last - INFO_SPAN_MS), last)
            }
            _ => Ok(()),
        }
    }

    fn metric(&mut self, identity: &Identity, metric: &Metric) -> Result<(), IntakeError> {
        let name = |kind: Kind| metric_name(&metric.name, &metric.unit, kind);
        if let Some(gauge) = &metric.gauge {
            self.points(identity, &name(Kind::Gauge), gauge)?;
        }
        if let Some(sum) = self.cumulative(&metric.name, metric.sum.as_ref()) {
            let kind = if sum.is_monotonic { Kind::Counter } else { Kind::Other };
            self.points(identity, &name(kind), sum)?;
        }
        if let Some(histogram) = self.cumulative(&metric.name, metric.histogram.as_ref()) {
            self.points(identity, &name(Kind::Other), histogram)?;
        }
        if let Some(summary) = &metric.summary {
            self.points(identity, &name(Kind::Other), summary)?;
        }
        if let Some(unread) = &metric.exponential_histogram {
            let name = short(&metric.name);
            let why = || format!("{name}: exponential histograms are not supported: send explicit buckets");
            self.rejected.add(unread.data_points.len() as u64, why);
        }
        Ok(())
    }

    /// The points, if they are totals since a start. Differences would need the state of every sender kept here for ever, and
    /// would still be wrong after a lost or doubled request.
    fn cumulative<'a, P>(&mut self, name: &str, points: Option<&'a Points<P>>) -> Option<&'a Points<P>> {
        let points = points?;
        if points.aggregation_temporality == CUMULATIVE {
            return Some(points);
        }
        let why = || format!("{}: only cumulative temporality is supported, not delta", short(name));
        self.rejected.add(points.data_points.len() as u64, why);
        None
    }

    fn points<P: Point>(
        &mut self,
        identity: &Identity,
        name: &str,
        all: &Points<P>,
    ) -> Result<(), IntakeError> {
        for point in &all.data_points {
            let t = (point.time_unix_nano() / 1_000_000) as i64;
            match usable(name, point).and_then(|()| point.parts()) {
                Ok(parts) => {
                    let labels = identity.labels(point.attributes());
                    if self.give(1, name, &labels, t, &parts)? {
                        let (first, last) = self.seen.unwrap_or((t, t));
                        self.seen = Some((first.min(t), last.max(t)));
                    }
                }
                Err(why) if name.is_empty() => self.rejected.add(1, || why),
                Err(why) => self.rejected.add(1, || format!("{}: {why}", short(name))),
            }
        }
        Ok(())
    }

    fn target_info(&mut self, pairs: &Pairs, first: i64, last: i64) -> Result<(), IntakeError> {
        let mut t = first;
        while t < last {
            self.give(0, "target_info", pairs, t, &[("", None, 1.0)])?;
            t = t.saturating_add(INFO_EVERY_MS);
        }
        self.give(0, "target_info", pairs, last, &[("", None, 1.0)]).map(drop)
    }

    /// False if the labels break a rule; then the point is rejected as a whole.
    fn give(
        &mut self,
        points: u64,
        name: &str,
        pairs: &Pairs,
        t: i64,
        parts: &[Part],
    ) -> Result<bool, IntakeError> {
        let bytes: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
        let spent = (bytes + name.len()).saturating_mul(parts.len());
        let too_many = IntakeError::TooMany { what: "bytes of labels", limit: LABEL_BYTES_MAX };
        self.bytes_left = self.bytes_left.checked_sub(spent).ok_or(too_many)?;
        let base = Labels::from_pairs(pairs);
        let mut samples = Vec::with_capacity(parts.len());
        for (suffix, label, v) in parts {
            let mut labels = base.to_builder();
            labels.set(METRIC_NAME, &format!("{name}{suffix}"));
            if let Some((name, value)) = label {
                labels.set(name, value);
            }
            samples.push(SeriesSample { labels: labels.build(), t: Timestamp(t), v: *v });
        }
        // The parts differ in a suffix and a short label: what holds for the longest holds for all.
        match samples.iter().find_map(|sample| sample.labels.check_observed().err()) {
            None => (self.take)(points, samples),
            Some(error) => {
                self.rejected.add(points, || format!("{}: {error}", short(name)));
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn usable(name: &str, point: &impl Point) -> Result<(), String> {
    if name.is_empty() {
        return Err("a metric has no name that Prometheus could have".into());
    }
    if point.time_unix_nano() == 0 {
        return Err("a point has no time".into());
    }
    if point.attributes().len() > LABELS_MAX {
        return Err(format!("a point has more than {LABELS_MAX} attributes"));
    }
    Ok(())
}

/// A sender's text within a message to it.
fn short(name: &str) -> String {
    name.chars().take(80).collect()
}
