//! What is said of a metric's name: type, help and unit, in Prometheus' words.

use serde::{Deserialize, Serialize};

use crate::limits::{HELP_BYTES_MAX, UNIT_BYTES_MAX};
use crate::text::truncate;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricType {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    #[default]
    #[serde(other)]
    Unknown,
}

/// Made by [`MetricMetadata::new`], so that its bounds hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MetricMetadata {
    #[serde(rename = "type")]
    pub kind: MetricType,
    #[serde(default)]
    pub help: String,
    #[serde(default)]
    pub unit: String,
}

impl MetricMetadata {
    /// Cuts what is too long; control characters become spaces, but for the ends of lines in a help text.
    pub fn new(kind: MetricType, help: &str, unit: &str) -> MetricMetadata {
        let clean = |text: &str, max: usize, lines: bool| {
            let plain = |c: char| if c.is_control() && !(lines && c == '\n') { ' ' } else { c };
            truncate(text, max).chars().map(plain).collect::<String>()
        };
        let (help, unit) = (clean(help, HELP_BYTES_MAX, true), clean(unit, UNIT_BYTES_MAX, false));
        MetricMetadata { kind, help, unit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_and_lines_stay_one() {
        let long = MetricMetadata::new(MetricType::Counter, &"ü".repeat(2000), "by\ntes\u{7}");
        assert_eq!((long.help.len(), long.unit.as_str()), (HELP_BYTES_MAX, "by tes "));
        assert_eq!(MetricMetadata::new(MetricType::Info, "a\nb\tc", "").help, "a\nb c");
    }
}
