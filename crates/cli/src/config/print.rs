//! A plan as people read it: what is made, changed and removed, field by field.

use serde_json::{Value, json};

use super::plan::{Action, Change, Plan};

/// Characters of a value on a line.
const VALUE_CHARS_MAX: usize = 120;

pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    for change in &plan.changes {
        let sign = match change.action {
            Action::Create => '+',
            Action::Update => '~',
            Action::Delete => '-',
        };
        out.push_str(&format!("{sign} {} {}\n", change.kept.name, change.name));
        for one in &change.fields {
            let line = match change.action {
                Action::Create => format!("    {}: {}\n", one.field, short(&one.new)),
                _ => format!("    {}: {}\n", one.field, both(&one.old, &one.new)),
            };
            out.push_str(&line);
        }
    }
    out
}

/// `1 to create, 2 to change, 0 to delete, 7 as they are`.
pub fn summary(plan: &Plan) -> String {
    let count = |action: Action| plan.changes.iter().filter(|change| change.action == action).count();
    format!(
        "{} to create, {} to change, {} to delete, {} as they are",
        count(Action::Create),
        count(Action::Update),
        count(Action::Delete),
        plan.unchanged
    )
}

pub fn items(plan: &Plan) -> Value {
    let item = |change: &Change| {
        let field =
            |one: &super::compare::Difference| json!({"field": one.field, "old": one.old, "new": one.new});
        json!({
            "noun": change.kept.name,
            "name": change.name,
            "action": change.action.word(),
            "fields": change.fields.iter().map(field).collect::<Vec<_>>(),
        })
    };
    json!({ "items": plan.changes.iter().map(item).collect::<Vec<_>>() })
}

/// Of texts of several lines those that differ; else one value behind the other.
fn both(old: &Value, new: &Value) -> String {
    let lines = |value: &Value| value.as_str().filter(|text| text.contains('\n')).map(String::from);
    let (Some(before), Some(after)) = (lines(old), lines(new)) else {
        return format!("{} -> {}", short(old), short(new));
    };
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same_begin = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let (before_rest, after_rest) = (&before[same_begin..], &after[same_begin..]);
    let same_end = before_rest.iter().rev().zip(after_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let part = |lines: &[&str], sign: &str| -> String {
        let shown = &lines[..lines.len() - same_end];
        shown.iter().map(|line| format!("\n      {sign} {}", cut(line))).collect()
    };
    format!("from line {}{}{}", same_begin + 1, part(before_rest, "-"), part(after_rest, "+"))
}

fn short(value: &Value) -> String {
    match value {
        Value::Null => "(none)".into(),
        Value::String(text) if text.contains('\n') => format!("({} lines)", text.lines().count()),
        Value::String(text) => cut(text),
        other => cut(&other.to_string()),
    }
}

fn cut(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_texts_the_lines_that_differ_are_shown() {
        let (old, new) = (json!("a\nb\nc\nd\n"), json!("a\nx\ny\nc\nd\n"));
        assert_eq!(both(&old, &new), "from line 2\n      - b\n      + x\n      + y");
        assert_eq!(both(&json!("a\n\u{1b}b"), &json!("a\nc")), "from line 2\n      -  b\n      + c");
        assert_eq!(both(&Value::Null, &json!("a\nb")), "(none) -> (2 lines)");
        assert_eq!(both(&json!(["x"]), &json!([])), "[\"x\"] -> []");
        assert_eq!(short(&json!("x".repeat(200))).len(), VALUE_CHARS_MAX + 3);
    }
}
