//! The series an agent reports, named by the hash of their content, so that a reconnect resends nothing.

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use watchtower_model::limits::SERIES_PER_AGENT_MAX;
use watchtower_model::{LabelError, Labels, is_metric_name};

/// One series: its metric name and its labels without `__name__` and `instance`, which belong to the hub. A `job` is
/// that of a target which the agent scrapes; series without one are the server's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesEntry {
    #[serde(rename = "n")]
    pub name: String,
    #[serde(rename = "l", default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

/// The series of reports that carry this dictionary's hash; a sample's id is the index in here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dictionary {
    pub series: Vec<SeriesEntry>,
}

impl Dictionary {
    /// The first 32 hex digits of SHA-256 over each name and label, every part ended by a zero byte and
    /// every series by 0xff.
    pub fn hash(&self) -> String {
        let mut context = Context::new(&SHA256);
        for entry in &self.series {
            for part in std::iter::once(entry.name.as_str())
                .chain(entry.labels.iter().flat_map(|(name, value)| [name, value]))
            {
                context.update(part.as_bytes());
                context.update(&[0]);
            }
            context.update(&[0xff]);
        }
        context.finish().as_ref()[..16].iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Refuses too many series, bad names, and labels that an agent may not set.
    pub fn check(&self) -> Result<(), DictionaryError> {
        if self.series.len() > SERIES_PER_AGENT_MAX {
            return Err(DictionaryError::TooManySeries);
        }
        for entry in &self.series {
            if !is_metric_name(&entry.name) || entry.name.len() > 128 {
                return Err(DictionaryError::BadName(entry.name.chars().take(64).collect()));
            }
            entry.labels.check().map_err(DictionaryError::Label)?;
            for reserved in ["instance", "__name__"] {
                if entry.labels.get(reserved).is_some() {
                    return Err(DictionaryError::Reserved(reserved));
                }
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DictionaryError {
    #[error("more than {SERIES_PER_AGENT_MAX} series in one dictionary")]
    TooManySeries,
    #[error("{0:?} is not a metric name")]
    BadName(String),
    #[error("{0}")]
    Label(LabelError),
    #[error("label {0:?} is set by the hub and may not be sent")]
    Reserved(&'static str),
}
