//! What is known of heartbeats, and the pings that said so.
//!
//! Invariant: a heartbeat is changed by who read its newest revision; who comes second is stale.

use serde::Deserialize;
use watchtower_model::{HeartbeatId, Id, Timestamp};

use crate::{DbError, Statement, Store, args, one, rows};

/// Pings that are kept of a heartbeat.
pub const PINGS_KEPT: i64 = 100;

#[derive(Debug, Clone, Deserialize)]
pub struct HeartbeatRow {
    pub heartbeat_id: HeartbeatId,
    /// `new`, `up` or `down`.
    pub state: String,
    pub last_ping_at: Option<Timestamp>,
    pub last_success_at: Option<Timestamp>,
    pub last_duration_ms: Option<i64>,
    /// A start whose end has not come.
    pub started_at: Option<Timestamp>,
    /// How the sender names what it started.
    pub rid: Option<String>,
    /// When it is missed.
    pub due_at: Option<Timestamp>,
    pub revision: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PingRow {
    pub id: Id,
    pub heartbeat_id: HeartbeatId,
    pub at: Timestamp,
    pub kind: String,
    pub exit_code: Option<i64>,
    pub rid: Option<String>,
    pub duration_ms: Option<i64>,
    /// Method and user agent.
    pub sent_by: String,
    pub body: String,
}

impl Store {
    pub fn insert_heartbeat(id: HeartbeatId) -> Statement {
        Statement::new(
            "INSERT INTO heartbeats (heartbeat_id, state, revision) VALUES ($1, 'new', 0)",
            args![id],
        )
    }

    /// Stale when `row.revision` is not what is stored.
    pub fn update_heartbeat(row: &HeartbeatRow) -> Statement {
        Statement::expecting(
            "UPDATE heartbeats SET state = $3, last_ping_at = $4, last_success_at = $5, last_duration_ms = $6, started_at = $7, \
             rid = $8, due_at = $9, revision = $2 + 1 WHERE heartbeat_id = $1 AND revision = $2",
            args![
                row.heartbeat_id,
                row.revision,
                &row.state,
                row.last_ping_at,
                row.last_success_at,
                row.last_duration_ms,
                row.started_at,
                row.rid.as_deref(),
                row.due_at
            ],
            1,
        )
    }

    pub fn delete_heartbeat(id: HeartbeatId) -> [Statement; 2] {
        [
            Statement::new("DELETE FROM heartbeats WHERE heartbeat_id = $1", args![id]),
            Statement::new("DELETE FROM pings WHERE heartbeat_id = $1", args![id]),
        ]
    }

    pub async fn heartbeat(&self, id: HeartbeatId) -> Result<Option<HeartbeatRow>, DbError> {
        one(self.db.query("SELECT * FROM heartbeats WHERE heartbeat_id = $1", args![id]).await?)
    }

    /// Those that are missed, the oldest first.
    pub async fn due_heartbeats(&self, now: Timestamp, limit: i64) -> Result<Vec<HeartbeatRow>, DbError> {
        let sql = "SELECT * FROM heartbeats WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, heartbeat_id LIMIT $2";
        rows(self.db.query(sql, args![now, limit]).await?)
    }

    /// Adds a ping, and removes what is older than the newest [`PINGS_KEPT`].
    pub fn insert_ping(row: &PingRow) -> [Statement; 2] {
        let insert = Statement::new(
            "INSERT INTO pings (id, heartbeat_id, at, kind, exit_code, rid, duration_ms, sent_by, body) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            args![
                row.id,
                row.heartbeat_id,
                row.at,
                &row.kind,
                row.exit_code,
                row.rid.as_deref(),
                row.duration_ms,
                &row.sent_by,
                &row.body
            ],
        );
        let trim = Statement::new(
            "DELETE FROM pings WHERE heartbeat_id = $1 AND at < \
             (SELECT at FROM pings WHERE heartbeat_id = $1 ORDER BY at DESC LIMIT 1 OFFSET $2)",
            args![row.heartbeat_id, PINGS_KEPT - 1],
        );
        [insert, trim]
    }

    /// Newest first.
    pub async fn pings_of(&self, id: HeartbeatId, limit: i64) -> Result<Vec<PingRow>, DbError> {
        let sql = "SELECT * FROM pings WHERE heartbeat_id = $1 ORDER BY at DESC, id DESC LIMIT $2";
        rows(self.db.query(sql, args![id, limit]).await?)
    }
}
