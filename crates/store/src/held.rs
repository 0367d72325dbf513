//! Alerts that are held until they were triggered often enough: counted, and not open yet.

use serde::Deserialize;
use watchtower_model::{Labels, Severity, Timestamp};

use crate::db::Val;
use crate::{DbError, Json, Statement, Store, args, one, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct HeldRow {
    pub source: String,
    pub dedup_key: String,
    /// When it was triggered, as far as that still counts; the oldest first.
    pub times: Json<Vec<i64>>,
    pub severity: Severity,
    pub summary: String,
    pub labels: Json<Labels>,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// Forgotten from then on.
    pub until_at: Timestamp,
    pub revision: i64,
}

impl Store {
    pub async fn held(&self, source: &str, dedup_key: &str) -> Result<Option<HeldRow>, DbError> {
        let sql = "SELECT * FROM held_alerts WHERE source = $1 AND dedup_key = $2";
        one(self.db.query(sql, args![source, dedup_key]).await?)
    }

    /// Those that are not forgotten yet, the newest first.
    pub async fn held_of(&self, source: &str, now: Timestamp, limit: i64) -> Result<Vec<HeldRow>, DbError> {
        let sql = "SELECT * FROM held_alerts WHERE source = $1 AND until_at > $2 ORDER BY last_at DESC, dedup_key LIMIT $3";
        rows(self.db.query(sql, args![source, now, limit]).await?)
    }

    pub async fn held_count(&self, source: &str, now: Timestamp) -> Result<i64, DbError> {
        #[derive(Deserialize)]
        struct Count {
            held: i64,
        }
        let sql = "SELECT count(*) AS held FROM held_alerts WHERE source = $1 AND until_at > $2";
        let found = rows::<Count>(self.db.query(sql, args![source, now]).await?)?;
        Ok(found.first().map_or(0, |count| count.held))
    }

    /// Stores a row in the place of the one with the revision before; stale, or not unique, when somebody else was faster.
    pub fn save_held(row: &HeldRow) -> Statement {
        let arguments = args![
            &row.source,
            &row.dedup_key,
            Val::json(&row.times.0),
            row.severity,
            &row.summary,
            Val::json(&row.labels.0),
            row.first_at,
            row.last_at,
            row.until_at,
            row.revision
        ];
        if row.revision == 1 {
            let sql = "INSERT INTO held_alerts (source, dedup_key, times, severity, summary, labels, first_at, last_at, until_at, revision) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
            return Statement::new(sql, arguments);
        }
        let sql = "UPDATE held_alerts SET times = $3, severity = $4, summary = $5, labels = $6, first_at = $7, last_at = $8, \
                   until_at = $9, revision = $10 WHERE source = $1 AND dedup_key = $2 AND revision = $10 - 1";
        Statement::expecting(sql, arguments, 1)
    }

    pub fn delete_held(source: &str, dedup_key: &str) -> Statement {
        let sql = "DELETE FROM held_alerts WHERE source = $1 AND dedup_key = $2";
        Statement::new(sql, args![source, dedup_key])
    }

    pub fn delete_held_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM held_alerts WHERE until_at < $1", args![at])
    }
}
