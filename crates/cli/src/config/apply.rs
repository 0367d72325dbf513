//! A plan, carried out: everything is checked before anything is written, and nothing that was changed meanwhile is overwritten.

use serde_json::{Value, json};

use super::plan::{Change, Plan};
use crate::failure::{Exit, Failure};
use crate::output::cell::{As, Shape, column};
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
    let body = json!({ "changes": plan.changes.iter().map(as_input).collect::<Vec<_>>() });
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

/// What was done, and why not all of it. The hub says no to all, or names where it stopped.
pub fn carry_out(session: &Session, plan: &Plan) -> Result<(Vec<Value>, Option<Failure>), Failure> {
    if plan.changes.is_empty() {
        return Ok((Vec::new(), None));
    }
    let body = json!({ "changes": plan.changes.iter().map(as_read).collect::<Vec<_>>() });
    let applied = session.hub.call("config.apply", &[], &[], Some(&body)).map_err(|mut failure| {
        if failure.exit == Exit::Conflict {
            failure.hint = Some("see what is different now: watchtower config diff".into());
        }
        failure
    })?;
    let row = |(change, done): (&Change, &Value)| {
        json!({
            "noun": change.kept.name,
            "name": change.name,
            "result": format!("{}d", change.action.word()),
            // Of an integration, shown this once.
            "key": done["key"],
        })
    };
    let done: Vec<Value> =
        plan.changes.iter().zip(applied["done"].as_array().into_iter().flatten()).map(row).collect();
    let failed = (!applied["stopped"].is_null()).then(|| stopped(plan, done.len(), &applied["stopped"]));
    Ok((done, failed))
}

fn as_input(change: &Change) -> Value {
    json!({"action": change.action.word(), "noun": change.kept.name, "id": change.id, "input": change.body})
}

/// With the version of what it replaces.
fn as_read(change: &Change) -> Value {
    let mut input = as_input(change);
    if let Some(version) = change.read {
        input["read"] = version.into();
    }
    input
}

/// The failure of a plan that stopped: what is done, and what to do.
fn stopped(plan: &Plan, done: usize, why: &Value) -> Failure {
    let message = format!(
        "stopped with {done} of {} changes made: {}",
        plan.changes.len(),
        why["message"].as_str().unwrap_or_default()
    );
    Failure::new(Exit::Partial, "conflict", message).hint("apply it again: what is done is not done twice")
}
