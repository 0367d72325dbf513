//! Automations as pure decisions: when it is due (`cron`, `due`), may it run (`decide`), what became of it (`advance`), whose turn it is (`turn`).
//!
//! Invariants: no IO, no clock, no randomness. Every gate is recorded with its reason whether it passed or
//! not. An attempt starts at most one run, and what may have run is `lost`, never run again. An attempt
//! that ends other than well says so with an [`Effect::Escalate`].

mod advance;
mod attempt;
mod breaker;
mod decide;
mod definition;
mod facts;
mod gates;
pub mod cron;
mod firing;
mod rollout;

pub use advance::{advance, begin};
pub use attempt::{Approval, Attempt, AttemptState, Effect, Input, Plan};
pub use breaker::{Breaker, BreakerState, CAME_BACK_MS, FAILURES_TO_OPEN, OPEN_MS, came_back};
pub use decide::{Action, Decision, Gate, decide};
pub use definition::{
    ATTEMPTS_MAX, Automation, COOLDOWN_MS_DEFAULT, COOLDOWN_MS_MAX, DefinitionError, Mode, PARAMS_MAX, Rate,
    ScriptVersion, VERIFY_MS_MAX,
};
pub use facts::{Facts, PastAttempt, Population};
pub use firing::{
    Due, FiringAction, FiringFacts, MISSED_COUNTED_MAX, ON_TIME_MS, Overlap, decide_firing, due, run_failed,
};
pub use gates::{DATA_AGE_INTERVALS_MAX, GateName, LOOP_DEPTH_MAX, blast_limit};
pub use rollout::{Member, Progress, Rollout, RolloutError, Turn, turn};
