//! From alerts and people to incidents: load, advance, and store state, timeline and outbox in one transaction.

pub(crate) mod alerts;
pub(crate) mod snapshots;
pub(crate) mod apply;
mod step;
mod event_rules;
mod gather;
mod merge;
mod page_step;
pub mod links;
pub mod slack;
pub(crate) mod telegram;
pub mod twilio;
pub mod on_call;
mod people;
mod plan;
mod reopen;
mod rounds;
mod shared_label;
pub mod signals;
pub mod targets;
mod waiting;

pub(crate) use alerts::labels_of;
pub use alerts::{AlertResolve, AlertTrigger, resolve, resolve_ended, trigger, with_name};
pub use apply::read_state;
pub use apply::{advance, advance_due};
pub use event_rules::{run as run_event_rules, waiting_of};
pub use merge::{merge, successor};
pub use page_step::PageStep;
pub use people::{acknowledge, escalate, note, resolve_by_hand, unacknowledge};
pub use plan::page_plan;
pub use reopen::reopen;
pub use rounds::describe_asked;
pub use shared_label::in_common;
pub(crate) use waiting::user_of;
pub use waiting::waiting_messages;
