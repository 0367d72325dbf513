//! Who had the last turn of each policy's steps by turns: in `meta`, by a name for the target.
//!
//! Invariant: a turn is written only over the very one that was read, so that two hubs never take the same one.

use watchtower_model::PolicyId;

use crate::{DbError, Statement, Store, args};

fn key(policy: PolicyId, step: usize) -> String {
    format!("round/{policy}/{step}")
}

impl Store {
    pub async fn last_in_round(&self, policy: PolicyId, step: usize) -> Result<Option<String>, DbError> {
        self.meta(&key(policy, step)).await
    }

    /// Stale unless the last turn is what was read.
    pub fn take_turn_of_round(policy: PolicyId, step: usize, last: Option<&str>, next: &str) -> Statement {
        let key = key(policy, step);
        match last {
            Some(last) => Statement::expecting(
                "UPDATE meta SET value = $3 WHERE key = $1 AND value = $2",
                args![key, last, next],
                1,
            ),
            None => Statement::expecting(
                "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
                args![key, next],
                1,
            ),
        }
    }

    pub fn forget_rounds(policy: PolicyId) -> Statement {
        Statement::new("DELETE FROM meta WHERE key LIKE $1", args![format!("round/{policy}/%")])
    }
}
