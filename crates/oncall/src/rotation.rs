//! Turns: when each begins, and which one an instant is in.

use jiff::Span;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use watchtower_model::Timestamp;

use crate::wall;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Hourly,
    Daily,
    Weekly,
    /// On the day of the month of the start, or the last day of a shorter month.
    Monthly,
}

/// Invariant: turn `k` begins when the clocks first show `anchor + k * length units`, and ends when the next one begins. A turn whose time
/// the clocks never show has no length.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rotation {
    pub unit: Unit,
    pub length: i64,
    pub anchor: DateTime,
}

impl Rotation {
    /// What the clocks show as a turn begins: counted from the anchor each time, so that a short month shifts no later one.
    fn shown(&self, turn: i64) -> Option<DateTime> {
        let units = turn.checked_mul(self.length)?;
        let span = match self.unit {
            Unit::Hourly => Span::new().try_hours(units),
            Unit::Daily => Span::new().try_days(units),
            Unit::Weekly => Span::new().try_weeks(units),
            Unit::Monthly => Span::new().try_months(units),
        };
        self.anchor.checked_add(span.ok()?).ok()
    }

    pub fn begins(&self, zone: &TimeZone, turn: i64) -> Option<Timestamp> {
        wall::first(zone, self.shown(turn)?)
    }

    /// The last turn that had begun by then; `None` before the first.
    pub fn turn_at(&self, zone: &TimeZone, at: Timestamp) -> Option<i64> {
        let mut turn = self.estimate(wall::shown(zone, at)?).max(0);
        while self.begins(zone, turn + 1)? <= at {
            turn += 1;
        }
        while self.begins(zone, turn)? > at {
            turn -= 1;
            if turn < 0 {
                return None;
            }
        }
        Some(turn)
    }

    /// Off by what the clocks were ever put forward or back, and no more.
    fn estimate(&self, shown: DateTime) -> i64 {
        let hours = shown.duration_since(self.anchor).as_hours();
        let months = |t: DateTime| i64::from(t.year()) * 12 + i64::from(t.month());
        let units = match self.unit {
            Unit::Hourly => hours,
            Unit::Daily => hours.div_euclid(24),
            Unit::Weekly => hours.div_euclid(24 * 7),
            Unit::Monthly => months(shown) - months(self.anchor),
        };
        units.div_euclid(self.length)
    }
}
