//! Schedules as they are stored, in the engine's form.

use watchtower_api_types as api;
use watchtower_oncall::{
    Definition, LayerSpec, Override, OverrideKind, RestrictionSpec, Schedule, ScheduleError, Unit, Weekday,
};

use crate::objects::{RotatingLayer, ScheduleBody, ScheduleDefinition};

/// The engine's form; `None` when its zone is not known any more, which is logged.
pub fn engine(body: &ScheduleBody) -> Option<Schedule> {
    let mut definitions = Vec::new();
    for stored in &body.definitions {
        match definition(stored) {
            Ok(definition) => definitions.push(definition),
            Err(error) => tracing::error!(schedule = body.name, "nobody is on call: {error}"),
        }
    }
    let mut definitions = definitions.into_iter();
    Some(Schedule::new(definitions.next()?, definitions, body.overrides.iter().map(one_override).collect()))
}

pub(crate) fn definition(stored: &ScheduleDefinition) -> Result<Definition, ScheduleError> {
    let layers: Vec<_> = stored.layers.iter().map(layer).collect();
    Definition::new(stored.since, &stored.timezone, &layers)
}

pub(crate) fn layer(stored: &RotatingLayer) -> LayerSpec {
    let layer = &stored.layer;
    LayerSpec {
        name: layer.name.clone(),
        participants: layer.participants.clone(),
        unit: match layer.unit {
            api::RotationUnit::Hourly => Unit::Hourly,
            api::RotationUnit::Daily => Unit::Daily,
            api::RotationUnit::Weekly => Unit::Weekly,
            api::RotationUnit::Monthly => Unit::Monthly,
        },
        length: layer.length,
        handoff: layer.handoff.clone(),
        start: layer.start.clone(),
        first: stored.first,
        restrictions: layer.restrictions.iter().map(restriction).collect(),
    }
}

fn restriction(stored: &api::ScheduleRestriction) -> RestrictionSpec {
    RestrictionSpec {
        days: stored.days.iter().copied().map(weekday).collect(),
        from: stored.from.clone(),
        to: stored.to.clone(),
        to_day: stored.to_day.map(weekday),
    }
}

fn weekday(day: api::Weekday) -> Weekday {
    match day {
        api::Weekday::Mon => Weekday::Mon,
        api::Weekday::Tue => Weekday::Tue,
        api::Weekday::Wed => Weekday::Wed,
        api::Weekday::Thu => Weekday::Thu,
        api::Weekday::Fri => Weekday::Fri,
        api::Weekday::Sat => Weekday::Sat,
        api::Weekday::Sun => Weekday::Sun,
    }
}

fn one_override(stored: &api::ScheduleOverride) -> Override {
    Override {
        id: stored.id,
        kind: match stored.kind {
            api::OverrideKind::Add => OverrideKind::Add,
            api::OverrideKind::Remove => OverrideKind::Remove,
            api::OverrideKind::Replace => OverrideKind::Replace { instead_of: stored.instead_of_id },
        },
        user: stored.user_id,
        from: stored.from_at.0,
        to: stored.to_at.0,
    }
}
