//! YAML 1.2 that every parser reads as the same JSON: keys and texts that could be anything else are quoted.

use serde_json::Value;

pub fn write(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(&mut out, value, 0),
        Value::Array(items) if !items.is_empty() => block(&mut out, value, 0),
        scalar_value => {
            out.push_str(&scalar(scalar_value));
            out.push('\n');
        }
    }
    out
}

fn is_block(value: &Value) -> bool {
    value.as_object().is_some_and(|map| !map.is_empty())
        || value.as_array().is_some_and(|items| !items.is_empty())
}

fn block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) => {
            for (i, (key, inner)) in map.iter().enumerate() {
                // The first key of a list's item stands behind its dash.
                if i > 0 || indent == 0 || out.ends_with('\n') {
                    out.push_str(&" ".repeat(indent));
                }
                out.push_str(&text(key));
                out.push(':');
                below(out, inner, indent);
            }
        }
        Value::Array(items) => {
            for inner in items {
                if out.is_empty() || out.ends_with('\n') {
                    out.push_str(&" ".repeat(indent));
                }
                out.push_str("- ");
                if is_block(inner) {
                    block(out, inner, indent + 2);
                } else {
                    out.push_str(&scalar(inner));
                    out.push('\n');
                }
            }
        }
        other => out.push_str(&scalar(other)),
    }
}

fn below(out: &mut String, inner: &Value, indent: usize) {
    if is_block(inner) {
        out.push('\n');
        block(out, inner, indent + 2);
    } else {
        out.push(' ');
        out.push_str(&scalar(inner));
        out.push('\n');
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(s) => text(s),
        // `{}`, `[]`, numbers, true, false and null are the same in both languages.
        other => other.to_string(),
    }
}

/// Plain where that is beyond doubt, else as JSON, which YAML's double quotes contain.
fn text(s: &str) -> String {
    let mut chars = s.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == '/');
    let rest = chars.all(|c| c.is_ascii_alphanumeric() || "_-./ ".contains(c));
    if starts && rest && !s.ends_with(' ') && !is_word(s) {
        return s.to_string();
    }
    Value::from(s).to_string()
}

/// Words that some YAML version reads as something else than text.
fn is_word(s: &str) -> bool {
    matches!(
        s.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null" | "nan"
    )
}
