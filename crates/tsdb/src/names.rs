//! What there is: label sets, names and values of labels, of all series or of those with samples in a range.
//!
//! Invariants: a series with a sample in the range is never left out, for the head is read before the store; the indexes of days say
//! which series or groups they hold, and neither a chunk nor a block is read. So a series may be named for its neighbours: those of a
//! block share its range, and of rollups their day.

use std::collections::{BTreeMap, BTreeSet};

use watchtower_matchers::Matchers;
use watchtower_model::{Labels, Timestamp};

use crate::db::{Tsdb, TsdbError};
use crate::head::Head;
use crate::limits::{NAME_LOOKUPS, SERIES_PER_LOCK};
use crate::rollup::Level;
use crate::select::Owner;
use crate::store::{Day, Group};

/// Which series are named.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    pub matchers: &'a Matchers,
    pub owner: Owner<'a>,
    /// First and last millisecond, both included: those with samples, or rollups, between them. Without: those that have samples.
    pub range: Option<(Timestamp, Timestamp)>,
}

/// What the head alone says of a series.
enum Known {
    Has,
    HasNot,
    /// Its samples of the range, if any, are in the store.
    Perhaps,
}

impl Tsdb {
    /// The joined label sets that match, at most `limit` of them.
    pub fn series(&self, named: &Named<'_>, limit: usize) -> Result<Vec<Labels>, TsdbError> {
        let mut all = Vec::new();
        self.each_labels(named, |labels| {
            all.push(labels);
            all.len() < limit
        })?;
        all.sort();
        Ok(all)
    }

    /// The names of the labels of the series that match, sorted.
    pub fn label_names(&self, named: &Named<'_>) -> Result<Vec<String>, TsdbError> {
        let mut names = BTreeSet::new();
        self.each_labels(named, |labels| {
            for (name, _) in labels.iter() {
                if !names.contains(name) {
                    names.insert(name.to_string());
                }
            }
            true
        })?;
        Ok(names.into_iter().collect())
    }

    /// The values of one label of the series that match, sorted.
    pub fn label_values(&self, name: &str, named: &Named<'_>) -> Result<Vec<String>, TsdbError> {
        let mut values = BTreeSet::new();
        self.each_labels(named, |labels| {
            if let Some(value) = labels.get(name)
                && !values.contains(value)
            {
                values.insert(value.to_string());
            }
            true
        })?;
        Ok(values.into_iter().collect())
    }

    /// Calls `each` with the labels of every such series, until it says false.
    fn each_labels(&self, named: &Named<'_>, mut each: impl FnMut(Labels) -> bool) -> Result<(), TsdbError> {
        let numbers = self.head().index.find(named.matchers, named.owner);
        let mut perhaps = Vec::new();
        for part in numbers.chunks(SERIES_PER_LOCK) {
            let head = self.head();
            for number in part {
                match known(&head, *number, named.range) {
                    Known::HasNot => {}
                    Known::Perhaps => perhaps.push(u64::from(*number)),
                    Known::Has if joined(&head, *number).is_none_or(&mut each) => {}
                    Known::Has => return Ok(()),
                }
            }
        }
        let Some((from, to)) = named.range.filter(|_| !perhaps.is_empty()) else { return Ok(()) };
        perhaps.sort_unstable();
        let found = self.stored_within(perhaps, from.0, to.0)?;
        for part in found.chunks(SERIES_PER_LOCK) {
            let head = self.head();
            for number in part {
                if !joined(&head, *number as u32).is_none_or(&mut each) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Those of the series (rising) that the store may have something of in the range; all that are left once it cost too much.
    fn stored_within(&self, mut left: Vec<u64>, from: i64, to: i64) -> Result<Vec<u64>, TsdbError> {
        let days = self.store.days()?;
        let mut found = Vec::new();
        let mut lookups = 0;
        // Newest first: most of what was there goes on.
        for day in days.iter().rev().filter(|day| day.start() <= to && day.last() >= from) {
            lookups += left.len();
            if left.is_empty() || lookups > NAME_LOOKUPS {
                break;
            }
            let here = self.store.series_within(*day, &left, from, to)?;
            left.retain(|series| here.binary_search(series).is_err());
            found.extend(here);
        }
        let mut periods: Vec<(Day, Level)> = Vec::new();
        if lookups <= NAME_LOOKUPS && !left.is_empty() {
            // Read anew: a day that went meanwhile has rollups.
            let first = self.store.days()?.first().copied();
            periods = self.rolled_days(first, Day::of(from), Day::of(to))?;
        }
        for (day, level) in periods.into_iter().rev() {
            if left.is_empty() || lookups > NAME_LOOKUPS {
                break;
            }
            let marks = self.store.rollup_marks(level, level.period(day), day)?;
            lookups += marks.len();
            let groups: BTreeSet<Group> = marks.into_iter().map(|(group, _)| group).collect();
            let (here, rest) = left.into_iter().partition(|series| groups.contains(&Group::of(*series)));
            found.extend::<Vec<u64>>(here);
            left = rest;
        }
        if lookups > NAME_LOOKUPS {
            found.extend(left);
        }
        Ok(found)
    }

    /// The days between these that rollups answer for, oldest first, and by which level: those before the first day of samples.
    fn rolled_days(&self, first: Option<Day>, from: Day, to: Day) -> Result<Vec<(Day, Level)>, TsdbError> {
        let before = |day: &Day| first.is_none_or(|first| *day < first) && from <= *day && *day <= to;
        let mut days = BTreeMap::new();
        for level in [Level::Hour, Level::Minute] {
            for period in self.store.rollup_periods(level)? {
                let of_period = (period.0..=level.last_day(period).0).map(Day).filter(before);
                days.extend(of_period.map(|day| (day, level)));
            }
        }
        Ok(days.into_iter().collect())
    }
}

fn joined(head: &Head, number: u32) -> Option<Labels> {
    let series = head.get(number)?;
    Some(head.index.joined(series.resource, series.shape))
}

fn known(head: &Head, number: u32, range: Option<(Timestamp, Timestamp)>) -> Known {
    let Some(series) = head.get(number) else { return Known::HasNot };
    let Some((from, to)) = range.map(|(from, to)| (from.0, to.0)) else {
        // What is left of others is for queries.
        return if series.ended { Known::HasNot } else { Known::Has };
    };
    let open = series.open.count() > 0 && series.open.min_t() <= to && series.open.last_t() >= from;
    let late = head.late.get(&number).is_some_and(|late| {
        let at = late.partition_point(|sample| sample.t.0 < from);
        late.get(at).is_some_and(|sample| sample.t.0 <= to)
    });
    if open || late || series.sealed.iter().any(|chunk| chunk.min_t <= to && chunk.max_t >= from) {
        return Known::Has;
    }
    let stored = series.stored_to != i64::MIN && series.stored_to >= from;
    if from <= to && stored { Known::Perhaps } else { Known::HasNot }
}

#[cfg(test)]
mod tests;
