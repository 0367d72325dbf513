//! An object as the hub has it, by the names of files; and in what another differs from it.

use serde_json::{Map, Value};
use watchtower_model::Timestamp;

use super::names::Names;
use super::shape::{Part, file_name};
use super::{Kept, canonical};

/// Fields that hold matchers.
const MATCHERS: [&str; 6] = ["matchers", "source", "target", "servers", "on", "event_matchers"];
/// How the API shows a secret, alone or as the end of a URL.
const REDACTED: &str = "***";

/// One field that is, or would be, another.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Dotted.
    pub field: String,
    pub old: Value,
    pub new: Value,
}

pub fn is_secret(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text == REDACTED || text.ends_with("/***"))
}

/// Absent, null and empty are the same to the API.
pub fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn is_off(value: &Value) -> bool {
    is_nothing(value) || *value == false
}

/// As a file would say it: without ids, what is nothing, and secrets.
pub fn as_file(kept: &Kept, view: &Value, part: Part, names: &Names) -> Map<String, Value> {
    let Value::Object(mut map) = convert(view, part, names) else { return Map::new() };
    if let Some(Value::Object(secrets)) = kept.secrets.and_then(|field| map.get_mut(field)) {
        secrets.retain(|_, value| !is_secret(value));
    }
    map.retain(|_, value| !is_nothing(value));
    map
}

fn convert(value: &Value, part: Part, names: &Names) -> Value {
    match value {
        Value::Object(map) if part.is_free() => Value::Object(map.clone()),
        Value::Object(map) => {
            let kind = map.get("kind").and_then(Value::as_str);
            let field = |(name, below): (&str, Part)| {
                let inner = map.get(name).filter(|inner| !is_nothing(inner))?;
                let shown = match (name, inner.as_str()) {
                    ("id", Some(id)) => names.name_of(id).into(),
                    _ => convert(inner, below, names),
                };
                Some((file_name(name).to_string(), shown))
            };
            Value::Object(part.fields(kind).into_iter().filter_map(field).collect())
        }
        Value::Array(items) => {
            let below = part.items().unwrap_or(part);
            items.iter().map(|item| convert(item, below, names)).collect()
        }
        Value::String(id) if part.refers_to().is_some() => names.name_of(id).into(),
        Value::Number(number) => match number.as_f64() {
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 1e15 => (whole as i64).into(),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

/// Equal as the hub reads it.
pub fn same(field: &str, a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::String(a), Value::String(b)) if MATCHERS.contains(&field) => canonical(a) == canonical(b),
        (Value::String(a), Value::String(b)) if field.ends_with("_at") => {
            let at = |text: &str| Timestamp::parse_rfc3339(text).ok();
            a == b || (at(a).is_some() && at(a) == at(b))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same("", a, b))
        }
        (Value::Object(_), Value::Object(_)) => differences("", a, b).is_empty(),
        _ => a == b || (is_nothing(a) && is_nothing(b)),
    }
}

/// In what `new` differs from `old`, field by field.
pub fn differences(field: &str, old: &Value, new: &Value) -> Vec<Difference> {
    let null = Value::Null;
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            let gone = before.keys().filter(|name| !after.contains_key(*name));
            let below = |name: &String| {
                let path = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
                differences(&path, before.get(name).unwrap_or(&null), after.get(name).unwrap_or(&null))
            };
            after.keys().chain(gone).flat_map(below).collect()
        }
        _ if same(field.rsplit('.').next().unwrap_or_default(), old, new) => Vec::new(),
        // Within an object a switch that is not named is off.
        _ if field.contains('.') && is_off(old) && is_off(new) => Vec::new(),
        _ => vec![Difference { field: field.into(), old: old.clone(), new: new.clone() }],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_hub_reads_as_the_same_is_no_difference() {
        let old = json!({"for_seconds": 60.0, "matchers": "{env=\"prod\"}", "ends_at": "2030-01-01T00:00:00.000Z",
            "labels": {"a": "1", "b": "2"}, "steps": [{"delay_seconds": 5.0}]});
        let same = json!({"for_seconds": 60, "matchers": "env=prod", "ends_at": "2030-01-01T01:00:00+01:00",
            "labels": {"b": "2", "a": "1"}, "steps": [{"delay_seconds": 5}], "comment": "", "list": [], "no": null});
        assert_eq!(differences("", &old, &same), []);
        let (old_config, config) =
            (json!({"config": {"voice": false, "to": "a"}}), json!({"config": {"to": "a"}}));
        assert_eq!(differences("", &old_config, &config), []);
        let other = json!({"for_seconds": 61, "labels": {"a": "1", "c": "3"}, "steps": []});
        let found = differences("", &old, &other);
        let fields: Vec<&str> = found.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["for_seconds", "labels.c", "labels.b", "steps", "ends_at", "matchers"]);
    }

    #[test]
    fn secrets_are_known_by_how_they_are_shown() {
        assert!(is_secret(&json!("***")) && is_secret(&json!("https://hooks.slack.com/***")));
        assert!(!is_secret(&json!("https://hub.example/hook")) && !is_secret(&json!(5)));
    }
}
