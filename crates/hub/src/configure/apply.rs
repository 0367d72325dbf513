//! Many changes, made: all are tried first, then they are written in few transactions, and the configuration is read once.
//!
//! Invariant: an error means that nothing was written. What is in the way later is told beside what is done.

use std::collections::HashMap;

use serde_json::{Map, Value};
use watchtower_api_types::{ConfigAction, ConfigApplied, ConfigChange, ConfigDone, ConfigProblem};
use watchtower_store::DbError;

use super::stepping::{After, Step, Stepping};
use crate::access::Principal;
use crate::error::HubError;
use crate::{Hub, random};

/// Changes of one transaction: nobody else writes while it runs, and no page waits long for it.
const CHANGES_PER_COMMIT: usize = 500;
/// Objects that somebody else changed, named in one answer.
const CONFLICTS_NAMED: usize = 10;

/// Makes changes one after the other. Each may refer, by the id that it was given, to what those before it make.
pub async fn apply(
    hub: &Hub,
    by: &Principal,
    mut changes: Vec<ConfigChange>,
) -> Result<ConfigApplied, HubError> {
    give_ids(hub, &mut changes);
    let (own, who) = (hub.clone(), by.clone());
    let tried = tokio::task::spawn_blocking(move || try_all(&own, &who, &changes).map(|all| (changes, all)));
    let (changes, steps) = tried.await.map_err(|error| HubError::Internal(error.to_string()))??;
    let mut applied = ConfigApplied { done: Vec::with_capacity(steps.len()), stopped: None };
    let after = write(hub, by, &changes, steps, &mut applied).await?;
    hub.reload_objects().await?;
    hub.bus.wake(crate::WAKE_CHANGES);
    for (index, after) in after {
        if let Err(error) = after(hub.clone()).await {
            let message = format!("is stored, but what follows from it failed: {}", error.public_text());
            tracing::error!("change {index} of configuration {message}: {error}");
            applied.stopped.get_or_insert(ConfigProblem { index, field: String::new(), message });
        }
    }
    Ok(applied)
}

/// What is new gets an id of this hub, wherever the changes name it.
fn give_ids(hub: &Hub, changes: &mut [ConfigChange]) {
    let mut given = HashMap::new();
    for change in changes.iter_mut() {
        change.input = with_ids(std::mem::take(&mut change.input), &given);
        if change.action == ConfigAction::Create {
            let id = random::id(hub.now());
            given.insert(change.id.to_string(), id.to_string());
            change.id = id;
        }
    }
}

fn with_ids(value: Value, given: &HashMap<String, String>) -> Value {
    match value {
        Value::String(text) => given.get(&text).cloned().unwrap_or(text).into(),
        Value::Array(items) => items.into_iter().map(|item| with_ids(item, given)).collect(),
        Value::Object(map) => {
            map.into_iter().map(|(name, value)| (name, with_ids(value, given))).collect::<Map<_, _>>().into()
        }
        other => other,
    }
}

fn try_all(hub: &Hub, by: &Principal, changes: &[ConfigChange]) -> Result<Vec<Step>, HubError> {
    let mut stepping = Stepping::new(hub, by, changes.len())?;
    let (mut steps, mut conflicts) = (Vec::with_capacity(changes.len()), Vec::new());
    for (index, change) in changes.iter().enumerate() {
        match stepping.step(change) {
            Ok(step) => steps.push(step),
            Err(HubError::Conflict(text)) => conflicts.push(format!("{}: {text}", told(change))),
            // What refers to a conflict may be wrong for no other reason.
            Err(_) if !conflicts.is_empty() => {}
            Err(error) => return Err(placed(index, change, error)),
        }
    }
    if conflicts.is_empty() { Ok(steps) } else { Err(nothing_written(conflicts)) }
}

/// By which people know the object of a change.
fn told(change: &ConfigChange) -> String {
    let known = ["name", "matchers"].iter().find_map(|field| change.input[*field].as_str());
    known.map_or_else(|| format!("{} {}", change.noun, change.id), |name| format!("{} {name:?}", change.noun))
}

fn placed(index: usize, change: &ConfigChange, error: HubError) -> HubError {
    match error {
        HubError::Invalid { field, message } => {
            let field = if field.is_empty() { String::new() } else { format!(".{field}") };
            HubError::Invalid { field: format!("changes[{index}]{field}"), message }
        }
        HubError::Forbidden(text) => HubError::Forbidden(format!("{}: {text}", told(change))),
        other => other,
    }
}

fn nothing_written(mut conflicts: Vec<String>) -> HubError {
    let more = conflicts.len().saturating_sub(CONFLICTS_NAMED);
    conflicts.truncate(CONFLICTS_NAMED);
    if more > 0 {
        conflicts.push(format!("and {more} more"));
    }
    HubError::Conflict(format!("nothing was written; {}", conflicts.join("; ")))
}

/// Writes steps in their order until one is refused; what is to be done after those that were written.
async fn write(
    hub: &Hub,
    by: &Principal,
    changes: &[ConfigChange],
    mut steps: Vec<Step>,
    applied: &mut ConfigApplied,
) -> Result<Vec<(u32, After)>, HubError> {
    let mut after = Vec::new();
    for (start, part) in (0..).step_by(CHANGES_PER_COMMIT).zip(steps.chunks_mut(CHANGES_PER_COMMIT)) {
        let statements = part.iter_mut().flat_map(|step| std::mem::take(&mut step.statements)).collect();
        let (part, changes) = (&*part, &changes[start..]);
        if let Err(error) = hub.store.commit(statements).await {
            let refused = refused(hub, part, changes, error).await?;
            if applied.done.is_empty() {
                return Err(nothing_written(refused.into_iter().map(|(_, text)| text).collect()));
            }
            let (at, message) = refused.into_iter().next().unwrap_or_default();
            let index = (start + at) as u32;
            applied.stopped = Some(ConfigProblem { index, field: String::new(), message });
            break;
        }
        audit(hub, by, part, changes).await?;
        let done = |(at, step): (usize, &Step)| ConfigDone {
            index: (start + at) as u32,
            id: step.id,
            key: step.key.clone(),
        };
        applied.done.extend(part.iter().enumerate().map(done));
    }
    for (index, step) in steps.into_iter().take(applied.done.len()).enumerate() {
        after.extend(step.after.map(|after| (index as u32, after)));
    }
    Ok(after)
}

/// The steps that the database does not fit any more, by their places, and why.
async fn refused(
    hub: &Hub,
    part: &[Step],
    changes: &[ConfigChange],
    error: DbError,
) -> Result<Vec<(usize, String)>, HubError> {
    if !matches!(error, DbError::Stale | DbError::Unique(_)) {
        return Err(error.into());
    }
    hub.reload_objects().await?;
    let objects = hub.objects();
    let mut seen = std::collections::HashSet::new();
    // Of several changes of one object only the first begins with what the database has.
    let first = part.iter().zip(changes).enumerate().filter(|(_, (step, _))| seen.insert(step.id));
    let text = |change| format!("{}: it was changed by somebody else meanwhile", told(change));
    let mut all: Vec<_> = first
        .filter(|(_, (step, _))| !step.fits(&objects))
        .map(|(at, (_, change))| (at, text(change)))
        .collect();
    if all.is_empty() {
        all.push((0, "something that they touch was changed by somebody else meanwhile".into()));
    }
    Ok(all)
}

async fn audit(hub: &Hub, by: &Principal, part: &[Step], changes: &[ConfigChange]) -> Result<(), HubError> {
    let actions: Vec<String> = part
        .iter()
        .zip(changes)
        .map(|(step, change)| format!("{}.{}", step.kind.noun, change.action))
        .collect();
    let entries: Vec<_> =
        actions.iter().zip(part).map(|(action, step)| (action.as_str(), step.name.as_str(), "")).collect();
    Ok(hub.store.append_audits(hub.now(), &by.name, &entries).await?)
}
