//! The agent: `collect -> report -> spool -> link -> tasks`, one thread, no heap growth per tick.
//!
//! Also a library, so that tests and a simulator of many agents can use its parts.

pub mod clock;
pub mod log;
pub mod state_dir;

// Whom this agent trusts, and what it lets them do.
pub mod enrol;
pub mod halt;
pub mod identity;
pub mod policy;

// The way of a sample,
pub mod collect;

pub mod report;

pub mod spool;

pub mod link;

// and of a command.
pub mod tasks;

// The loop that joins them.
pub mod agent;
