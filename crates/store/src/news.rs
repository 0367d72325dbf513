//! Messages to channels that are of no incident: who has whose shift now, when a window begins.

use serde::Deserialize;
use watchtower_model::{ChannelId, Id, Timestamp};

use crate::db::Val;
use crate::{DbError, Json, Statement, Store, args, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct NewsRow {
    pub id: Id,
    /// The same for every try, and unique: what happened, and where it is told.
    pub idem_key: String,
    pub channel_id: ChannelId,
    pub title: String,
    pub lines: Json<Vec<String>>,
    pub attempts: i64,
    pub created_at: Timestamp,
    /// When it is tried, or tried again; absent once it arrived or was given up.
    pub next_at: Option<Timestamp>,
    pub last_error: Option<String>,
}

impl Store {
    /// The same key again changes nothing.
    pub fn insert_news(row: &NewsRow) -> Statement {
        Statement::new(
            "INSERT INTO news (id, idem_key, channel_id, title, lines, attempts, created_at, next_at) \
             VALUES ($1, $2, $3, $4, $5, 0, $6, $6) ON CONFLICT (idem_key) DO NOTHING",
            args![row.id, &row.idem_key, row.channel_id, &row.title, Val::json(&row.lines.0), row.created_at],
        )
    }

    /// Those whose time has come, the oldest first.
    pub async fn due_news(&self, now: Timestamp, limit: i64) -> Result<Vec<NewsRow>, DbError> {
        let sql =
            "SELECT * FROM news WHERE next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at, id LIMIT $2";
        rows(self.db.query(sql, args![now, limit]).await?)
    }

    /// Takes one for a try that ends by `until`; stale when another hub did.
    pub fn claim_news(row: &NewsRow, until: Timestamp) -> Statement {
        let sql = "UPDATE news SET attempts = attempts + 1, next_at = $3 \
                   WHERE id = $1 AND attempts = $2 AND next_at IS NOT NULL";
        Statement::expecting(sql, args![row.id, row.attempts, until], 1)
    }

    /// What became of a try: over without `next_at`.
    pub fn news_tried(id: Id, attempt: i64, error: Option<&str>, next_at: Option<Timestamp>) -> Statement {
        let sql = "UPDATE news SET last_error = $3, next_at = $4 WHERE id = $1 AND attempts = $2";
        Statement::new(sql, args![id, attempt, error, next_at])
    }

    pub fn delete_news_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM news WHERE created_at < $1", args![at])
    }
}
