//! The append-only audit log: each entry's hash covers the one before.

use serde::Deserialize;
use watchtower_model::Timestamp;

use crate::{DbError, Statement, Store, args, one, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct AuditRow {
    pub sequence: i64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub object: String,
    pub detail: String,
    pub hash: String,
}

impl Store {
    /// Appends one entry.
    pub async fn append_audit(
        &self,
        at: Timestamp,
        actor: &str,
        action: &str,
        object: &str,
        detail: &str,
    ) -> Result<(), DbError> {
        self.append_audits(at, actor, &[(action, object, detail)]).await
    }

    /// Appends entries of one actor: action, object and detail of each. Of two writers at once, the slower one tries again.
    pub async fn append_audits(
        &self,
        at: Timestamp,
        actor: &str,
        entries: &[(&str, &str, &str)],
    ) -> Result<(), DbError> {
        let _in_turn = self.auditing.lock().await;
        for _ in 0..16 {
            let last: Option<AuditRow> =
                one(self.db.query("SELECT * FROM audit ORDER BY sequence DESC LIMIT 1", args![]).await?)?;
            let (mut sequence, mut before) = last.map_or((0, String::new()), |row| (row.sequence, row.hash));
            let mut inserts = Vec::with_capacity(entries.len());
            for (action, object, detail) in entries {
                sequence += 1;
                before = entry_hash(&before, sequence, at, [actor, action, object, detail]);
                inserts.push(Statement::new(
                    "INSERT INTO audit (sequence, at, actor, action, object, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    args![sequence, at, actor, *action, *object, *detail, before.as_str()],
                ));
            }
            match self.commit(inserts).await {
                Err(DbError::Unique(_)) => {}
                result => return result.map(drop),
            }
        }
        Err(DbError::Stale)
    }

    /// Newest first, below `before`.
    pub async fn audit(
        &self,
        before: i64,
        actor: Option<&str>,
        action: Option<&str>,
        limit: i64,
    ) -> Result<Vec<AuditRow>, DbError> {
        let sql = "SELECT * FROM audit WHERE sequence < $1 AND ($2 = '' OR actor = $2) AND ($3 = '' OR action = $3) \
                   ORDER BY sequence DESC LIMIT $4";
        rows(self.db.query(sql, args![before, actor.unwrap_or(""), action.unwrap_or(""), limit]).await?)
    }

    /// The first sequence whose hash does not follow from the one before, if any.
    pub async fn verify_audit(&self) -> Result<Option<i64>, DbError> {
        let all: Vec<AuditRow> =
            rows(self.db.query("SELECT * FROM audit ORDER BY sequence", args![]).await?)?;
        let mut before = String::new();
        for row in all {
            let expected = entry_hash(
                &before,
                row.sequence,
                row.at,
                [&row.actor, &row.action, &row.object, &row.detail],
            );
            if expected != row.hash {
                return Ok(Some(row.sequence));
            }
            before = row.hash;
        }
        Ok(None)
    }
}

/// Hex SHA-256 over the hash before, the sequence, the time and the four texts, each ended by a zero byte.
fn entry_hash(before: &str, sequence: i64, at: Timestamp, texts: [&str; 4]) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for part in [before, &sequence.to_string(), &at.0.to_string()].into_iter().chain(texts) {
        context.update(part.as_bytes());
        context.update(&[0]);
    }
    context.finish().as_ref().iter().map(|b| format!("{b:02x}")).collect()
}
