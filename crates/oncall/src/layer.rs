//! A layer: a rotation of people, at the times to which it is restricted.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use watchtower_model::{Timestamp, UserId};

use crate::restriction::{Restriction, windows};
use crate::rotation::Rotation;
use crate::{LENGTH_MAX, PARTICIPANTS_MAX, RESTRICTIONS_MAX, RestrictionSpec, ScheduleError, Unit};

/// A layer as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSpec {
    pub name: String,
    pub participants: Vec<UserId>,
    pub unit: Unit,
    /// Units that a turn takes.
    pub length: u32,
    /// `HH:MM`: when turns are handed over; of an hourly rotation, when the first begins.
    pub handoff: String,
    /// `YYYY-MM-DD`: the day of the first turn. Nobody of the layer is on call before.
    pub start: String,
    /// Whose turn the first one is, as an index of `participants`.
    pub first: u32,
    /// Only then; always when there is none.
    pub restrictions: Vec<RestrictionSpec>,
}

/// A layer that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    pub(crate) name: String,
    pub(crate) participants: Vec<UserId>,
    pub(crate) first: u32,
    pub(crate) rotation: Rotation,
    restrictions: Vec<Restriction>,
}

/// Part of a turn in which its person is on call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub user: UserId,
    pub from: Timestamp,
    pub to: Timestamp,
    /// When the turn began: the same for all its parts.
    pub turn: Timestamp,
}

fn time(field: &str, text: &str) -> Result<Time, ScheduleError> {
    let wrong = || ScheduleError::Time { field: field.into(), text: text.into() };
    let digits = text.len() == 5 && text.as_bytes()[2] == b':';
    if digits { text.parse().map_err(|_| wrong()) } else { Err(wrong()) }
}

fn restriction(at: usize, spec: &RestrictionSpec) -> Result<Restriction, ScheduleError> {
    let field = |name: &str| format!("restrictions[{at}].{name}");
    if spec.to_day.is_some() && spec.days.is_empty() {
        return Err(ScheduleError::Days { field: field("days") });
    }
    Ok(Restriction {
        days: spec.days.clone(),
        from: time(&field("from"), &spec.from)?,
        to: time(&field("to"), &spec.to)?,
        to_day: spec.to_day,
    })
}

impl Layer {
    pub fn new(spec: &LayerSpec) -> Result<Layer, ScheduleError> {
        let between = |field: &str, count: usize, min: usize, max: usize| {
            if (min..=max).contains(&count) {
                Ok(())
            } else {
                Err(ScheduleError::Count { field: field.into(), min, max, count })
            }
        };
        between("participants", spec.participants.len(), 1, PARTICIPANTS_MAX)?;
        between("length", spec.length as usize, 1, LENGTH_MAX as usize)?;
        between("restrictions", spec.restrictions.len(), 0, RESTRICTIONS_MAX)?;
        let date: Date = spec.start.parse().map_err(|_| ScheduleError::Date(spec.start.clone()))?;
        if !(1970..=2200).contains(&date.year()) || spec.start.len() != 10 {
            return Err(ScheduleError::Date(spec.start.clone()));
        }
        let anchor = date.to_datetime(time("handoff", &spec.handoff)?);
        let restrictions = spec.restrictions.iter().enumerate().map(|(at, one)| restriction(at, one));
        Ok(Layer {
            name: spec.name.clone(),
            participants: spec.participants.clone(),
            first: spec.first,
            rotation: Rotation { unit: spec.unit, length: i64::from(spec.length), anchor },
            restrictions: restrictions.collect::<Result<_, _>>()?,
        })
    }

    /// Whose turn it is.
    pub(crate) fn participant(&self, turn: i64) -> UserId {
        let index = (turn + i64::from(self.first)).rem_euclid(self.participants.len() as i64);
        self.participants[index as usize]
    }

    /// The spans that touch a range, whole, in order. One that is made of restrictions which meet is followed for a week beyond the range.
    pub(crate) fn spans(&self, zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<Span> {
        let open = (!self.restrictions.is_empty()).then(|| windows(&self.restrictions, zone, from, to));
        let mut out = Vec::new();
        let mut turn = match self.rotation.turn_at(zone, from) {
            Some(turn) => turn,
            None if self.rotation.begins(zone, 0).is_some_and(|first| first > from) => 0,
            // Beyond the end of all calendars.
            None => return Vec::new(),
        };
        while let (Some(begin), Some(end)) =
            (self.rotation.begins(zone, turn), self.rotation.begins(zone, turn + 1))
        {
            if begin >= to {
                break;
            }
            let user = self.participant(turn);
            match &open {
                None => out.push(Span { user, from: begin, to: end, turn: begin }),
                Some(windows) => {
                    let first = windows.partition_point(|window| window.1 <= begin);
                    let inside = windows[first..].iter().take_while(|window| window.0 < end);
                    out.extend(inside.map(|window| Span {
                        user,
                        from: window.0.max(begin),
                        to: window.1.min(end),
                        turn: begin,
                    }));
                }
            }
            turn += 1;
        }
        out.retain(|span| span.from < to && span.to > from && span.from < span.to);
        out
    }
}
