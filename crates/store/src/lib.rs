//! Relational state and byte tables.

pub mod metrics;
