//! Schedules: who is on call when.
//!
//! Invariant: an edit begins a new definition and leaves the ones before as they are, so that who was on call stays said; and whoever is on
//! call as the people of a rotation change stays so until the turn is over.

use watchtower_api_types as api;
use watchtower_model::{Id, ScheduleId, Timestamp, check_line, check_name, limits::LINE_BYTES_MAX};
use watchtower_oncall::first_after_edit;
use watchtower_store::{Object, Statement, Store, Stored, objects as stored};

use super::{Noun, find, named, save, warnings};
use crate::access::Principal;
use crate::error::HubError;
use crate::objects::{RotatingLayer, ScheduleBody, ScheduleDefinition};
use crate::respond::on_call;
use crate::{Hub, Objects, random};

/// Definitions that are kept; the oldest kept one then answers for all that was before it.
const DEFINITIONS_MAX: usize = 50;

pub struct Schedules;

impl Noun for Schedules {
    type Body = ScheduleBody;
    type Input = api::ScheduleInput;
    type View = api::Schedule;

    fn list(objects: &Objects) -> &[Stored<ScheduleBody>] {
        &objects.schedules
    }

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<ScheduleBody>> {
        &mut objects.schedules
    }

    fn body(
        hub: &Hub,
        _: &Principal,
        _: Id,
        input: api::ScheduleInput,
        old: Option<&Stored<ScheduleBody>>,
    ) -> Result<ScheduleBody, HubError> {
        named(&input.name)?;
        check_line(&input.description, LINE_BYTES_MAX).map_err(|e| HubError::invalid("description", e))?;
        check_people(hub, &input)?;
        let now = hub.now();
        let old = old.map(|old| &old.body);
        let definition = definition(&input, old.and_then(ScheduleBody::current), now)?;
        let mut definitions = old.map(|old| old.definitions.clone()).unwrap_or_default();
        let unchanged = definitions
            .last()
            .is_some_and(|last| (&last.timezone, &last.layers) == (&definition.timezone, &definition.layers));
        if !unchanged {
            definitions.push(definition);
        }
        let surplus = definitions.len().saturating_sub(DEFINITIONS_MAX);
        definitions.drain(..surplus);
        let kept = |old: &ScheduleBody| (old.overrides.clone(), old.swaps.clone(), old.calendar_hash.clone());
        let (overrides, swaps, calendar_hash) = old.map(kept).unwrap_or_default();
        Ok(ScheduleBody {
            name: input.name,
            description: input.description,
            definitions,
            overrides,
            swaps,
            calendar_hash,
        })
    }

    async fn view(hub: &Hub, stored: &Stored<ScheduleBody>, alone: bool) -> Result<api::Schedule, HubError> {
        let (body, now) = (&stored.body, hub.now());
        let current = body.current();
        let mut wrong = warnings::of(hub, body);
        if alone {
            wrong.extend(warnings::failed_deliveries(hub, body).await?);
        }
        Ok(api::Schedule {
            id: ScheduleId(stored.id),
            name: body.name.clone(),
            description: body.description.clone(),
            timezone: current.map(|one| one.timezone.clone()).unwrap_or_default(),
            layers: current
                .map(|one| one.layers.iter().map(|layer| layer.layer.clone()).collect())
                .unwrap_or_default(),
            overrides: body.overrides.iter().filter(|one| one.to_at.0 > now).cloned().collect(),
            swaps: body.swaps.iter().filter(|one| one.to_at.0 > now).cloned().collect(),
            on_call: on_call::people(hub, stored, now),
            warnings: wrong,
            has_calendar: body.calendar_hash.is_some(),
            created_at: stored.created_at.into(),
        })
    }

    fn refuse_delete(hub: &Hub, stored: &Stored<ScheduleBody>) -> Result<(), HubError> {
        let objects = hub.objects();
        let used = objects.policies.iter().find(|policy| {
            policy.body.0.steps.iter().flat_map(|step| &step.targets).any(|target| target.id == stored.id)
        });
        match used {
            Some(policy) => {
                Err(HubError::Conflict(format!("policy {:?} pages this schedule", policy.body.0.name)))
            }
            None => Ok(()),
        }
    }
}

fn check_people(hub: &Hub, input: &api::ScheduleInput) -> Result<(), HubError> {
    let people = hub.logins.people();
    for (at, layer) in input.layers.iter().enumerate() {
        check_name(&layer.name).map_err(|e| HubError::invalid(format!("layers[{at}].name"), e))?;
        if let Some(id) = layer.participants.iter().find(|id| !people.contains_key(id)) {
            let text = format!("user {id} does not exist");
            return Err(HubError::invalid(format!("layers[{at}].participants"), text));
        }
    }
    Ok(())
}

/// What is in force from now on.
fn definition(
    input: &api::ScheduleInput,
    old: Option<&ScheduleDefinition>,
    now: Timestamp,
) -> Result<ScheduleDefinition, HubError> {
    let refused = |error: watchtower_oncall::ScheduleError| {
        let (field, what) = error.parts();
        HubError::invalid(field, what)
    };
    let anew = |layer: &api::ScheduleLayer| RotatingLayer { layer: layer.clone(), first: 0 };
    let mut new = ScheduleDefinition {
        since: now,
        timezone: input.timezone.clone(),
        layers: input.layers.iter().map(anew).collect(),
    };
    new.timezone = on_call::definition(&new).map_err(refused)?.zone_name().into();
    if let Some(old) = old.and_then(|old| on_call::definition(old).ok()) {
        for layer in &mut new.layers {
            layer.first = first_after_edit(&old, &on_call::layer(layer), &new.timezone, now);
        }
    }
    Ok(new)
}

/// Stores a change of a schedule that is no edit of its definition.
pub(super) async fn replace(
    hub: &Hub,
    by: &Principal,
    verb: &str,
    old: &Stored<ScheduleBody>,
    body: &ScheduleBody,
) -> Result<(), HubError> {
    replace_with(hub, by, verb, old, body, Vec::new()).await
}

/// As [`replace`]; `also` is written in the same commit.
pub(super) async fn replace_with(
    hub: &Hub,
    by: &Principal,
    verb: &str,
    old: &Stored<ScheduleBody>,
    body: &ScheduleBody,
    also: Vec<Statement>,
) -> Result<(), HubError> {
    let now = hub.now();
    let mut statements = stored::update(old.id, old.version, body, &by.name, now);
    statements.push(Store::insert_change(ScheduleBody::KIND, old.id, now));
    statements.extend(also);
    save::<Schedules>(hub, &by.name, verb, &body.name, statements).await
}

/// Makes a link for calendars in place of the one there is.
pub async fn new_calendar(hub: &Hub, by: &Principal, name: &str) -> Result<api::CalendarLink, HubError> {
    let old = find::<Schedules>(hub, name)?;
    let secret = random::hex(&random::bytes::<16>());
    let calendar_hash = Some(random::hash_secret(&secret));
    replace(hub, by, "calendar", &old, &ScheduleBody { calendar_hash, ..old.body.clone() }).await?;
    let path = format!("/api/v1/schedules/{}/calendar.ics?token={secret}", old.id);
    Ok(api::CalendarLink { url: format!("{}{path}", hub.config.public_url) })
}

pub async fn end_calendar(hub: &Hub, by: &Principal, name: &str) -> Result<(), HubError> {
    let old = find::<Schedules>(hub, name)?;
    let body = ScheduleBody { calendar_hash: None, ..old.body.clone() };
    replace(hub, by, "end_calendar", &old, &body).await
}
