//! What the templates of a channel may name, and what that is of one message.

use watchtower_notify::Message;
use watchtower_rules::{Scope, Value, Vocabulary};

use super::compose::Facts;

/// What templates may name. `docs/incidents.md` has the table.
pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    words: &[
        "number",
        "title",
        "severity",
        "state",
        "service",
        "server",
        "reason",
        "since",
        "who",
        "value",
        "lines",
        "output",
        "acknowledge_url",
        "test",
        "labels",
        "annotations",
        "links",
    ],
    maps: &["labels", "annotations", "links"],
    template_bytes_max: 8 * 1024,
};

pub(super) struct Seen<'a> {
    pub message: &'a Message,
    pub facts: &'a Facts,
}

impl Scope for Seen<'_> {
    fn word(&self, name: &str) -> Value {
        let Seen { message, facts } = self;
        let text = |text: &Option<String>| text.clone().map_or(Value::Missing, Value::Text);
        match name {
            "number" => message.incident_number.map_or(Value::Missing, |number| Value::Number(number as f64)),
            "title" => Value::Text(message.title.clone()),
            "severity" => Value::Text(message.severity.to_string()),
            "state" => Value::Text(message.state.as_str().into()),
            "service" => Value::Text(message.service.clone()),
            "server" => text(&message.server),
            "reason" => text(&facts.reason),
            "since" => facts.since.map_or(Value::Missing, |since| Value::Text(since.to_rfc3339())),
            "who" => text(&facts.who),
            "value" => facts.value.map_or(Value::Missing, Value::Number),
            "lines" => Value::List(message.lines.clone()),
            "output" => text(&message.output),
            "acknowledge_url" => text(&message.acknowledge_url),
            "test" => Value::Flag(message.test),
            map => Value::Map(self.map(map)),
        }
    }

    fn member(&self, map: &str, name: &str) -> Value {
        let found = self.map(map).into_iter().find(|(known, _)| known == name);
        found.map_or(Value::Missing, |(_, value)| Value::Text(value))
    }
}

impl Seen<'_> {
    fn map(&self, name: &str) -> Vec<(String, String)> {
        match name {
            "labels" => self.facts.labels.clone(),
            "annotations" => self.facts.annotations.clone(),
            "links" => self.message.links.iter().map(|link| (link.label.clone(), link.url.clone())).collect(),
            _ => Vec::new(),
        }
    }
}
