//! What tests need around them: real PostgreSQL, Redis and systemd hosts, free ports, and patience with a limit.
//!
//! Invariant: whatever is started here ends with the test that started it, even when that test panics or is killed.

pub mod need;
pub mod wait;
pub mod port;
pub mod tether;
pub mod postgres;
pub mod redis;
pub mod prometheus;
pub mod hosts;
pub mod remote_write;
