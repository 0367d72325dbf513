//! A plan, carried out: everything is checked before anything is written, and nothing that was changed meanwhile is overwritten.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use watchtower_api_types::endpoints::Method;

use super::compare::differences;
use super::plan::{Action, Change, Plan};
use crate::client::{endpoint, path_of};
use crate::failure::{Exit, Failure};
use crate::output::cell::{As, Shape, column};
use crate::schema::{Schema, only};
use crate::session::Session;

pub static RESULT: Shape = Shape {
    key: "name",
    columns: &[
        column("NOUN", "noun", As::Text, 0),
        column("NAME", "name", As::Text, 0),
        column("RESULT", "result", As::Text, 0),
        column("KEY", "key", As::Text, 1),
    ],
};

/// Asks the hub what it would say to all of it, each on top of those before. What it refuses is added to `problems`; what it would make of
/// nothing new is no change.
pub fn check(session: &Session, plan: &mut Plan, problems: &mut Vec<String>) -> Result<(), Failure> {
    if plan.changes.is_empty() {
        return Ok(());
    }
    let change = |one: &Change| json!({"action": one.action.word(), "noun": one.kept.name, "id": one.id, "input": one.body});
    let body = json!({ "changes": plan.changes.iter().map(change).collect::<Vec<_>>() });
    let checked = session.hub.call("config.check", &[], &[], Some(&body))?;
    for problem in checked["problems"].as_array().into_iter().flatten() {
        let Some(change) = problem["index"].as_u64().and_then(|index| plan.changes.get(index as usize))
        else {
            continue;
        };
        let place = if change.place.is_empty() { String::new() } else { format!("{}: ", change.place) };
        let (field, message) =
            (problem["field"].as_str().unwrap_or(""), problem["message"].as_str().unwrap_or(""));
        let field = if field.is_empty() { String::new() } else { format!("{field}: ") };
        problems.push(format!("{place}{} {:?}: {field}{message}", change.kept.name, change.name));
    }
    let same: Vec<u64> = serde_json::from_value(checked["unchanged"].clone()).unwrap_or_default();
    let before = plan.changes.len();
    let mut index = 0..;
    plan.changes.retain(|change| {
        let is_same = index.next().is_some_and(|index: u64| same.contains(&index));
        // Whether a secret is another only the hub's own seal knows.
        !is_same || change.gives_secrets
    });
    plan.unchanged += before - plan.changes.len();
    Ok(())
}

/// What was done, one after the other, until it is all done or one failed.
pub fn carry_out(session: &mut Session, plan: &Plan) -> (Vec<Value>, Option<(usize, Failure)>) {
    let (mut done, mut made) = (Vec::new(), HashMap::new());
    for (at, change) in plan.changes.iter().enumerate() {
        let answer = match change.action {
            Action::Create => create(session, change, &mut made),
            Action::Update | Action::Delete => write(session, change, &made),
        };
        match answer {
            Ok(answer) => done.push(json!({
                "noun": change.kept.name,
                "name": change.name,
                "result": format!("{}d", change.action.word()),
                // Of an integration, shown this once.
                "key": answer["key"],
            })),
            Err(failure) => return (done, Some((at, failure))),
        }
    }
    (done, None)
}

/// The failure of a plan that stopped: what is done, and what to do.
pub fn stopped(plan: &Plan, done: usize, failure: Failure) -> Failure {
    let change = &plan.changes[done];
    let mut told = failure;
    told.message = format!(
        "stopped at {} {:?}, with {done} of {} changes made: {}",
        change.kept.name,
        change.name,
        plan.changes.len(),
        told.message
    );
    if done > 0 {
        told.exit = Exit::Partial;
    }
    told.hint.get_or_insert("apply it again: what is done is not done twice".into());
    told
}

fn create(session: &Session, change: &Change, made: &mut HashMap<String, String>) -> Result<Value, Failure> {
    let body = with_ids(&change.body, made);
    let answer = session.hub.call(&change.kept.noun().endpoint("create"), &[], &[], Some(&body))?;
    made.insert(change.id.clone(), answer["id"].as_str().unwrap_or_default().into());
    Ok(answer)
}

/// Changes or deletes what is still as it was read.
fn write(session: &Session, change: &Change, made: &HashMap<String, String>) -> Result<Value, Failure> {
    let noun = change.kept.noun();
    let get = path_of(endpoint(&noun.endpoint("get")), &[&change.id]);
    let read = session.hub.send(Method::Get, &get, None, &[])?;
    let input = Schema::new().input(endpoint(&noun.endpoint("update")));
    // Routes move as others are put before them.
    let without_place = |mut fields: Map<String, Value>| {
        fields.remove("position");
        Value::from(fields)
    };
    let now = without_place(only(&read.value, &input));
    if !differences("", &without_place(change.before.clone()), &now).is_empty() {
        let text = "it was changed by somebody else meanwhile";
        return Err(Failure::new(Exit::Conflict, "conflict", text)
            .hint("see what is different now: watchtower config diff"));
    }
    let revision = read.etag.unwrap_or_default();
    let id = noun.endpoint(change.action.word());
    let path = path_of(endpoint(&id), &[&change.id]);
    let body = (change.action == Action::Update).then(|| with_ids(&change.body, made));
    let headers = [("if-match", revision.as_str())];
    session.hub.send(endpoint(&id).method, &path, body.as_ref(), &headers).map(|answer| answer.value)
}

/// With the ids of what was made in the place of those that stood in for them.
fn with_ids(body: &Value, made: &HashMap<String, String>) -> Value {
    match body {
        Value::String(text) => made.get(text).unwrap_or(text).as_str().into(),
        Value::Array(items) => items.iter().map(|item| with_ids(item, made)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), with_ids(value, made)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}
