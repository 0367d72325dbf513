//! A recording rule: an expression whose result becomes series under a name of its own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchtower_model::{Labels, METRIC_NAME, is_label_name, is_metric_name};
use watchtower_promql::Expr;

use crate::TEMPLATES_MAX;
use crate::rule::{RuleError, expression};

/// As people write it and the store keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordingRuleSpec {
    /// The metric name of the results.
    pub record: String,
    pub expr: String,
    /// Set on every result; values are plain text, as in Prometheus.
    pub labels: BTreeMap<String, String>,
}

/// See [`RecordingRuleSpec`].
#[derive(Clone, Debug)]
pub struct RecordingRule {
    pub record: String,
    pub expr: Expr,
    labels: BTreeMap<String, String>,
}

impl RecordingRule {
    pub fn compile(spec: &RecordingRuleSpec) -> Result<Self, RuleError> {
        if !is_metric_name(&spec.record) {
            return Err(RuleError::MetricName { name: spec.record.chars().take(40).collect() });
        }
        if spec.labels.len() > TEMPLATES_MAX {
            return Err(RuleError::TooMany { field: "labels" });
        }
        if let Some(name) = spec.labels.keys().find(|n| !is_label_name(n) || n.starts_with("__")) {
            return Err(RuleError::LabelName { field: "labels", name: name.chars().take(40).collect() });
        }
        let expr = expression("expr", &spec.expr)?;
        Ok(RecordingRule { record: spec.record.clone(), expr, labels: spec.labels.clone() })
    }

    /// The labels under which a result is stored; an empty value of the rule takes a label away.
    pub fn labels_of(&self, result: &Labels) -> Labels {
        let mut builder = result.to_builder();
        for (name, value) in &self.labels {
            builder.set(name, value);
        }
        builder.set(METRIC_NAME, &self.record);
        builder.build()
    }
}
