//! What a template may name, and what that is.

use watchtower_model::Labels;

use super::format;

/// The names that templates of one kind know.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary {
    /// `$word`
    pub words: &'static [&'static str],
    /// `$map.name`
    pub maps: &'static [&'static str],
    /// Bytes of a template.
    pub template_bytes_max: usize,
}

impl Vocabulary {
    /// For the errors of those who wrote another one.
    pub(super) fn names(&self) -> String {
        let maps = self.maps.iter().map(|map| format!("${map}.<name>"));
        let words = self.words.iter().map(|word| format!("${word}"));
        maps.chain(words).collect::<Vec<_>>().join(", ")
    }
}

/// Answers for the names of a [`Vocabulary`], and for no others.
pub trait Scope {
    fn word(&self, name: &str) -> Value;

    fn member(&self, map: &str, name: &str) -> Value;
}

/// What an expression evaluates to.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Missing,
    Number(f64),
    Text(String),
    Flag(bool),
    List(Vec<String>),
    Map(Vec<(String, String)>),
}

impl Value {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Value::Missing => true,
            Value::Number(_) => false,
            Value::Flag(flag) => !flag,
            Value::Text(text) => text.is_empty(),
            Value::List(list) => list.is_empty(),
            Value::Map(map) => map.is_empty(),
        }
    }

    /// In a text: nothing for what is missing, a line for each of a list, `a="b", c="d"` for a map.
    pub(super) fn shown(&self) -> String {
        match self {
            Value::Missing => String::new(),
            Value::Number(number) => format::shortest(*number),
            Value::Text(text) => text.clone(),
            Value::Flag(flag) => flag.to_string(),
            Value::List(list) => list.join("\n"),
            Value::Map(map) => {
                let pairs: Vec<_> = map.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
                pairs.join(", ")
            }
        }
    }

    /// In JSON: null for what is missing, and for what is no number.
    pub(super) fn json(&self) -> String {
        let text = |text: &String| serde_json::Value::from(text.as_str());
        match self {
            Value::Number(number) if number.is_finite() => format::shortest(*number),
            Value::Missing | Value::Number(_) => "null".into(),
            Value::Text(of) => text(of).to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::List(list) => serde_json::Value::Array(list.iter().map(text).collect()).to_string(),
            Value::Map(map) => {
                let pairs = map.iter().map(|(name, value)| (name.clone(), text(value)));
                serde_json::Value::Object(pairs.collect()).to_string()
            }
        }
    }
}

/// What the templates of rules see.
pub struct Series<'a> {
    pub labels: &'a Labels,
    pub value: f64,
}

impl Series<'_> {
    pub const VOCABULARY: Vocabulary =
        Vocabulary { words: &["value"], maps: &["labels"], template_bytes_max: 4_096 };
}

impl Scope for Series<'_> {
    fn word(&self, _: &str) -> Value {
        Value::Number(self.value)
    }

    fn member(&self, _: &str, name: &str) -> Value {
        Value::Text(self.labels.get(name).unwrap_or_default().to_string())
    }
}
