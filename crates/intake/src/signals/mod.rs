//! What other tools say of their alerts, in one shape: something is wrong, somebody has it, it is over.
//!
//! Nothing is dropped for its form: a line that is too long is cut, a label that cannot be one is left out. What a sender must be
//! told is an error; all else becomes a [`Signal`].

pub mod alertmanager;
pub mod mapped;
pub mod opsgenie;
pub mod pagerduty;

use serde_json::Value;
use watchtower_model::limits::{
    LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_MAX, LINE_BYTES_MAX, TEXT_BYTES_MAX,
};
use watchtower_model::{Labels, Severity, Timestamp, is_label_name, truncate};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Trigger,
    Acknowledge,
    Resolve,
}

/// One thing said of one alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    pub action: Action,
    /// Names the alert among those of its sender; absent where the sender leaves that to the receiver.
    pub key: Option<String>,
    pub severity: Severity,
    /// One line.
    pub summary: String,
    pub description: String,
    pub labels: Labels,
    /// Over by itself from then on, unless it is said again.
    pub ends_at: Option<Timestamp>,
}

/// One line of what may be any text.
fn line(text: &str) -> String {
    let one: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    truncate(one.trim(), LINE_BYTES_MAX).to_string()
}

/// Lines of what may be any text.
fn paragraph(lines: impl IntoIterator<Item = String>) -> String {
    let keep = |c: char| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c };
    let lines: Vec<String> = lines.into_iter().filter(|line| !line.trim().is_empty()).collect();
    let all: String = lines.join("\n").chars().map(keep).collect();
    truncate(&all, TEXT_BYTES_MAX).to_string()
}

/// What a label may not be is left out; values become one line within bounds.
fn labels<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Labels {
    let named = |name: &str| is_label_name(name) && name.len() <= LABEL_NAME_BYTES_MAX;
    let good = pairs.into_iter().filter(|(name, value)| named(name) && !value.is_empty());
    let one_line = |value: &str| value.replace(char::is_control, " ");
    let bounded = good.take(LABELS_MAX).map(|(name, value)| (name, one_line(value)));
    Labels::from_pairs(
        bounded.map(|(name, value)| (name, truncate(&value, LABEL_VALUE_BYTES_MAX).to_string())),
    )
}

/// The words that rules of Prometheus and others use; one that is none of them pages as an error does.
fn severity(word: &str) -> Severity {
    match word.to_ascii_lowercase().as_str() {
        "critical" | "page" | "emergency" | "fatal" | "disaster" => Severity::Critical,
        "warning" | "warn" | "minor" | "ticket" => Severity::Warning,
        "info" | "informational" | "none" | "debug" | "notice" => Severity::Info,
        _ => Severity::Error,
    }
}

/// A JSON value as people read it: text without quotes, the rest as it is.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
