//! The series of one test.

use std::collections::HashMap;

use watchtower_matchers::Matchers;
use watchtower_model::{Labels, Sample, Timestamp};
use watchtower_promql::{SeriesSource, SeriesWindow, SourceError};

#[derive(Default)]
pub(super) struct Memory {
    series: Vec<SeriesWindow>,
    by_labels: HashMap<Labels, usize>,
    /// Nothing later has happened yet.
    pub now: Timestamp,
}

impl Memory {
    /// Samples of one series come in the order of time; of two at one time the first stays.
    pub(super) fn push(&mut self, labels: &Labels, sample: Sample) {
        let at = *self.by_labels.entry(labels.clone()).or_insert_with(|| {
            self.series.push(SeriesWindow { labels: labels.clone(), samples: Vec::new() });
            self.series.len() - 1
        });
        let samples = &mut self.series[at].samples;
        match samples.binary_search_by_key(&sample.t, |known| known.t) {
            Ok(_) => {}
            Err(place) => samples.insert(place, sample),
        }
    }
}

impl SeriesSource for Memory {
    fn select(
        &self,
        matchers: &Matchers,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SeriesWindow>, SourceError> {
        let to = to.min(self.now);
        let wanted = self.series.iter().filter(|series| matchers.matches(&series.labels));
        let windows = wanted.map(|series| {
            let first = series.samples.partition_point(|sample| sample.t < from);
            let end = series.samples.partition_point(|sample| sample.t <= to).max(first);
            SeriesWindow { labels: series.labels.clone(), samples: series.samples[first..end].to_vec() }
        });
        Ok(windows.filter(|window| !window.samples.is_empty()).collect())
    }
}
