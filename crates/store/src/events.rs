//! Events: immutable, found by time, server and kind. `handled` is false until the event rules have seen it.

use serde::Deserialize;
use watchtower_model::{Event, EventId, EventKind, Labels, ServerId, Severity, Timestamp};

use crate::db::Val;
use crate::{DbError, Json, Statement, Store, args, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct EventRow {
    pub id: EventId,
    pub kind: String,
    pub source: String,
    pub server_id: Option<ServerId>,
    pub severity: Severity,
    pub message: String,
    pub labels: Json<Labels>,
    pub at: Timestamp,
    pub received_at: Timestamp,
}

impl EventRow {
    pub fn into_event(self) -> Event {
        Event {
            id: self.id,
            kind: EventKind::new(self.kind),
            source: self.source,
            server_id: self.server_id,
            severity: self.severity,
            message: self.message,
            labels: self.labels.0,
            at: self.at,
        }
    }
}

/// Absent fields do not restrict.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    pub server: Option<ServerId>,
    /// Exact, or a prefix when it ends in `*`.
    pub kind: Option<String>,
    pub severity: Option<Severity>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// Only those before this (time, id): the last of the page before.
    pub before: Option<(Timestamp, EventId)>,
    pub limit: i64,
}

impl Store {
    /// `origin` names where the event comes from exactly (agent, epoch, seq, index): sent twice, it is stored once.
    pub fn insert_event(event: &Event, origin: Option<&str>, received_at: Timestamp) -> Statement {
        Statement::new(
            "INSERT INTO events (id, kind, source, server_id, severity, message, labels, at, received_at, origin, handled) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, FALSE) ON CONFLICT (origin) DO NOTHING",
            args![
                event.id,
                &event.kind.0,
                &event.source,
                event.server_id,
                event.severity,
                &event.message,
                Val::json(&event.labels),
                event.at,
                received_at,
                origin
            ],
        )
    }

    /// Oldest first; survives a restart between storing and matching.
    pub async fn unhandled_events(&self, limit: i64) -> Result<Vec<EventRow>, DbError> {
        let sql = "SELECT id, kind, source, server_id, severity, message, labels, at, received_at FROM events \
                   WHERE NOT handled ORDER BY received_at, id LIMIT $1";
        rows(self.db.query(sql, args![limit]).await?)
    }

    pub fn mark_event_handled(id: EventId) -> Statement {
        Statement::new("UPDATE events SET handled = TRUE WHERE id = $1", args![id])
    }

    pub async fn events(&self, filter: &EventFilter) -> Result<Vec<EventRow>, DbError> {
        let (kind, prefix) = match filter.kind.as_deref() {
            Some(kind) => kind.strip_suffix('*').map_or((kind, false), |prefix| (prefix, true)),
            None => ("", true),
        };
        let pattern = format!(
            "{}{}",
            kind.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%"),
            if prefix { "%" } else { "" }
        );
        let (before_at, before_id) =
            filter.before.map_or((i64::MAX, String::new()), |(at, id)| (at.0, id.to_string()));
        let sql = "SELECT id, kind, source, server_id, severity, message, labels, at, received_at FROM events \
                   WHERE ($1 = '' OR server_id = $1) AND kind LIKE $2 ESCAPE '\\' AND ($3 = '' OR severity = $3) \
                   AND at >= $4 AND at <= $5 AND (at < $6 OR (at = $6 AND id < $7)) ORDER BY at DESC, id DESC LIMIT $8";
        let server = filter.server.map(|id| id.to_string()).unwrap_or_default();
        let severity = filter.severity.map_or("", Severity::as_str);
        let (from, to) = (filter.from.unwrap_or(Timestamp::MIN), filter.to.unwrap_or(Timestamp::MAX));
        rows(
            self.db
                .query(sql, args![server, pattern, severity, from, to, before_at, before_id, filter.limit])
                .await?,
        )
    }

    pub fn delete_events_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM events WHERE at < $1 AND handled", args![at])
    }
}
