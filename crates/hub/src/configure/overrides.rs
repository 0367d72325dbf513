//! Overrides of a schedule: somebody is put on call for a while, or taken off.

use watchtower_api_types as api;
use watchtower_api_types::OverrideKind;
use watchtower_model::{OverrideId, Timestamp, UserId};

use super::find;
use super::schedules::{Schedules, replace};
use crate::access::Principal;
use crate::error::HubError;
use crate::objects::ScheduleBody;
use crate::{Hub, random};

/// Overrides of a schedule that are not over.
const OVERRIDES_MAX: usize = 200;
/// Those that are over and stay, so that who was on call stays said; the ones that ended first are forgotten beyond it.
const PAST_MAX: usize = 300;
/// The longest one, and how far ahead it may begin: beyond, it is a layer.
pub(super) const REACH_MS: i64 = 366 * 86_400_000;

pub(super) fn user(hub: &Hub, field: &str, id_or_name: &str) -> Result<UserId, HubError> {
    let people = hub.logins.people();
    let by_id = id_or_name.parse::<UserId>().ok().filter(|id| people.contains_key(id));
    let found = by_id.or_else(|| people.values().find(|user| user.name == id_or_name).map(|user| user.id));
    found.ok_or_else(|| HubError::invalid(field, format!("user {id_or_name:?} does not exist")))
}

fn checked(
    hub: &Hub,
    by: &Principal,
    input: api::OverrideInput,
    now: Timestamp,
) -> Result<api::ScheduleOverride, HubError> {
    let from = input.from_at.map_or(now, |at| at.0);
    let to = input.to_at.0;
    if to <= from || to <= now {
        return Err(HubError::invalid("to_at", "must be after its begin, and not be over"));
    }
    if to.since(from) > REACH_MS || from.since(now) > REACH_MS {
        return Err(HubError::invalid("to_at", "lasts, and begins, within a year: make a layer for more"));
    }
    if input.instead_of.is_some() && input.kind != OverrideKind::Replace {
        return Err(HubError::invalid("instead_of", "is for replace alone"));
    }
    let instead_of_id = input.instead_of.as_deref().map(|name| user(hub, "instead_of", name)).transpose()?;
    Ok(api::ScheduleOverride {
        id: OverrideId(random::id(now)),
        kind: input.kind,
        user_id: user(hub, "user", &input.user)?,
        instead_of_id,
        from_at: from.into(),
        to_at: to.into(),
        created_by: by.name.clone(),
        created_at: now.into(),
    })
}

pub async fn add_override(
    hub: &Hub,
    by: &Principal,
    schedule: &str,
    input: api::OverrideInput,
) -> Result<api::ScheduleOverride, HubError> {
    let now = hub.now();
    let old = find::<Schedules>(hub, schedule)?;
    let made = checked(hub, by, input, now)?;
    let mut body = old.body.clone();
    add_all(&mut body, std::slice::from_ref(&made), now)?;
    replace(hub, by, "override", &old, &body).await?;
    Ok(made)
}

pub(super) fn add_all(
    body: &mut ScheduleBody,
    more: &[api::ScheduleOverride],
    now: Timestamp,
) -> Result<(), HubError> {
    if body.overrides.iter().filter(|one| one.to_at.0 > now).count() + more.len() > OVERRIDES_MAX {
        return Err(HubError::Conflict(format!("there are {OVERRIDES_MAX} overrides: end some first")));
    }
    forget_past(body, now);
    body.overrides.extend_from_slice(more);
    Ok(())
}

fn forget_past(body: &mut ScheduleBody, now: Timestamp) {
    let mut ended: Vec<_> = body.overrides.iter().map(|one| one.to_at.0).filter(|to| *to <= now).collect();
    ended.sort_unstable();
    if let Some(last) = ended.len().checked_sub(PAST_MAX + 1).map(|index| ended[index]) {
        body.overrides.retain(|one| one.to_at.0 > last);
    }
}

/// One that has not begun is removed; one that runs ends now, and stays part of the past.
pub async fn end_override(hub: &Hub, by: &Principal, schedule: &str, id: &str) -> Result<(), HubError> {
    let now = hub.now();
    let old = find::<Schedules>(hub, schedule)?;
    let mut body = old.body.clone();
    let missing = || HubError::not_found("override", id);
    let wanted: OverrideId = id.parse().map_err(|_| missing())?;
    let place = body.overrides.iter().position(|one| one.id == wanted && one.to_at.0 > now);
    let place = place.ok_or_else(missing)?;
    if body.overrides[place].from_at.0 < now {
        body.overrides[place].to_at = now.into();
    } else {
        body.overrides.remove(place);
    }
    replace(hub, by, "end_override", &old, &body).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_model::Id;

    #[test]
    fn what_ended_first_is_forgotten_first() {
        let one = |to: i64| api::ScheduleOverride {
            id: OverrideId(Id::NIL),
            kind: OverrideKind::Add,
            user_id: UserId(Id::NIL),
            instead_of_id: None,
            from_at: Timestamp(0).into(),
            to_at: Timestamp(to).into(),
            created_by: String::new(),
            created_at: Timestamp(0).into(),
        };
        let mut body = ScheduleBody {
            name: String::new(),
            description: String::new(),
            definitions: Vec::new(),
            overrides: (1..=PAST_MAX as i64 + 5).map(one).chain([one(1_000_000)]).collect(),
            calendar_hash: None,
            swaps: Vec::new(),
        };
        forget_past(&mut body, Timestamp(1000));
        assert_eq!((body.overrides.len(), body.overrides[0].to_at.0), (PAST_MAX + 1, Timestamp(6)));
        forget_past(&mut body, Timestamp(1000));
        assert_eq!(body.overrides.len(), PAST_MAX + 1);
    }
}
