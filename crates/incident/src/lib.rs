//! Incidents as a pure state machine: `advance(incident, input, now) -> (incident, effects)`.
//!
//! Invariants: no IO, no clock, no randomness. Resolved is terminal but for [`Input::Reopened`], and for that too
//! where the incident was merged into another one. The generation never falls, and no
//! page leaves an incident that is acknowledged or resolved. A triggered incident always has a pending
//! action, or is flagged `unanswered` or `suppressed`, so that none can be forgotten. Every decision to page
//! or not to page is also a [`Effect::Timeline`].

mod advance;
mod alert_key;
mod alerts;
mod calm;
mod effect;
mod escalate;
mod input;
mod merge;
mod people;
mod personal;
mod policy;
mod repair;
mod reopen;
mod response_times;
mod round;
mod route;
mod state;
mod suppress;
mod turn;

pub use advance::{WAKE_ACTIONS_MAX, advance, open};
pub use alert_key::{AlertDecision, AlertSignalKind, alert_key, decide_alert, group_key};
pub use calm::{Calm, Earlier, FLAP_CALM_MS, FLAP_WINDOW_MS, FLAPS};
pub use effect::{Effect, Entry, Notice, Page, PageReason, TimelineKind};
pub use input::{
    Actor, AlertSignal, DeliveryOutcome, DeliveryReport, Input, OUTPUT_EXCERPT_BYTES_MAX, Opening, RunReport,
    RunState,
};
pub use merge::{MERGED_MAX, MergeError, Merged, MergedInto, Moved, merge};
pub use people::SNOOZE_MS_MAX;
pub use personal::{
    Knock, NOTIFY_DELAY_SECONDS_MAX, NOTIFY_RULES_MAX, NotifyRuleError, check_notify_rules, knocks,
};
pub use policy::{
    LOOPS_MAX, PolicyError, PolicySnapshot, STEP_DELAY_MS_MAX, STEP_DELAY_MS_MIN, STEPS_MAX, ServiceSnapshot,
    Step, TARGETS_PER_STEP_MAX, Target,
};
pub use reopen::{REOPEN_BY_HAND_MS, REOPEN_WINDOW_MS_MAX, Reopened, Reopening};
pub use repair::REPAIR_PAGE_GAP_MS;
pub use response_times::{time_to_ack_ms, time_to_resolve_ms};
pub use round::{Asked, Strategy, in_turn};
pub use route::route;
pub use state::{
    ALERTS_PER_INCIDENT_MAX, Incident, IncidentAlert, PendingAction, PendingKind, Resolution, Status,
};
