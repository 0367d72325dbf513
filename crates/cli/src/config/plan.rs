//! What has to be done so that a hub is as the files say.
//!
//! A field that a file does not name stays as it is; a secret that is not given is kept.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::compare::{Difference, as_file, differences, is_secret, same};
use super::file::{Files, Object, at};
use super::names::{Current, Names};
use super::shape::Part;
use super::wanted::{self, Wanted};
use super::{KEPT, Kept, identity};
use crate::client::endpoint;
use crate::schema::{Schema, only};
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
    /// What was read, by the fields that are written: what differs from it when it is written was changed meanwhile.
    pub before: Map<String, Value>,
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
            Maker { kept, schema: &schema, names, options, order: order(kept, current), placed: 0 };
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
        plan.changes.extend(deletions(files, current, &identified, &schema));
    }
    plan
}

/// The last route matches all, and stays where it is.
fn is_last_route(kept: &Kept, matchers: &Value) -> bool {
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

struct Maker<'a> {
    kept: &'static Kept,
    schema: &'a Schema,
    names: &'a Names,
    options: &'a Options<'a>,
    /// Of routes, as it is once the changes so far are made.
    order: Vec<String>,
    /// Routes that have their place by now.
    placed: usize,
}

impl Maker<'_> {
    fn create(&mut self, object: &Object, name: &str, id: &str, wanted: Wanted) -> Change {
        let mut body = wanted.body;
        for (field, value) in self.kept.noun().defaults {
            body.entry(*field).or_insert((*value).into());
        }
        self.put_next(&mut body, id);
        let mut fields = differences("", &json!({}), &wanted.fields.into());
        fields.retain(|one| one.field != "name");
        if self.kept.secrets == Some("config") {
            // Which of them are secrets only the hub knows.
            let hidden = fields
                .iter_mut()
                .filter(|one| one.field.starts_with("config.") && one.field != "config.kind");
            hidden.for_each(|one| one.new = "(given)".into());
        }
        let given = wanted.secrets.iter();
        fields.extend(given.map(|one| self.secret(&one.name, Value::Null, &one.from)));
        Change {
            kept: self.kept,
            action: Action::Create,
            name: name.into(),
            id: id.into(),
            place: object_place(object),
            fields,
            body: body.into(),
            gives_secrets: !wanted.secrets.is_empty(),
            before: Map::new(),
        }
    }

    fn update(
        &mut self,
        object: &Object,
        name: &str,
        id: &str,
        mut wanted: Wanted,
        view: &Value,
    ) -> Option<Change> {
        let update = endpoint(&self.kept.noun().endpoint("update"));
        let before = only(view, &self.schema.input(update));
        let shown = as_file(self.kept, view, Part::body(self.schema, update), self.names);
        let mut fields = self.secrets(&before, &mut wanted);
        let gives_secrets = !fields.is_empty();
        // What is not named stays.
        for (field, new) in &wanted.fields {
            let old = shown.get(field).unwrap_or(&Value::Null);
            let both_objects = old.is_object() && new.is_object();
            let differs = both_objects || !same(field, old, new);
            fields.extend(if differs { differences(field, old, new) } else { Vec::new() });
        }
        let mut body = before.clone();
        body.extend(wanted.body);
        let moved = match is_last_route(self.kept, &view["matchers"]) {
            true => body.insert("matchers".into(), "".into()).and(None),
            false => self.put_next(&mut body, id),
        };
        fields.extend(moved.map(|(from, to)| Difference {
            field: "place".into(),
            old: from.into(),
            new: to.into(),
        }));
        if fields.is_empty() {
            return None;
        }
        Some(Change {
            kept: self.kept,
            action: Action::Update,
            name: name.into(),
            id: id.into(),
            place: object_place(object),
            fields,
            body: body.into(),
            gives_secrets,
            before,
        })
    }

    /// Puts a route at its place in the files; where it was and is, when it moved.
    fn put_next(&mut self, body: &mut Map<String, Value>, id: &str) -> Option<(usize, usize)> {
        if self.kept.name != "route" {
            return None;
        }
        let (before, place) = (self.order.iter().position(|one| one == id), self.placed);
        before.map(|before| self.order.remove(before));
        self.order.insert(place, id.into());
        self.placed += 1;
        body.insert("position".into(), place.into());
        before.filter(|before| *before != place).map(|before| (before, place))
    }

    fn secret(&self, name: &str, old: Value, from: &str) -> Difference {
        let field = format!("{}.{name}", self.kept.secrets.unwrap_or_default());
        Difference { field, old, new: format!("(from {from})").into() }
    }

    /// Keeps the secrets that are stored; those that the file gives are differences, whatever they are: what is stored is not shown.
    fn secrets(&self, before: &Map<String, Value>, wanted: &mut Wanted) -> Vec<Difference> {
        let Some(root) = self.kept.secrets else { return Vec::new() };
        let (none, mut found) = (Map::new(), Vec::new());
        let stored = before.get(root).and_then(Value::as_object).unwrap_or(&none);
        let kind = wanted.body.get(root).and_then(|value| value.get("kind")).cloned();
        let Some(Value::Object(body)) = wanted.body.get_mut(root) else { return found };
        let fields = wanted.fields.get_mut(root).and_then(Value::as_object_mut);
        let fields = fields.expect("what has a body has fields");
        let mut given: Vec<(String, String)> = Vec::new();
        for one in &wanted.secrets {
            fields.remove(&one.name);
            given.push((one.name.clone(), one.from.clone()));
        }
        if kind.as_ref() == stored.get("kind") {
            for (name, secret) in stored.iter().filter(|(_, value)| is_secret(value)) {
                // Written down in the file itself: told of, never shown.
                if fields.remove(name).is_some_and(|literal| literal != *secret) {
                    given.push((name.clone(), "the file".into()));
                }
                if self.options.keep_secrets || !body.contains_key(name) {
                    body.insert(name.clone(), secret.clone());
                }
            }
        }
        for (name, from) in given {
            let old = stored.get(&name).cloned().unwrap_or(Value::Null);
            let hidden = is_secret(&old) || root == "parameters";
            match (hidden, self.options.keep_secrets) {
                // Left out is kept.
                (true, true) if root == "parameters" => drop(body.remove(&name)),
                (true, true) => {}
                (true, false) => found.push(self.secret(&name, "(secret)".into(), &from)),
                (false, _) => {
                    if body.get(&name) != Some(&old) {
                        found.push(self.secret(&name, old.clone(), &from));
                    }
                    fields.insert(name, old);
                }
            }
        }
        found
    }
}

fn object_place(object: &Object) -> String {
    format!("{}:{}", object.file, object.node.line)
}

/// What no file has, of the nouns that files name: users before what they use.
fn deletions(
    files: &Files,
    current: &Current,
    identified: &[(String, String)],
    schema: &Schema,
) -> Vec<Change> {
    let named = KEPT.iter().rev().filter(|kept| files.keys.contains(&kept.key));
    let gone = named.flat_map(|kept| {
        let views = current.of(kept.name).iter().filter(move |view| !is_last_route(kept, &view["matchers"]));
        views.map(move |view| (kept, view))
    });
    let kept_id = |view: &Value| identified.iter().any(|(_, id)| view["id"] == id.as_str());
    gone.filter(|(_, view)| !kept_id(view))
        .map(|(kept, view)| Change {
            kept,
            action: Action::Delete,
            name: identity(kept.name, view),
            id: view["id"].as_str().unwrap_or_default().into(),
            place: String::new(),
            fields: Vec::new(),
            body: Value::Null,
            gives_secrets: false,
            before: only(view, &schema.input(endpoint(&kept.noun().endpoint("update")))),
        })
        .collect()
}
