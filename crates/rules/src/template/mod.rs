//! The subset of Prometheus' templates that labels and annotations use: `{{ $labels.x }}`, `{{ $value }}`,
//! pipelines of the humanize functions and `printf`.
//!
//! Invariant: what is not understood is an error with its place when the rule is saved; rendering cannot fail.

mod format;
mod parse;

use watchtower_model::{Labels, truncate};

use crate::RENDERED_BYTES_MAX;

/// Where and why a template was refused; `at` is a byte offset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at {at}: {message}")]
pub struct TemplateError {
    pub at: usize,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Value(Expr),
}

#[derive(Clone, Debug, PartialEq)]
enum Expr {
    Value,
    Label(String),
    Literal(String),
    Call(Function, Box<Expr>),
    /// Texts between the verbs, and a verb with its argument for each.
    Printf(Vec<(String, Option<(Verb, Expr)>)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Humanize,
    Humanize1024,
    HumanizeDuration,
    HumanizePercentage,
    ToUpper,
    ToLower,
}

impl Function {
    const ALL: [(&'static str, Function); 6] = [
        ("humanize", Function::Humanize),
        ("humanize1024", Function::Humanize1024),
        ("humanizeDuration", Function::HumanizeDuration),
        ("humanizePercentage", Function::HumanizePercentage),
        ("toUpper", Function::ToUpper),
        ("toLower", Function::ToLower),
    ];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    /// `%.2f`
    Fixed(usize),
    /// `%.4g`
    General(usize),
    /// `%d`
    Integer,
    /// `%s`, `%v`
    Plain,
}

/// What an expression evaluates to.
enum Value {
    Number(f64),
    Text(String),
}

impl Template {
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        parse::parse(text).map(|parts| Template { parts })
    }

    /// At most [`RENDERED_BYTES_MAX`] bytes; a missing label renders as nothing.
    pub fn render(&self, labels: &Labels, value: f64) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(expr) => out.push_str(&show(&eval(expr, labels, value))),
            }
        }
        truncate(&out, RENDERED_BYTES_MAX).to_string()
    }
}

fn eval(expr: &Expr, labels: &Labels, value: f64) -> Value {
    match expr {
        Expr::Value => Value::Number(value),
        Expr::Label(name) => Value::Text(labels.get(name).unwrap_or("").to_string()),
        Expr::Literal(text) => Value::Text(text.clone()),
        Expr::Call(function, inner) => Value::Text(call(*function, &eval(inner, labels, value))),
        Expr::Printf(pieces) => {
            let mut out = String::new();
            for (text, verb) in pieces {
                out.push_str(text);
                if let Some((verb, arg)) = verb {
                    out.push_str(&apply(*verb, &eval(arg, labels, value)));
                }
            }
            Value::Text(out)
        }
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Number(n) => format::shortest(*n),
        Value::Text(text) => text.clone(),
    }
}

/// A text that is a number counts as one, as in Prometheus.
fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => Some(*n),
        Value::Text(text) => watchtower_model::parse_value(text),
    }
}

fn call(function: Function, value: &Value) -> String {
    let numeric = |f: fn(f64) -> String| as_number(value).map_or_else(|| show(value), f);
    match function {
        Function::Humanize => numeric(format::humanize),
        Function::Humanize1024 => numeric(format::humanize1024),
        Function::HumanizeDuration => numeric(format::humanize_duration),
        Function::HumanizePercentage => numeric(|v| format!("{}%", format::general(v * 100.0, 4))),
        Function::ToUpper => show(value).to_uppercase(),
        Function::ToLower => show(value).to_lowercase(),
    }
}

fn apply(verb: Verb, value: &Value) -> String {
    let number = as_number(value).filter(|n| n.is_finite());
    match (verb, number) {
        (Verb::Fixed(digits), Some(n)) => format!("{n:.digits$}"),
        (Verb::General(digits), Some(n)) => format::general(n, digits),
        (Verb::Integer, Some(n)) => format!("{:.0}", n.trunc()),
        _ => show(value),
    }
}

#[cfg(test)]
mod tests;
