//! Follow-up work: sending to people, running scripts, repairing. Each job may run twice; none may be lost.

pub mod consider;
pub mod repair;
pub mod cron;
pub mod firing;
pub mod ids;
pub mod runs;
pub mod secrets;
pub mod updates;
pub mod rollout;
pub mod switch;
pub mod halt;
pub mod page_hold;
pub mod fold;
pub mod send;
pub mod try_out;

mod bundle;
mod causes;
mod compose;
mod facts;
mod failover;
mod merged;
mod notice;
pub(crate) mod pace;
mod retry;
mod samples;
mod seen;
mod rights;
mod standing;
mod targets;
mod timers;
pub(crate) mod words;
pub(crate) mod news;

pub use timers::run as run_timers;
