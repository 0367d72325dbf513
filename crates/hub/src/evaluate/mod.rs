//! From samples to alerts: metric and recording rules, evaluated on arrival for the partition touched, the others on their interval.
//!
//! Invariant: a rule's state in memory changes only after the transaction that stores it with its consequences. The engine has threads
//! of its own: queries of people cannot starve it.

mod compile;
mod recorder;

mod evaluator;
mod worker;

pub use compile::{check_event_rule, check_metric_rule, check_recording_rule, event_rule};
pub use evaluator::Evaluator;
pub(crate) use worker::end_orphans;
pub use worker::{end_alerts, end_alerts_of_server, on_report, on_silence, start};
