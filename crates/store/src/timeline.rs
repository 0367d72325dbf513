//! What happened to an incident, in order. An entry that is written twice is one entry.

use serde::Deserialize;
use watchtower_model::{IncidentId, RunId, Timestamp};

use crate::{DbError, Statement, Store, args, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct TimelineRow {
    pub sequence: i64,
    pub incident_id: IncidentId,
    pub at: Timestamp,
    pub kind: String,
    pub actor: String,
    pub text: String,
    pub detail: Option<String>,
    pub run_id: Option<RunId>,
}

#[derive(Debug, Clone)]
pub struct NewTimelineEntry {
    pub incident_id: IncidentId,
    pub at: Timestamp,
    pub kind: String,
    pub actor: String,
    pub text: String,
    pub detail: Option<String>,
    pub run_id: Option<RunId>,
    /// Unique for what happened, so that doing it again after a crash does not tell it twice.
    pub idem: String,
}

impl Store {
    pub fn insert_timeline(entry: &NewTimelineEntry) -> Statement {
        Statement::new(
            "INSERT INTO timeline (incident_id, at, kind, actor, text, detail, run_id, idem) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (idem) DO NOTHING",
            args![
                entry.incident_id,
                entry.at,
                &entry.kind,
                &entry.actor,
                &entry.text,
                entry.detail.clone(),
                entry.run_id,
                &entry.idem
            ],
        )
    }

    pub async fn timeline(&self, incident: IncidentId) -> Result<Vec<TimelineRow>, DbError> {
        let sql = "SELECT sequence, incident_id, at, kind, actor, text, detail, run_id FROM timeline \
                   WHERE incident_id = $1 ORDER BY sequence LIMIT 5000";
        rows(self.db.query(sql, args![incident]).await?)
    }

    /// Newest first, over all incidents.
    pub async fn recent_timeline(&self, limit: i64) -> Result<Vec<TimelineRow>, DbError> {
        let sql = "SELECT sequence, incident_id, at, kind, actor, text, detail, run_id FROM timeline ORDER BY sequence DESC LIMIT $1";
        rows(self.db.query(sql, args![limit]).await?)
    }
}
