//! Incidents: the engine's state as JSON, beside the columns that are searched.

use std::collections::HashMap;

use serde::Deserialize;
use watchtower_model::{IncidentId, ServerId, ServiceId, Severity, Timestamp};

use crate::{DbError, Statement, Store, args, id_list, one, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct IncidentRow {
    pub id: IncidentId,
    pub number: i64,
    pub title: String,
    pub state: String,
    pub severity: Severity,
    pub service_id: ServiceId,
    pub server_id: Option<ServerId>,
    pub test: bool,
    pub group_key: String,
    pub generation: i64,
    /// Counts up with each write: what was read is still so, or the write is stale.
    pub revision: i64,
    pub next_wake_at: Option<Timestamp>,
    pub triggered_at: Timestamp,
    pub acknowledged_at: Option<Timestamp>,
    pub first_acknowledged_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub repair: Option<String>,
    /// What it goes on in by now.
    pub merged_into: Option<IncidentId>,
    /// The engine's state.
    pub body: String,
    /// The process table at the trigger.
    pub processes: Option<String>,
}

/// Absent fields do not restrict.
#[derive(Debug, Clone, Default)]
pub struct IncidentFilter {
    /// Any of these; empty means all.
    pub states: Vec<String>,
    pub severities: Vec<String>,
    pub server: Option<ServerId>,
    pub service: Option<ServiceId>,
    /// Part of the title, lower case.
    pub text: Option<String>,
    /// Numbers below this.
    pub before: Option<i64>,
    pub limit: i64,
}

/// What names an incident elsewhere.
#[derive(Debug, Clone, Deserialize)]
pub struct IncidentHead {
    pub id: IncidentId,
    pub number: i64,
    pub title: String,
    pub severity: Severity,
    pub server_id: Option<ServerId>,
    /// A drill.
    pub test: bool,
}

/// Times of one incident, for the statistics.
#[derive(Debug, Clone, Deserialize)]
pub struct StatsRow {
    pub server_id: Option<ServerId>,
    pub state: String,
    pub triggered_at: Timestamp,
    pub first_acknowledged_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub repair: Option<String>,
}

impl Store {
    /// By number or id.
    pub async fn find_incident(&self, number_or_id: &str) -> Result<Option<IncidentRow>, DbError> {
        match number_or_id.parse::<i64>() {
            Ok(number) => {
                one(self.db.query("SELECT * FROM incidents WHERE number = $1", args![number]).await?)
            }
            Err(_) => {
                one(self.db.query("SELECT * FROM incidents WHERE id = $1", args![number_or_id]).await?)
            }
        }
    }

    pub async fn incident(&self, id: IncidentId) -> Result<Option<IncidentRow>, DbError> {
        one(self.db.query("SELECT * FROM incidents WHERE id = $1", args![id]).await?)
    }

    /// Those of these incidents that are still there.
    pub async fn incident_heads(
        &self,
        ids: &[IncidentId],
    ) -> Result<HashMap<IncidentId, IncidentHead>, DbError> {
        let sql = "WITH RECURSIVE at(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM at WHERE (i + 1) * 36 < length($1)) \
                   SELECT id, number, title, severity, server_id, test FROM incidents \
                   WHERE id IN (SELECT substr($1, i * 36 + 1, 36) FROM at)";
        let found: Vec<IncidentHead> = rows(self.db.query(sql, args![id_list(ids)]).await?)?;
        Ok(found.into_iter().map(|head| (head.id, head)).collect())
    }

    pub async fn open_incident_of_group(
        &self,
        service: ServiceId,
        group_key: &str,
    ) -> Result<Option<IncidentRow>, DbError> {
        let sql = "SELECT * FROM incidents WHERE service_id = $1 AND group_key = $2 AND state <> 'resolved'";
        one(self.db.query(sql, args![service, group_key]).await?)
    }

    /// Number and end of incidents of this group that are over, the last first. Drills do not count, nor what goes on in another one.
    pub async fn ended_incidents_of_group(
        &self,
        service: ServiceId,
        group_key: &str,
        limit: i64,
    ) -> Result<Vec<(i64, Timestamp)>, DbError> {
        #[derive(Deserialize)]
        struct Ended {
            number: i64,
            resolved_at: Timestamp,
        }
        let sql = "SELECT number, resolved_at FROM incidents WHERE service_id = $1 AND group_key = $2 AND state = 'resolved' \
                   AND resolved_at IS NOT NULL AND merged_into IS NULL AND test = $3 ORDER BY resolved_at DESC, number DESC LIMIT $4";
        let found = rows::<Ended>(self.db.query(sql, args![service, group_key, false, limit]).await?)?;
        Ok(found.into_iter().map(|one| (one.number, one.resolved_at)).collect())
    }

    /// The incident of this group that ended last; drills do not count.
    pub async fn last_ended_of_group(
        &self,
        service: ServiceId,
        group_key: &str,
    ) -> Result<Option<IncidentRow>, DbError> {
        let sql = "SELECT * FROM incidents WHERE service_id = $1 AND group_key = $2 AND state = 'resolved' \
                   AND resolved_at IS NOT NULL AND test = $3 ORDER BY resolved_at DESC, number DESC LIMIT 1";
        one(self.db.query(sql, args![service, group_key, false]).await?)
    }

    /// Triggered incidents of one service whose first alert came from this source, newest first. `source` ends with a slash.
    pub async fn triggered_incidents_of(
        &self,
        service: ServiceId,
        source: &str,
        limit: i64,
    ) -> Result<Vec<IncidentRow>, DbError> {
        let sql = "SELECT * FROM incidents WHERE service_id = $1 AND state = 'triggered' AND state <> 'resolved' \
                   AND substr(group_key, 1, length($2)) = $2 ORDER BY number DESC LIMIT $3";
        rows(self.db.query(sql, args![service, source, limit]).await?)
    }

    pub async fn open_incidents(&self) -> Result<Vec<IncidentRow>, DbError> {
        rows(
            self.db
                .query("SELECT * FROM incidents WHERE state <> 'resolved' ORDER BY number DESC", args![])
                .await?,
        )
    }

    /// Incidents whose timer has run out, oldest first.
    pub async fn due_incidents(&self, now: Timestamp, limit: i64) -> Result<Vec<IncidentRow>, DbError> {
        let sql = "SELECT * FROM incidents WHERE next_wake_at <= $1 ORDER BY next_wake_at LIMIT $2";
        rows(self.db.query(sql, args![now, limit]).await?)
    }

    /// Newest first.
    pub async fn incidents(&self, filter: &IncidentFilter) -> Result<Vec<IncidentRow>, DbError> {
        let sql = "SELECT * FROM incidents WHERE ($1 = '' OR $1 LIKE '%,' || state || ',%') \
                   AND ($2 = '' OR $2 LIKE '%,' || severity || ',%') AND ($3 = '' OR server_id = $3 \
                   OR id IN (SELECT incident_id FROM alerts WHERE server_id = $3)) AND ($4 = '' OR service_id = $4) \
                   AND ($5 = '' OR lower(title) LIKE $5 ESCAPE '\\') AND number < $6 ORDER BY number DESC LIMIT $7";
        let set = |words: &[String]| {
            if words.is_empty() { String::new() } else { format!(",{},", words.join(",")) }
        };
        let text = filter.text.as_ref().map_or(String::new(), |text| {
            format!("%{}%", text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
        });
        rows(
            self.db
                .query(
                    sql,
                    args![
                        set(&filter.states),
                        set(&filter.severities),
                        filter.server.map(|id| id.to_string()).unwrap_or_default(),
                        filter.service.map(|id| id.to_string()).unwrap_or_default(),
                        text,
                        filter.before.unwrap_or(i64::MAX),
                        filter.limit
                    ],
                )
                .await?,
        )
    }

    /// Without drills, and without what goes on in another one.
    pub async fn incident_stats(&self, since: Timestamp) -> Result<Vec<StatsRow>, DbError> {
        let sql = "SELECT server_id, state, triggered_at, first_acknowledged_at, resolved_at, repair FROM incidents \
                   WHERE NOT test AND merged_into IS NULL AND (triggered_at >= $1 OR state <> 'resolved')";
        rows(self.db.query(sql, args![since]).await?)
    }

    pub fn insert_incident(row: &IncidentRow) -> Statement {
        Statement::new(
            "INSERT INTO incidents (id, number, title, state, severity, service_id, server_id, test, group_key, generation, revision, \
             next_wake_at, triggered_at, acknowledged_at, first_acknowledged_at, resolved_at, repair, body, processes) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $12, $13, $14, $15, $16, $17, $18)",
            args![
                row.id,
                row.number,
                &row.title,
                &row.state,
                row.severity,
                row.service_id,
                row.server_id,
                row.test,
                &row.group_key,
                row.generation,
                row.next_wake_at,
                row.triggered_at,
                row.acknowledged_at,
                row.first_acknowledged_at,
                row.resolved_at,
                row.repair.clone(),
                &row.body,
                row.processes.clone()
            ],
        )
    }

    /// Stale unless `row.revision` is what is stored.
    pub fn update_incident(row: &IncidentRow) -> Statement {
        Statement::expecting(
            "UPDATE incidents SET title = $2, state = $3, severity = $4, generation = $5, revision = revision + 1, next_wake_at = $6, \
             acknowledged_at = $7, first_acknowledged_at = $8, resolved_at = $9, repair = $10, body = $11, merged_into = $13 \
             WHERE id = $1 AND revision = $12",
            args![
                row.id,
                &row.title,
                &row.state,
                row.severity,
                row.generation,
                row.next_wake_at,
                row.acknowledged_at,
                row.first_acknowledged_at,
                row.resolved_at,
                row.repair.clone(),
                &row.body,
                row.revision,
                row.merged_into
            ],
            1,
        )
    }

    /// What was merged into `from` goes on in `into` with it. Their revisions rise, so that nobody writes over that.
    pub fn follow_merge(from: IncidentId, into: IncidentId) -> Statement {
        Statement::new(
            "UPDATE incidents SET merged_into = $2, revision = revision + 1 WHERE merged_into = $1",
            args![from, into],
        )
    }

    /// Not those that go on in one that is open.
    pub fn delete_incidents_before(at: Timestamp) -> Statement {
        Statement::new(
            "DELETE FROM incidents WHERE resolved_at < $1 AND (merged_into IS NULL \
             OR merged_into NOT IN (SELECT id FROM incidents WHERE state <> 'resolved'))",
            args![at],
        )
    }
}
