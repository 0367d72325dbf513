//! Runs and executions. Terminal states are written once.

use std::collections::HashMap;

use serde::Deserialize;
use watchtower_model::{
    AgentId, AutomationId, ExecutionId, IncidentId, RunId, ScriptId, ServerId, Timestamp,
};

use crate::{DbError, Statement, Store, args, id_list, one, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct RunRow {
    pub id: RunId,
    pub number: i64,
    pub script_id: Option<ScriptId>,
    pub name: String,
    pub script_version: Option<i64>,
    /// What is sent to agents, as JSON, without the values of secrets.
    pub body: String,
    /// These, sealed; empty when there are none, and once the run has ended.
    pub sealed: String,
    pub selector: String,
    pub state: String,
    pub started_by: String,
    pub automation_id: Option<AutomationId>,
    pub incident_id: Option<IncidentId>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// How it goes over its servers, as JSON.
    pub rollout: String,
    /// Set on runs that need approval: without it by then they do not start.
    pub approve_by: Option<Timestamp>,
    pub approved_by: Option<String>,
    /// Who is behind `started_by`: must not approve it.
    pub person: String,
    /// By whose right it was started, which is asked again whenever the turn of some of its servers comes.
    pub authority: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ExecutionRow {
    pub id: ExecutionId,
    pub run_id: RunId,
    pub server_id: ServerId,
    pub agent_id: AgentId,
    pub state: String,
    pub exit_code: Option<i64>,
    pub reason: Option<String>,
    pub created_at: Timestamp,
    /// Not started after this.
    pub not_after: Timestamp,
    /// Without news by then it is `lost`.
    pub give_up_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub stdout_bytes: i64,
    pub stderr_bytes: i64,
    /// Somebody asked for it to end.
    pub cancel: bool,
    /// Its place in the order of the run.
    pub place: i64,
    /// Of one group at most one is under way.
    pub turn_group: Option<String>,
    /// Bytes of its output that are stored, both streams together.
    pub output_bytes: i64,
    /// Up to where each stream is stored, the gap in the middle aside.
    pub stdout_end: i64,
    pub stderr_end: i64,
    /// 1, unless it is another try of an idempotent script.
    pub try_number: i64,
    /// The try that took its place; it counts in its stead.
    pub replaced_by: Option<ExecutionId>,
}

/// How many executions of a run are in one state.
#[derive(Debug, Clone, Deserialize)]
pub struct ExecutionCount {
    pub run_id: RunId,
    pub state: String,
    pub executions: i64,
}

/// What is newly known of an execution.
#[derive(Debug, Clone, Default)]
pub struct ExecutionUpdate {
    pub state: &'static str,
    pub exit_code: Option<i32>,
    pub reason: Option<String>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub stdout_bytes: u64,
    pub stderr_bytes: u64,
}

/// Absent fields do not restrict.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub state: Option<String>,
    pub server: Option<ServerId>,
    pub script: Option<ScriptId>,
    pub incident: Option<IncidentId>,
    /// Numbers below this.
    pub before: Option<i64>,
    pub limit: i64,
}

impl Store {
    pub fn insert_run(run: &RunRow) -> Statement {
        Statement::new(
            "INSERT INTO runs (id, number, script_id, name, script_version, body, selector, state, started_by, automation_id, \
             incident_id, created_at, rollout, approve_by, person, authority, sealed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            args![
                run.id,
                run.number,
                run.script_id,
                &run.name,
                run.script_version,
                &run.body,
                &run.selector,
                &run.state,
                &run.started_by,
                run.automation_id,
                run.incident_id,
                run.created_at,
                &run.rollout,
                run.approve_by,
                &run.person,
                &run.authority,
                &run.sealed
            ],
        )
    }

    pub fn insert_execution(execution: &ExecutionRow) -> Statement {
        Statement::new(
            "INSERT INTO executions (id, run_id, server_id, agent_id, state, created_at, not_after, give_up_at, stdout_bytes, \
             stderr_bytes, cancel, place, turn_group, try_number, reason) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, FALSE, $9, $10, $11, $12)",
            args![
                execution.id,
                execution.run_id,
                execution.server_id,
                execution.agent_id,
                &execution.state,
                execution.created_at,
                execution.not_after,
                execution.give_up_at,
                execution.place,
                execution.turn_group.clone(),
                execution.try_number,
                execution.reason.clone()
            ],
        )
    }

    /// By number or id.
    pub async fn find_run(&self, number_or_id: &str) -> Result<Option<RunRow>, DbError> {
        match number_or_id.parse::<i64>() {
            Ok(number) => one(self.db.query("SELECT * FROM runs WHERE number = $1", args![number]).await?),
            Err(_) => one(self.db.query("SELECT * FROM runs WHERE id = $1", args![number_or_id]).await?),
        }
    }

    pub async fn run(&self, id: RunId) -> Result<Option<RunRow>, DbError> {
        one(self.db.query("SELECT * FROM runs WHERE id = $1", args![id]).await?)
    }

    /// Newest first.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, DbError> {
        let sql = "SELECT * FROM runs WHERE ($1 = '' OR state = $1) AND ($2 = '' OR script_id = $2) AND ($3 = '' OR incident_id = $3) \
                   AND ($4 = '' OR id IN (SELECT run_id FROM executions WHERE server_id = $4)) AND number < $5 \
                   ORDER BY number DESC LIMIT $6";
        rows(
            self.db
                .query(
                    sql,
                    args![
                        filter.state.clone().unwrap_or_default(),
                        filter.script.map(|id| id.to_string()).unwrap_or_default(),
                        filter.incident.map(|id| id.to_string()).unwrap_or_default(),
                        filter.server.map(|id| id.to_string()).unwrap_or_default(),
                        filter.before.unwrap_or(i64::MAX),
                        filter.limit
                    ],
                )
                .await?,
        )
    }

    pub async fn runs_in_progress(&self) -> Result<i64, DbError> {
        let found =
            self.db.query("SELECT count(*) AS n FROM runs WHERE finished_at IS NULL", args![]).await?;
        Ok(found.first().map_or(0, |row| row.int()))
    }

    pub fn finish_run(id: RunId, state: &str, now: Timestamp) -> Statement {
        Statement::new(
            "UPDATE runs SET state = $2, finished_at = $3, sealed = '' WHERE id = $1 AND finished_at IS NULL",
            args![id, state, now],
        )
    }

    /// Runs after this number whose command names secrets.
    pub async fn runs_with_secret_names(&self, after: i64, limit: i64) -> Result<Vec<RunRow>, DbError> {
        let sql = "SELECT * FROM runs WHERE number > $1 AND body LIKE $2 ORDER BY number LIMIT $3";
        rows(self.db.query(sql, args![after, "%\"secrets\":[\"%", limit]).await?)
    }

    /// Puts a command without the values of its secrets in the place of the one that was read.
    pub fn conceal_run(run: &RunRow, body: &str, sealed: &str) -> Statement {
        let sql = "UPDATE runs SET body = $3, sealed = $4 WHERE id = $1 AND body = $2";
        Statement::new(sql, args![run.id, &run.body, body, sealed])
    }

    pub fn set_run_state(id: RunId, state: &str) -> Statement {
        Statement::new("UPDATE runs SET state = $2 WHERE id = $1 AND finished_at IS NULL", args![id, state])
    }

    /// Runs that automations started on a server within a day before `to` and that had not ended by `from`.
    pub async fn automated_runs_on(
        &self,
        server: ServerId,
        from: Timestamp,
        to: Timestamp,
        limit: i64,
    ) -> Result<Vec<(RunId, AutomationId)>, DbError> {
        #[derive(Deserialize)]
        struct Found {
            id: RunId,
            automation_id: AutomationId,
        }
        let sql = "SELECT DISTINCT runs.id, runs.automation_id FROM runs JOIN executions ON executions.run_id = runs.id \
                   WHERE runs.created_at >= $4 AND runs.created_at <= $3 AND runs.automation_id IS NOT NULL \
                   AND executions.server_id = $1 AND (executions.finished_at IS NULL OR executions.finished_at >= $2) \
                   ORDER BY runs.id DESC LIMIT $5";
        let found = self.db.query(sql, args![server, from, to, to.plus_ms(-86_400_000), limit]).await?;
        Ok(rows::<Found>(found)?.into_iter().map(|found| (found.id, found.automation_id)).collect())
    }

    /// One for each server: the latest try.
    pub async fn executions_of(&self, run: RunId) -> Result<Vec<ExecutionRow>, DbError> {
        let sql = "SELECT * FROM executions WHERE run_id = $1 AND replaced_by IS NULL ORDER BY place, created_at, id";
        rows(self.db.query(sql, args![run]).await?)
    }

    /// The tries whose place another took, oldest first.
    pub async fn earlier_tries_of(&self, run: RunId) -> Result<Vec<ExecutionRow>, DbError> {
        let sql = "SELECT * FROM executions WHERE run_id = $1 AND replaced_by IS NOT NULL ORDER BY try_number, place";
        rows(self.db.query(sql, args![run]).await?)
    }

    /// Another try takes its place. Stale when it has ended already.
    pub fn replace_execution(id: ExecutionId, by: ExecutionId) -> Statement {
        let sql = "UPDATE executions SET replaced_by = $2 WHERE id = $1 AND finished_at IS NULL";
        Statement::expecting(sql, args![id, by], 1)
    }

    /// States of the executions of these runs, counted.
    pub async fn execution_counts(&self, runs: &[RunId]) -> Result<Vec<ExecutionCount>, DbError> {
        let sql = "WITH RECURSIVE at(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM at WHERE (i + 1) * 36 < length($1)) \
                   SELECT run_id, state, count(*) AS executions FROM executions \
                   WHERE run_id IN (SELECT substr($1, i * 36 + 1, 36) FROM at) AND replaced_by IS NULL GROUP BY run_id, state";
        rows(self.db.query(sql, args![id_list(runs)]).await?)
    }

    /// The servers of these runs, each pair once.
    pub async fn servers_of_runs(&self, runs: &[RunId]) -> Result<Vec<(RunId, ServerId)>, DbError> {
        #[derive(Deserialize)]
        struct Pair {
            run_id: RunId,
            server_id: ServerId,
        }
        let sql = "WITH RECURSIVE at(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM at WHERE (i + 1) * 36 < length($1)) \
                   SELECT DISTINCT run_id, server_id FROM executions \
                   WHERE run_id IN (SELECT substr($1, i * 36 + 1, 36) FROM at)";
        let pairs: Vec<Pair> = rows(self.db.query(sql, args![id_list(runs)]).await?)?;
        Ok(pairs.into_iter().map(|pair| (pair.run_id, pair.server_id)).collect())
    }

    /// The numbers of these runs; those that are gone are left out.
    pub async fn run_numbers(&self, runs: &[RunId]) -> Result<HashMap<RunId, i64>, DbError> {
        #[derive(Deserialize)]
        struct Numbered {
            id: RunId,
            number: i64,
        }
        let sql = "WITH RECURSIVE at(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM at WHERE (i + 1) * 36 < length($1)) \
                   SELECT id, number FROM runs WHERE id IN (SELECT substr($1, i * 36 + 1, 36) FROM at)";
        let found: Vec<Numbered> = rows(self.db.query(sql, args![id_list(runs)]).await?)?;
        Ok(found.into_iter().map(|run| (run.id, run.number)).collect())
    }

    /// Of a run: executions that have not ended, and those among them whose turn has not come.
    pub async fn open_and_queued(&self, run: RunId) -> Result<(i64, i64), DbError> {
        let sql = "SELECT count(*) AS n FROM executions WHERE run_id = $1 AND finished_at IS NULL";
        let queued = "SELECT count(*) AS n FROM executions WHERE run_id = $1 AND state = 'queued'";
        let open = self.db.query(sql, args![run]).await?.first().map_or(0, |row| row.int());
        // Most runs have no queue: one question is enough for what has ended.
        let queued = match open {
            0 => 0,
            _ => self.db.query(queued, args![run]).await?.first().map_or(0, |row| row.int()),
        };
        Ok((open, queued))
    }

    pub async fn execution(&self, id: ExecutionId) -> Result<Option<ExecutionRow>, DbError> {
        one(self.db.query("SELECT * FROM executions WHERE id = $1", args![id]).await?)
    }

    pub async fn open_executions_of(&self, agent: AgentId) -> Result<Vec<ExecutionRow>, DbError> {
        let sql =
            "SELECT * FROM executions WHERE agent_id = $1 AND finished_at IS NULL ORDER BY created_at, id";
        rows(self.db.query(sql, args![agent]).await?)
    }

    /// Its turn has come. Touches no row when it does not wait any more: another look at the run was quicker.
    pub fn release_execution(id: ExecutionId, not_after: Timestamp, give_up_at: Timestamp) -> Statement {
        Statement::new(
            "UPDATE executions SET state = 'pending', not_after = $2, give_up_at = $3 WHERE id = $1 AND state = 'queued'",
            args![id, not_after, give_up_at],
        )
    }

    /// Runs under way of which some servers' turn has not come.
    pub async fn runs_with_queue(&self, limit: i64) -> Result<Vec<RunRow>, DbError> {
        let sql = "SELECT * FROM runs WHERE state = 'running' \
                   AND id IN (SELECT run_id FROM executions WHERE state = 'queued') ORDER BY number LIMIT $1";
        rows(self.db.query(sql, args![limit]).await?)
    }

    pub async fn runs_unapproved_at(&self, now: Timestamp) -> Result<Vec<RunRow>, DbError> {
        let sql = "SELECT * FROM runs WHERE state = 'awaiting_approval' AND approve_by <= $1 ORDER BY number LIMIT 100";
        rows(self.db.query(sql, args![now]).await?)
    }

    /// Stale unless it awaited approval.
    pub fn approve_run(id: RunId, by: &str) -> Statement {
        Statement::expecting(
            "UPDATE runs SET state = 'running', approved_by = $2 WHERE id = $1 AND state = 'awaiting_approval'",
            args![id, by],
            1,
        )
    }

    /// Executions that may be on a server now.
    pub async fn executions_under_way(&self) -> Result<Vec<ExecutionRow>, DbError> {
        let sql = "SELECT * FROM executions WHERE finished_at IS NULL AND state <> 'queued' ORDER BY created_at, id";
        rows(self.db.query(sql, args![]).await?)
    }

    /// Sent, to be started before this time, and not known to have arrived.
    pub async fn dispatched_until(&self, not_after: Timestamp) -> Result<Vec<ExecutionRow>, DbError> {
        let sql = "SELECT * FROM executions WHERE finished_at IS NULL AND state = 'dispatched' AND not_after < $1 LIMIT 500";
        rows(self.db.query(sql, args![not_after]).await?)
    }

    /// Executions nobody heard of for too long, and those whose start is no longer wanted.
    pub async fn overdue_executions(&self, now: Timestamp) -> Result<Vec<ExecutionRow>, DbError> {
        let sql = "SELECT * FROM executions WHERE finished_at IS NULL \
                   AND (give_up_at <= $1 OR (not_after <= $1 AND state = 'pending')) LIMIT 500";
        rows(self.db.query(sql, args![now]).await?)
    }

    /// Moves an execution on; one that has ended stays as it ended (then no row is touched).
    pub fn update_execution(id: ExecutionId, update: &ExecutionUpdate) -> Statement {
        Statement::new(
            "UPDATE executions SET state = $2, exit_code = COALESCE($3, exit_code), reason = COALESCE($4, reason), \
             started_at = COALESCE(started_at, $5), finished_at = $6, \
             stdout_bytes = CASE WHEN $7 > stdout_bytes THEN $7 ELSE stdout_bytes END, \
             stderr_bytes = CASE WHEN $8 > stderr_bytes THEN $8 ELSE stderr_bytes END \
             WHERE id = $1 AND finished_at IS NULL",
            args![
                id,
                update.state,
                update.exit_code,
                update.reason.clone(),
                update.started_at,
                update.finished_at,
                update.stdout_bytes,
                update.stderr_bytes
            ],
        )
    }

    pub fn cancel_executions_of(run: RunId) -> Statement {
        Statement::new(
            "UPDATE executions SET cancel = TRUE WHERE run_id = $1 AND finished_at IS NULL",
            args![run],
        )
    }

    /// Its command was sent; an answer that was quicker stays.
    pub fn mark_dispatched(id: ExecutionId) -> Statement {
        Statement::new(
            "UPDATE executions SET state = 'dispatched' WHERE id = $1 AND state = 'pending'",
            args![id],
        )
    }

    pub fn cancel_execution(id: ExecutionId) -> Statement {
        Statement::new("UPDATE executions SET cancel = TRUE WHERE id = $1 AND finished_at IS NULL", args![id])
    }

    pub fn delete_runs_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM runs WHERE finished_at < $1", args![at])
    }
}
