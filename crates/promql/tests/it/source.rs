//! Series in memory.

use std::cell::Cell;

use watchtower_matchers::Matchers;
use watchtower_model::{Labels, Sample, Timestamp};
use watchtower_promql::{SeriesSource, SeriesWindow, SourceError};

#[derive(Default)]
pub struct Memory {
    pub series: Vec<(Labels, Vec<Sample>)>,
    pub selects: Cell<usize>,
}

impl SeriesSource for Memory {
    fn select(
        &self,
        matchers: &Matchers,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SeriesWindow>, SourceError> {
        self.selects.set(self.selects.get() + 1);
        let wanted = self.series.iter().filter(|(labels, _)| matchers.matches(labels));
        let window = |(labels, samples): &(Labels, Vec<Sample>)| SeriesWindow {
            labels: labels.clone(),
            samples: samples.iter().filter(|s| from <= s.t && s.t <= to).copied().collect(),
        };
        Ok(wanted.map(window).filter(|w| !w.samples.is_empty()).collect())
    }
}
