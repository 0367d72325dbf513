//! Answers to requests with an `Idempotency-Key`, and the keys whose request is under way.

use serde::Deserialize;
use watchtower_model::Timestamp;

use crate::{DbError, Statement, Store, args, one};

#[derive(Debug, Clone, Deserialize)]
pub struct IdempotencyRow {
    pub body_hash: String,
    pub status: i64,
    pub reply: String,
}

impl Store {
    pub async fn idempotent_reply(&self, key: &str) -> Result<Option<IdempotencyRow>, DbError> {
        one(self
            .db
            .query("SELECT body_hash, status, reply FROM idempotency WHERE key = $1", args![key])
            .await?)
    }

    /// Claims a key before the work is done; stale when somebody has it. Status 0 means that the answer is not known yet.
    /// A claim older than `abandoned` is taken over: its owner died.
    pub fn claim_idempotency(
        key: &str,
        body_hash: &str,
        now: Timestamp,
        abandoned: Timestamp,
    ) -> Vec<Statement> {
        vec![
            Statement::new(
                "DELETE FROM idempotency WHERE key = $1 AND status = 0 AND created_at < $2",
                args![key, abandoned],
            ),
            Statement::expecting(
                "INSERT INTO idempotency (key, body_hash, status, reply, created_at) VALUES ($1, $2, 0, '', $3) \
                 ON CONFLICT (key) DO NOTHING",
                args![key, body_hash, now],
                1,
            ),
        ]
    }

    /// The first answer stays.
    pub fn save_idempotent_reply(
        key: &str,
        body_hash: &str,
        status: u16,
        reply: &str,
        now: Timestamp,
    ) -> Statement {
        Statement::new(
            "INSERT INTO idempotency (key, body_hash, status, reply, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (key) DO UPDATE SET status = excluded.status, reply = excluded.reply WHERE idempotency.status = 0",
            args![key, body_hash, i64::from(status), reply, now],
        )
    }

    /// The work failed: it may be tried again with the same key.
    pub fn release_idempotency(key: &str) -> Statement {
        Statement::new("DELETE FROM idempotency WHERE key = $1 AND status = 0", args![key])
    }

    pub fn delete_idempotency_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM idempotency WHERE created_at < $1", args![at])
    }
}
