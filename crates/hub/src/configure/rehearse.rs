//! Changes that are only tried: what the hub would say to each, on top of those before it.
//!
//! Invariant: nothing is written, and no other caller sees anything of it.

use std::sync::Arc;

use watchtower_api_types::{ConfigAction, ConfigChange, ConfigCheck, ConfigProblem};
use watchtower_model::Id;
use watchtower_store::{Object, Stored};

use super::{
    Automations, Channels, Heartbeats, Inhibitions, Integrations, MaintenanceWindows, Noun, OBJECTS_MAX,
    Policies, Routes, Rules, Schedules, Scripts, Services, Teams, word,
};
use crate::access::Principal;
use crate::error::HubError;
use crate::{Hub, Objects};

/// Changes of one rehearsal.
pub const CHANGES_MAX: usize = 10_000;

/// Whether it changes anything.
type Step = fn(&Hub, &Principal, &mut Arc<Objects>, &ConfigChange) -> Result<bool, HubError>;

/// By the nouns' names in the ids of endpoints.
const STEPS: &[(&str, Step)] = &[
    ("team", step::<Teams>),
    ("channel", step::<Channels>),
    ("schedule", step::<Schedules>),
    ("policy", step::<Policies>),
    ("service", step::<Services>),
    ("route", step::<Routes>),
    ("integration", step::<Integrations>),
    ("heartbeat", step::<Heartbeats>),
    ("rule", step::<Rules>),
    ("script", step::<Scripts>),
    ("automation", step::<Automations>),
    ("maintenance", step::<MaintenanceWindows>),
    ("inhibition", step::<Inhibitions>),
];

/// What is wrong with changes that are made one after the other; nothing when the hub would take them all. Large configurations take their
/// time, on a thread that nobody else waits for.
pub async fn rehearse(
    hub: &Hub,
    by: &Principal,
    changes: Vec<ConfigChange>,
) -> Result<ConfigCheck, HubError> {
    let (hub, by) = (hub.clone(), by.clone());
    let rehearsed = tokio::task::spawn_blocking(move || all(&hub, &by, &changes)).await;
    rehearsed.map_err(|error| HubError::Internal(error.to_string()))?
}

fn all(hub: &Hub, by: &Principal, changes: &[ConfigChange]) -> Result<ConfigCheck, HubError> {
    if changes.len() > CHANGES_MAX {
        return Err(HubError::invalid("changes", format!("at most {CHANGES_MAX}")));
    }
    let mut objects = hub.objects();
    let mut check = ConfigCheck { problems: Vec::new(), unchanged: Vec::new() };
    let mut failed = Vec::<String>::new();
    for (index, change) in changes.iter().enumerate() {
        let known = STEPS.iter().find(|(noun, _)| *noun == change.noun);
        let answer = match known {
            Some((_, step)) => step(hub, by, &mut objects, change),
            None => Err(HubError::invalid("noun", "is not one of configuration")),
        };
        let error = match answer {
            Ok(changed) => {
                check.unchanged.extend((!changed).then_some(index as u32));
                continue;
            }
            Err(error) => error,
        };
        let input = change.input.to_string();
        // What refers to something that is refused is not wrong by itself.
        if !failed.iter().any(|id| input.contains(id.as_str())) {
            let (field, message) = match error {
                HubError::Invalid { field, message } => (field, message),
                other => (String::new(), other.to_string()),
            };
            check.problems.push(ConfigProblem { index: index as u32, field, message });
        }
        failed.push(change.id.to_string());
    }
    Ok(check)
}

fn step<N: Noun>(
    hub: &Hub,
    by: &Principal,
    objects: &mut Arc<Objects>,
    change: &ConfigChange,
) -> Result<bool, HubError> {
    let old = N::list(objects).iter().find(|one| one.id == change.id).cloned();
    let old = match (change.action, old) {
        (ConfigAction::Create, Some(_)) => return Err(HubError::Conflict("it exists already".into())),
        (ConfigAction::Create, None) => None,
        (_, None) => return Err(HubError::not_found(word::<N>(), change.id)),
        (_, Some(old)) => Some(old),
    };
    // Dropped before the objects are changed, so that they need not be copied.
    let seen = hub.as_if(Arc::clone(objects));
    if let Some(old) = &old {
        N::check_change(by, old)?;
    }
    let body = match change.action {
        ConfigAction::Delete => {
            N::refuse_delete(&seen, old.as_ref().expect("what is deleted was found"))?;
            None
        }
        _ => Some(body::<N>(&seen, by, change, old.as_ref())?),
    };
    drop(seen);
    let same = old.zip(body.as_ref()).is_some_and(|(old, new)| is_same::<N>(&old.body, new));
    put::<N>(objects, change.id, body);
    Ok(!same)
}

fn is_same<N: Noun>(old: &N::Body, new: &N::Body) -> bool {
    let written = |body: &N::Body| {
        let mut value = serde_json::to_value(body).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|name, _| !N::INCIDENTAL.contains(&name.as_str()));
        }
        value
    };
    written(old) == written(new)
}

fn body<N: Noun>(
    seen: &Hub,
    by: &Principal,
    change: &ConfigChange,
    old: Option<&Stored<N::Body>>,
) -> Result<N::Body, HubError> {
    let input: N::Input = serde_json::from_value(change.input.clone()).map_err(|error| {
        let text = error.to_string();
        // serde names the field in backticks.
        HubError::invalid(text.split('`').nth(1).unwrap_or_default(), &text)
    })?;
    let body = N::body(seen, by, change.id, input, old)?;
    let objects = seen.objects();
    let all = N::list(&objects);
    if all.iter().any(|one| one.id != change.id && one.body.name() == body.name()) {
        return Err(HubError::Conflict(format!("{} {:?} exists already", word::<N>(), body.name())));
    }
    if old.is_none() && all.len() >= OBJECTS_MAX {
        return Err(HubError::Conflict(format!("there are {OBJECTS_MAX} objects of this kind already")));
    }
    Ok(body)
}

/// As it would be stored; absent: as it would be gone.
fn put<N: Noun>(objects: &mut Arc<Objects>, id: Id, body: Option<N::Body>) {
    let all = N::list_mut(Arc::make_mut(objects));
    let place = all.iter().position(|one| one.id == id);
    match (place, body) {
        (Some(place), Some(body)) => all[place].body = body,
        (Some(place), None) => drop(all.remove(place)),
        (None, Some(body)) => {
            let at = watchtower_model::Timestamp(0);
            all.push(Stored {
                id,
                version: 1,
                changed_by: String::new(),
                created_at: at,
                updated_at: at,
                body,
            });
        }
        (None, None) => {}
    }
}
