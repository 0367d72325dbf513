//! The agent: `collect -> report -> spool -> link`, one thread, no heap growth per tick; beside it the executor,
//! `executor -> tasks`, which alone may run commands.
//!
//! Also a library, so that tests and a simulator of many agents can use its parts.

pub mod clock;
pub mod log;
pub mod state_dir;

// Whom this agent trusts, and what it lets them do.
pub mod approval;
pub mod enrol;
pub mod halt;
pub mod identity;
pub mod policy;

// The way of a sample,
pub mod exposition;

pub mod collect;

pub mod scrape;

pub mod report;

pub mod spool;

pub mod link;

// and of a command.
pub mod executor;

pub mod tasks;

// The program itself, replaced by a newer one.
pub mod update;

// The loop that joins them.
pub mod agent;
