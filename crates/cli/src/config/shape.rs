//! What the API's own description says of the fields of a noun: which there are, and which of them name something else.
//!
//! Files call a field as the API does, but name what it refers to: `service: payments` is `service_id` with an id.

use serde_json::Value;
use watchtower_api_types::endpoints::Endpoint;

use crate::schema::Schema;

/// A part of a request.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    schema: &'a Schema,
    part: &'a Value,
    /// `PolicyId`: the name of the shape that was followed to get here.
    name: &'a str,
}

/// How files call a field of the API.
pub fn file_name(api: &str) -> &str {
    match api {
        "id" => "name",
        _ => api.strip_suffix("_id").unwrap_or(api),
    }
}

impl<'a> Part<'a> {
    /// The body of an endpoint.
    pub fn body(schema: &'a Schema, endpoint: &Endpoint) -> Part<'a> {
        Part { schema, part: schema.body(endpoint), name: "" }.followed()
    }

    /// Behind references; of `null or something`, that.
    fn followed(mut self) -> Part<'a> {
        loop {
            if let Some(reference) = self.part["$ref"].as_str() {
                self.name = reference.rsplit('/').next().unwrap_or("");
                self.part = self.schema.shape(self.name);
                continue;
            }
            let some = |one: &&Value| one["type"] != "null";
            let choices: Vec<&Value> =
                self.part["oneOf"].as_array().into_iter().flatten().filter(some).collect();
            match choices.as_slice() {
                [only] => self.part = only,
                _ => return self,
            }
        }
    }

    /// The noun whose ids stand here.
    pub fn refers_to(self) -> Option<String> {
        self.name.strip_suffix("Id").map(str::to_lowercase)
    }

    /// Of several shapes, the one whose kind this is; all of them where that is not known.
    fn choices(self, kind: Option<&str>) -> Vec<&'a Value> {
        let Some(all) = self.part["oneOf"].as_array() else { return vec![self.part] };
        let is = |one: &&Value| {
            let kinds = one["properties"]["kind"]["enum"].as_array();
            kinds.is_some_and(|kinds| kinds.iter().any(|word| word.as_str() == kind))
        };
        let one: Vec<&Value> = all.iter().filter(is).collect();
        if one.is_empty() { all.iter().collect() } else { one }
    }

    /// By the names of the API. `kind`: of the object whose fields these are.
    pub fn fields(self, kind: Option<&str>) -> Vec<(&'a str, Part<'a>)> {
        let choices = self.choices(kind);
        let properties = choices.into_iter().filter_map(|one| one["properties"].as_object()).flatten();
        // A route's place is its place in the file.
        let written = properties.filter(|(name, _)| *name != "position");
        written.map(|(name, part)| (name.as_str(), Part { part, ..self }.followed())).collect()
    }

    /// A field by its name in files, with its name in the API.
    pub fn field(self, name: &str, kind: Option<&str>) -> Option<(&'a str, Part<'a>)> {
        self.fields(kind).into_iter().find(|(api, _)| file_name(api) == name)
    }

    pub fn items(self) -> Option<Part<'a>> {
        self.part.get("items").map(|part| Part { part, name: "", ..self }.followed())
    }

    /// Whether its names are whoever's who writes it, as those of labels.
    pub fn is_free(self) -> bool {
        self.part.get("properties").is_none() && self.part.get("oneOf").is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::endpoint;

    #[test]
    fn references_are_found_wherever_they_are() {
        let schema = Schema::new();
        let body = |id: &str| Part::body(&schema, endpoint(id));
        let noun = |part: Option<(&str, Part)>| {
            part.and_then(|(api, part)| Some((api.to_string(), part.refers_to()?)))
        };
        let wanted = |api: &str, noun: &str| Some((api.to_string(), noun.to_string()));
        assert_eq!(noun(body("service.create").field("policy", None)), wanted("policy_id", "policy"));
        assert_eq!(noun(body("service.create").field("team", None)), wanted("team_id", "team"));
        let trigger = body("automation.create").field("trigger", None).unwrap().1;
        assert_eq!(noun(trigger.field("rule", None)), wanted("rule_id", "rule"));
        let members = body("team.create").field("members", None).unwrap().1;
        assert_eq!(members.items().unwrap().refers_to().as_deref(), Some("user"));
        let layer = body("schedule.create").field("layers", None).unwrap().1.items().unwrap();
        let people = layer.field("participants", None).unwrap().1.items().unwrap();
        assert_eq!(people.refers_to().as_deref(), Some("user"));
        let config = body("channel.create").field("config", None).unwrap().1;
        assert!(
            config.field("url", Some("slack")).is_some() && config.field("host", Some("slack")).is_none()
        );
        assert!(config.field("host", Some("email")).is_some());
        assert!(body("rule.create").field("labels", None).unwrap().1.is_free());
        assert!(!trigger.is_free() && body("route.create").field("position", None).is_none());
    }
}
