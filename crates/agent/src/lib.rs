//! The agent: `collect -> report -> spool -> link -> tasks`, one thread, no heap growth per tick.
//!
//! Also a library, so that tests and a simulator of many agents can use its parts.

pub mod clock;
pub mod log;
pub mod state_dir;

pub mod halt;
pub mod identity;
pub mod policy;

pub mod agent;
pub mod collect;
pub mod link;
pub mod report;
pub mod spool;
pub mod tasks;

pub mod enrol;
