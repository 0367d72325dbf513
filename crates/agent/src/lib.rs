//! The agent: `collect -> report -> spool -> link -> tasks`, one thread, no heap growth per tick.
//!
//! Also a library, so that tests and a simulator of many agents can use its parts.

pub mod clock;
pub mod collect;
pub mod log;
pub mod report;
pub mod spool;
