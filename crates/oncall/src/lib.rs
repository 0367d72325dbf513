//! Who is on call: a pure function of a schedule and an instant.
//!
//! Invariants: no IO, no clock, no stored pointer that could be advanced late. What counts is the clock on the wall of the schedule's zone
//! (the zones are compiled in): a duty begins when the clock first shows its time, or has passed it where that time does not exist; a
//! restriction ends when the clock shows its end for the last time. The turns of a rotation follow one another without gap or overlap.
//! A definition that was replaced still answers for its time.

mod wall;
mod zone;
mod rotation;
mod restriction;
mod layer;
mod overrides;
mod schedule;
mod roster;
mod edit;
mod calendar;

pub use calendar::{Event, calendar};
pub use edit::first_after_edit;
pub use layer::{Layer, LayerSpec};
pub use overrides::{Override, OverrideKind};
pub use restriction::{RestrictionSpec, Weekday};
pub use roster::{Duty, Gap, Shift, Source};
pub use rotation::Unit;
pub use schedule::{Definition, Schedule, ScheduleError};
pub use zone::Zone;

/// Layers of a schedule.
pub const LAYERS_MAX: usize = 16;
/// Participants of a layer.
pub const PARTICIPANTS_MAX: usize = 100;
/// Restrictions of a layer.
pub const RESTRICTIONS_MAX: usize = 14;
/// Turns of one unit that a person may have in a row: a year of days, and more of all others.
pub const LENGTH_MAX: u32 = 366;
/// The longest time that shifts are asked of at once, in milliseconds.
pub const RANGE_MS_MAX: i64 = 100 * 86_400_000;
