//! Deployments over SSH with their steps. A deployment ends once; secrets are never among its options.

use serde::Deserialize;
use watchtower_model::{BatchId, DeploymentId, ServerId, Timestamp};

use crate::db::Val;
use crate::{DbError, Json, Statement, Store, args, one, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct DeploymentRow {
    pub id: DeploymentId,
    pub number: i64,
    /// Deployments that were asked for together.
    pub batch_id: BatchId,
    /// The batch whose failed ones these repeat.
    pub retry_of: Option<BatchId>,
    pub action: String,
    /// Name of the server's record, which may not exist yet.
    pub server: String,
    pub server_id: Option<ServerId>,
    /// `user@host:port`.
    pub target: String,
    /// How it was asked for, as JSON.
    pub options: String,
    pub status: String,
    pub change: Option<String>,
    pub version: Option<String>,
    pub arch: Option<String>,
    pub remarks: Json<Vec<String>>,
    /// As JSON.
    pub failure: Option<String>,
    pub created_by: String,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DeploymentStepRow {
    pub position: i64,
    pub name: String,
    pub status: String,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub detail: String,
    pub output: String,
}

/// How a deployment ended.
#[derive(Debug, Clone, Default)]
pub struct DeploymentEnd {
    pub status: &'static str,
    pub change: Option<String>,
    pub version: Option<String>,
    pub arch: Option<String>,
    pub remarks: Vec<String>,
    /// As JSON.
    pub failure: Option<String>,
}

/// Absent fields do not restrict.
#[derive(Debug, Clone, Default)]
pub struct DeploymentFilter {
    pub status: Option<String>,
    pub server: Option<ServerId>,
    pub batch: Option<BatchId>,
    /// Numbers below this.
    pub before: Option<i64>,
    pub limit: i64,
}

impl Store {
    pub fn insert_deployment(row: &DeploymentRow) -> Statement {
        Statement::new(
            "INSERT INTO deployments (id, number, batch_id, retry_of, action, server, server_id, target, options, status, remarks, \
             created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            args![
                row.id,
                row.number,
                row.batch_id,
                row.retry_of,
                &row.action,
                &row.server,
                row.server_id,
                &row.target,
                &row.options,
                &row.status,
                Val::json(&row.remarks.0),
                &row.created_by,
                row.created_at
            ],
        )
    }

    /// By number or id.
    pub async fn find_deployment(&self, number_or_id: &str) -> Result<Option<DeploymentRow>, DbError> {
        let found = match number_or_id.parse::<i64>() {
            Ok(number) => self.db.query("SELECT * FROM deployments WHERE number = $1", args![number]).await?,
            Err(_) => self.db.query("SELECT * FROM deployments WHERE id = $1", args![number_or_id]).await?,
        };
        one(found)
    }

    /// Newest first.
    pub async fn deployments(&self, filter: &DeploymentFilter) -> Result<Vec<DeploymentRow>, DbError> {
        let sql = "SELECT * FROM deployments WHERE ($1 = '' OR status = $1) AND ($2 = '' OR server_id = $2) \
                   AND ($3 = '' OR batch_id = $3) AND number < $4 ORDER BY number DESC LIMIT $5";
        rows(
            self.db
                .query(
                    sql,
                    args![
                        filter.status.clone().unwrap_or_default(),
                        filter.server.map(|id| id.to_string()).unwrap_or_default(),
                        filter.batch.map(|id| id.to_string()).unwrap_or_default(),
                        filter.before.unwrap_or(i64::MAX),
                        filter.limit
                    ],
                )
                .await?,
        )
    }

    /// In the order they were asked for.
    pub async fn deployments_of(&self, batch: BatchId) -> Result<Vec<DeploymentRow>, DbError> {
        rows(
            self.db
                .query("SELECT * FROM deployments WHERE batch_id = $1 ORDER BY number", args![batch])
                .await?,
        )
    }

    /// What has not ended, in the order it was asked for.
    pub async fn open_deployments(&self) -> Result<Vec<DeploymentRow>, DbError> {
        let sql = "SELECT * FROM deployments WHERE finished_at IS NULL ORDER BY number";
        rows(self.db.query(sql, args![]).await?)
    }

    pub fn start_deployment(id: DeploymentId, now: Timestamp) -> Statement {
        Statement::new(
            "UPDATE deployments SET status = 'running', started_at = $2 WHERE id = $1 AND finished_at IS NULL",
            args![id, now],
        )
    }

    pub fn set_deployment_server(id: DeploymentId, server: ServerId) -> Statement {
        Statement::new("UPDATE deployments SET server_id = $2 WHERE id = $1", args![id, server])
    }

    /// Ends a deployment; one that has ended stays as it ended (then no row is touched).
    pub fn end_deployment(id: DeploymentId, end: &DeploymentEnd, now: Timestamp) -> Statement {
        Statement::new(
            "UPDATE deployments SET status = $2, change = $3, version = $4, arch = $5, remarks = $6, failure = $7, \
             finished_at = $8 WHERE id = $1 AND finished_at IS NULL",
            args![
                id,
                end.status,
                end.change.clone(),
                end.version.clone(),
                end.arch.clone(),
                Val::json(&end.remarks),
                end.failure.clone(),
                now
            ],
        )
    }

    /// Writes a step as it is now; one that has ended stays as it ended: an earlier write may come late.
    pub fn save_deployment_step(id: DeploymentId, step: &DeploymentStepRow) -> Statement {
        Statement::new(
            "INSERT INTO deployment_steps (deployment_id, position, name, status, started_at, ended_at, detail, output) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (deployment_id, position) \
             DO UPDATE SET status = $4, ended_at = $6, detail = $7, output = $8 WHERE deployment_steps.ended_at IS NULL",
            args![
                id,
                step.position,
                &step.name,
                &step.status,
                step.started_at,
                step.ended_at,
                &step.detail,
                &step.output
            ],
        )
    }

    /// Steps of one that is no longer worked on do not stay `running`.
    pub fn stop_deployment_steps(id: DeploymentId, status: &str, now: Timestamp) -> Statement {
        Statement::new(
            "UPDATE deployment_steps SET status = $2, ended_at = $3 WHERE deployment_id = $1 AND ended_at IS NULL",
            args![id, status, now],
        )
    }

    /// For one that begins again from its start.
    pub fn delete_deployment_steps(id: DeploymentId) -> Statement {
        Statement::new("DELETE FROM deployment_steps WHERE deployment_id = $1", args![id])
    }

    pub async fn deployment_steps(&self, id: DeploymentId) -> Result<Vec<DeploymentStepRow>, DbError> {
        let sql = "SELECT position, name, status, started_at, ended_at, detail, output FROM deployment_steps \
                   WHERE deployment_id = $1 ORDER BY position";
        rows(self.db.query(sql, args![id]).await?)
    }

    pub async fn deployments_in_progress(&self) -> Result<i64, DbError> {
        let found =
            self.db.query("SELECT count(*) AS n FROM deployments WHERE finished_at IS NULL", args![]).await?;
        Ok(found.first().map_or(0, |row| row.int()))
    }

    pub fn delete_deployments_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM deployments WHERE finished_at < $1", args![at])
    }
}
