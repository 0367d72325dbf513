//! Who is on call: asked for an instant or a range, and shown to people.

mod form;
mod calendar;

use watchtower_api_types as api;
use watchtower_incident::Target;
use watchtower_model::{OverrideId, ScheduleId, Timestamp, UserId};
pub use watchtower_oncall::RANGE_MS_MAX;
use watchtower_oncall::{Duty, Source};
use watchtower_store::Stored;

pub use calendar::calendar;
pub use form::engine;
pub(crate) use form::{definition, layer};

use super::targets;
use crate::Hub;
use crate::objects::ScheduleBody;

/// Everybody on call by a schedule, each once; nobody when it is gone.
pub fn users(hub: &Hub, id: ScheduleId, at: Timestamp) -> Vec<UserId> {
    let objects = hub.objects();
    let schedule = objects.schedule(id).and_then(|stored| engine(&stored.body));
    let mut users: Vec<_> = schedule
        .map(|schedule| schedule.on_call(at))
        .unwrap_or_default()
        .iter()
        .map(|duty| duty.user)
        .collect();
    users.sort_unstable();
    users.dedup();
    users
}

/// Who is on call and why, in one line for the timeline.
pub(super) fn roll_call(hub: &Hub, id: ScheduleId, at: Timestamp) -> String {
    let objects = hub.objects();
    let Some(stored) = objects.schedule(id) else {
        return "the schedule was removed: nobody is on call".into();
    };
    let name = &stored.body.name;
    let people = people(hub, stored, at);
    let told = people.iter().map(|person| {
        let unreachable = match targets::channels_of(hub, &Target::User(person.user_id), at).is_empty() {
            true => " (no channel reaches this person)",
            false => "",
        };
        format!("{}{unreachable}, on call for {name} until {} {}", person.user, person.until, reason(person))
    });
    match people.is_empty() {
        true => format!("nobody is on call for {name}"),
        false => told.collect::<Vec<_>>().join("; "),
    }
}

fn reason(person: &api::OnCallPerson) -> String {
    match &person.layer {
        Some(layer) => format!("({layer})"),
        None => "(override)".into(),
    }
}

/// Everybody on call by a schedule at an instant, with layer or override, and until when.
pub fn people(hub: &Hub, stored: &Stored<ScheduleBody>, at: Timestamp) -> Vec<api::OnCallPerson> {
    let Some(schedule) = engine(&stored.body) else { return Vec::new() };
    let person = |duty: Duty| {
        let (layer, override_id) = source(duty.source);
        api::OnCallPerson {
            user_id: duty.user,
            user: user_name(hub, duty.user),
            layer,
            override_id,
            until_at: duty.until.into(),
            until: schedule.clock(duty.until, at),
        }
    };
    schedule.on_call(at).into_iter().map(person).collect()
}

pub fn user_name(hub: &Hub, id: UserId) -> String {
    hub.logins.people().get(&id).map_or_else(|| "a removed user".into(), |user| user.name.clone())
}

fn source(source: Source) -> (Option<String>, Option<OverrideId>) {
    match source {
        Source::Layer(name) => (Some(name), None),
        Source::Override(id) => (None, Some(id)),
    }
}

/// Who is on call when, cut to the range.
pub fn shifts(hub: &Hub, body: &ScheduleBody, from: Timestamp, to: Timestamp) -> Vec<api::Shift> {
    let Some(schedule) = engine(body) else { return Vec::new() };
    let shift = |shift: watchtower_oncall::Shift| {
        let (layer, override_id) = source(shift.source);
        api::Shift {
            user_id: shift.user,
            user: user_name(hub, shift.user),
            layer,
            override_id,
            from_at: shift.from.into(),
            to_at: shift.to.into(),
        }
    };
    schedule.shifts(from, to).into_iter().map(shift).collect()
}

/// When nobody is on call.
pub fn gaps(body: &ScheduleBody, from: Timestamp, to: Timestamp) -> Vec<api::ScheduleGap> {
    let gaps = engine(body).map(|schedule| schedule.gaps(from, to)).unwrap_or_default();
    gaps.into_iter().map(|gap| api::ScheduleGap { from_at: gap.from.into(), to_at: gap.to.into() }).collect()
}
