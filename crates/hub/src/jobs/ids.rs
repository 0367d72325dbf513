//! Ids of runs and executions, made or derived.
//!
//! Invariant: what must not be done twice has an id that is derived from its cause, wherever and whenever that is.

use ring::digest::{SHA256, digest};
use watchtower_model::{ExecutionId, Id, RunId, ServerId, Timestamp};

use crate::random;

/// Where the ids of a run and of its executions come from.
pub enum Ids {
    Fresh,
    /// Of its one execution, which must be the same wherever it is derived.
    Execution(ExecutionId),
    /// Derived from what caused the run, so that a restored database, or another hub, cannot start it again: the runs' table and the
    /// agents' journals know the ids.
    From(String),
}

impl Ids {
    pub(super) fn run(&self, now: Timestamp) -> RunId {
        match self {
            Ids::From(cause) => run_id(cause),
            _ => RunId(random::id(now)),
        }
    }

    pub(super) fn execution(&self, server: ServerId, now: Timestamp) -> ExecutionId {
        match self {
            Ids::Fresh => ExecutionId(random::id(now)),
            Ids::Execution(id) => *id,
            Ids::From(cause) => ExecutionId(derived(&format!("{cause}/{server}"))),
        }
    }
}

/// The id of the run of a cause.
pub fn run_id(cause: &str) -> RunId {
    RunId(derived(&format!("{cause}/run")))
}

/// The same id for the same text.
pub fn derived(text: &str) -> Id {
    Id::from_digest(digest(&SHA256, text.as_bytes()).as_ref())
}
