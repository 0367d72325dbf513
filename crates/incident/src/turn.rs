//! One call of `advance` in the making: the incident, what was decided so far, and the time.

use serde_json::Value;
use watchtower_model::{Timestamp, limits::LINE_BYTES_MAX, truncate};

use crate::{Actor, Effect, Entry, Incident, TimelineKind};

pub(crate) struct Turn {
    pub incident: Incident,
    pub effects: Vec<Effect>,
    pub now: Timestamp,
    /// A step was begun in this turn: its targets must have their time before the policy may run out.
    pub began_step: bool,
}

impl Turn {
    pub fn new(incident: Incident, now: Timestamp) -> Self {
        Turn { incident, effects: Vec::new(), now, began_step: false }
    }

    pub fn say(&mut self, kind: TimelineKind, actor: &Actor, text: impl Into<String>, data: Value) {
        self.incident.entries += 1;
        let text = text.into();
        self.effects.push(Effect::Timeline(Entry {
            key: format!("{}-{}", self.incident.entries, kind.as_str()),
            at: self.now,
            kind,
            actor: actor.clone(),
            text: truncate(&text, LINE_BYTES_MAX).to_string(),
            data,
        }));
    }

    pub fn finish(self) -> (Incident, Vec<Effect>) {
        (self.incident, self.effects)
    }
}
