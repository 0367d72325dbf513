//! What changed, in the order of commits: the dashboard resumes behind a sequence.

use serde::Deserialize;
use watchtower_model::Timestamp;

use crate::{DbError, Statement, Store, args, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct ChangeRow {
    pub sequence: i64,
    pub kind: String,
    pub object_id: String,
    pub at: Timestamp,
}

impl Store {
    pub fn insert_change(kind: &str, object_id: impl ToString, now: Timestamp) -> Statement {
        Statement::new(
            "INSERT INTO changes (kind, object_id, at) VALUES ($1, $2, $3)",
            args![kind, object_id.to_string(), now],
        )
    }

    pub async fn changes_after(&self, sequence: i64, limit: i64) -> Result<Vec<ChangeRow>, DbError> {
        rows(
            self.db
                .query(
                    "SELECT * FROM changes WHERE sequence > $1 ORDER BY sequence LIMIT $2",
                    args![sequence, limit],
                )
                .await?,
        )
    }

    /// The oldest and the newest sequence kept; zero when there is none.
    pub async fn change_bounds(&self) -> Result<(i64, i64), DbError> {
        #[derive(Deserialize)]
        struct Bounds {
            low: i64,
            high: i64,
        }
        let sql = "SELECT COALESCE(MIN(sequence), 0) AS low, COALESCE(MAX(sequence), 0) AS high FROM changes";
        let found = self.db.query(sql, args![]).await?;
        let bounds: Bounds =
            found.first().map(|row| row.to()).transpose()?.unwrap_or(Bounds { low: 0, high: 0 });
        Ok((bounds.low, bounds.high))
    }

    pub fn delete_changes_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM changes WHERE at < $1", args![at])
    }
}
