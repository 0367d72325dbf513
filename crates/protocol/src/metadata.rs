//! What targets say of the names of their metrics: new on this connection, so that each is told once.

use serde::{Deserialize, Serialize};
use watchtower_model::limits::{HELP_BYTES_MAX, UNIT_BYTES_MAX};
use watchtower_model::{MetricMetadata, is_metric_name};

use crate::report::CheckError;

/// Names in one message.
pub const METADATA_MAX: usize = 200;
/// Bytes of a metric's name, as dictionaries have them.
const NAME_BYTES_MAX: usize = 128;

/// A hub of before answers that it does not know the message; the agent sends no more of them then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    pub metrics: Vec<NamedMetadata>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedMetadata {
    #[serde(rename = "n")]
    pub name: String,
    #[serde(flatten)]
    pub said: MetricMetadata,
}

impl Metadata {
    pub(crate) fn check(&self) -> Result<(), CheckError> {
        if self.metrics.len() > METADATA_MAX {
            return Err(CheckError::TooMany { field: "metadata.metrics", max: METADATA_MAX });
        }
        let bad = |field, why| Err(CheckError::Bad { field, why });
        for metric in &self.metrics {
            if !is_metric_name(&metric.name) || metric.name.len() > NAME_BYTES_MAX {
                return bad("metadata.n", "is not a metric name");
            }
            if metric.said.help.len() > HELP_BYTES_MAX || metric.said.unit.len() > UNIT_BYTES_MAX {
                return bad("metadata", "has a help text or a unit that is too long");
            }
        }
        Ok(())
    }
}
