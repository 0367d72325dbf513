//! From a checked report to durable samples, and to what is known of a server now.

mod appender;
mod events;
mod liveness;
pub mod outside;
mod report;
pub mod vitals;

pub use appender::{AppendError, Appender};
pub(crate) use events::store_statements;
pub use events::{Raise, raise, raise_custom};
pub use liveness::run as run_liveness;
pub use report::{Accepted, accept, learn_dictionary};
