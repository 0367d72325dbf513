//! Any JSON by a mapping that a person wrote: where in a body the alert's key, title, severity, state and labels are.
//!
//! A path is `alert.labels.name` or `alerts[0].id`; a leading `$.` is allowed, `["odd key"]` names a field with any characters.

use std::collections::BTreeMap;

use serde_json::Value;
use watchtower_model::is_label_name;

use super::{Action, Signal, labels, line, paragraph, severity, shown};
use crate::IntakeError;

/// Steps of a path, and bytes of its text.
const STEPS_MAX: usize = 16;
const PATH_BYTES_MAX: usize = 256;
/// Alerts of one body.
const ALERTS_MAX: usize = 500;
/// Labels of a mapping, and words that mean that it is over.
const LISTED_MAX: usize = 32;

/// What a person wrote: paths, and words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The list of alerts; absent: the body is one alert.
    pub items: Option<String>,
    pub key: Option<String>,
    pub title: String,
    pub description: Option<String>,
    pub severity: Option<String>,
    pub state: Option<String>,
    /// Values of the state that mean that it is over.
    pub resolved: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

/// Which field of a mapping is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct MappingError {
    pub field: String,
    pub why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
}

/// A checked path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Path(Vec<Step>);

/// A checked mapping.
#[derive(Clone, Debug)]
pub struct Mapping {
    items: Option<Path>,
    key: Option<Path>,
    title: Path,
    description: Option<Path>,
    severity: Option<Path>,
    state: Option<Path>,
    resolved: Vec<String>,
    labels: Vec<(String, Path)>,
}

impl Mapping {
    /// # Errors
    /// If a path cannot be read, or the mapping could never end what it begins.
    pub fn new(written: &Written) -> Result<Mapping, MappingError> {
        let wrong = |field: &str, why| MappingError { field: field.into(), why };
        let path = |field: &str, text: &str| Path::parse(text).map_err(|why| wrong(field, why));
        let optional =
            |field: &str, text: &Option<String>| text.as_deref().map(|text| path(field, text)).transpose();
        if written.state.is_some() && written.key.is_none() {
            return Err(wrong("key", "must be given beside state: without it an end names no alert"));
        }
        if written.state.is_some() == written.resolved.is_empty() {
            return Err(wrong("resolved", "must list the values of state that mean that it is over"));
        }
        if written.labels.len() > LISTED_MAX || written.resolved.len() > LISTED_MAX {
            return Err(wrong("labels", "at most 32 labels, and 32 words in resolved"));
        }
        let mut labels = Vec::new();
        for (name, text) in &written.labels {
            if !is_label_name(name) {
                return Err(wrong(&format!("labels.{name}"), "is not the name of a label"));
            }
            labels.push((name.clone(), path(&format!("labels.{name}"), text)?));
        }
        Ok(Mapping {
            items: optional("items", &written.items)?,
            key: optional("key", &written.key)?,
            title: path("title", &written.title)?,
            description: optional("description", &written.description)?,
            severity: optional("severity", &written.severity)?,
            state: optional("state", &written.state)?,
            resolved: written.resolved.iter().map(|word| word.to_lowercase()).collect(),
            labels,
        })
    }

    /// The alerts of a body.
    ///
    /// # Errors
    /// If it is not JSON, or an alert lacks its title, its key or its state.
    pub fn read(&self, body: &[u8]) -> Result<Vec<Signal>, IntakeError> {
        let wrong = |why: String| IntakeError::NotJson { why };
        let body: Value = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
        let Some(items) = &self.items else { return Ok(vec![self.signal(&body).map_err(wrong)?]) };
        let found = items.of(&body).and_then(Value::as_array);
        let found = found.ok_or_else(|| wrong("there is no list at the path of items".into()))?;
        if found.len() > ALERTS_MAX {
            return Err(IntakeError::TooMany { what: "alerts", limit: ALERTS_MAX });
        }
        found.iter().map(|item| self.signal(item).map_err(wrong)).collect()
    }

    fn signal(&self, item: &Value) -> Result<Signal, String> {
        let at = |path: &Path| path.of(item).filter(|value| !value.is_null()).map(shown);
        let named = |what: &str, path: &Option<Path>| match path {
            None => Ok(None),
            Some(path) => {
                at(path).map(Some).ok_or_else(|| format!("there is nothing at the path of the {what}"))
            }
        };
        let key = named("key", &self.key)?.map(|key| line(&key));
        let state = named("state", &self.state)?.map(|state| state.to_lowercase());
        let over = state.is_some_and(|state| self.resolved.contains(&state));
        let title = at(&self.title).map(|title| line(&title)).filter(|title| !title.is_empty());
        // An end needs no more than its key.
        if title.is_none() && !over {
            return Err("there is nothing at the path of the title".into());
        }
        let word = self.severity.as_ref().and_then(at).unwrap_or_default();
        let values: Vec<(&str, String)> =
            self.labels.iter().filter_map(|(name, path)| Some((name.as_str(), at(path)?))).collect();
        Ok(Signal {
            action: if over { Action::Resolve } else { Action::Trigger },
            key,
            severity: severity(&word),
            summary: title.unwrap_or_default(),
            description: paragraph(self.description.as_ref().and_then(at)),
            labels: labels(values.iter().map(|(name, value)| (*name, value.as_str()))),
            ends_at: None,
        })
    }
}

impl Path {
    fn parse(text: &str) -> Result<Path, &'static str> {
        if text.len() > PATH_BYTES_MAX {
            return Err("a path has at most 256 bytes");
        }
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        let mut steps = Vec::new();
        if rest.is_empty() {
            return Err("a path is missing, such as alert.name");
        }
        while !rest.is_empty() {
            let (step, after) = if let Some(inside) = rest.strip_prefix("[\"") {
                let (name, after) = inside.split_once("\"]").ok_or("a [\" has no end")?;
                (Step::Field(name.into()), after)
            } else if let Some(inside) = rest.strip_prefix('[') {
                let (index, after) = inside.split_once(']').ok_or("a [ has no end")?;
                (Step::Index(index.parse().map_err(|_| "between [ and ] must be a number")?), after)
            } else {
                let name = rest.strip_prefix('.').unwrap_or(rest);
                let end = name.find(['.', '[']).unwrap_or(name.len());
                (Step::Field(name[..end].into()), &name[end..])
            };
            if step == Step::Field(String::new()) {
                return Err("a path has an empty part");
            }
            steps.push(step);
            if steps.len() > STEPS_MAX {
                return Err("a path has at most 16 parts");
            }
            rest = after;
        }
        Ok(Path(steps))
    }

    fn of<'a>(&self, body: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(body, |at, step| match step {
            Step::Field(name) => at.get(name.as_str()),
            Step::Index(index) => at.get(*index),
        })
    }
}
