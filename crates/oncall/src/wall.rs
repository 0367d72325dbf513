//! Between instants and what the clocks of a zone show.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp as Instant};
use watchtower_model::Timestamp;

/// What the clocks show; `None` beyond the years 1 to 9999.
pub(crate) fn shown(zone: &TimeZone, at: Timestamp) -> Option<DateTime> {
    Some(zone.to_datetime(Instant::from_millisecond(at.0).ok()?))
}

/// When the clocks show this for the first time; the end of the gap where they never do.
pub(crate) fn first(zone: &TimeZone, shown: DateTime) -> Option<Timestamp> {
    instant(zone, shown, false)
}

/// When the clocks show this for the last time; the end of the gap where they never do.
pub(crate) fn last(zone: &TimeZone, shown: DateTime) -> Option<Timestamp> {
    instant(zone, shown, true)
}

fn instant(zone: &TimeZone, shown: DateTime, last: bool) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(shown);
    let found = match ambiguous.offset() {
        AmbiguousOffset::Gap { before, .. } => {
            // By the clock that was not yet put forward it is after the change, by less than the gap.
            let past = before.to_timestamp(shown).ok()?;
            let just_past = past.checked_add(SignedDuration::from_nanos(1)).ok()?;
            zone.preceding(just_past).next()?.timestamp()
        }
        AmbiguousOffset::Fold { .. } if last => ambiguous.later().ok()?,
        _ => ambiguous.earlier().ok()?,
    };
    Some(Timestamp(found.as_millisecond()))
}
