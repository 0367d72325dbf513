//! What became of calls of other tools: some ask for it later, by the request's id.

use serde::Deserialize;
use watchtower_model::{AlertId, Id, IntegrationId, Timestamp};

use crate::{DbError, Statement, Store, args, one};

#[derive(Debug, Clone, Deserialize)]
pub struct SenderRequestRow {
    pub id: Id,
    pub integration_id: IntegrationId,
    pub alert_id: Option<AlertId>,
    /// The alert's own, or empty.
    pub dedup_key: String,
    /// As the sender calls it.
    pub action: String,
    pub success: bool,
    pub status: String,
    pub at: Timestamp,
}

impl Store {
    pub async fn sender_request(&self, id: Id) -> Result<Option<SenderRequestRow>, DbError> {
        one(self.db.query("SELECT * FROM sender_requests WHERE id = $1", args![id]).await?)
    }

    pub fn insert_sender_request(row: &SenderRequestRow) -> Statement {
        Statement::new(
            "INSERT INTO sender_requests (id, integration_id, alert_id, dedup_key, action, success, status, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            args![
                row.id,
                row.integration_id,
                row.alert_id,
                &row.dedup_key,
                &row.action,
                row.success,
                &row.status,
                row.at
            ],
        )
    }

    pub fn delete_sender_requests_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM sender_requests WHERE at < $1", args![at])
    }
}
