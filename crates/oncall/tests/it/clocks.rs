//! The independent answer: what the clocks of a zone show, minute by minute, and rules that are read off them. It goes only from instants to
//! shown times, never back, and knows no turn, window or change of clocks.

use jiff::tz::TimeZone;
use watchtower_model::Timestamp;

pub const MINUTE_MS: i64 = 60_000;
pub const DAY: i64 = 1440;
/// No clock is further from UTC, or was ever put forward or back by more.
const AROUND: i64 = 27 * 60;

/// Minutes are counted from 1970; shown ones as if the clock that shows them were in UTC.
pub struct Clocks {
    pub from: i64,
    shown: Vec<i64>,
    /// The latest time that the clocks have shown by then.
    highest: Vec<i64>,
    /// The earliest time that they will still show after that.
    lowest_after: Vec<i64>,
}

impl Clocks {
    pub fn new(zone: &str, from: i64, to: i64) -> Clocks {
        let zone = TimeZone::get(zone).unwrap();
        let shown: Vec<i64> = (from..to)
            .map(|minute| {
                let instant = jiff::Timestamp::from_second(minute * 60).unwrap();
                minute + i64::from(zone.to_offset(instant).seconds()) / 60
            })
            .collect();
        let mut highest = shown.clone();
        for at in 1..highest.len() {
            highest[at] = highest[at].max(highest[at - 1]);
        }
        let mut lowest_after = shown.clone();
        let mut lowest = i64::MAX;
        for at in (0..shown.len()).rev() {
            lowest_after[at] = lowest;
            lowest = lowest.min(shown[at]);
        }
        Clocks { from, shown, highest, lowest_after }
    }

    /// For each minute, how many of these times the clocks have shown or passed.
    pub fn passed(&self, times: &[i64]) -> Vec<usize> {
        let mut count = 0;
        let one = |highest: &i64| {
            while times.get(count).is_some_and(|time| time <= highest) {
                count += 1;
            }
            count
        };
        self.highest.iter().map(one).collect()
    }

    /// For each minute, whether it is within one of these times: begun when the clocks had shown or passed the first, and over when they
    /// will not show the second any more.
    pub fn within(&self, windows: &[(i64, i64)]) -> Vec<bool> {
        let mut open = vec![false; self.shown.len()];
        for (from, to) in windows {
            let first = (from - AROUND - self.from).max(0) as usize;
            let end = ((to + AROUND - self.from).max(0) as usize).min(open.len());
            for (at, open) in open.iter_mut().enumerate().take(end).skip(first) {
                let over = self.shown[at] >= *to && self.lowest_after[at] > *to;
                *open |= self.highest[at] >= *from && !over;
            }
        }
        open
    }

    pub fn len(&self) -> usize {
        self.shown.len()
    }
}

pub fn at(minute: i64) -> Timestamp {
    Timestamp(minute * MINUTE_MS)
}

/// Days from 1970 to a date of the Gregorian calendar, counted year by year.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let years: i64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    years + (1..month).map(|month| month_days(year, month)).sum::<i64>() + day - 1
}

pub fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}
