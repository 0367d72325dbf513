//! What a target answered, as series: all of it, or `up 0` and none of it.

use std::borrow::Cow;

use super::config::Job;
use super::fetch::Outcome;
use super::relabel::{Labels, relabel};
use super::target::Target;
use crate::collect::segment::Segment;
use crate::exposition::{Line, admit, read};

/// Samples of one target.
const SAMPLES_MAX: usize = 3_900;
/// Series of all targets, and bytes of their names and labels: a dictionary must fit into one message.
const SERIES_MAX: usize = 12_000;
const BYTES_MAX: usize = 2 * 1024 * 1024;
const METRIC_NAME: &str = "__name__";
/// What is said of the scrape itself.
const REPORTED: [&str; 4] =
    ["up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling"];

/// What is left for the targets that come next.
#[derive(Debug)]
pub(super) struct Budget {
    series: usize,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { series: SERIES_MAX, bytes: BYTES_MAX }
    }
}

impl Budget {
    fn spend(&mut self, series: usize, bytes: usize) -> Result<(), String> {
        let left = (self.series.checked_sub(series), self.bytes.checked_sub(bytes));
        let (Some(series), Some(bytes)) = left else {
            return Err(format!(
                "the targets have more than {SERIES_MAX} series or {BYTES_MAX} bytes of labels"
            ));
        };
        *self = Budget { series, bytes };
        Ok(())
    }

    /// A target that says nothing new keeps its series.
    pub(super) fn keep(&mut self, segment: &Segment) {
        let bytes = segment.entries().iter().map(|entry| {
            entry.name.len()
                + entry.labels.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
        });
        self.series = self.series.saturating_sub(segment.entries().len());
        self.bytes = self.bytes.saturating_sub(bytes.sum());
    }
}

/// Fills `out`. An error is why the target counts as down.
pub(super) fn take(
    job: &Job,
    target: &Target,
    outcome: &Outcome,
    budget: &mut Budget,
    out: &mut Segment,
) -> Result<(), String> {
    out.begin();
    let counted = outcome.answer.as_ref().map_err(Clone::clone).and_then(|(text, format)| {
        let (mut scraped, mut kept, mut bytes) = (0, 0, 0);
        read(text, *format, |line| {
            scraped += 1;
            each(job, target, line, |name, labels, _| {
                kept += 1;
                bytes += name.len() + labels.iter().map(|(n, v)| n.len() + v.len()).sum::<usize>();
            });
        })
        .map_err(|error| error.to_string())?;
        let limit = job.sample_limit.unwrap_or(SAMPLES_MAX).min(SAMPLES_MAX);
        if kept > limit {
            return Err(format!("more than {limit} samples"));
        }
        budget.spend(kept + REPORTED.len(), bytes)?;
        Ok((scraped, kept))
    });
    if let (Ok(_), Ok((text, format))) = (&counted, &outcome.answer) {
        // It was read to its end just now.
        let _ = read(text, *format, |line| {
            each(job, target, line, |name, labels, value| out.push(name, labels, value));
        });
    }
    let (scraped, kept) = *counted.as_ref().unwrap_or(&(0, 0));
    let labels: Vec<(&str, &str)> = target.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let up = if counted.is_ok() { 1.0 } else { 0.0 };
    let values = [up, outcome.took.as_micros() as f64 / 1e6, f64::from(scraped), kept as f64];
    REPORTED.iter().zip(values).for_each(|(name, value)| out.push(name, &labels, value));
    out.finish();
    counted.map(drop)
}

/// Gives a line's sample as it is reported, if it is.
fn each(job: &Job, target: &Target, line: &Line<'_>, mut give: impl FnMut(&str, &[(&str, &str)], f64)) {
    if REPORTED.contains(&line.name) {
        return;
    }
    let Some(found) = admit(line, &target.labels, job.honor_labels) else { return };
    if job.metric_relabel.is_empty() {
        let labels: Vec<(&str, &str)> = found.labels.iter().map(|(n, v)| (&**n, &**v)).collect();
        return give(found.name, &labels, line.value);
    }
    let mut labels: Labels = found.labels.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    labels.insert(METRIC_NAME.into(), found.name.into());
    if !relabel(&job.metric_relabel, &mut labels) {
        return;
    }
    // The rules may have made of it what could not be reported; and a `job` they must leave.
    let name = labels.remove(METRIC_NAME).unwrap_or_default();
    labels.entry("job".into()).or_insert_with(|| job.job.clone());
    let pairs = labels.iter().map(|(n, v)| (n.as_str(), Cow::Borrowed(v.as_str())));
    let again = Line { name: &name, labels: pairs.collect(), value: line.value, t_ms: None };
    if let Some(found) = admit(&again, &[], true) {
        let labels: Vec<(&str, &str)> = found.labels.iter().map(|(n, v)| (&**n, &**v)).collect();
        give(found.name, &labels, line.value);
    }
}
