//! What statistics are counted from: incidents that began in a range, and the pages that reached somebody for them. Without drills; what
//! was merged into another incident is part of that one.

use serde::Deserialize;
use watchtower_model::{ChannelId, IncidentId, ServerId, ServiceId, Timestamp};

use crate::{DbError, Store, args, rows};

/// Which incidents.
#[derive(Debug, Clone)]
pub struct AnalyticsFilter {
    /// They began here, the end not included.
    pub from: Timestamp,
    pub to: Timestamp,
    /// Of these services; absent means of all.
    pub services: Option<Vec<ServiceId>>,
    pub limit: i64,
}

/// One incident. `source` is that of its first alert: `rule:ID`, `integration:ID`, `heartbeat:ID`, `api`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AnalysedRow {
    pub id: IncidentId,
    pub service_id: ServiceId,
    pub server_id: Option<ServerId>,
    pub state: String,
    pub triggered_at: Timestamp,
    pub first_acknowledged_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub source: Option<String>,
}

/// A page that a channel took.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PageRow {
    pub incident_id: IncidentId,
    pub channel_id: ChannelId,
    pub delivered_at: Timestamp,
}

/// Of these services, in the form that the statements below read.
fn set(services: &Option<Vec<ServiceId>>) -> String {
    let Some(services) = services else { return String::new() };
    format!(",{},", services.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

impl Store {
    /// Newest first.
    pub async fn analysed_incidents(&self, filter: &AnalyticsFilter) -> Result<Vec<AnalysedRow>, DbError> {
        let sql = "SELECT i.id, i.service_id, i.server_id, i.state, i.triggered_at, i.first_acknowledged_at, i.resolved_at, \
                   (SELECT a.source FROM alerts a WHERE a.incident_id = i.id ORDER BY a.first_seen_at, a.id LIMIT 1) AS source \
                   FROM incidents i WHERE NOT i.test AND i.merged_into IS NULL AND i.triggered_at >= $1 AND i.triggered_at < $2 \
                   AND ($3 = '' OR $3 LIKE '%,' || i.service_id || ',%') ORDER BY i.triggered_at DESC, i.number DESC LIMIT $4";
        let found = self.db.query(sql, args![filter.from, filter.to, set(&filter.services), filter.limit]);
        rows(found.await?)
    }

    /// Oldest first.
    pub async fn analysed_pages(&self, filter: &AnalyticsFilter) -> Result<Vec<PageRow>, DbError> {
        let sql = "SELECT COALESCE(i.merged_into, i.id) AS incident_id, o.channel_id, o.delivered_at FROM incidents i JOIN outbox o ON o.incident_id = i.id \
                   WHERE NOT i.test AND i.triggered_at >= $1 AND i.triggered_at < $2 \
                   AND ($3 = '' OR $3 LIKE '%,' || i.service_id || ',%') \
                   AND o.kind = 'page' AND o.state = 'delivered' AND o.delivered_at IS NOT NULL \
                   ORDER BY o.delivered_at, o.id LIMIT $4";
        let found = self.db.query(sql, args![filter.from, filter.to, set(&filter.services), filter.limit]);
        rows(found.await?)
    }
}
