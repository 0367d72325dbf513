//! One object of a file against what the hub has of it.

use serde_json::{Map, Value, json};

use super::Kept;
use super::compare::{Difference, as_file, differences, is_secret, same};
use super::file::Object;
use super::names::{Current, Names};
use super::plan::{Action, Change, Options, is_last_route};
use super::shape::Part;
use super::wanted::Wanted;
use crate::client::endpoint;
use crate::schema::{Schema, only};

/// For the objects of one noun, in the order of the files.
pub struct Maker<'a> {
    pub kept: &'static Kept,
    pub schema: &'a Schema,
    pub names: &'a Names,
    pub options: &'a Options<'a>,
    pub current: &'a Current,
    /// Of routes, as it is once the changes so far are made.
    pub order: Vec<String>,
    /// Routes that have their place by now.
    pub placed: usize,
}

impl Maker<'_> {
    pub fn create(&mut self, object: &Object, name: &str, id: &str, wanted: Wanted) -> Change {
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
            read: None,
        }
    }

    pub fn update(
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
        let mut body = before;
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
            read: self.current.version(id),
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
