//! Who is on call: at an instant, and over a time.

use std::collections::BTreeMap;

use watchtower_model::{OverrideId, Timestamp, UserId};

use crate::layer::Span;
use crate::{RANGE_MS_MAX, Schedule};

/// Changes of the schedule and overrides that the end of one duty is followed through.
const FOLLOWED_MAX: usize = 200;

/// Why somebody is on call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The turn in the layer of this name.
    Layer(String),
    Override(OverrideId),
}

/// Somebody on call at an instant, and until when at the latest: an edit may end it earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    pub user: UserId,
    pub source: Source,
    pub until: Timestamp,
}

/// Somebody on call for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    pub user: UserId,
    pub source: Source,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// A time in which nobody is on call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Somebody on call at an instant, by as much as can be seen from there.
#[derive(Clone, Debug)]
pub(crate) struct Present {
    pub user: UserId,
    pub source: Source,
    pub turn: Timestamp,
    pub until: Timestamp,
}

impl Present {
    /// The same duty, though maybe another part of it.
    fn continues(&self, other: &Present) -> bool {
        self.user == other.user && self.source == other.source && self.turn == other.turn
    }
}

/// The spans of one layer in one definition's time.
struct Lane<'a> {
    layer: &'a str,
    spans: Vec<Span>,
    next: usize,
}

impl Schedule {
    /// Everybody on call at an instant, each layer and override by itself.
    pub fn on_call(&self, at: Timestamp) -> Vec<Duty> {
        let duty = |present: Present| Duty {
            until: self.until(&present, at),
            user: present.user,
            source: present.source,
        };
        self.present(at).into_iter().map(duty).collect()
    }

    fn present(&self, at: Timestamp) -> Vec<Present> {
        let definition = self.definition_at(at);
        let mut present = Vec::new();
        for layer in &definition.layers {
            let spans = layer.spans(&definition.zone, at, at.plus_ms(1));
            present.extend(spans.first().map(|span| of_layer(span, &layer.name)));
        }
        self.overridden(present, at)
    }

    fn overridden(&self, mut present: Vec<Present>, at: Timestamp) -> Vec<Present> {
        for one in self.overrides.iter().filter(|one| one.covers(at)) {
            one.apply(&mut present);
        }
        present
    }

    /// The end of a duty: its own, or where an override or another definition ends it before.
    fn until(&self, duty: &Present, at: Timestamp) -> Timestamp {
        let (mut looked, mut until) = (at, duty.until);
        for _ in 0..FOLLOWED_MAX {
            let next = self.changes().filter(|change| *change > looked).fold(until, Timestamp::min);
            match self.present(next).into_iter().find(|other| other.continues(duty)) {
                None => return next,
                Some(same) => (looked, until) = (next, same.until),
            }
        }
        until
    }

    /// When overrides begin and end, and definitions take the place of others.
    fn changes(&self) -> impl Iterator<Item = Timestamp> {
        let overrides = self.overrides.iter().flat_map(|one| [one.from, one.to]);
        overrides.chain(self.definitions.iter().skip(1).map(|one| one.since))
    }

    /// Who is on call in a range of at most [`RANGE_MS_MAX`], cut to it, in order of time.
    pub fn shifts(&self, from: Timestamp, to: Timestamp) -> Vec<Shift> {
        self.walk(from, to).0
    }

    /// When nobody is on call in such a range.
    pub fn gaps(&self, from: Timestamp, to: Timestamp) -> Vec<Gap> {
        self.walk(from, to).1
    }

    /// Goes from one change to the next: in between, who is on call stays the same.
    fn walk(&self, from: Timestamp, to: Timestamp) -> (Vec<Shift>, Vec<Gap>) {
        let to = to.min(from.plus_ms(RANGE_MS_MAX));
        let mut lanes = self.lanes(from, to);
        let edges = self.edges(&lanes, from, to);
        let (mut shifts, mut gaps): (Vec<Shift>, Vec<Gap>) = (Vec::new(), Vec::new());
        let mut open: BTreeMap<(UserId, Source, Timestamp), usize> = BTreeMap::new();
        for pair in edges.windows(2) {
            let (at, end) = (pair[0], pair[1]);
            let present = self.overridden(lanes.iter_mut().filter_map(|lane| lane.at(at)).collect(), at);
            if present.is_empty() {
                match gaps.last_mut() {
                    Some(last) if last.to == at => last.to = end,
                    _ => gaps.push(Gap { from: at, to: end }),
                }
            }
            for duty in present {
                let key = (duty.user, duty.source.clone(), duty.turn);
                match open.get(&key).map(|index| &mut shifts[*index]) {
                    Some(shift) if shift.to >= at => shift.to = end,
                    _ => {
                        open.insert(key, shifts.len());
                        shifts.push(Shift { user: duty.user, source: duty.source, from: at, to: end });
                    }
                }
            }
        }
        (shifts, gaps)
    }

    fn lanes(&self, from: Timestamp, to: Timestamp) -> Vec<Lane<'_>> {
        let mut lanes = Vec::new();
        for (index, definition) in self.definitions.iter().enumerate() {
            let begins = if index == 0 { from } else { definition.since.max(from) };
            let ends = self.definitions.get(index + 1).map_or(to, |next| next.since.min(to));
            if begins >= ends {
                continue;
            }
            for layer in &definition.layers {
                let mut spans = layer.spans(&definition.zone, begins, ends);
                for span in &mut spans {
                    (span.from, span.to) = (span.from.max(begins), span.to.min(ends));
                }
                lanes.push(Lane { layer: &layer.name, spans, next: 0 });
            }
        }
        lanes
    }

    fn edges(&self, lanes: &[Lane<'_>], from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        let spans = lanes.iter().flat_map(|lane| &lane.spans).flat_map(|span| [span.from, span.to]);
        let mut edges: Vec<_> =
            spans.chain(self.changes()).filter(|at| from < *at && *at < to).chain([from, to]).collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    }
}

impl Lane<'_> {
    /// Asked in order of time.
    fn at(&mut self, at: Timestamp) -> Option<Present> {
        while self.spans.get(self.next).is_some_and(|span| span.to <= at) {
            self.next += 1;
        }
        self.spans.get(self.next).filter(|span| span.from <= at).map(|span| of_layer(span, self.layer))
    }
}

fn of_layer(span: &Span, layer: &str) -> Present {
    Present { user: span.user, source: Source::Layer(layer.into()), turn: span.turn, until: span.to }
}
