//! What has to be done so that a hub is as the files say.
//!
//! A field that a file does not name stays as it is; a secret that is not given is kept.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::against::Maker;
use super::compare::Difference;
use super::file::{Files, at};
use super::names::{Current, Names};
use super::shape::Part;
use super::wanted;
use super::{KEPT, Kept, identity};
use crate::client::endpoint;
use crate::schema::Schema;
use crate::settings::Environment;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    Update,
    Delete,
}

impl Action {
    /// As the API names it.
    pub fn word(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
        }
    }
}

pub struct Change {
    pub kept: &'static Kept,
    pub action: Action,
    pub name: String,
    /// The hub's, or one that stands in for it until it is made.
    pub id: String,
    /// `FILE:LINE`; empty of what no file names.
    pub place: String,
    pub fields: Vec<Difference>,
    pub body: Value,
    /// It gives secrets, in the place of what is not shown.
    pub gives_secrets: bool,
    /// The version that was read, of what is there.
    pub read: Option<i64>,
}

#[derive(Default)]
pub struct Plan {
    pub changes: Vec<Change>,
    pub unchanged: usize,
}

/// What decides beside the files.
pub struct Options<'a> {
    pub env: &'a Environment,
    /// Also delete what the files do not have of the nouns that they name.
    pub prune: bool,
    /// Secrets that are stored stay, also where one is given.
    pub keep_secrets: bool,
}

/// An id for what is still to be made, so that others can refer to it.
fn stand_in(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// Gives each object of the files its name and id.
fn identify(files: &Files, names: &mut Names, problems: &mut Vec<String>) -> Vec<(String, String)> {
    let mut seen: HashMap<(&str, String), String> = HashMap::new();
    let mut identified = Vec::new();
    for (number, object) in files.objects.iter().enumerate() {
        let (noun, place) = (object.kept.name, at(&object.file, object.node.line, ""));
        let by = if noun == "route" { "matchers" } else { "name" };
        if object.node.get(by).and_then(|node| node.text()).is_none() {
            problems.push(format!("{place}has no {by}"));
        }
        let name = identity(noun, &object.node.plain());
        if let Some(other) = seen.insert((noun, name.clone()), place.clone()) {
            problems
                .push(format!("{place}{noun} {name:?} is also at {}", other.trim_end_matches([':', ' '])));
        }
        let id = names.id_of(noun, &name).map_or_else(|| stand_in(number + 1), String::from);
        names.add(noun, &name, &id);
        identified.push((name, id));
    }
    identified
}

/// Compares files with a hub. What is wrong with them is added to `problems`; then the plan is not to be carried out.
pub fn make(
    files: &Files,
    current: &Current,
    names: &mut Names,
    options: &Options,
    problems: &mut Vec<String>,
) -> Plan {
    let schema = Schema::new();
    let identified = identify(files, names, problems);
    let mut plan = Plan::default();
    for kept in KEPT {
        let mut maker =
            Maker { kept, schema: &schema, names, options, current, order: order(kept, current), placed: 0 };
        let own = files.objects.iter().zip(&identified).filter(|(object, _)| object.kept.key == kept.key);
        for (object, (name, id)) in own {
            let part = Part::body(&schema, endpoint(&kept.noun().endpoint("create")));
            let wanted = wanted::read(object, part, names, options.env, problems);
            let view = current.of(kept.name).iter().find(|view| view["id"] == id.as_str());
            let made = match view {
                None => Some(maker.create(object, name, id, wanted)),
                Some(view) => maker.update(object, name, id, wanted, view),
            };
            plan.unchanged += usize::from(made.is_none());
            plan.changes.extend(made);
        }
    }
    if options.prune {
        plan.changes.extend(deletions(files, current, &identified));
    }
    plan
}

/// The last route matches all, and stays where it is.
pub fn is_last_route(kept: &Kept, matchers: &Value) -> bool {
    kept.name == "route" && identity("route", &json!({ "matchers": matchers })) == "{}"
}

/// The ids of the routes that can be moved, in their order.
fn order(kept: &Kept, current: &Current) -> Vec<String> {
    if kept.name != "route" {
        return Vec::new();
    }
    let movable = current.of("route").iter().filter(|view| !is_last_route(kept, &view["matchers"]));
    movable.map(|view| view["id"].as_str().unwrap_or_default().to_string()).collect()
}

/// What no file has, of the nouns that files name: users before what they use.
fn deletions(files: &Files, current: &Current, identified: &[(String, String)]) -> Vec<Change> {
    let named = KEPT.iter().rev().filter(|kept| files.keys.contains(&kept.key));
    let gone = named.flat_map(|kept| {
        let views = current.of(kept.name).iter().filter(move |view| !is_last_route(kept, &view["matchers"]));
        views.map(move |view| (kept, view))
    });
    let kept_id = |view: &Value| identified.iter().any(|(_, id)| view["id"] == id.as_str());
    gone.filter(|(_, view)| !kept_id(view))
        .map(|(kept, view)| {
            let id = view["id"].as_str().unwrap_or_default();
            Change {
                kept,
                action: Action::Delete,
                name: identity(kept.name, view),
                id: id.into(),
                place: String::new(),
                fields: Vec::new(),
                body: Value::Null,
                gives_secrets: false,
                read: current.version(id),
            }
        })
        .collect()
}
