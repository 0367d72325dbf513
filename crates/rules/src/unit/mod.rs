//! Unit tests of rules, in the format of `promtool test rules`: series that are made up, and what rules and queries must say of them.
//!
//! Format: <https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/>. Virtual time begins at 0.

mod memory;
mod run;
mod suite;
mod values;

pub use run::{TestReport, run_suite};
pub use suite::{Suite, SuiteError};

#[cfg(test)]
mod tests;
