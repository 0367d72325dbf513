//! Alerts that automations are still to be asked about.

use serde::Deserialize;
use watchtower_model::{AlertId, Timestamp};

use crate::{DbError, Statement, Store, args, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct ConsiderationRow {
    pub alert_id: AlertId,
    pub created_at: Timestamp,
}

impl Store {
    /// To be committed with the alert.
    pub fn insert_consideration(alert: AlertId, now: Timestamp) -> Statement {
        // The depth is found when it is asked for; the column is for hubs that stored it.
        Statement::new(
            "INSERT INTO considerations (alert_id, depth, created_at) VALUES ($1, 0, $2)",
            args![alert, now],
        )
    }

    /// Oldest first.
    pub async fn considerations_before(
        &self,
        at: Timestamp,
        limit: i64,
    ) -> Result<Vec<ConsiderationRow>, DbError> {
        let sql = "SELECT * FROM considerations WHERE created_at < $1 ORDER BY created_at, alert_id LIMIT $2";
        rows(self.db.query(sql, args![at, limit]).await?)
    }

    pub fn delete_consideration(alert: AlertId) -> Statement {
        Statement::new("DELETE FROM considerations WHERE alert_id = $1", args![alert])
    }
}
