//! Keys that hosts showed over SSH. A revoked key stays, so that it is never accepted again.

use serde::Deserialize;
use watchtower_model::{HostKeyId, Timestamp};

use crate::{DbError, Statement, Store, args, one, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct HostKeyRow {
    pub id: HostKeyId,
    pub host: String,
    pub port: i64,
    pub algorithm: String,
    /// The public key as in a line of known_hosts, without base64.
    pub key_blob: Vec<u8>,
    /// `SHA256:…`
    pub fingerprint: String,
    /// `pinned` or `revoked`.
    pub state: String,
    pub added_by: String,
    pub first_seen_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

impl Store {
    /// Fails as [`DbError::Unique`] when the host has this key already, pinned or revoked.
    pub fn insert_host_key(row: &HostKeyRow) -> Statement {
        Statement::new(
            "INSERT INTO host_keys (id, host, port, algorithm, key_blob, fingerprint, state, added_by, first_seen_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            args![
                row.id,
                &row.host,
                row.port,
                &row.algorithm,
                row.key_blob.as_slice(),
                &row.fingerprint,
                &row.state,
                &row.added_by,
                row.first_seen_at
            ],
        )
    }

    /// Every key of a host, pinned or revoked.
    pub async fn host_keys_of(&self, host: &str, port: i64) -> Result<Vec<HostKeyRow>, DbError> {
        let sql = "SELECT * FROM host_keys WHERE host = $1 AND port = $2 ORDER BY first_seen_at, id";
        rows(self.db.query(sql, args![host, port]).await?)
    }

    pub async fn host_key(&self, id: HostKeyId) -> Result<Option<HostKeyRow>, DbError> {
        one(self.db.query("SELECT * FROM host_keys WHERE id = $1", args![id]).await?)
    }

    /// By host and port, behind the id of the page before.
    pub async fn host_keys(&self, after: Option<HostKeyId>, limit: i64) -> Result<Vec<HostKeyRow>, DbError> {
        let sql = "SELECT * FROM host_keys WHERE id > $1 ORDER BY id LIMIT $2";
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        rows(self.db.query(sql, args![after, limit]).await?)
    }

    pub async fn count_host_keys(&self) -> Result<i64, DbError> {
        let found = self.db.query("SELECT count(*) AS n FROM host_keys", args![]).await?;
        Ok(found.first().map_or(0, |row| row.int()))
    }

    pub fn revoke_host_key(id: HostKeyId, now: Timestamp) -> Statement {
        Statement::new(
            "UPDATE host_keys SET state = 'revoked', revoked_at = $2 WHERE id = $1 AND state = 'pinned'",
            args![id, now],
        )
    }

    /// Other keys of the host are not good any more: a rebuilt server has new ones.
    pub fn revoke_other_host_keys(host: &str, port: i64, keep: &str, now: Timestamp) -> Statement {
        Statement::new(
            "UPDATE host_keys SET state = 'revoked', revoked_at = $4 WHERE host = $1 AND port = $2 AND fingerprint <> $3 \
             AND state = 'pinned'",
            args![host, port, keep, now],
        )
    }
}
