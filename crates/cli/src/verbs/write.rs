//! Writing: create, edit, apply. What is not given stays as it is, so that a file may name only what matters.

use clap::ArgMatches;
use serde_json::{Map, Value, json};
use watchtower_api_types::endpoints::Method;

use super::act::{each, each_plan, names};
use super::read::pages;
use crate::body;
use crate::client::{endpoint, path_of, word};
use crate::editor;
use crate::failure::{Done, Exit, Failure};
use crate::nouns::Noun;
use crate::output::cell::{As, Shape, column, plain};
use crate::schema::{Schema, only};
use crate::session::Session;

/// Objects in one file of `apply`.
const OBJECTS_MAX: usize = 1000;

pub static PLAN: Shape = Shape {
    key: "path",
    columns: &[
        column("METHOD", "method", As::Text, 0),
        column("PATH", "path", As::Text, 0),
        column("BODY", "body", As::Text, 1),
    ],
};

static RESULT: Shape = Shape {
    key: "name",
    columns: &[column("NAME", "name", As::Text, 0), column("RESULT", "result", As::Text, 0)],
};

/// What a dry run shows instead of sending.
pub fn plan(id: &str, args: &[&str], body: Option<Value>) -> Value {
    let endpoint = endpoint(id);
    json!({ "method": word(endpoint.method), "path": path_of(endpoint, args), "body": body })
}

/// One object from `-f`, or nothing.
fn from_file(session: &mut Session, matches: &ArgMatches) -> Result<Map<String, Value>, Failure> {
    let Some(path) = matches.get_one::<String>("file") else { return Ok(Map::new()) };
    match session.read_json(path)? {
        Value::Object(map) => Ok(map),
        _ => Err(Failure::usage(format!("{path}: must be one JSON object")).hint("`apply -f` takes lists")),
    }
}

/// Fields that the hub only answers with are dropped, so that what `get` printed may be sent back. Unknown ones stay:
/// the hub refuses them by name.
fn sendable(schema: &Schema, noun: &Noun, id: &str, object: &mut Map<String, Value>) {
    let input = schema.input(endpoint(id));
    let reply = endpoint_of_reply(noun).map(|id| schema.reply(endpoint(&id))).unwrap_or_default();
    object.retain(|name, _| input.contains(name) || !reply.contains(name));
}

fn endpoint_of_reply(noun: &Noun) -> Option<String> {
    let id = noun.endpoint("get");
    watchtower_api_types::endpoints::find(&id).map(|_| id)
}

/// A flag whose field this endpoint does not take is the person's mistake, found before anything is sent.
fn check_flags(schema: &Schema, noun: &Noun, id: &str, matches: &ArgMatches) -> Result<(), Failure> {
    let input = schema.input(endpoint(id));
    let given = noun.fields.iter().filter(|field| matches.contains_id(field.flag));
    for field in given {
        let root = field.path.split('.').next().unwrap_or(field.path);
        if !input.contains(root) {
            return Err(Failure::usage(format!("--{} cannot be set by {id}", field.flag)));
        }
    }
    Ok(())
}

pub fn create(session: &mut Session, noun: &Noun, matches: &ArgMatches) -> Done {
    let id = noun.endpoint("create");
    let schema = Schema::new();
    check_flags(&schema, noun, &id, matches)?;
    let mut body = from_file(session, matches)?;
    sendable(&schema, noun, &id, &mut body);
    if let (Some(title), Some(given)) = (noun.title, given_title(noun, matches)) {
        body.insert(title.into(), given.into());
    }
    body::fill(session, noun.fields, matches, &mut body)?;
    body::resolve(session, noun.fields, &mut body)?;
    if noun.name == "user" && !body.contains_key("password") && session.may_ask() {
        body.insert("password".into(), session.ask_secret("Password")?.into());
    }
    let body = with_defaults(noun, body);
    if matches.get_flag("dry-run") {
        return each_plan(session, vec![plan(&id, &[], Some(body))]);
    }
    let made = session.hub.call(&id, &[], &[], Some(&body)).map_err(|failure| by_flag(noun, failure))?;
    session.print.answer(&noun.shape, &made)?;
    Ok(Exit::Ok)
}

/// The hub names a field of its body; here that is a flag.
fn by_flag(noun: &Noun, failure: Failure) -> Failure {
    let named = failure.message.split_once(": ").map(|(field, _)| field);
    match noun.fields.iter().find(|field| failure.code == "validation" && Some(field.path) == named) {
        Some(field) => failure.hint(format!("--{}: {}", field.flag, field.help)),
        None => failure,
    }
}

fn given_title(noun: &Noun, matches: &ArgMatches) -> Option<String> {
    noun.title.and_then(|_| matches.get_one::<String>("title").cloned())
}

fn with_defaults(noun: &Noun, mut body: Map<String, Value>) -> Value {
    for (name, value) in noun.defaults {
        body.entry(*name).or_insert((*value).into());
    }
    body.into()
}

pub fn edit(session: &mut Session, noun: &Noun, matches: &ArgMatches) -> Done {
    let schema = Schema::new();
    let update = noun.endpoint("update");
    check_flags(&schema, noun, &update, matches)?;
    let target = matches.get_one::<String>(noun.name).cloned().unwrap_or_default();
    let mut wanted = from_file(session, matches)?;
    sendable(&schema, noun, &update, &mut wanted);
    let current = session.hub.get(&noun.endpoint("get"), &[&target])?;
    let before = only(&current, &schema.input(endpoint(&update)));
    let by_flags = noun.fields.iter().any(|field| matches.contains_id(field.flag));
    let rename = noun.renamed_by().and_then(|title| Some((title, matches.get_one::<String>("rename")?)));
    let mut after = before.clone();
    if wanted.is_empty() && !by_flags && rename.is_none() {
        if !session.may_ask() {
            return Err(Failure::usage("nothing to change was given")
                .hint("use flags, -f FILE, or a terminal with $EDITOR"));
        }
        after = editor::edit(session, &before)?;
    }
    after.append(&mut wanted);
    body::fill(session, noun.fields, matches, &mut after)?;
    if let Some((title, name)) = rename {
        after.insert(title.into(), name.as_str().into());
    }
    body::resolve(session, noun.fields, &mut after)?;
    let Some(body) = change(&update, &before, after) else {
        session.print.say(format!("{} {target}: unchanged", noun.name));
        session.print.object(&noun.shape, &current)?;
        return Ok(Exit::Ok);
    };
    if matches.get_flag("dry-run") {
        return each_plan(session, vec![plan(&update, &[&target], Some(body))]);
    }
    let changed = session.hub.call(&update, &[&target], &[], Some(&body));
    let changed = changed.map_err(|failure| by_flag(noun, failure))?;
    session.print.object(&noun.shape, &changed)?;
    Ok(Exit::Ok)
}

/// What to send so that `before` becomes `after`; nothing when they are the same.
fn change(id: &str, before: &Map<String, Value>, mut after: Map<String, Value>) -> Option<Value> {
    let same = |name: &str, value: &Value| same(before.get(name).unwrap_or(&Value::Null), value);
    if after.iter().all(|(name, value)| same(name, value)) {
        return None;
    }
    if endpoint(id).method == Method::Patch {
        after.retain(|name, value| !same(name, value));
        // In a patch an absent field stays, so taking a text away has to be said.
        for value in after.values_mut().filter(|value| value.is_null()) {
            *value = "".into();
        }
    }
    Some(after.into())
}

/// Equal as the hub reads it: `60` and `60.0` are one number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

pub fn set(session: &mut Session, noun: &Noun, field: &str, value: bool, matches: &ArgMatches) -> Done {
    let update = noun.endpoint("update");
    let schema = Schema::new();
    let input = schema.input(endpoint(&update));
    let dry = matches.get_flag("dry-run");
    let mut plans = Vec::new();
    let several = each(&names(matches, noun.name), |name| {
        let current = session.hub.get(&noun.endpoint("get"), &[name])?;
        let before = only(&current, &input);
        let mut after = before.clone();
        after.insert(field.into(), value.into());
        match change(&update, &before, after) {
            Some(body) if dry => {
                plans.push(plan(&update, &[name], Some(body)));
                Ok(None)
            }
            Some(body) => session.hub.call(&update, &[name], &[], Some(&body)).map(Some),
            None => Ok(Some(current)),
        }
    });
    each_plan(session, plans)?;
    several.print(session, noun)
}

/// The objects of a file: one, a list, or a page as `list -o json` prints it.
fn objects(value: Value) -> Result<Vec<Map<String, Value>>, Failure> {
    let items = match value {
        Value::Array(items) => items,
        Value::Object(mut map) if map.get("items").is_some_and(Value::is_array) => {
            match map.remove("items") {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            }
        }
        other => vec![other],
    };
    if items.len() > OBJECTS_MAX {
        return Err(Failure::usage(format!("--file: more than {OBJECTS_MAX} objects")));
    }
    let object = |item| match item {
        Value::Object(map) => Ok(map),
        other => Err(Failure::usage(format!("--file: {} is not an object", plain(&other)))),
    };
    items.into_iter().map(object).collect()
}

pub fn apply(session: &mut Session, noun: &Noun, matches: &ArgMatches) -> Done {
    let path = matches.get_one::<String>("file").cloned().unwrap_or_default();
    let objects = objects(session.read_json(&path)?)?;
    let schema = Schema::new();
    let dry = matches.get_flag("dry-run");
    let mut by_identity = Vec::new();
    for object in objects {
        match object.get(noun.identity).and_then(Value::as_str) {
            Some(name) => by_identity.push((name.to_string(), object)),
            None => return Err(Failure::usage(format!("{path}: an object has no {}", noun.identity))),
        }
    }
    let names: Vec<String> = by_identity.iter().map(|(name, _)| name.clone()).collect();
    let mut results = Vec::new();
    let mut objects = by_identity.into_iter();
    let several = each(&names, |name| {
        let object = objects.next().map(|(_, object)| object).unwrap_or_default();
        let result = apply_one(session, noun, &schema, name, object, dry)?;
        results.push(json!({ "name": name, "result": result }));
        Ok(None)
    });
    if !results.is_empty() {
        session.print.list(&RESULT, &json!({ "items": results }))?;
    }
    several.finish()
}

/// `created`, `updated` or `unchanged`.
fn apply_one(
    session: &mut Session,
    noun: &Noun,
    schema: &Schema,
    name: &str,
    mut object: Map<String, Value>,
    dry: bool,
) -> Result<&'static str, Failure> {
    body::resolve(session, noun.fields, &mut object)?;
    let Some((id, current)) = existing(session, noun, name)? else {
        let create = noun.endpoint("create");
        sendable(schema, noun, &create, &mut object);
        let body = with_defaults(noun, object);
        if !dry {
            session.hub.call(&create, &[], &[], Some(&body))?;
        }
        return Ok("created");
    };
    let update = noun.endpoint("update");
    sendable(schema, noun, &update, &mut object);
    let input = schema.input(endpoint(&update));
    // What only a new one takes, as a user's first password, is not for one that exists.
    let create_only = schema.input(endpoint(&noun.endpoint("create")));
    object.retain(|field, _| input.contains(field) || !create_only.contains(field));
    let before = only(&current, &input);
    let mut after = before.clone();
    after.append(&mut object);
    match change(&update, &before, after) {
        None => Ok("unchanged"),
        Some(body) => {
            if !dry {
                session.hub.call(&update, &[&id], &[], Some(&body))?;
            }
            Ok("updated")
        }
    }
}

/// The object of this name with what the API calls it, or nothing.
fn existing(session: &Session, noun: &Noun, name: &str) -> Result<Option<(String, Value)>, Failure> {
    if noun.title.is_some() {
        return match session.hub.get(&noun.endpoint("get"), &[name]) {
            Ok(current) => Ok(Some((name.to_string(), current))),
            Err(failure) if failure.code == "not_found" => Ok(None),
            Err(failure) => Err(failure),
        };
    }
    let mut all = pages(&session.hub, &noun.endpoint("list"), &[], &[], None)?;
    let Value::Array(items) = all["items"].take() else { return Ok(None) };
    let found = items.into_iter().find(|item| item[noun.identity] == name);
    Ok(found.map(|item| (plain(&item["id"]), item)))
}
