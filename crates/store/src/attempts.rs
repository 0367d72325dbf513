//! Each time an automation was considered for a server, and what became of it.

use serde::Deserialize;
use watchtower_model::{AlertId, AutomationId, Id, IncidentId, RunId, ServerId, Timestamp};

use crate::{DbError, Statement, Store, args, one, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct AttemptRow {
    pub id: Id,
    pub automation_id: AutomationId,
    pub server_id: ServerId,
    pub alert_id: AlertId,
    pub incident_id: Option<IncidentId>,
    pub state: String,
    /// The engine's state and the gates, as JSON.
    pub body: String,
    pub revision: i64,
    pub run_id: Option<RunId>,
    pub wake_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl Store {
    pub fn insert_attempt(row: &AttemptRow) -> Statement {
        Statement::new(
            "INSERT INTO attempts (id, automation_id, server_id, alert_id, incident_id, state, body, revision, run_id, wake_at, \
             created_at, finished_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $10, $11)",
            args![
                row.id,
                row.automation_id,
                row.server_id,
                row.alert_id,
                row.incident_id,
                &row.state,
                &row.body,
                row.run_id,
                row.wake_at,
                row.created_at,
                row.finished_at
            ],
        )
    }

    /// Stale unless `row.revision` is what is stored.
    pub fn update_attempt(row: &AttemptRow) -> Statement {
        Statement::expecting(
            "UPDATE attempts SET state = $2, body = $3, revision = revision + 1, run_id = $4, wake_at = $5, finished_at = $6 \
             WHERE id = $1 AND revision = $7",
            args![row.id, &row.state, &row.body, row.run_id, row.wake_at, row.finished_at, row.revision],
            1,
        )
    }

    /// What was tried for an incident counts for the one that it goes on in.
    pub fn move_attempts(from: IncidentId, into: IncidentId) -> Statement {
        Statement::new("UPDATE attempts SET incident_id = $2 WHERE incident_id = $1", args![from, into])
    }

    pub async fn attempt(&self, id: Id) -> Result<Option<AttemptRow>, DbError> {
        one(self.db.query("SELECT * FROM attempts WHERE id = $1", args![id]).await?)
    }

    pub async fn attempt_of_run(&self, run: RunId) -> Result<Option<AttemptRow>, DbError> {
        one(self.db.query("SELECT * FROM attempts WHERE run_id = $1", args![run]).await?)
    }

    /// Newest first, at most so many.
    pub async fn attempts_since(
        &self,
        automation: AutomationId,
        since: Timestamp,
        limit: i64,
    ) -> Result<Vec<AttemptRow>, DbError> {
        let sql = "SELECT * FROM attempts WHERE automation_id = $1 AND created_at >= $2 ORDER BY created_at DESC, id LIMIT $3";
        rows(self.db.query(sql, args![automation, since, limit]).await?)
    }

    /// Automations that have answered about this alert.
    pub async fn automations_asked_about(&self, alert: AlertId) -> Result<Vec<AutomationId>, DbError> {
        #[derive(Deserialize)]
        struct Asked {
            automation_id: AutomationId,
        }
        let found =
            self.db.query("SELECT automation_id FROM attempts WHERE alert_id = $1", args![alert]).await?;
        Ok(rows::<Asked>(found)?.into_iter().map(|asked| asked.automation_id).collect())
    }

    pub async fn open_attempts(&self) -> Result<Vec<AttemptRow>, DbError> {
        rows(
            self.db
                .query("SELECT * FROM attempts WHERE finished_at IS NULL ORDER BY created_at", args![])
                .await?,
        )
    }

    pub fn delete_attempts_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM attempts WHERE finished_at < $1", args![at])
    }
}
