//! An attribute's value, and the text it becomes as a label's value.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use watchtower_model::format_value;

use super::json::{maybe_double, maybe_int, or_default};
use super::request::KeyValue;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "JsonValue")]
pub(super) enum AnyValue {
    #[default]
    Empty,
    Text(String),
    Bool(bool),
    Int(i64),
    Double(f64),
    /// As base64.
    Bytes(String),
    Array(Vec<AnyValue>),
    Pairs(Vec<KeyValue>),
}

impl AnyValue {
    pub(super) fn bytes(bytes: &[u8]) -> AnyValue {
        AnyValue::Bytes(STANDARD.encode(bytes))
    }

    /// Texts as they are, numbers as Go writes them, lists and maps as JSON.
    pub(super) fn to_text(&self) -> String {
        match self {
            AnyValue::Empty => String::new(),
            AnyValue::Text(text) | AnyValue::Bytes(text) => text.clone(),
            AnyValue::Bool(v) => v.to_string(),
            AnyValue::Int(v) => v.to_string(),
            AnyValue::Double(v) => format_value(*v).replace("e-0", "e-"),
            AnyValue::Array(_) | AnyValue::Pairs(_) => self.to_json().to_string(),
        }
    }

    fn to_json(&self) -> serde_json::Value {
        match self {
            AnyValue::Empty => serde_json::Value::Null,
            AnyValue::Text(text) | AnyValue::Bytes(text) => text.as_str().into(),
            AnyValue::Bool(v) => (*v).into(),
            AnyValue::Int(v) => (*v).into(),
            AnyValue::Double(v) => (*v).into(),
            AnyValue::Array(values) => values.iter().map(AnyValue::to_json).collect(),
            AnyValue::Pairs(pairs) => {
                pairs.iter().map(|pair| (pair.key.clone(), pair.value.to_json())).collect()
            }
        }
    }
}

/// The same as JSON has it: an object with one of these names.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct JsonValue {
    string_value: Option<String>,
    bool_value: Option<bool>,
    #[serde(deserialize_with = "maybe_int")]
    int_value: Option<i64>,
    #[serde(deserialize_with = "maybe_double")]
    double_value: Option<f64>,
    bytes_value: Option<String>,
    array_value: Option<List<AnyValue>>,
    kvlist_value: Option<List<KeyValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "T: Deserialize<'de> + Default")]
struct List<T> {
    #[serde(deserialize_with = "or_default")]
    values: Vec<T>,
}

impl From<JsonValue> for AnyValue {
    fn from(json: JsonValue) -> AnyValue {
        let JsonValue {
            string_value,
            bool_value,
            int_value,
            double_value,
            bytes_value,
            array_value,
            kvlist_value,
        } = json;
        string_value
            .map(AnyValue::Text)
            .or(bool_value.map(AnyValue::Bool))
            .or(int_value.map(AnyValue::Int))
            .or(double_value.map(AnyValue::Double))
            .or(bytes_value.map(AnyValue::Bytes))
            .or(array_value.map(|list| AnyValue::Array(list.values)))
            .or(kvlist_value.map(|list| AnyValue::Pairs(list.values)))
            .unwrap_or_default()
    }
}
