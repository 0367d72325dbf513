//! Prometheus remote_write 1.0: `prometheus.WriteRequest`, read without copying a label.
//!
//! Format: <https://prometheus.io/docs/specs/prw/remote_write_spec/>. Exemplars are passed over; native histograms are
//! counted, so that the sender can be told. Metadata comes about once a minute, mostly in requests of its own.

use watchtower_model::limits::LABELS_MAX;
use watchtower_model::{LabelError, Labels, METRIC_NAME, MetricType, Sample, Timestamp};

use crate::error::{IntakeError, malformed};
use crate::proto::{Fields, Value};

/// One series of a request. Keep it from one to the next: it keeps its buffers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series<'a> {
    /// As sent. Most series are known by their bytes, and their labels are never read.
    labels: Vec<&'a [u8]>,
    pub samples: Vec<Sample>,
    /// Native histograms that stood beside the samples.
    pub histograms: usize,
    /// The labels with their lengths, where they stand one behind the other at the start, as every sender writes them.
    together: &'a [u8],
    /// The same, collected, where they do not.
    collected: Vec<u8>,
}

/// The series of a request, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct WriteRequest<'a>(Fields<'a>);

impl<'a> WriteRequest<'a> {
    /// `body` is what [`crate::decompress`] gave.
    pub fn new(body: &'a [u8]) -> Self {
        WriteRequest(Fields::new(body))
    }

    /// Reads the next series into `series`; false behind the last one.
    pub fn next(&mut self, series: &mut Series<'a>) -> Result<bool, IntakeError> {
        while let Some((number, value)) = self.0.next()? {
            if number == 1 {
                read_series(value.bytes("a time series")?, series)?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What a sender says of the metrics of one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metadata<'a> {
    pub family: &'a str,
    pub kind: MetricType,
    pub help: &'a str,
    pub unit: &'a str,
}

/// Gives what a request says of metrics' names to `each`. `body` is what [`crate::decompress`] gave.
pub fn read_metadata<'a>(body: &'a [u8], mut each: impl FnMut(Metadata<'a>)) -> Result<(), IntakeError> {
    let mut request = Fields::new(body);
    while let Some((number, value)) = request.next()? {
        if number != 3 {
            continue;
        }
        let mut found = Metadata::default();
        let mut fields = Fields::new(value.bytes("metadata")?);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => found.kind = metric_type(value.int64("a metric's type")?),
                2 => found.family = value.text("a metric's name")?,
                4 => found.help = value.text("a metric's help")?,
                5 => found.unit = value.text("a metric's unit")?,
                _ => {}
            }
        }
        each(found);
    }
    Ok(())
}

/// `prometheus.MetricMetadata.MetricType`.
fn metric_type(number: i64) -> MetricType {
    match number {
        1 => MetricType::Counter,
        2 => MetricType::Gauge,
        3 => MetricType::Histogram,
        4 => MetricType::GaugeHistogram,
        5 => MetricType::Summary,
        6 => MetricType::Info,
        7 => MetricType::StateSet,
        _ => MetricType::Unknown,
    }
}

fn read_series<'a>(message: &'a [u8], series: &mut Series<'a>) -> Result<(), IntakeError> {
    series.labels.clear();
    series.samples.clear();
    series.collected.clear();
    series.histograms = 0;
    let mut fields = Fields::new(message);
    let (mut labels_end, mut scattered) = (0, false);
    loop {
        let from = message.len() - fields.rest().len();
        let Some((number, value)) = fields.next()? else { break };
        match number {
            1 => {
                series.labels.push(value.bytes("a label")?);
                scattered |= from != labels_end;
                labels_end = message.len() - fields.rest().len();
            }
            2 => series.samples.push(read_sample(value.bytes("a sample")?)?),
            4 => series.histograms += 1,
            _ => {}
        }
    }
    series.together = if scattered { &[] } else { &message[..labels_end] };
    if scattered {
        // No label begins with this byte: it tells the two forms apart.
        series.collected.push(0xff);
        for label in &series.labels {
            series.collected.extend_from_slice(&(label.len() as u32).to_le_bytes());
            series.collected.extend_from_slice(label);
        }
    }
    Ok(())
}

fn read_label(message: &[u8]) -> Result<(&str, &str), IntakeError> {
    let mut label = ("", "");
    let mut fields = Fields::new(message);
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => label.0 = value.text("a label's name")?,
            2 => label.1 = value.text("a label's value")?,
            _ => {}
        }
    }
    Ok(label)
}

fn read_sample(message: &[u8]) -> Result<Sample, IntakeError> {
    let mut sample = Sample { t: Timestamp(0), v: 0.0 };
    let mut fields = Fields::new(message);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, value) => sample.v = value.double("a sample's value")?,
            (2, Value::Varint(_)) => sample.t = Timestamp(value.int64("a sample's time")?),
            (2, _) => return Err(malformed("a sample's time")),
            _ => {}
        }
    }
    Ok(sample)
}

impl<'a> Series<'a> {
    /// The labels as bytes: two series with the same bytes are the same series.
    pub fn identity(&self) -> &[u8] {
        if self.collected.is_empty() { self.together } else { &self.collected }
    }

    /// Names and values in the order in which they were sent.
    pub fn pairs(&self) -> Result<Vec<(&'a str, &'a str)>, IntakeError> {
        self.labels.iter().map(|label| read_label(label)).collect()
    }

    /// Its labels, sorted; or what keeps them from naming a series: no metric name, a name twice, a limit.
    pub fn to_labels(&self) -> Result<Labels, IntakeError> {
        let bad = |reason: String| IntakeError::BadSeries { reason };
        if self.labels.len() > LABELS_MAX {
            return Err(bad(LabelError::TooMany.to_string()));
        }
        let pairs = self.pairs()?;
        if !pairs.iter().any(|(name, value)| *name == METRIC_NAME && !value.is_empty()) {
            return Err(bad("it has no metric name (label __name__)".into()));
        }
        for (at, (name, _)) in pairs.iter().enumerate() {
            if pairs[..at].iter().any(|(other, _)| other == name) {
                return Err(bad(format!("label {name:?} stands there twice")));
            }
        }
        let labels = Labels::from_pairs(pairs);
        labels.check_observed().map_err(|error| bad(error.to_string()))?;
        Ok(labels)
    }
}
