//! Shifts that whoever has them offers, and somebody else takes: for nothing, or against a shift that is named.
//!
//! Invariant: an offer is taken once, in the commit that makes its overrides; and only while those who swap have the shifts that they
//! give, so that nobody is put on call, or taken off, by an offer that the schedule has overtaken.

use watchtower_api_types as api;
use watchtower_api_types::OverrideKind;
use watchtower_api_types::endpoints::find as endpoint;
use watchtower_incident::Target;
use watchtower_model::{Id, OverrideId, Timestamp, UserId, check_line, limits::LINE_BYTES_MAX};
use watchtower_store::Statement;

use super::find;
use super::overrides::{REACH_MS, add_all, user};
use super::schedules::{Schedules, replace, replace_with};
use crate::access::{Object, Principal, authorize};
use crate::error::HubError;
use crate::jobs::news;
use crate::objects::ScheduleBody;
use crate::respond::on_call::{self, RANGE_MS_MAX};
use crate::respond::targets;
use crate::{Hub, WAKE_NEWS, random};

/// Offers of a schedule that nobody has taken yet.
const SWAPS_MAX: usize = 50;

/// From a time, up to another.
#[derive(Clone, Copy)]
struct Range {
    from: Timestamp,
    to: Timestamp,
}

/// Whom a call is about: who calls, or another, for those who may edit schedules.
fn whose(hub: &Hub, by: &Principal, named: Option<&str>) -> Result<UserId, HubError> {
    let Some(named) = named else {
        return by.user.ok_or_else(|| HubError::invalid("user", "say whose: a token is nobody"));
    };
    let id = user(hub, "user", named)?;
    if by.user != Some(id) && !edits(by) {
        return Err(HubError::Forbidden("only who may edit schedules does this for somebody else".into()));
    }
    Ok(id)
}

fn edits(by: &Principal) -> bool {
    let update = endpoint("schedule.update").expect("schedules are edited by an endpoint");
    authorize(by, update.access, update.id, Object::Global).is_ok()
}

/// Offers a shift: the next one of its owner, unless it is said which, or which part of it.
pub async fn offer_swap(
    hub: &Hub,
    by: &Principal,
    schedule: &str,
    input: api::SwapInput,
) -> Result<api::ShiftSwap, HubError> {
    let (old, now) = (find::<Schedules>(hub, schedule)?, hub.now());
    let owner = whose(hub, by, input.user.as_deref())?;
    check_line(&input.note, LINE_BYTES_MAX).map_err(|e| HubError::invalid("note", e))?;
    let given = given(hub, &old.body, owner, &input, now)?;
    let wanted = input.in_return.map(|range| Range { from: range.from_at.0, to: range.to_at.0 });
    if let Some(wanted) = wanted {
        check_range("in_return", wanted, now)?;
        not_on_call(hub, &old.body, owner, wanted, "in_return")?;
    }
    let mut body = old.body.clone();
    body.swaps.retain(|swap| swap.to_at.0 > now);
    if body.swaps.len() >= SWAPS_MAX {
        return Err(HubError::Conflict(format!("there are {SWAPS_MAX} offers: withdraw some first")));
    }
    let overlaps = |swap: &api::ShiftSwap| {
        swap.user_id == owner && swap.from_at.0 < given.to && given.from < swap.to_at.0
    };
    if body.swaps.iter().any(overlaps) {
        return Err(HubError::Conflict("it is offered already, or a part of it: withdraw that first".into()));
    }
    let swap = api::ShiftSwap {
        id: random::id(now),
        user_id: owner,
        from_at: given.from.into(),
        to_at: given.to.into(),
        in_return: wanted.map(|range| api::ShiftRange { from_at: range.from.into(), to_at: range.to.into() }),
        note: input.note,
        created_by: by.name.clone(),
        created_at: now.into(),
    };
    body.swaps.push(swap.clone());
    replace(hub, by, "swap", &old, &body).await?;
    Ok(swap)
}

fn given(
    hub: &Hub,
    body: &ScheduleBody,
    owner: UserId,
    input: &api::SwapInput,
    now: Timestamp,
) -> Result<Range, HubError> {
    let from = input.from_at.map_or(now, |at| at.0).max(now);
    let next = on_call::shifts(hub, body, from, from.plus_ms(RANGE_MS_MAX));
    let next = next.into_iter().filter(|shift| shift.user_id == owner).min_by_key(|shift| shift.from_at.0);
    let next = next.ok_or_else(|| {
        let name = on_call::user_name(hub, owner);
        HubError::invalid("from_at", format!("{name} has no shift from then on"))
    })?;
    let from = if input.from_at.is_some() { from } else { next.from_at.0 };
    let given = Range { from, to: input.to_at.map_or(next.to_at.0, |at| at.0) };
    check_range("to_at", given, now)?;
    on_call_throughout(hub, body, owner, given, "from_at")?;
    Ok(given)
}

fn check_range(field: &str, range: Range, now: Timestamp) -> Result<(), HubError> {
    if range.to <= range.from || range.to <= now {
        return Err(HubError::invalid(field, "must be after its begin, and not be over"));
    }
    if range.to.since(range.from) > RANGE_MS_MAX || range.from.since(now) > REACH_MS {
        return Err(HubError::invalid(field, "is too long, or too far ahead: edit the schedule instead"));
    }
    Ok(())
}

/// What of a range a person is on call for, in milliseconds.
fn on_call_ms(hub: &Hub, body: &ScheduleBody, person: UserId, range: Range) -> i64 {
    let mut shifts = on_call::shifts(hub, body, range.from, range.to);
    shifts.retain(|shift| shift.user_id == person);
    shifts.sort_by_key(|shift| shift.from_at.0);
    let (mut covered, mut at) = (0, range.from);
    for shift in shifts {
        let from = shift.from_at.0.max(at);
        covered += shift.to_at.0.since(from).max(0);
        at = at.max(shift.to_at.0);
    }
    covered
}

fn on_call_throughout(
    hub: &Hub,
    body: &ScheduleBody,
    person: UserId,
    range: Range,
    field: &str,
) -> Result<(), HubError> {
    if on_call_ms(hub, body, person, range) == range.to.since(range.from) {
        return Ok(());
    }
    let name = on_call::user_name(hub, person);
    Err(HubError::invalid(field, format!("{name} is not on call for {} all that time", body.name)))
}

/// Who is there already cannot take somebody's place: one fewer would be on call.
fn not_on_call(
    hub: &Hub,
    body: &ScheduleBody,
    person: UserId,
    range: Range,
    field: &str,
) -> Result<(), HubError> {
    if on_call_ms(hub, body, person, range) == 0 {
        return Ok(());
    }
    let name = on_call::user_name(hub, person);
    Err(HubError::invalid(field, format!("{name} is on call for {} then anyway", body.name)))
}

fn place_of(body: &ScheduleBody, id: &str, now: Timestamp) -> Result<usize, HubError> {
    let wanted: Option<Id> = id.parse().ok();
    let found = body.swaps.iter().position(|swap| Some(swap.id) == wanted && swap.to_at.0 > now);
    found.ok_or_else(|| HubError::not_found("swap", id))
}

/// Takes an offer: overrides for both, in one commit. What of it is over is not swapped any more.
pub async fn take_swap(
    hub: &Hub,
    by: &Principal,
    schedule: &str,
    id: &str,
    input: api::SwapTake,
) -> Result<api::SwapTaken, HubError> {
    let (old, now) = (find::<Schedules>(hub, schedule)?, hub.now());
    let mut body = old.body.clone();
    let swap = body.swaps.remove(place_of(&body, id, now)?);
    let taker = whose(hub, by, input.user.as_deref())?;
    if taker == swap.user_id {
        return Err(HubError::invalid("user", "it is their own: withdraw it instead"));
    }
    let given = Range { from: swap.from_at.0.max(now), to: swap.to_at.0 };
    on_call_throughout(hub, &old.body, swap.user_id, given, "swap")?;
    not_on_call(hub, &old.body, taker, given, "user")?;
    let replaces = |user, instead_of, range: Range| api::ScheduleOverride {
        id: OverrideId(random::id(now)),
        kind: OverrideKind::Replace,
        user_id: user,
        instead_of_id: Some(instead_of),
        from_at: range.from.into(),
        to_at: range.to.into(),
        created_by: by.name.clone(),
        created_at: now.into(),
    };
    let mut overrides = vec![replaces(taker, swap.user_id, given)];
    if let Some(range) = &swap.in_return {
        let range = Range { from: range.from_at.0, to: range.to_at.0 };
        check_range("swap", range, now)?;
        on_call_throughout(hub, &old.body, taker, range, "user")?;
        not_on_call(hub, &old.body, swap.user_id, range, "swap")?;
        overrides.push(replaces(swap.user_id, taker, Range { from: range.from.max(now), ..range }));
    }
    add_all(&mut body, &overrides, now)?;
    let news = told(hub, &swap, taker, &old.body, &overrides);
    replace_with(hub, by, "take_swap", &old, &body, news).await?;
    hub.bus.wake(WAKE_NEWS);
    Ok(api::SwapTaken { overrides })
}

/// Both hear of it by their channels, if they have any.
fn told(
    hub: &Hub,
    swap: &api::ShiftSwap,
    taker: UserId,
    body: &ScheduleBody,
    overrides: &[api::ScheduleOverride],
) -> Vec<Statement> {
    let now = hub.now();
    let (Some(schedule), Some(current)) = (on_call::engine(body), body.current()) else { return Vec::new() };
    let line = |one: &api::ScheduleOverride| {
        let (from, to) = (schedule.clock(one.from_at.0, now), schedule.clock(one.to_at.0, now));
        let (who, whose) = (on_call::user_name(hub, one.user_id), one.instead_of_id);
        let whose = whose.map(|id| on_call::user_name(hub, id)).unwrap_or_default();
        format!("{who} instead of {whose}, from {from} to {to} ({})", current.timezone)
    };
    let lines: Vec<String> = overrides.iter().map(line).collect();
    let title = format!("on call for {}: {}", body.name, lines.first().map_or("", String::as_str));
    [taker, swap.user_id]
        .iter()
        .flat_map(|user| {
            let channels = targets::channels_of(hub, &Target::User(*user), now);
            news::tell(hub, &format!("swap/{}/{user}", swap.id), &channels, &title, &lines[1..])
        })
        .collect()
}

/// Takes an offer back.
pub async fn withdraw_swap(hub: &Hub, by: &Principal, schedule: &str, id: &str) -> Result<(), HubError> {
    let (old, now) = (find::<Schedules>(hub, schedule)?, hub.now());
    let mut body = old.body.clone();
    let swap = body.swaps.remove(place_of(&body, id, now)?);
    if by.user != Some(swap.user_id) && !edits(by) {
        return Err(HubError::Forbidden("only who may edit schedules does this for somebody else".into()));
    }
    replace(hub, by, "withdraw_swap", &old, &body).await
}
