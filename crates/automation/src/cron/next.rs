//! The first firing after an instant.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp as Instant, ToSpan};
use watchtower_model::Timestamp;

use super::expression::Expression;

/// 29 February comes every eight years at the least often; a year of reserve.
const DAYS_MAX: u32 = 9 * 366;
/// No clock was ever put forward by more than a day: firings of the days before are looked at again.
const DAYS_BACK: i64 = 2;

pub(super) fn next(expression: &Expression, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let after = Instant::from_millisecond(after.0).ok()?;
    let found = if expression.follows_real_time() {
        in_real_time(expression, zone, after)
    } else {
        by_the_wall(expression, zone, after)
    };
    found.map(|instant| Timestamp(instant.as_millisecond()))
}

/// Days on which it fires, from this one on; whole months that do not fit are skipped.
fn days(expression: &Expression, from: Date) -> impl Iterator<Item = Date> {
    let last = from.checked_add(i64::from(DAYS_MAX).days());
    let mut day = Some(from);
    std::iter::from_fn(move || {
        loop {
            let this = day.filter(|day| last.as_ref().is_ok_and(|last| day <= last))?;
            if !expression.has_month(this.month()) {
                day = this.last_of_month().tomorrow().ok();
                continue;
            }
            day = this.tomorrow().ok();
            if expression.has_day(this) {
                return Some(this);
            }
        }
    })
}

/// Fixed times of a day: each of them is one instant, and a later one is never an earlier instant.
fn by_the_wall(expression: &Expression, zone: &TimeZone, after: Instant) -> Option<Instant> {
    let (hours, minutes) = (expression.hour.values(), expression.minute.values());
    let from = zone.to_datetime(after).date().checked_sub(DAYS_BACK.days()).ok()?;
    for day in days(expression, from) {
        for hour in &hours {
            for minute in &minutes {
                let instant = instant_of(zone, day.at(*hour as i8, *minute as i8, 0, 0))?;
                if instant > after {
                    return Some(instant);
                }
            }
        }
    }
    None
}

/// When the clocks of the zone show this: the first time of two, and the end of the gap when never.
fn instant_of(zone: &TimeZone, shown: DateTime) -> Option<Instant> {
    let at = zone.to_ambiguous_timestamp(shown);
    match at.offset() {
        AmbiguousOffset::Gap { before, .. } => {
            // By the clock that was not yet put forward it is after the change, by less than the gap.
            let past = before.to_timestamp(shown).ok()?;
            let just_past = past.checked_add(SignedDuration::from_nanos(1)).ok()?;
            Some(zone.preceding(just_past).next()?.timestamp())
        }
        _ => at.compatible().ok(),
    }
}

/// Minute by minute over the days that fit, as the clocks show them.
fn in_real_time(expression: &Expression, zone: &TimeZone, after: Instant) -> Option<Instant> {
    let minute = SignedDuration::from_mins(1);
    let today = zone.to_datetime(after).date();
    for day in days(expression, today) {
        let end = instant_of(zone, day.tomorrow().ok()?.at(0, 0, 0, 0))?;
        let mut at = match day == today {
            true => next_minute(after)?,
            false => instant_of(zone, day.at(0, 0, 0, 0))?,
        };
        while at < end {
            let shown = zone.to_datetime(at);
            if expression.hour.has(shown.hour() as u32)
                && expression.minute.has(shown.minute() as u32)
                && expression.has_day(shown.date())
            {
                return Some(at);
            }
            at = at.checked_add(minute).ok()?;
        }
    }
    None
}

/// The next whole minute after an instant. Offsets of zones are whole minutes since long ago.
fn next_minute(after: Instant) -> Option<Instant> {
    Instant::from_second((after.as_second().div_euclid(60) + 1) * 60).ok()
}
