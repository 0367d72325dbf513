//! Which fields a request takes, read from the API's own description.
//!
//! Built only by commands that change something: the document is too large for every start.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use watchtower_api_types::endpoints::Endpoint;

use crate::client::word;

pub struct Schema(Value);

impl Schema {
    pub fn new() -> Schema {
        Schema(serde_json::to_value(watchtower_api_types::document()).unwrap_or_default())
    }

    /// The shape of this name, as the document has it.
    pub fn shape(&self, name: &str) -> &Value {
        &self.0["components"]["schemas"][name]
    }

    /// What describes an endpoint's body.
    pub fn body(&self, endpoint: &Endpoint) -> &Value {
        &self.operation(endpoint)["requestBody"]["content"]["application/json"]["schema"]
    }

    fn properties(&self, content: &Value) -> BTreeSet<String> {
        let reference = content["content"]["application/json"]["schema"]["$ref"].as_str().unwrap_or("");
        let name = reference.rsplit('/').next().unwrap_or("");
        let properties = self.shape(name)["properties"].as_object();
        properties.map(|map| map.keys().cloned().collect()).unwrap_or_default()
    }

    fn operation(&self, endpoint: &Endpoint) -> &Value {
        &self.0["paths"][format!("/api/v1{}", endpoint.path)][word(endpoint.method).to_lowercase()]
    }

    /// The fields of the endpoint's body.
    pub fn input(&self, endpoint: &Endpoint) -> BTreeSet<String> {
        self.properties(&self.operation(endpoint)["requestBody"])
    }

    /// The fields of the endpoint's answer.
    pub fn reply(&self, endpoint: &Endpoint) -> BTreeSet<String> {
        self.properties(&self.operation(endpoint)["responses"]["200"])
    }
}

/// Only the fields of `known`.
pub fn only(value: &Value, known: &BTreeSet<String>) -> Map<String, Value> {
    let fields = value.as_object().into_iter().flatten();
    fields
        .filter(|(name, _)| known.contains(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::endpoint;

    #[test]
    fn inputs_and_replies_are_found() {
        let schema = Schema::new();
        let input = schema.input(endpoint("rule.update"));
        assert!(input.contains("expr") && !input.contains("id"), "{input:?}");
        assert!(schema.reply(endpoint("rule.get")).contains("id"));
        assert!(schema.input(endpoint("server.update")).contains("maintenance_until"));
    }
}
