//! Names in the place of ids, and back.

use std::collections::HashMap;

use serde_json::Value;

use super::{KEPT, identity};
use crate::client::Hub;
use crate::failure::Failure;
use crate::verbs::read::pages;

/// What files refer to, but do not hold.
const ELSEWHERE: [&str; 1] = ["user"];

#[derive(Default)]
pub struct Names {
    names: HashMap<String, String>,
    ids: HashMap<(String, String), String>,
}

/// Everything that a hub has of the nouns that are kept, as its API shows it.
pub struct Current {
    views: HashMap<&'static str, Vec<Value>>,
    /// By id. Read before the views: what was changed between is refused as changed, never overwritten.
    versions: HashMap<String, i64>,
}

/// Its keys are in that browser alone: it is neither written to files, nor removed because they lack it.
fn is_of_a_browser(noun: &str, item: &Value) -> bool {
    noun == "channel" && item["config"]["kind"] == "web_push"
}

impl Current {
    pub fn read(hub: &Hub) -> Result<(Current, Names), Failure> {
        let versions = hub.get("config.versions", &[])?;
        let version = |one: &Value| Some((one["id"].as_str()?.to_string(), one["version"].as_i64()?));
        let versions = versions["items"].as_array().into_iter().flatten().filter_map(version).collect();
        let (mut views, mut names) = (HashMap::new(), Names::default());
        for noun in KEPT.iter().map(|kept| kept.name).chain(ELSEWHERE) {
            let mut page = pages(hub, &format!("{noun}.list"), &[], &[], None)?;
            let items: Vec<Value> = serde_json::from_value(page["items"].take()).unwrap_or_default();
            for item in &items {
                names.add(noun, &identity(noun, item), item["id"].as_str().unwrap_or_default());
            }
            views.insert(noun, items.into_iter().filter(|item| !is_of_a_browser(noun, item)).collect());
        }
        Ok((Current { views, versions }, names))
    }

    /// Routes are in their order, as the hub has them.
    pub fn of(&self, noun: &str) -> &[Value] {
        self.views.get(noun).map_or(&[], Vec::as_slice)
    }

    pub fn version(&self, id: &str) -> Option<i64> {
        self.versions.get(id).copied()
    }
}

impl Names {
    pub fn add(&mut self, noun: &str, name: &str, id: &str) {
        self.names.insert(id.into(), name.into());
        // Of routes with the same matchers only the first is ever asked.
        self.ids.entry((noun.into(), name.into())).or_insert_with(|| id.into());
    }

    /// The name of an id. What is gone keeps its id: it is refused when it is applied.
    pub fn name_of<'n>(&'n self, id: &'n str) -> &'n str {
        self.names.get(id).map_or(id, String::as_str)
    }

    pub fn id_of(&self, noun: &str, name: &str) -> Option<&str> {
        self.ids.get(&(noun.to_string(), name.to_string())).map(String::as_str)
    }

    pub fn of_noun<'n>(&'n self, noun: &'n str) -> impl Iterator<Item = &'n str> {
        self.ids.keys().filter(move |(one, _)| one == noun).map(|(_, name)| name.as_str())
    }
}
