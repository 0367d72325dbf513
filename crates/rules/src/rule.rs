//! A metric rule: what is stored, and what it compiles to.
//!
//! Invariant: a [`MetricRule`] has passed every check: its expressions are vectors or scalars, its templates
//! parse, its names and times are within their bounds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchtower_model::limits::NAME_BYTES_MAX;
use watchtower_model::{Labels, Severity, TextError, check_line, check_name, is_label_name};
use watchtower_promql::{Expr, QueryError, Type, parse};

use crate::template::{Series, Template, TemplateError};
use crate::{RENDERED_BYTES_MAX, TEMPLATES_MAX};

/// What a rule says when nothing that its expression reads has a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoData {
    /// Nothing is wrong: alerts resolve, as in Prometheus.
    #[default]
    Ok,
    /// Alerts stay as they are.
    Keep,
    /// Alerts stay as they are, and the absence is an alert of its own.
    Alert,
}

/// A rule as people write it and the store keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricRuleSpec {
    pub name: String,
    /// What alerts carry as `alertname`, where that is not the rule's own name.
    pub alert_name: Option<String>,
    /// PromQL; every element of its result is a problem.
    pub expr: String,
    /// How long a problem must last.
    #[serde(rename = "for_ms")]
    pub for_ms: i64,
    /// How long an alert still fires after its problem went.
    pub keep_firing_for_ms: i64,
    /// When set, an alert fires until this returns its series.
    pub recover: Option<String>,
    pub no_data: NoData,
    pub severity: Severity,
    /// Values are templates.
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("name {0}")]
    Name(TextError),
    #[error("alert_name: {0}")]
    AlertName(TextError),
    #[error("{field}: {source}")]
    Expr { field: &'static str, source: QueryError },
    #[error("{field}: must be a scalar or an instant vector, not a {found}")]
    ExprType { field: &'static str, found: &'static str },
    #[error("{field}.{name}: {source}")]
    Template { field: &'static str, name: String, source: TemplateError },
    #[error("{field}: {name:?} is not a label name, or one that rules may not set")]
    LabelName { field: &'static str, name: String },
    #[error("record: {name:?} is not a metric name")]
    MetricName { name: String },
    #[error("{field}: more than {TEMPLATES_MAX} entries")]
    TooMany { field: &'static str },
    #[error("{field}: must be between 0 and {DURATION_MAX_MS} ms")]
    Duration { field: &'static str },
    #[error("{field}: {reason}")]
    Pattern { field: &'static str, reason: String },
}

/// 30 days.
const DURATION_MAX_MS: i64 = 30 * 86_400_000;

/// The label that names the rule, as in Prometheus.
pub(crate) const ALERT_NAME: &str = "alertname";

/// See [`MetricRuleSpec`].
#[derive(Clone, Debug)]
pub struct MetricRule {
    pub name: String,
    alert_name: String,
    pub expr: Expr,
    pub for_ms: i64,
    pub keep_firing_for_ms: i64,
    pub recover: Option<Expr>,
    pub no_data: NoData,
    pub severity: Severity,
    labels: Templates,
    annotations: Templates,
}

pub(crate) type Templates = Vec<(String, Template)>;

impl MetricRule {
    pub fn compile(spec: &MetricRuleSpec) -> Result<Self, RuleError> {
        check_name(&spec.name).map_err(RuleError::Name)?;
        let recover = spec.recover.as_deref().map(|text| expression("recover", text)).transpose()?;
        Ok(MetricRule {
            name: spec.name.clone(),
            alert_name: alert_name(spec)?,
            expr: expression("expr", &spec.expr)?,
            for_ms: duration("for_ms", spec.for_ms)?,
            keep_firing_for_ms: duration("keep_firing_for_ms", spec.keep_firing_for_ms)?,
            recover,
            no_data: spec.no_data,
            severity: spec.severity,
            labels: templates("labels", &spec.labels)?,
            annotations: templates("annotations", &spec.annotations)?,
        })
    }

    /// The labels of the alert for a series: the series' own, the rule's on top, and `alertname`.
    pub(crate) fn alert_labels(&self, series: &Labels, value: f64) -> Labels {
        dressed(&self.alert_name, &self.labels, series, value)
    }

    pub(crate) fn alert_annotations(&self, series: &Labels, value: f64) -> BTreeMap<String, String> {
        rendered(&self.annotations, series, value)
    }
}

fn alert_name(spec: &MetricRuleSpec) -> Result<String, RuleError> {
    let Some(name) = &spec.alert_name else { return Ok(spec.name.clone()) };
    check_line(name, NAME_BYTES_MAX).map_err(RuleError::AlertName)?;
    Ok(name.clone())
}

pub(crate) fn dressed(name: &str, labels: &Templates, series: &Labels, value: f64) -> Labels {
    let mut builder = series.to_builder();
    builder.remove(watchtower_model::METRIC_NAME);
    for (label, template) in labels {
        builder.set(label, &said(template, series, value));
    }
    builder.set(ALERT_NAME, name);
    builder.build()
}

pub(crate) fn rendered(templates: &Templates, series: &Labels, value: f64) -> BTreeMap<String, String> {
    templates.iter().map(|(name, template)| (name.clone(), said(template, series, value))).collect()
}

fn said(template: &Template, labels: &Labels, value: f64) -> String {
    template.render(&Series { labels, value }, RENDERED_BYTES_MAX).text
}

pub(crate) fn expression(field: &'static str, text: &str) -> Result<Expr, RuleError> {
    let expr = parse(text).map_err(|source| RuleError::Expr { field, source })?;
    match expr.result_type() {
        Type::Scalar | Type::Vector => Ok(expr),
        other => Err(RuleError::ExprType { field, found: other.name() }),
    }
}

pub(crate) fn duration(field: &'static str, ms: i64) -> Result<i64, RuleError> {
    if (0..=DURATION_MAX_MS).contains(&ms) { Ok(ms) } else { Err(RuleError::Duration { field }) }
}

pub(crate) fn templates(
    field: &'static str,
    texts: &BTreeMap<String, String>,
) -> Result<Templates, RuleError> {
    if texts.len() > TEMPLATES_MAX {
        return Err(RuleError::TooMany { field });
    }
    let compiled =
        texts.iter().map(|(name, text)| {
            let reserved = field == "labels" && (name.starts_with("__") || name == ALERT_NAME);
            if !is_label_name(name) || reserved {
                return Err(RuleError::LabelName { field, name: name.chars().take(40).collect() });
            }
            let template = Template::parse(text, &Series::VOCABULARY)
                .map_err(|source| RuleError::Template { field, name: name.clone(), source })?;
            Ok((name.clone(), template))
        });
    compiled.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(change: impl FnOnce(&mut MetricRuleSpec)) -> String {
        let mut spec =
            MetricRuleSpec { name: "Disk full".into(), expr: "x > 1".into(), ..Default::default() };
        assert!(MetricRule::compile(&spec).is_ok());
        change(&mut spec);
        MetricRule::compile(&spec).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_field() {
        let map = |name: &str, text: &str| BTreeMap::from([(name.to_string(), text.to_string())]);
        assert!(error(|s| s.name = String::new()).starts_with("name must not be empty"));
        assert!(error(|s| s.expr = "x >".into()).starts_with("expr: at 3-3: expected an expression"));
        assert!(error(|s| s.expr = "x[5m]".into()).contains("expr: must be a scalar or an instant vector"));
        assert!(error(|s| s.recover = Some("(".into())).starts_with("recover: at 1-1"));
        assert!(error(|s| s.for_ms = -1).starts_with("for_ms: must be between"));
        assert!(error(|s| s.annotations = map("a", "{{ x }}")).starts_with("annotations.a: at 3: "));
        assert!(error(|s| s.labels = map("alertname", "x")).contains("\"alertname\" is not a label name"));
        assert!(error(|s| s.labels = map("a-b", "x")).contains("labels: \"a-b\""));
    }
}
