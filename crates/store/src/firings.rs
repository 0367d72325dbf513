//! When automations are due by the clock, and how each due time was answered.
//!
//! Invariant: a due time is answered once. Who answers it moves the timetable on in the same commit; who comes second is stale.

use serde::Deserialize;
use watchtower_model::{AutomationId, Id, RunId, Timestamp};

use crate::{DbError, Statement, Store, args, one, rows};

/// Firings that are kept of an automation.
pub const FIRINGS_KEPT: i64 = 200;

#[derive(Debug, Clone, Deserialize)]
pub struct DueRow {
    pub automation_id: AutomationId,
    pub due_at: Timestamp,
}

#[derive(Debug, Clone, Deserialize)]
pub struct FiringRow {
    pub id: Id,
    pub automation_id: AutomationId,
    pub due_at: Timestamp,
    pub state: String,
    /// Gates and reasons, as JSON.
    pub body: String,
    pub run_id: Option<RunId>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl Store {
    pub fn set_due(automation: AutomationId, due_at: Timestamp) -> Statement {
        Statement::new(
            "INSERT INTO timetable (automation_id, due_at) VALUES ($1, $2) \
             ON CONFLICT (automation_id) DO UPDATE SET due_at = $2",
            args![automation, due_at],
        )
    }

    /// Only where nothing is written: what may be due right now stays.
    pub fn ensure_due(automation: AutomationId, due_at: Timestamp) -> Statement {
        Statement::new(
            "INSERT INTO timetable (automation_id, due_at) VALUES ($1, $2) ON CONFLICT (automation_id) DO NOTHING",
            args![automation, due_at],
        )
    }

    pub fn clear_due(automation: AutomationId) -> Statement {
        Statement::new("DELETE FROM timetable WHERE automation_id = $1", args![automation])
    }

    /// Stale unless `from` is what is stored: another hub has answered it, or the trigger was changed.
    pub fn move_due(automation: AutomationId, from: Timestamp, to: Option<Timestamp>) -> Statement {
        match to {
            Some(to) => Statement::expecting(
                "UPDATE timetable SET due_at = $3 WHERE automation_id = $1 AND due_at = $2",
                args![automation, from, to],
                1,
            ),
            None => Statement::expecting(
                "DELETE FROM timetable WHERE automation_id = $1 AND due_at = $2",
                args![automation, from],
                1,
            ),
        }
    }

    /// What is due, the oldest first.
    pub async fn due_at(&self, now: Timestamp, limit: i64) -> Result<Vec<DueRow>, DbError> {
        let sql = "SELECT automation_id, due_at FROM timetable WHERE due_at <= $1 ORDER BY due_at, automation_id LIMIT $2";
        rows(self.db.query(sql, args![now, limit]).await?)
    }

    /// When an automation is due next.
    pub async fn due_of(&self, automation: AutomationId) -> Result<Option<Timestamp>, DbError> {
        let sql = "SELECT automation_id, due_at FROM timetable WHERE automation_id = $1";
        let row: Option<DueRow> = one(self.db.query(sql, args![automation]).await?)?;
        Ok(row.map(|row| row.due_at))
    }

    /// Fails as [`DbError::Unique`] when this due time was answered before.
    pub fn insert_firing(row: &FiringRow) -> Statement {
        Statement::new(
            "INSERT INTO firings (id, automation_id, due_at, state, body, run_id, created_at, finished_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            args![
                row.id,
                row.automation_id,
                row.due_at,
                &row.state,
                &row.body,
                row.run_id,
                row.created_at,
                row.finished_at
            ],
        )
    }

    /// What waited for its turn is answered. Stale when it does not wait any more.
    pub fn answer_waiting_firing(row: &FiringRow) -> Statement {
        Statement::expecting(
            "UPDATE firings SET state = $2, body = $3, run_id = $4, finished_at = $5 WHERE id = $1 AND state = 'waiting'",
            args![row.id, &row.state, &row.body, row.run_id, row.finished_at],
            1,
        )
    }

    /// Its run has ended. Stale when that was written before.
    pub fn end_firing(id: Id, state: &str, now: Timestamp) -> Statement {
        Statement::expecting(
            "UPDATE firings SET state = $2, finished_at = $3 WHERE id = $1 AND finished_at IS NULL",
            args![id, state, now],
            1,
        )
    }

    /// Removes what is older than the newest [`FIRINGS_KEPT`] of an automation.
    pub fn trim_firings(automation: AutomationId) -> Statement {
        Statement::new(
            "DELETE FROM firings WHERE automation_id = $1 AND finished_at IS NOT NULL AND due_at < \
             (SELECT due_at FROM firings WHERE automation_id = $1 ORDER BY due_at DESC LIMIT 1 OFFSET $2)",
            args![automation, FIRINGS_KEPT - 1],
        )
    }

    pub fn delete_firings_of(automation: AutomationId) -> Statement {
        Statement::new("DELETE FROM firings WHERE automation_id = $1", args![automation])
    }

    pub async fn firing(&self, id: Id) -> Result<Option<FiringRow>, DbError> {
        one(self.db.query("SELECT * FROM firings WHERE id = $1", args![id]).await?)
    }

    pub async fn firing_of_run(&self, run: RunId) -> Result<Option<FiringRow>, DbError> {
        one(self.db.query("SELECT * FROM firings WHERE run_id = $1", args![run]).await?)
    }

    /// Newest first.
    pub async fn firings_of(&self, automation: AutomationId, limit: i64) -> Result<Vec<FiringRow>, DbError> {
        let sql = "SELECT * FROM firings WHERE automation_id = $1 ORDER BY due_at DESC LIMIT $2";
        rows(self.db.query(sql, args![automation, limit]).await?)
    }

    /// Those that wait or whose run is under way, the oldest first.
    pub async fn open_firings(&self) -> Result<Vec<FiringRow>, DbError> {
        rows(
            self.db
                .query("SELECT * FROM firings WHERE finished_at IS NULL ORDER BY due_at, id", args![])
                .await?,
        )
    }
}
