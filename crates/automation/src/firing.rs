//! A schedule's firing: which due time counts, what was missed while no hub ran, and whether it may act.
//!
//! Invariants: each due time is answered once, however late. What is missed is skipped and said, or made up for once.

use serde::{Deserialize, Serialize};
use watchtower_model::Timestamp;

use crate::cron::Schedule;
use crate::decide::answered;
use crate::gates::{self, Answer, GateName};
use crate::{Action, Breaker, Decision, Mode, Rate};

/// A hub that looks each few seconds is later than this only when none ran.
pub const ON_TIME_MS: i64 = 60_000;
/// Past firings are counted up to this many.
pub const MISSED_COUNTED_MAX: u32 = 1000;
/// How far back the newest of the past firings is looked for, in steps that keep the looking short.
const LOOK_BACK_MS: [i64; 4] = [3_600_000, 86_400_000, 32 * 86_400_000, 9 * 366 * 86_400_000];

/// What a firing does while the run of an earlier one is not over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    #[default]
    Skip,
    /// One waits for the end of it; further ones are skipped.
    Queue,
    Allow,
}

/// What has come due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The newest due time: the only one that may still act.
    pub at: Timestamp,
    /// Those before it, passed over; [`MISSED_COUNTED_MAX`] means at least so many.
    pub passed: u32,
    /// It is too late to act: the reason, in words.
    pub missed: Option<String>,
    /// The due time after it; `None` when the schedule has come to its end.
    pub next: Option<Timestamp>,
}

/// What is due of a schedule whose next due time was stored as `stored`; `None` when that has not come. Firings later than a minute run
/// only if they are younger than `grace_ms`.
pub fn due(schedule: &Schedule, stored: Timestamp, grace_ms: i64, now: Timestamp) -> Option<Due> {
    if stored > now {
        return None;
    }
    let at = newest(schedule, stored, now);
    let passed = std::iter::successors(Some(stored), |at| schedule.next(*at))
        .take(MISSED_COUNTED_MAX as usize)
        .take_while(|before| *before < at)
        .count() as u32;
    let late = now.since(at);
    let missed = (late > ON_TIME_MS.max(grace_ms)).then(|| {
        let limit = if grace_ms > 0 { grace_ms } else { ON_TIME_MS };
        let (late, limit) = (gates::in_seconds(late), gates::in_seconds(limit));
        format!("no hub ran: {late} late, at most {limit} is made up for")
    });
    Some(Due { at, passed, missed, next: schedule.next(now) })
}

/// The newest due time up to now, `stored` being one.
fn newest(schedule: &Schedule, stored: Timestamp, now: Timestamp) -> Timestamp {
    let up_to_now = |at: Option<Timestamp>| at.filter(|at| *at <= now);
    for back in LOOK_BACK_MS {
        let from = now.plus_ms(-back).max(stored);
        let first = if from == stored { Some(stored) } else { up_to_now(schedule.next(from)) };
        if let Some(first) = first {
            return std::iter::successors(Some(first), |at| up_to_now(schedule.next(*at)))
                .last()
                .unwrap_or(stored);
        }
    }
    stored
}

/// What the gates of a firing look at. A fact that the hub cannot establish must be given as its unsafe value.
#[derive(Clone, Debug)]
pub struct FiringFacts {
    /// The hub's switch is off: the reason, in words.
    pub halted: Option<String>,
    pub hub_may_be_cut_off: bool,
    /// Why its maker may not do this any more, or its script is gone; absent if all is well.
    pub identity_refusal: Option<String>,
    /// Servers that match, and those of them that can take the run.
    pub matching: u32,
    pub ready: u32,
    /// Runs of this automation that are not over, and firings that wait for their end.
    pub under_way: u32,
    pub waiting: u32,
    /// When this automation started runs lately.
    pub recent_starts: Vec<Timestamp>,
    pub breaker: Breaker,
}

/// What follows from the gates of a firing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FiringAction {
    /// As for any automation: run, record, ask, or refuse.
    Do(Action),
    /// It waits until the earlier run is over.
    Wait,
}

/// Asks every gate that applies to a firing.
pub fn decide_firing(
    mode: Mode,
    overlap: Overlap,
    rate: Rate,
    facts: &FiringFacts,
    now: Timestamp,
) -> (FiringAction, Decision) {
    let (waits, overlap_answer) = asks_overlap(overlap, facts);
    let answers = [
        gates::halt(facts.halted.as_deref()),
        gates::hub_connected(facts.hub_may_be_cut_off),
        identity(facts),
        targets(facts),
        overlap_answer,
        gates::rate(rate, &facts.recent_starts, now),
        gates::breaker(facts.breaker, now),
    ];
    let decision = answered(answers.into(), mode, facts.breaker.state(now));
    // In observe mode nothing runs that could be in the way.
    let action = if waits && decision.action != Action::Refuse && mode != Mode::Observe {
        FiringAction::Wait
    } else {
        FiringAction::Do(decision.action)
    };
    (action, decision)
}

fn identity(facts: &FiringFacts) -> Answer {
    let passed = facts.identity_refusal.is_none();
    let text = facts.identity_refusal.clone().unwrap_or_else(|| "who stands for it may do this".into());
    (GateName::Identity, passed, text)
}

fn targets(facts: &FiringFacts) -> Answer {
    let FiringFacts { matching, ready, .. } = facts;
    let text = match (matching, ready) {
        (0, _) => "no server matches".into(),
        (_, 0) => format!("none of {matching} servers that match can take the run now"),
        _ => format!("{ready} of {matching} servers that match can take the run"),
    };
    (GateName::Targets, *ready > 0, text)
}

/// Whether it has to wait, and the answer.
fn asks_overlap(overlap: Overlap, facts: &FiringFacts) -> (bool, Answer) {
    let (waits, passed, text) = match (facts.under_way, overlap) {
        (0, _) => (false, true, "no earlier run is under way".into()),
        (n, Overlap::Allow) => (false, true, format!("{n} earlier runs are under way, which is allowed")),
        (_, Overlap::Skip) => (false, false, "the run of an earlier firing is not over".into()),
        (_, Overlap::Queue) if facts.waiting == 0 => {
            (true, true, "it waits for the end of the earlier run".into())
        }
        (_, Overlap::Queue) => {
            (false, false, "another firing waits for the end of the earlier run already".into())
        }
    };
    (waits, (GateName::Overlap, passed, text))
}

/// Whether a run that ended so was a failure of the automation: fewer than half of its servers succeeded.
pub fn run_failed(succeeded: u32, total: u32) -> bool {
    succeeded * 2 < total
}
