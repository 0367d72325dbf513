//! The file of tests, as people write it.

use std::collections::BTreeMap;

use serde::Deserialize;
use watchtower_model::{Labels, METRIC_NAME, parse_duration_ms};
use watchtower_promql::parse_selector;

use super::values::{self, Values};
use crate::FileError;

/// Bytes of a file of tests.
pub const SUITE_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuiteError {
    #[error("a file of tests has at most {SUITE_BYTES_MAX} bytes")]
    TooLarge,
    /// With line and column where they are known.
    #[error("{0}")]
    Yaml(String),
    #[error("{field}: {reason}")]
    Field { field: &'static str, reason: String },
    #[error("rule file {file}: {source}")]
    RuleFile { file: String, source: FileError },
    #[error("rule {rule}: {reason}")]
    Rule { rule: String, reason: String },
}

pub(super) fn field(field: &'static str, reason: impl ToString) -> SuiteError {
    SuiteError::Field { field, reason: reason.to_string() }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule_files: Vec<String>,
    evaluation_interval: Option<String>,
    #[serde(default)]
    group_eval_order: Vec<String>,
    #[serde(default)]
    tests: Vec<TestText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestText {
    interval: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    input_series: Vec<SeriesText>,
    #[serde(default)]
    alert_rule_test: Vec<AlertText>,
    #[serde(default)]
    promql_expr_test: Vec<ExprText>,
    /// Only templates could say them, which do not know them here.
    #[serde(default, rename = "external_labels")]
    _external_labels: BTreeMap<String, String>,
    #[serde(default, rename = "external_url")]
    _external_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeriesText {
    series: String,
    values: Scalar,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertText {
    eval_time: String,
    alertname: String,
    #[serde(default)]
    exp_alerts: Vec<ExpectedAlert>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedAlert {
    #[serde(default)]
    exp_labels: BTreeMap<String, Scalar>,
    #[serde(default)]
    exp_annotations: BTreeMap<String, Scalar>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExprText {
    expr: Scalar,
    eval_time: String,
    #[serde(default)]
    exp_samples: Vec<ExpectedSample>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedSample {
    labels: String,
    value: f64,
}

/// What may stand there as a number, and is a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Bool(bool),
    Int(i64),
    Float(f64),
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Scalar::Text(text) => text,
            Scalar::Bool(v) => v.to_string(),
            Scalar::Int(v) => v.to_string(),
            Scalar::Float(v) => v.to_string(),
        }
    }
}

/// A file of tests, checked.
#[derive(Debug)]
pub struct Suite {
    /// Paths beside the file; the last part may hold `*`.
    pub rule_files: Vec<String>,
    pub(super) interval_ms: i64,
    pub(super) order: Vec<String>,
    pub(super) tests: Vec<Test>,
}

#[derive(Debug)]
pub(super) struct Test {
    pub name: String,
    pub input: Vec<(Labels, Values)>,
    pub alerts: Vec<AlertTest>,
    pub exprs: Vec<ExprTest>,
}

pub(super) type Annotations = BTreeMap<String, String>;

#[derive(Debug)]
pub(super) struct AlertTest {
    pub at_ms: i64,
    pub alertname: String,
    pub expected: Vec<(Labels, Annotations)>,
}

#[derive(Debug)]
pub(super) struct ExprTest {
    pub at_ms: i64,
    pub expr: String,
    pub expected: Vec<(Labels, f64)>,
}

impl Suite {
    pub fn read(text: &str) -> Result<Suite, SuiteError> {
        if text.len() > SUITE_BYTES_MAX {
            return Err(SuiteError::TooLarge);
        }
        let file: File = serde_saphyr::from_str(text).map_err(|error| SuiteError::Yaml(error.to_string()))?;
        let interval_ms = match file.evaluation_interval.as_deref() {
            Some(text) => duration("evaluation_interval", text)?,
            None => 60_000,
        };
        if interval_ms <= 0 {
            return Err(field("evaluation_interval", "must be longer than 0"));
        }
        let mut left = values::VALUES_MAX;
        let tests: Result<Vec<Test>, SuiteError> =
            file.tests.into_iter().map(|test| self::test(test, interval_ms, &mut left)).collect();
        Ok(Suite { rule_files: file.rule_files, interval_ms, order: file.group_eval_order, tests: tests? })
    }
}

fn duration(name: &'static str, text: &str) -> Result<i64, SuiteError> {
    if text == "0" { Ok(0) } else { parse_duration_ms(text).map_err(|error| field(name, error)) }
}

fn test(test: TestText, interval_ms: i64, left: &mut usize) -> Result<Test, SuiteError> {
    let step_ms = match test.interval.as_deref() {
        Some(text) => duration("interval", text)?,
        None => interval_ms,
    };
    let mut input = Vec::new();
    for one in test.input_series {
        let labels = labels_of("series", &one.series)?;
        let text = one.values.into_text();
        input.push((labels, values::expand(&text, step_ms, left).map_err(|why| field("values", why))?));
    }
    let mut alerts = Vec::new();
    for one in test.alert_rule_test {
        let alertname = one.alertname;
        let expected = one.exp_alerts.into_iter().map(|expected| {
            let texts = |map: BTreeMap<String, Scalar>| map.into_iter().map(|(n, v)| (n, v.into_text()));
            let mut labels: Annotations = texts(expected.exp_labels).collect();
            labels.insert("alertname".into(), alertname.clone());
            (Labels::from_pairs(labels), texts(expected.exp_annotations).collect())
        });
        let expected = expected.collect();
        alerts.push(AlertTest { at_ms: duration("eval_time", &one.eval_time)?, alertname, expected });
    }
    let mut exprs = Vec::new();
    for one in test.promql_expr_test {
        let expected: Result<Vec<_>, SuiteError> = one
            .exp_samples
            .into_iter()
            .map(|sample| Ok((labels_of("labels", &sample.labels)?, sample.value)))
            .collect();
        let at_ms = duration("eval_time", &one.eval_time)?;
        exprs.push(ExprTest { at_ms, expr: one.expr.into_text(), expected: expected? });
    }
    Ok(Test { name: test.name, input, alerts, exprs })
}

/// `name{a="b"}` as the labels it names.
fn labels_of(name: &'static str, text: &str) -> Result<Labels, SuiteError> {
    let bare = text.trim();
    if matches!(bare, "" | "{}") {
        return Ok(Labels::empty());
    }
    let selector = parse_selector(bare).map_err(|error| field(name, format!("{text:?}: {error}")))?;
    let mut pairs = Vec::new();
    for matcher in selector.iter() {
        if matcher.op() != watchtower_matchers::Op::Eq {
            return Err(field(
                name,
                format!("{text:?} names no series: only = may stand between label and value"),
            ));
        }
        pairs.push((matcher.name().to_string(), matcher.value().to_string()));
    }
    if name == "series" && !pairs.iter().any(|(label, _)| label == METRIC_NAME) {
        return Err(field(name, format!("{text:?} has no metric name")));
    }
    Ok(Labels::from_pairs(pairs))
}
