//! Answers already given to requests with an `Idempotency-Key`.

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

    pub fn save_idempotent_reply(
        key: &str,
        body_hash: &str,
        status: u16,
        reply: &str,
        now: Timestamp,
    ) -> Statement {
        Statement::new(
            "INSERT INTO idempotency (key, body_hash, status, reply, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (key) DO NOTHING",
            args![key, body_hash, i64::from(status), reply, now],
        )
    }

    pub fn delete_idempotency_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM idempotency WHERE created_at < $1", args![at])
    }
}
