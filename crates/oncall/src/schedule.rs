//! A schedule: its definition now, those of the past, and the overrides.

use jiff::tz::TimeZone;
use thiserror::Error;
use watchtower_model::Timestamp;

use crate::wall;
use crate::{LAYERS_MAX, Layer, LayerSpec, Override};

/// Bytes of a zone's name.
const ZONE_BYTES_MAX: usize = 100;

/// Why a schedule cannot be; each names its field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScheduleError {
    #[error("timezone: {0:?} is not a time zone: give its IANA name, such as Europe/Berlin, or UTC")]
    Zone(String),
    #[error("{field}: from {min} to {max}, not {count}")]
    Count { field: String, min: usize, max: usize, count: usize },
    #[error("{field}: {text:?} is not a time of day such as 08:00")]
    Time { field: String, text: String },
    #[error("start: {0:?} is not a date such as 2026-01-31")]
    Date(String),
    #[error("{field}: name the days on which it begins, since it ends on another")]
    Days { field: String },
    #[error("layers: two are called {0:?}")]
    Name(String),
    #[error("layers[{at}].{inner}")]
    Layer { at: usize, inner: Box<ScheduleError> },
}

impl ScheduleError {
    /// The field, and what is wrong with it.
    pub fn parts(&self) -> (String, String) {
        let text = self.to_string();
        match text.split_once(": ") {
            Some((field, what)) => (field.to_string(), what.to_string()),
            None => ("layers".into(), text),
        }
    }
}

/// What a person wrote down, from an instant on.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The first one answers for all that was before it, too.
    pub(crate) since: Timestamp,
    pub(crate) zone: TimeZone,
    zone_name: String,
    pub(crate) layers: Vec<Layer>,
}

impl Definition {
    pub fn new(since: Timestamp, zone: &str, layers: &[LayerSpec]) -> Result<Definition, ScheduleError> {
        let wrong = || ScheduleError::Zone(zone.chars().take(ZONE_BYTES_MAX).collect());
        let found = (zone.len() <= ZONE_BYTES_MAX).then(|| TimeZone::get(zone).ok()).flatten();
        let found = found.ok_or_else(wrong)?;
        let zone_name = found.iana_name().ok_or_else(wrong)?.to_string();
        if layers.len() > LAYERS_MAX {
            let count = layers.len();
            return Err(ScheduleError::Count { field: "layers".into(), min: 0, max: LAYERS_MAX, count });
        }
        let mut checked: Vec<Layer> = Vec::new();
        for (at, spec) in layers.iter().enumerate() {
            let layer =
                Layer::new(spec).map_err(|inner| ScheduleError::Layer { at, inner: Box::new(inner) })?;
            if checked.iter().any(|other| other.name == layer.name) {
                return Err(ScheduleError::Name(layer.name));
            }
            checked.push(layer);
        }
        Ok(Definition { since, zone: found, zone_name, layers: checked })
    }

    /// The zone, as IANA writes it.
    pub fn zone_name(&self) -> &str {
        &self.zone_name
    }
}

/// Invariant: at least one definition; each is in force until the next one is.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub(crate) definitions: Vec<Definition>,
    pub(crate) overrides: Vec<Override>,
}

impl Schedule {
    /// Of the definitions in the order of their time, the last one being that of now.
    pub fn new(
        first: Definition,
        later: impl IntoIterator<Item = Definition>,
        overrides: Vec<Override>,
    ) -> Schedule {
        let definitions = std::iter::once(first).chain(later).collect();
        Schedule { definitions, overrides }
    }

    pub(crate) fn definition_at(&self, at: Timestamp) -> &Definition {
        let in_force = self.definitions.iter().rev().find(|one| one.since <= at);
        in_force.unwrap_or(&self.definitions[0])
    }

    /// What the clocks of its zone show, for people: `08:00` today, else `Mon 7 Dec 08:00`.
    pub fn clock(&self, at: Timestamp, now: Timestamp) -> String {
        let zone = &self.definition_at(now).zone;
        match (wall::shown(zone, at), wall::shown(zone, now)) {
            (Some(at), Some(now)) if at.date() == now.date() => at.strftime("%H:%M").to_string(),
            (Some(at), Some(now)) if at.year() == now.year() => at.strftime("%a %-d %b %H:%M").to_string(),
            (Some(at), _) => at.strftime("%a %-d %b %Y %H:%M").to_string(),
            (None, _) => at.to_rfc3339(),
        }
    }
}
