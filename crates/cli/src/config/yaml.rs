//! Configuration as people read it: the name first, texts of several lines as such, the rest in the order of its names.
//!
//! Invariant: what is written is read back as the same value.

use serde_json::{Map, Value};

use crate::output::yaml;

/// What stands first in an object, in this order.
const FIRST: [&str; 3] = ["name", "kind", "matchers"];

/// A list below a key at the left, each of its objects as a block.
pub fn list(out: &mut String, key: &str, items: &[Value]) {
    out.push_str(&format!("{key}:"));
    below(out, &Value::from(items.to_vec()), 0);
}

fn ordered(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let place = |name: &String| FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len());
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(name, _)| (place(name), *name));
    entries
}

/// The value behind `key:` or on lines of its own.
fn below(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            object(out, map, indent + 2);
        }
        Value::Array(items) if !items.is_empty() && items.iter().any(is_block) => {
            out.push('\n');
            array(out, items, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            let items: Vec<String> = items.iter().map(scalar).collect();
            out.push_str(&format!(" [{}]\n", items.join(", ")));
        }
        Value::String(text) => match lines(text) {
            Some(chomping) => literal(out, text, chomping, indent + 2),
            None => out.push_str(&format!(" {}\n", scalar(value))),
        },
        other => out.push_str(&format!(" {}\n", scalar(other))),
    }
}

fn is_block(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn object(out: &mut String, map: &Map<String, Value>, indent: usize) {
    for (i, (name, value)) in ordered(map).into_iter().enumerate() {
        // The first name of a list's item stands behind its dash.
        if i > 0 || out.ends_with('\n') {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(&scalar(&Value::from(name.as_str())));
        out.push(':');
        below(out, value, indent);
    }
}

fn array(out: &mut String, items: &[Value], indent: usize) {
    for item in items {
        out.push_str(&" ".repeat(indent));
        out.push('-');
        match item {
            Value::Object(map) if !map.is_empty() => {
                out.push(' ');
                object(out, map, indent + 2);
            }
            other => below(out, other, indent),
        }
    }
}

/// One line, with what is quoted as JSON has it.
fn scalar(value: &Value) -> String {
    yaml::write(value).trim_end_matches('\n').to_string()
}

/// How a text of several lines ends, where it can be written as it is: every character is one that YAML keeps.
fn lines(text: &str) -> Option<&'static str> {
    let kept = |c: char| {
        c == '\n'
            || c == '\t'
            || (!c.is_control() && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{85}'))
    };
    let begins = text.starts_with([' ', '\t', '\n']);
    let body = text.strip_suffix('\n').unwrap_or(text);
    if !text.contains('\n') || begins || !text.chars().all(kept) || body.ends_with('\n') {
        return None;
    }
    Some(if text.ends_with('\n') { "|" } else { "|-" })
}

fn literal(out: &mut String, text: &str, chomping: &str, indent: usize) {
    out.push_str(&format!(" {chomping}\n"));
    for line in text.lines() {
        if !line.is_empty() {
            out.push_str(&" ".repeat(indent));
            out.push_str(line);
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::node;

    #[test]
    fn what_is_written_is_read_back() {
        let items = json!([
            {"name": "restart", "body": "#!/bin/sh\n\nset -e\n\techo \"a: b\"\n  indented # no comment\n", "timeout_seconds": 60},
            {"name": "odd", "body": "a\nb", "other": " a\nb", "more": "a\n\n", "cr": "a\r\nb", "empty": "", "on": "yes"},
            {"name": "no", "list": [], "map": {}, "deep": [{"targets": [{"kind": "user", "name": "ada"}], "n": 1.5}], "words": ["a", "b, c", "- d"]},
            {"name": "null", "nothing": null, "unicode": "Zürich\n→ ok\n", "nested": [[1, 2], []]},
        ]);
        let mut text = String::from("# a comment\n");
        list(&mut text, "things", items.as_array().unwrap());
        list(&mut text, "nothing", &[]);
        let back = node::parse("f", &text).unwrap_or_else(|e| panic!("{e}\n{text}")).plain();
        assert_eq!(back, json!({"things": items, "nothing": []}), "{text}");
        assert!(text.contains("  - name: restart\n    body: |\n      #!/bin/sh\n\n      set -e\n"), "{text}");
        assert!(text.contains("words: [a, \"b, c\", \"- d\"]"), "{text}");
    }
}
