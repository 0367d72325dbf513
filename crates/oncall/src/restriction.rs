//! Times of the week to which a layer is restricted.

use jiff::ToSpan;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use watchtower_model::Timestamp;

use crate::wall;

/// A restriction from one day to another is at most a week long; a day more for what the clocks are put back.
const DAYS_AROUND: i32 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Weekday {
    fn of(date: Date) -> Weekday {
        use Weekday::*;
        const WEEK: [Weekday; 7] = [Mon, Tue, Wed, Thu, Fri, Sat, Sun];
        WEEK[date.weekday().to_monday_zero_offset() as usize]
    }
}

/// A restriction as people write it: it begins at `from` on each of `days` (every day when empty) and ends at the next `to` after that,
/// on `to_day` where one is given. An end that is not later than its begin is on the next day, or a week later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestrictionSpec {
    pub days: Vec<Weekday>,
    /// `HH:MM`
    pub from: String,
    pub to: String,
    pub to_day: Option<Weekday>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Restriction {
    pub days: Vec<Weekday>,
    pub from: Time,
    pub to: Time,
    pub to_day: Option<Weekday>,
}

impl Restriction {
    /// The one that begins on this date, if one does and the clocks leave something of it.
    fn window(&self, zone: &TimeZone, date: Date) -> Option<(Timestamp, Timestamp)> {
        if !self.days.is_empty() && !self.days.contains(&Weekday::of(date)) {
            return None;
        }
        let ends_on = match self.to_day {
            None => date.checked_add(i32::from(self.to <= self.from).days()).ok()?,
            Some(day) => {
                let mut end = date;
                while Weekday::of(end) != day || end.to_datetime(self.to) <= date.to_datetime(self.from) {
                    end = end.tomorrow().ok()?;
                }
                end
            }
        };
        let from = wall::first(zone, date.to_datetime(self.from))?;
        let to = wall::last(zone, ends_on.to_datetime(self.to))?;
        (from < to).then_some((from, to))
    }
}

/// All windows that touch a range or come near it, in order, those that meet as one.
pub(crate) fn windows(
    restrictions: &[Restriction],
    zone: &TimeZone,
    from: Timestamp,
    to: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    let ends = |at| wall::shown(zone, at).map(|shown| shown.date());
    let (Some(start), Some(end)) = (ends(from), ends(to)) else { return Vec::new() };
    let start = start.saturating_sub(DAYS_AROUND.days());
    let end = end.saturating_add(DAYS_AROUND.days());
    let mut found = Vec::new();
    for date in start.series(1.day()).take_while(|date| *date <= end) {
        found.extend(restrictions.iter().filter_map(|one| one.window(zone, date)));
    }
    found.sort_unstable();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, to) in found {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}
