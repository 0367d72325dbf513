//! Alerts: one open problem each, unique by source and dedup key while open.

use serde::Deserialize;
use watchtower_model::{AlertId, IncidentId, Labels, RuleId, ServerId, Severity, Timestamp};

use crate::db::Val;
use crate::{DbError, Json, Statement, Store, args, one, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct AlertRow {
    pub id: AlertId,
    pub source: String,
    pub dedup_key: String,
    /// `firing` or `resolved`.
    pub state: String,
    pub severity: Severity,
    pub summary: String,
    pub description: String,
    pub labels: Json<Labels>,
    pub value: Option<f64>,
    pub rule_id: Option<RuleId>,
    pub server_id: Option<ServerId>,
    pub incident_id: Option<IncidentId>,
    pub count: i64,
    pub first_seen_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    /// Over by itself from then on, unless it is told again.
    pub ends_at: Option<Timestamp>,
}

/// Absent fields do not restrict.
#[derive(Debug, Clone, Default)]
pub struct AlertFilter {
    pub state: Option<String>,
    pub server: Option<ServerId>,
    pub rule: Option<RuleId>,
    pub incident: Option<IncidentId>,
    /// Only those before this (time, id): the last of the page before.
    pub before: Option<(Timestamp, AlertId)>,
    pub limit: i64,
}

impl Store {
    pub async fn open_alert(&self, source: &str, dedup_key: &str) -> Result<Option<AlertRow>, DbError> {
        let sql = "SELECT * FROM alerts WHERE source = $1 AND dedup_key = $2 AND state <> 'resolved'";
        one(self.db.query(sql, args![source, dedup_key]).await?)
    }

    pub async fn alert(&self, id: AlertId) -> Result<Option<AlertRow>, DbError> {
        one(self.db.query("SELECT * FROM alerts WHERE id = $1", args![id]).await?)
    }

    pub async fn alerts(&self, filter: &AlertFilter) -> Result<Vec<AlertRow>, DbError> {
        let sql = "SELECT * FROM alerts WHERE ($1 = '' OR state = $1) AND ($2 = '' OR server_id = $2) AND ($3 = '' OR rule_id = $3) \
                   AND ($4 = '' OR incident_id = $4) AND (last_seen_at < $5 OR (last_seen_at = $5 AND id < $7)) \
                   ORDER BY last_seen_at DESC, id DESC LIMIT $6";
        let (before_at, before_id) =
            filter.before.map_or((i64::MAX, String::new()), |(at, id)| (at.0, id.to_string()));
        let text = |id: Option<String>| id.unwrap_or_default();
        rows(
            self.db
                .query(
                    sql,
                    args![
                        filter.state.clone().unwrap_or_default(),
                        text(filter.server.map(|id| id.to_string())),
                        text(filter.rule.map(|id| id.to_string())),
                        text(filter.incident.map(|id| id.to_string())),
                        before_at,
                        filter.limit,
                        before_id
                    ],
                )
                .await?,
        )
    }

    /// How many alerts of this source are open.
    pub async fn open_alerts_of(&self, source: &str) -> Result<i64, DbError> {
        #[derive(Deserialize)]
        struct Count {
            open: i64,
        }
        let sql = "SELECT count(*) AS open FROM alerts WHERE source = $1 AND state <> 'resolved'";
        let found = rows::<Count>(self.db.query(sql, args![source]).await?)?;
        Ok(found.first().map_or(0, |count| count.open))
    }

    /// Open alerts that are over by now, those that ended first before the others.
    pub async fn ended_alerts(&self, now: Timestamp, limit: i64) -> Result<Vec<AlertRow>, DbError> {
        let sql = "SELECT * FROM alerts WHERE ends_at <= $1 AND ends_at IS NOT NULL AND state <> 'resolved' ORDER BY ends_at, id LIMIT $2";
        rows(self.db.query(sql, args![now, limit]).await?)
    }

    /// The servers that an incident's alerts are about, each once.
    pub async fn servers_of_incident(&self, incident: IncidentId) -> Result<Vec<ServerId>, DbError> {
        #[derive(Deserialize)]
        struct About {
            server_id: ServerId,
        }
        let sql = "SELECT DISTINCT server_id FROM alerts WHERE incident_id = $1 AND server_id IS NOT NULL ORDER BY server_id";
        let found = rows::<About>(self.db.query(sql, args![incident]).await?)?;
        Ok(found.into_iter().map(|about| about.server_id).collect())
    }

    /// Open alerts of one server or of all, for counting.
    pub async fn open_alerts(&self) -> Result<Vec<AlertRow>, DbError> {
        rows(self.db.query("SELECT * FROM alerts WHERE state <> 'resolved'", args![]).await?)
    }

    pub fn insert_alert(alert: &AlertRow) -> Statement {
        Statement::new(
            "INSERT INTO alerts (id, source, dedup_key, state, severity, summary, description, labels, value, rule_id, server_id, \
             incident_id, count, first_seen_at, last_seen_at, ends_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            args![
                alert.id,
                &alert.source,
                &alert.dedup_key,
                &alert.state,
                alert.severity,
                &alert.summary,
                &alert.description,
                Val::json(&alert.labels.0),
                alert.value,
                alert.rule_id,
                alert.server_id,
                alert.incident_id,
                alert.count,
                alert.first_seen_at,
                alert.last_seen_at,
                alert.ends_at
            ],
        )
    }

    /// Seen again while open.
    pub fn repeat_alert(
        id: AlertId,
        severity: Severity,
        summary: &str,
        value: Option<f64>,
        ends_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Statement {
        Statement::new(
            "UPDATE alerts SET count = count + 1, severity = $2, summary = $3, value = $4, last_seen_at = $5, ends_at = $6 \
             WHERE id = $1 AND state <> 'resolved'",
            args![id, severity, summary, value, now, ends_at],
        )
    }

    /// What it is about is said in other words, while it is open.
    pub fn amend_alert(id: AlertId, description: &str, labels: &Labels) -> Statement {
        Statement::new(
            "UPDATE alerts SET description = $2, labels = $3 WHERE id = $1 AND state <> 'resolved'",
            args![id, description, Val::json(labels)],
        )
    }

    pub fn resolve_alert(id: AlertId, now: Timestamp) -> Statement {
        Statement::new(
            "UPDATE alerts SET state = 'resolved', resolved_at = $2, last_seen_at = $2 WHERE id = $1 AND state <> 'resolved'",
            args![id, now],
        )
    }

    /// The alerts of one key that an incident has or had.
    pub async fn alerts_of_key(
        &self,
        incident: IncidentId,
        source: &str,
        dedup_key: &str,
    ) -> Result<Vec<AlertRow>, DbError> {
        let sql = "SELECT * FROM alerts WHERE incident_id = $1 AND source = $2 AND dedup_key = $3";
        rows(self.db.query(sql, args![incident, source, dedup_key]).await?)
    }

    /// Its incident is open again, and nobody told that this is over.
    pub fn reopen_alert(id: AlertId) -> Statement {
        Statement::new(
            "UPDATE alerts SET state = 'firing', resolved_at = NULL WHERE id = $1 AND state = 'resolved'",
            args![id],
        )
    }

    /// The open alerts of an incident go on in another one.
    pub fn move_open_alerts(from: IncidentId, into: IncidentId) -> Statement {
        Statement::new(
            "UPDATE alerts SET incident_id = $2 WHERE incident_id = $1 AND state <> 'resolved'",
            args![from, into],
        )
    }

    pub fn delete_alerts_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM alerts WHERE last_seen_at < $1 AND state = 'resolved'", args![at])
    }
}
