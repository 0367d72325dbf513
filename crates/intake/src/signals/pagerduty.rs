//! PagerDuty's Events API v2: <https://developer.pagerduty.com/docs/events-api-v2-overview>.

use serde_json::{Map, Value};
use watchtower_model::Severity;

use super::{Action, Signal, labels, line, paragraph, shown};

/// Bytes of a key, as PagerDuty.
pub const KEY_BYTES_MAX: usize = 255;

/// An event and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub routing_key: String,
    pub signal: Signal,
}

/// A change: to be seen beside incidents, nobody is paged.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub routing_key: String,
    pub summary: String,
    pub source: String,
    pub detail: String,
}

/// What PagerDuty answers by 400, in its words; its clients do not send the event again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub status: &'static str,
    pub message: &'static str,
    pub errors: Vec<String>,
}

/// `POST /v2/enqueue`.
///
/// # Errors
/// With every field that is missing or wrong.
pub fn event(body: &[u8]) -> Result<Event, Rejected> {
    let all = object(body)?;
    let mut errors = Vec::new();
    let routing_key = required(&all, "", "routing_key", &mut errors);
    let action = match text(&all, "event_action") {
        "trigger" => Action::Trigger,
        "acknowledge" => Action::Acknowledge,
        "resolve" => Action::Resolve,
        _ => {
            errors.push("'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')".into());
            Action::Trigger
        }
    };
    let key = Some(text(&all, "dedup_key").to_string()).filter(|key| !key.is_empty());
    if key.as_ref().is_some_and(|key| key.len() > KEY_BYTES_MAX) {
        errors.push(format!("'dedup_key' is too long (maximum is {KEY_BYTES_MAX} characters)"));
    }
    if key.is_none() && action != Action::Trigger {
        errors.push("'dedup_key' is missing or blank".into());
    }
    let signal = match all.get("payload").and_then(Value::as_object) {
        Some(payload) => of_payload(&all, payload, action, key, &mut errors),
        None if action == Action::Trigger => {
            errors.push("'payload' is missing or blank".into());
            of_nothing(action, key)
        }
        None => of_nothing(action, key),
    };
    if errors.is_empty() { Ok(Event { routing_key, signal }) } else { Err(invalid(errors)) }
}

/// `POST /v2/change/enqueue`.
///
/// # Errors
/// With every field that is missing or wrong.
pub fn change(body: &[u8]) -> Result<Change, Rejected> {
    let all = object(body)?;
    let mut errors = Vec::new();
    let routing_key = required(&all, "", "routing_key", &mut errors);
    let empty = Map::new();
    let payload = all.get("payload").and_then(Value::as_object).unwrap_or(&empty);
    let summary = line(&required(payload, "payload.", "summary", &mut errors));
    let detail = paragraph(details(payload).chain(links(&all)));
    let source = line(text(payload, "source"));
    if errors.is_empty() { Ok(Change { routing_key, summary, source, detail }) } else { Err(invalid(errors)) }
}

fn of_payload(
    all: &Map<String, Value>,
    payload: &Map<String, Value>,
    action: Action,
    key: Option<String>,
    errors: &mut Vec<String>,
) -> Signal {
    // Of an acknowledgement or an end, PagerDuty does not look at the payload.
    let mut own = Vec::new();
    let summary = line(&required(payload, "payload.", "summary", &mut own));
    let source = required(payload, "payload.", "source", &mut own);
    let severity = text(payload, "severity").parse().unwrap_or_else(|_| {
        let known = "'critical', 'warning', 'error' or 'info'";
        own.push(format!("'payload.severity' is invalid (must be one of the following: {known})"));
        Severity::Error
    });
    if action == Action::Trigger {
        errors.append(&mut own);
    }
    let named = ["component", "group", "class"].map(|name| (name, text(payload, name)));
    let from = match (text(all, "client"), text(all, "client_url")) {
        ("", url) => url.to_string(),
        (client, url) => format!("from {client} {url}"),
    };
    Signal {
        action,
        key,
        severity,
        summary,
        description: paragraph(details(payload).chain(links(all)).chain([from])),
        labels: labels([("source", source.as_str())].into_iter().chain(named)),
        ends_at: None,
    }
}

fn of_nothing(action: Action, key: Option<String>) -> Signal {
    let (summary, description) = (String::new(), String::new());
    Signal { action, key, severity: Severity::Error, summary, description, labels: labels([]), ends_at: None }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Rejected> {
    let unrecognized = |errors: &str| Rejected {
        status: "Unrecognized object",
        message: "Event object format is unrecognized",
        errors: vec![errors.into()],
    };
    match serde_json::from_slice(body) {
        Ok(Value::Object(all)) => Ok(all),
        Ok(_) => Err(unrecognized("the body must be a JSON object")),
        Err(_) => Err(unrecognized("JSON parse error")),
    }
}

fn invalid(errors: Vec<String>) -> Rejected {
    Rejected { status: "invalid event", message: "Event object is invalid", errors }
}

fn text<'a>(of: &'a Map<String, Value>, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or("").trim()
}

fn required(of: &Map<String, Value>, before: &str, name: &str, errors: &mut Vec<String>) -> String {
    let value = text(of, name);
    if value.is_empty() {
        errors.push(format!("'{before}{name}' is missing or blank"));
    }
    value.to_string()
}

/// `custom_details`, a line each.
fn details(payload: &Map<String, Value>) -> impl Iterator<Item = String> {
    let lines: Vec<String> = match payload.get("custom_details") {
        Some(Value::Object(all)) => {
            all.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect()
        }
        None | Some(Value::Null) => Vec::new(),
        Some(other) => vec![shown(other)],
    };
    lines.into_iter()
}

fn links(all: &Map<String, Value>) -> impl Iterator<Item = String> {
    let of = |name: &str| all.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let links = of("links").into_iter().map(|link| match (link["text"].as_str(), link["href"].as_str()) {
        (Some(text), Some(href)) => format!("{text}: {href}"),
        (None, Some(href)) => href.to_string(),
        _ => String::new(),
    });
    let images = of("images").into_iter().map(|image| image["src"].as_str().unwrap_or("").to_string());
    links.chain(images)
}
