//! What a hub has, as files: the same hub gives the same bytes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::compare::as_file;
use super::names::{Current, Names};
use super::shape::Part;
use super::{KEPT, Kept, identity, yaml};
use crate::client::endpoint;
use crate::schema::Schema;

/// What stands above everything.
pub fn head(url: &str) -> String {
    format!(
        "# The configuration of {url}, by `watchtower config export` {}.\n\
         # Names stand for what is referred to. What is left out stays as it is when this is applied; null takes it away.\n\
         # Secrets are never in here: those that are stored stay. A new one is {{env: NAME}} or {{file: PATH}}, read where this is applied.\n\
         # What would change: watchtower config diff FILE. Change it: watchtower config apply FILE.\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// The objects of a noun, by name; routes as they are asked.
pub fn objects(kept: &Kept, schema: &Schema, current: &Current, names: &Names) -> Vec<Value> {
    let part = Part::body(schema, endpoint(&kept.noun().endpoint("create")));
    let file = |view: &Value| {
        let mut fields = as_file(kept, view, part, names);
        if kept.name == "route" {
            // That of the last one is empty, and says so.
            fields.entry("matchers").or_insert("".into());
        }
        fields
    };
    let mut seen = BTreeSet::new();
    let first = current.of(kept.name).iter().filter(|view| seen.insert(identity(kept.name, view)));
    let mut all: Vec<Map<String, Value>> = first.map(file).collect();
    if kept.name != "route" {
        all.sort_by_key(|fields| fields.get("name").map(Value::to_string));
    }
    all.into_iter().map(Value::Object).collect()
}

/// A file for each of the nouns: its key, and what stands below the head.
pub fn parts(only: &[String], current: &Current, names: &Names) -> Vec<(&'static str, Vec<Value>)> {
    let schema = Schema::new();
    let wanted = KEPT.iter().filter(|kept| only.is_empty() || only.iter().any(|key| key == kept.key));
    wanted.map(|kept| (kept.key, objects(kept, &schema, current, names))).collect()
}

pub fn text(parts: &[(&'static str, Vec<Value>)], url: &str) -> String {
    let mut out = head(url);
    for (key, items) in parts {
        out.push('\n');
        yaml::list(&mut out, key, items);
    }
    out
}
