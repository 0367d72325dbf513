//! What the hub knows when it asks: gathered in one read, so that a decision can be replayed from its record.

use serde::{Deserialize, Serialize};
use watchtower_model::{AutomationId, Timestamp};

use crate::Breaker;

/// How many of a population are in trouble, the event's own server counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Population {
    pub firing: u32,
    pub total: u32,
}

/// An earlier attempt on the same key (automation, server, entity).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastAttempt {
    pub started_at: Timestamp,
    /// Ended well, ended badly, or not ended.
    pub fixed: Option<bool>,
    /// It was for the incident that asks now.
    pub same_incident: bool,
}

/// Everything the gates look at. A fact that the hub cannot establish must be given as its unsafe value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Targets of the rule that fire now, of all its targets.
    pub rule: Population,
    /// The same among the servers that share the server's `service` label; absent without that label.
    pub group: Option<Population>,
    /// Attempts on this key within the last 24 h.
    pub attempts: Vec<PastAttempt>,
    /// When this automation started runs lately, on any server.
    pub recent_starts: Vec<Timestamp>,
    /// Runs that change the server and are not over, a lost one whose fate nobody confirmed included.
    pub runs_on_server: u32,
    /// The same among the servers that share the `service` label.
    pub runs_on_group: u32,
    /// An earlier repair of this server is still being verified.
    pub verifying_on_server: bool,
    pub agent_connected: bool,
    /// Milliseconds since the server's newest sample; `None` if there is none.
    pub data_age_ms: Option<i64>,
    /// The server's base interval.
    pub interval_ms: i64,
    /// The trigger is the absence of data itself, so that fresh data cannot be asked for.
    pub trigger_is_no_data: bool,
    /// The server's clock is within its bound.
    pub clock_ok: bool,
    /// Why the server takes no command, if so: the hub's switch, the server's own halt, a journal that cannot be written.
    pub halted: Option<String>,
    /// The silence or window in force, in words.
    pub suppressed_by: Option<String>,
    /// Why the service identity may not run this script here; absent if it may.
    pub identity_refusal: Option<String>,
    /// The automations that led to this event, one after the other.
    pub causes: Vec<AutomationId>,
    pub breaker: Breaker,
    /// More than 30 % of the fleet was lost at once: the hub itself may be cut off.
    pub hub_may_be_cut_off: bool,
}
