//! Who is on call when: schedules, their layers and overrides, and what follows from them.

use watchtower_model::{Id, OverrideId, ScheduleId, UserId};

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    /// What a turn is counted in.
    pub enum RotationUnit {
        Hourly = "hourly",
        Daily = "daily",
        Weekly = "weekly",
        /// On the day of the month of the start, or the last one of a shorter month.
        Monthly = "monthly",
    }

    pub enum Weekday {
        Mon = "mon",
        Tue = "tue",
        Wed = "wed",
        Thu = "thu",
        Fri = "fri",
        Sat = "sat",
        Sun = "sun",
    }

    pub enum OverrideKind {
        /// On call too.
        Add = "add",
        /// Not on call, whatever the layers say.
        Remove = "remove",
        /// In the place of one person, while that one would be on call; of all, and all the time, without `instead_of_id`.
        Replace = "replace",
    }
}

shapes! {
    pub struct Schedule {
        pub id: ScheduleId,
        pub name: String,
        pub description: String,
        /// IANA name of the zone whose clocks count.
        pub timezone: String,
        /// All of them are on call together.
        pub layers: Vec<ScheduleLayer>,
        /// Those that are not over, in the order in which they apply.
        pub overrides: Vec<ScheduleOverride>,
        /// Shifts that are offered, and that nobody has taken yet.
        pub swaps: Vec<ShiftSwap>,
        pub on_call: Vec<OnCallPerson>,
        /// Gaps of the next 30 days, and people who cannot be reached, in words.
        pub warnings: Vec<String>,
        /// Whether there is a link for calendars.
        pub has_calendar: bool,
        pub created_at: Time,
    }

    #[serde(deny_unknown_fields)]
    pub struct ScheduleLayer {
        /// Unique in the schedule. A layer keeps its rotation through edits by this name.
        pub name: String,
        pub participants: Vec<UserId>,
        pub unit: RotationUnit,
        /// Units that a turn takes; 1 when absent.
        #[serde(default = "one")]
        pub length: u32,
        /// `HH:MM` in the schedule's zone: when turns are handed over; of an hourly rotation, when the first begins.
        pub handoff: String,
        /// `YYYY-MM-DD`: the day of the first turn, which is the first participant's. Nobody of the layer is on call before.
        pub start: String,
        /// Only at these times; always when there is none.
        #[serde(default)]
        pub restrictions: Vec<ScheduleRestriction>,
    }

    /// From `from` on each of the days to the next `to` after that.
    #[serde(deny_unknown_fields)]
    pub struct ScheduleRestriction {
        /// Days on which it begins; every day when empty.
        #[serde(default)]
        pub days: Vec<Weekday>,
        /// `HH:MM` in the schedule's zone.
        pub from: String,
        /// An end that is not later than the begin is on the next day.
        pub to: String,
        /// The day on which it ends, for more than a day: from `fri` 18:00 to `mon` 08:00.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub to_day: Option<Weekday>,
    }

    pub struct ScheduleOverride {
        pub id: OverrideId,
        pub kind: OverrideKind,
        /// Who is added, removed, or steps in.
        pub user_id: UserId,
        /// Whose place is taken; everybody's when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub instead_of_id: Option<UserId>,
        pub from_at: Time,
        pub to_at: Time,
        pub created_by: String,
        pub created_at: Time,
    }

    /// A shift that is offered.
    pub struct ShiftSwap {
        #[schema(value_type = String)]
        pub id: Id,
        /// Whose it is.
        pub user_id: UserId,
        pub from_at: Time,
        pub to_at: Time,
        /// What whoever takes it must give; absent: nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub in_return: Option<ShiftRange>,
        pub note: String,
        pub created_by: String,
        pub created_at: Time,
    }

    #[serde(deny_unknown_fields)]
    pub struct ShiftRange {
        pub from_at: Time,
        pub to_at: Time,
    }

    /// What a taken offer made.
    pub struct SwapTaken {
        pub overrides: Vec<ScheduleOverride>,
    }

    pub struct OnCallPerson {
        pub user_id: UserId,
        pub user: String,
        /// The layer whose turn it is; absent when it is by an override.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub layer: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub override_id: Option<OverrideId>,
        pub until_at: Time,
        /// As the clocks of the schedule's zone show it: `08:00` today, `Mon 7 Dec 08:00` later.
        pub until: String,
    }

    /// Who is on call by one schedule.
    pub struct OnCall {
        pub schedule_id: ScheduleId,
        pub schedule: String,
        pub timezone: String,
        pub at: Time,
        pub on_call: Vec<OnCallPerson>,
        pub warnings: Vec<String>,
    }

    /// A time on call, cut to the range that was asked for.
    pub struct Shift {
        pub user_id: UserId,
        pub user: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub layer: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub override_id: Option<OverrideId>,
        pub from_at: Time,
        pub to_at: Time,
    }

    /// A time in which nobody is on call.
    pub struct ScheduleGap {
        pub from_at: Time,
        pub to_at: Time,
    }

    pub struct CalendarLink {
        /// For calendars to subscribe to; whoever has it can read who is on call.
        pub url: String,
    }
}

fn one() -> u32 {
    1
}

inputs! {
    pub struct ScheduleInput {
        pub name: String,
        #[serde(default)]
        pub description: String,
        /// IANA name, such as Europe/Berlin; UTC when absent.
        #[serde(default = "utc")]
        pub timezone: String,
        #[serde(default)]
        pub layers: Vec<ScheduleLayer>,
    }

    pub struct SwapInput {
        /// Id or name of whose shift it is; the caller's when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user: Option<String>,
        /// Absent: from the begin of the next shift on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub from_at: Option<Time>,
        /// Absent: to the end of that shift.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub to_at: Option<Time>,
        /// A time that somebody else has, and that is taken over from whoever takes the offer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub in_return: Option<ShiftRange>,
        #[serde(default)]
        pub note: String,
    }

    pub struct SwapTake {
        /// Id or name of who takes it; the caller when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user: Option<String>,
    }

    pub struct OverrideInput {
        pub kind: OverrideKind,
        /// Id or name of who is added, removed, or steps in.
        pub user: String,
        /// Id or name of whose place is taken; only of a `replace`, and everybody's when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub instead_of: Option<String>,
        /// Now when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub from_at: Option<Time>,
        pub to_at: Time,
    }
}

fn utc() -> String {
    "UTC".into()
}
