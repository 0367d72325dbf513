//! The hub's keys by their ids: the keys themselves are files, what each is good for now is a row.

use serde::Deserialize;
use watchtower_model::{AgentId, Timestamp};

use crate::{DbError, Statement, Store, args, rows};

/// States: `published` (agents are told of it), `active` (in use), `retiring` (still trusted or readable), `retired`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HubKeyRow {
    pub id: String,
    /// `ca`, `signing` or `master`.
    pub kind: String,
    pub state: String,
    /// The first trust bundle that names it; 0 for a key that no agent knows.
    pub bundle_version: i64,
    pub created_at: Timestamp,
    pub switched_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

impl Store {
    /// Oldest first.
    pub async fn hub_keys(&self) -> Result<Vec<HubKeyRow>, DbError> {
        let sql = "SELECT * FROM hub_keys ORDER BY bundle_version, created_at, id";
        rows(self.db.query(sql, args![]).await?)
    }

    pub fn insert_hub_key(row: &HubKeyRow) -> Statement {
        Statement::new(
            "INSERT INTO hub_keys (id, kind, state, bundle_version, created_at, switched_at) VALUES ($1, $2, $3, $4, $5, $6)",
            args![&row.id, &row.kind, &row.state, row.bundle_version, row.created_at, row.switched_at],
        )
    }

    /// Puts a published key in use; stale unless it is published.
    pub fn activate_hub_key(id: &str, now: Timestamp) -> Statement {
        Statement::expecting(
            "UPDATE hub_keys SET state = 'active', switched_at = $2 WHERE id = $1 AND state = 'published'",
            args![id, now],
            1,
        )
    }

    /// Takes a key out of use; stale unless it is the one in use.
    pub fn relieve_hub_key(id: &str) -> Statement {
        Statement::expecting(
            "UPDATE hub_keys SET state = 'retiring' WHERE id = $1 AND state = 'active'",
            args![id],
            1,
        )
    }

    /// The end of a key that is not in use; stale when it is, or has ended already.
    pub fn end_hub_key(id: &str, now: Timestamp) -> Statement {
        Statement::expecting(
            "UPDATE hub_keys SET state = 'retired', ended_at = $2 WHERE id = $1 AND state IN ('published', 'retiring')",
            args![id, now],
            1,
        )
    }

    /// Keys that ended long ago: nothing names them any more.
    pub fn delete_hub_keys_ended_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM hub_keys WHERE state = 'retired' AND ended_at < $1", args![at])
    }

    /// What an agent says of the trust bundles in force on its server.
    pub fn set_agent_trust(agent: AgentId, version: u64, executor: Option<u64>) -> Statement {
        Statement::new(
            "UPDATE agents SET bundle_version = $2, executor_bundle_version = $3 WHERE id = $1",
            args![agent, version, executor],
        )
    }
}
