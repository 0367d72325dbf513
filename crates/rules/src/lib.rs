//! Rules: evaluated samples or events in, transitions of alerts out. Pure: times come from outside.
//!
//! Invariants: a rule that compiled cannot fail when it fires; [`advance`] is the only way a state changes, and
//! the same state and input always give the same transitions; the key of an alert depends on the labels of its
//! series alone.

mod template;

mod key;

mod event;
mod recording;
mod rule;

mod file;

mod advance;
mod evaluate;
mod state;

pub mod unit;

pub use advance::{Evaluation, Freshness, advance, forget};
pub use evaluate::evaluate;
pub use event::{EventRule, EventRuleSpec, EventVerdict};
pub use file::{FILE_BYTES_MAX, FILE_RULES_MAX, FileError, FileRule, read_file};
pub use key::DedupKey;
pub use recording::{RecordingRule, RecordingRuleSpec};
pub use rule::{MetricRule, MetricRuleSpec, NoData, RuleError};
pub use state::{Alert, Phase, RuleState, Transition, TransitionKind};
pub use template::{Rendered, Scope, Series, Template, TemplateError, Value, Vocabulary};
pub use watchtower_promql::{Dialect, Settings};

/// Alerts that one rule may hold at once in one state.
pub const ALERTS_MAX: usize = 10_000;
/// Labels, or annotations, of one rule.
pub const TEMPLATES_MAX: usize = 32;
/// Bytes of a rendered label or annotation.
pub const RENDERED_BYTES_MAX: usize = 4096;
/// A restored breach joins a live one when no more than this lies between them.
pub const RESTORE_GAP_MS: i64 = 300_000;
/// How old an event may be and still page, unless its rule says otherwise.
pub const EVENT_MAX_AGE_MS: i64 = 3_600_000;
