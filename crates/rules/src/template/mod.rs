//! The subset of Prometheus' templates that labels and annotations use, and the words of channels: `{{ $labels.x }}`,
//! `{{ $value }}`, pipelines of the humanize functions and `printf`; `json` and `default` are our own.
//!
//! Invariant: what is not understood is an error with its place when it is saved; rendering cannot fail, and its work is bounded
//! by the template's length and by how much is asked for.

mod format;
mod parse;

mod scope;

use watchtower_model::truncate;

pub use scope::{Scope, Series, Value, Vocabulary};

/// Where and why a template was refused; `at` is a byte offset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at {at}: {message}")]
pub struct TemplateError {
    pub at: usize,
    pub message: String,
}

impl TemplateError {
    /// Line and column of its place in the template, from 1; a column is a character.
    pub fn place(&self, template: &str) -> (usize, usize) {
        let before = truncate(template, self.at);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
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
    /// `$word`
    Word(&'static str),
    /// `$map.name`
    Member(&'static str, String),
    Literal(String),
    Call(Function, Box<Expr>),
    /// What stands in the place of nothing, and what may be nothing.
    Default(Box<Expr>, Box<Expr>),
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
    Json,
}

impl Function {
    const ALL: [(&'static str, Function); 7] = [
        ("humanize", Function::Humanize),
        ("humanize1024", Function::Humanize1024),
        ("humanizeDuration", Function::HumanizeDuration),
        ("humanizePercentage", Function::HumanizePercentage),
        ("toUpper", Function::ToUpper),
        ("toLower", Function::ToLower),
        ("json", Function::Json),
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

/// What became of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub text: String,
    /// Its end was cut.
    pub cut: bool,
}

impl Template {
    pub fn parse(text: &str, vocabulary: &Vocabulary) -> Result<Self, TemplateError> {
        parse::parse(text, vocabulary).map(|parts| Template { parts })
    }

    /// At most `max` bytes; what is missing renders as nothing.
    pub fn render(&self, scope: &impl Scope, max: usize) -> Rendered {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(expr) => out.push_str(&eval(expr, scope, max).shown()),
            }
            if out.len() > max {
                return Rendered { text: truncate(&out, max).to_string(), cut: true };
            }
        }
        Rendered { text: out, cut: false }
    }
}

fn eval(expr: &Expr, scope: &impl Scope, max: usize) -> Value {
    match expr {
        Expr::Word(name) => scope.word(name),
        Expr::Member(map, name) => scope.member(map, name),
        Expr::Literal(text) => Value::Text(text.clone()),
        Expr::Call(function, inner) => Value::Text(call(*function, &eval(inner, scope, max))),
        Expr::Default(other, inner) => match eval(inner, scope, max) {
            value if value.is_empty() => eval(other, scope, max),
            value => value,
        },
        Expr::Printf(pieces) => {
            let mut out = String::new();
            for (text, verb) in pieces {
                out.push_str(text);
                if let Some((verb, arg)) = verb {
                    out.push_str(&apply(*verb, &eval(arg, scope, max)));
                }
                if out.len() > max {
                    break;
                }
            }
            Value::Text(out)
        }
    }
}

/// A text that is a number counts as one, as in Prometheus.
fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => Some(*n),
        Value::Text(text) => watchtower_model::parse_value(text),
        _ => None,
    }
}

fn call(function: Function, value: &Value) -> String {
    let numeric = |f: fn(f64) -> String| as_number(value).map_or_else(|| value.shown(), f);
    match function {
        Function::Humanize => numeric(format::humanize),
        Function::Humanize1024 => numeric(format::humanize1024),
        Function::HumanizeDuration => numeric(format::humanize_duration),
        Function::HumanizePercentage => numeric(|v| format!("{}%", format::general(v * 100.0, 4))),
        Function::ToUpper => value.shown().to_uppercase(),
        Function::ToLower => value.shown().to_lowercase(),
        Function::Json => value.json(),
    }
}

fn apply(verb: Verb, value: &Value) -> String {
    let number = as_number(value).filter(|n| n.is_finite());
    match (verb, number) {
        (Verb::Fixed(digits), Some(n)) => format!("{n:.digits$}"),
        (Verb::General(digits), Some(n)) => format::general(n, digits),
        (Verb::Integer, Some(n)) => format!("{:.0}", n.trunc()),
        _ => value.shown(),
    }
}

#[cfg(test)]
mod tests;
