//! Opsgenie's Alert API: <https://docs.opsgenie.com/docs/alert-api>.

mod change;

use serde_json::{Map, Value};
use watchtower_model::Severity;

pub use change::{Change, Update, amended, change, custom, removal};

use super::{Action, Signal, labels, line, paragraph, shown};

/// Characters of an alias, as Opsgenie.
pub const ALIAS_CHARS_MAX: usize = 512;
/// Tags and responders that are kept of one alert.
const LISTED_MAX: usize = 20;

/// `POST /v2/alerts`. Without an alias each alert is its own.
///
/// # Errors
/// What Opsgenie answers by 422, in its words.
pub fn create(body: &[u8]) -> Result<Signal, &'static str> {
    let all = object(body)?;
    let summary = line(text(&all, "message"));
    if summary.is_empty() {
        return Err("Message can not be empty.");
    }
    let alias = text(&all, "alias");
    if alias.chars().count() > ALIAS_CHARS_MAX {
        return Err("Alias can not be longer than 512 characters.");
    }
    let details = match all.get("details") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(details)) => details.clone(),
        Some(_) => return Err("Details must be an object."),
    };
    let own: Vec<(String, String)> = details.into_iter().map(|(name, value)| (name, shown(&value))).collect();
    let tags = listed(&all, "tags").join(",");
    let named = [("entity", text(&all, "entity")), ("source", text(&all, "source")), ("tags", tags.as_str())];
    let own_named = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let not_labels = own.iter().filter(|(name, _)| !watchtower_model::is_label_name(name));
    let lines = [text(&all, "description").to_string()]
        .into_iter()
        .chain(not_labels.map(|(name, value)| format!("{name}: {value}")))
        .chain(said("for", &listed(&all, "responders").join(", ")))
        .chain(said("note", text(&all, "note")));
    Ok(Signal {
        action: Action::Trigger,
        key: Some(alias.to_string()).filter(|alias| !alias.is_empty()),
        severity: priority(&all)?,
        summary,
        description: paragraph(lines),
        labels: labels(named.into_iter().chain(own_named)),
        ends_at: None,
    })
}

/// Opsgenie pages for every priority: what has none, or the usual one, is an error here.
fn priority(all: &Map<String, Value>) -> Result<Severity, &'static str> {
    match text(all, "priority") {
        "P1" => Ok(Severity::Critical),
        "" | "P2" | "P3" => Ok(Severity::Error),
        "P4" => Ok(Severity::Warning),
        "P5" => Ok(Severity::Info),
        _ => Err("Priority should be one of [P1, P2, P3, P4, P5]."),
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, &'static str> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(all)) => Ok(all),
        _ => Err("Request body is not processable. Please check the errors."),
    }
}

fn text<'a>(all: &'a Map<String, Value>, name: &str) -> &'a str {
    all.get(name).and_then(Value::as_str).unwrap_or("").trim()
}

fn required(all: &Map<String, Value>, name: &str, missing: &'static str) -> Result<String, &'static str> {
    let value = text(all, name);
    if value.is_empty() { Err(missing) } else { Ok(value.to_string()) }
}

fn said(what: &str, text: &str) -> Option<String> {
    (!text.is_empty()).then(|| format!("{what}: {text}"))
}

/// The word for a severity; of the two that are an error, the usual one.
pub fn priority_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "P1",
        Severity::Error => "P3",
        Severity::Warning => "P4",
        Severity::Info => "P5",
    }
}

/// Texts of a list, or what its objects are called by.
fn listed(all: &Map<String, Value>, name: &str) -> Vec<String> {
    let items = all.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(called).take(LISTED_MAX).collect()
}

/// A text, or what an object is called by.
fn called(item: &Value) -> Option<String> {
    match item {
        Value::String(text) => Some(line(text)),
        other => ["name", "username", "id"].iter().find_map(|field| other[*field].as_str()).map(line),
    }
}
