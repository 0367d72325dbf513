//! The series and values of one collector.
//!
//! Invariant: a series is allocated once. As long as a collector pushes the same series in the same order,
//! a collection writes numbers only and the dictionary stays what it was.

use watchtower_model::limits::LABEL_VALUE_BYTES_MAX;
use watchtower_model::{Labels, truncate};
use watchtower_protocol::SeriesEntry;

/// Series of one collector; a machine with more disks than this is cut, and says so.
pub const SEGMENT_SERIES_MAX: usize = 4000;

#[derive(Debug, Default)]
pub struct Segment {
    entries: Vec<SeriesEntry>,
    values: Vec<f64>,
    changed: bool,
    truncated: bool,
}

impl Segment {
    /// Starts a new collection; the series of the last one stay known.
    pub fn begin(&mut self) {
        self.values.clear();
        self.truncated = false;
    }

    /// Adds a sample. Empty label values are no labels, as in Prometheus.
    pub fn push(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let at = self.values.len();
        if at >= SEGMENT_SERIES_MAX {
            self.truncated = true;
            return;
        }
        self.values.push(value);
        if self.entries.get(at).is_some_and(|entry| same(entry, name, labels)) {
            return;
        }
        let entry = SeriesEntry { name: name.to_string(), labels: clean(labels) };
        match self.entries.get_mut(at) {
            Some(old) if *old == entry => {}
            Some(old) => {
                *old = entry;
                self.changed = true;
            }
            None => {
                self.entries.push(entry);
                self.changed = true;
            }
        }
    }

    /// Ends a collection: series that were not pushed again are gone.
    pub fn finish(&mut self) {
        if self.entries.len() > self.values.len() {
            self.entries.truncate(self.values.len());
            self.changed = true;
        }
    }

    /// Whether the set of series changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether series were left out for their number.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    pub fn entries(&self) -> &[SeriesEntry] {
        &self.entries
    }

    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

fn same(entry: &SeriesEntry, name: &str, labels: &[(&str, &str)]) -> bool {
    entry.name == name
        && entry.labels.len() == labels.iter().filter(|(_, value)| !value.is_empty()).count()
        && labels.iter().all(|(n, v)| v.is_empty() || entry.labels.get(n) == Some(*v))
}

/// Mount points and device names may hold anything; the protocol refuses control characters.
fn clean(labels: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(labels.iter().map(|(name, value)| {
        let value: String = value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        (*name, truncate(&value, LABEL_VALUE_BYTES_MAX).to_string())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(segment: &mut Segment, devices: &[&str]) -> bool {
        segment.begin();
        for device in devices {
            segment.push("node_x", &[("device", device), ("empty", "")], 1.0);
        }
        segment.finish();
        segment.take_changed()
    }

    #[test]
    fn only_a_change_of_the_series_counts() {
        let mut segment = Segment::default();
        assert!(collect(&mut segment, &["a", "b\n"]));
        assert!(!collect(&mut segment, &["a", "b\n"]));
        assert!(collect(&mut segment, &["a"]));
        assert!(collect(&mut segment, &["c"]));
        assert_eq!(segment.entries()[0].labels.get("device"), Some("c"));
        assert!(segment.entries().iter().all(|e| e.labels.check().is_ok()));
    }
}
