//! Prometheus' rule files, read as they are: groups of alerting and recording rules.
//!
//! Format: <https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/>. Unknown fields are refused, as Prometheus
//! refuses them. Rules are evaluated when their data arrives, so a group's `interval` is read and has nothing to say.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::Deserializer;
use watchtower_model::{Severity, parse_duration_ms};

use crate::recording::RecordingRuleSpec;
use crate::rule::MetricRuleSpec;

/// Bytes of a rule file.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;
/// Rules of one file.
pub const FILE_RULES_MAX: usize = 2000;

/// One rule of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum FileRule {
    /// The rule's name is unique within the file; alerts carry the one that was written.
    Alerting {
        group: String,
        spec: MetricRuleSpec,
    },
    Recording {
        group: String,
        name: String,
        spec: RecordingRuleSpec,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("a rule file has at most {FILE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("more than {FILE_RULES_MAX} rules in one file")]
    TooMany,
    /// With line and column where they are known.
    #[error("{0}")]
    Yaml(String),
    #[error("group {group:?}, rule {rule}: {reason}")]
    Rule { group: String, rule: String, reason: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    #[serde(default, rename = "interval")]
    _interval: Option<String>,
    #[serde(default, rename = "query_offset")]
    _query_offset: Option<String>,
    #[serde(default, rename = "limit")]
    _limit: Option<u64>,
    /// Put on every rule of the group that does not set them itself.
    #[serde(default)]
    labels: BTreeMap<String, Text>,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    record: Option<String>,
    alert: Option<String>,
    expr: Text,
    #[serde(rename = "for")]
    hold: Option<String>,
    keep_firing_for: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, Text>,
    #[serde(default)]
    annotations: BTreeMap<String, Text>,
}

/// A scalar of any type, taken for the text it was written as where that is known.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Text;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text or a number")
            }
            fn visit_str<E>(self, v: &str) -> Result<Text, E> {
                Ok(Text(v.into()))
            }
            fn visit_bool<E>(self, v: bool) -> Result<Text, E> {
                Ok(Text(v.to_string()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Text, E> {
                Ok(Text(v.to_string()))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Text, E> {
                Ok(Text(v.to_string()))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Text, E> {
                Ok(Text(v.to_string()))
            }
        }
        d.deserialize_any(Visitor)
    }
}

/// Reads a rule file. What a rule says is checked when it is compiled.
pub fn read_file(text: &str) -> Result<Vec<FileRule>, FileError> {
    if text.len() > FILE_BYTES_MAX {
        return Err(FileError::TooLarge);
    }
    let file: File = serde_saphyr::from_str(text).map_err(|error| FileError::Yaml(error.to_string()))?;
    if file.groups.iter().map(|group| group.rules.len()).sum::<usize>() > FILE_RULES_MAX {
        return Err(FileError::TooMany);
    }
    let mut rules = Vec::new();
    for group in file.groups {
        let shared: BTreeMap<String, String> = group.labels.into_iter().map(|(n, v)| (n, v.0)).collect();
        for (at, rule) in group.rules.into_iter().enumerate() {
            rules.push(one(&group.name, at, &shared, rule)?);
        }
    }
    name_apart(&mut rules);
    Ok(rules)
}

fn one(group: &str, at: usize, shared: &BTreeMap<String, String>, rule: Rule) -> Result<FileRule, FileError> {
    let named = rule.alert.clone().or(rule.record.clone()).unwrap_or_else(|| (at + 1).to_string());
    let bad = |reason: &str| FileError::Rule {
        group: group.into(),
        rule: named.chars().take(128).collect(),
        reason: reason.into(),
    };
    let texts = |map: BTreeMap<String, Text>| map.into_iter().map(|(n, v)| (n, v.0));
    let mut labels = shared.clone();
    labels.extend(texts(rule.labels));
    match (rule.alert, rule.record) {
        (Some(_), Some(_)) => Err(bad("must have either alert or record, not both")),
        (None, None) => Err(bad("must have alert or record")),
        (None, Some(record)) => {
            if rule.hold.is_some() || rule.keep_firing_for.is_some() || !rule.annotations.is_empty() {
                return Err(bad("a recording rule has no for, keep_firing_for or annotations"));
            }
            let spec = RecordingRuleSpec { record: record.clone(), expr: rule.expr.0, labels };
            Ok(FileRule::Recording { group: group.into(), name: record, spec })
        }
        (Some(alert), None) => {
            let duration = |field: &str, text: Option<String>| match text.as_deref() {
                None | Some("0") => Ok(0),
                Some(text) => parse_duration_ms(text).map_err(|e| bad(&format!("{field}: {e}"))),
            };
            let spec = MetricRuleSpec {
                name: alert.clone(),
                alert_name: Some(alert),
                expr: rule.expr.0,
                for_ms: duration("for", rule.hold)?,
                keep_firing_for_ms: duration("keep_firing_for", rule.keep_firing_for)?,
                severity: severity(labels.get("severity").map_or("", String::as_str)),
                labels,
                annotations: texts(rule.annotations).collect(),
                ..MetricRuleSpec::default()
            };
            Ok(FileRule::Alerting { group: group.into(), spec })
        }
    }
}

/// Of the words that rule packs use in the label `severity`.
fn severity(word: &str) -> Severity {
    match word.to_ascii_lowercase().as_str() {
        "critical" | "page" | "emergency" | "fatal" => Severity::Critical,
        "error" | "high" | "major" => Severity::Error,
        "info" | "none" | "notice" | "low" => Severity::Info,
        _ => Severity::Warning,
    }
}

impl FileRule {
    fn name_mut(&mut self) -> &mut String {
        match self {
            FileRule::Alerting { spec, .. } => &mut spec.name,
            FileRule::Recording { name, .. } => name,
        }
    }

    fn severity_label(&self) -> Option<&str> {
        match self {
            FileRule::Alerting { spec, .. } => spec.labels.get("severity").map(String::as_str),
            FileRule::Recording { .. } => None,
        }
    }
}

/// Prometheus lets rules share a name, usually one per severity; here each has its own, the same from one import to the next.
fn name_apart(rules: &mut [FileRule]) {
    rules.iter_mut().for_each(|rule| *rule.name_mut() = plain(rule.name_mut()));
    let mut counts: HashMap<String, usize> = HashMap::new();
    rules.iter_mut().for_each(|rule| *counts.entry(rule.name_mut().clone()).or_default() += 1);
    let mut taken: HashMap<String, usize> = HashMap::new();
    for rule in rules {
        let severity = rule.severity_label().map(plain);
        let name = rule.name_mut();
        if counts[name.as_str()] > 1
            && let Some(severity) = severity
        {
            *name = format!("{name} {severity}");
        }
        let before = taken.entry(name.clone()).or_default();
        *before += 1;
        if *before > 1 {
            *name = format!("{name} {before}");
        }
    }
}

/// A name as rules have it here: `instance:cpu:rate5m` becomes `instance.cpu.rate5m`.
fn plain(name: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ');
    let with = |c: char| if c == ':' { '.' } else { '-' };
    name.trim().chars().map(|c| if fits(c) { c } else { with(c) }).collect()
}
