//! Everything a person would miss: relational state, and the bytes of metrics.
//!
//! Invariant: SQL is written here and nowhere else, the same text for SQLite and PostgreSQL. One file per aggregate;
//! what must change together is handed to [`Store::commit`] as statements of one transaction.

pub mod db;
pub mod metrics;

mod access;
mod alerts;
mod sender_requests;
mod held;
mod news;
mod considerations;
mod attempts;
mod firings;
mod audit;
mod changes;
mod clock;
mod credentials;
mod deployments;
mod events;
mod heartbeats;
mod host_keys;
mod idempotency;
mod incidents;
mod keys;
mod meta;
mod schema;
mod documents;
pub mod objects;
mod outbox;
mod output;
mod rounds;
mod rule_states;
mod runs;
mod seal;
mod sealed;
mod vouch;
mod servers;
mod timeline;
mod turns;
mod analytics;

use std::path::Path;

pub use access::{SessionRow, TokenRow, UserRow};
pub use alerts::{AlertFilter, AlertRow};
pub use analytics::{AnalysedRow, AnalyticsFilter, PageRow};
pub use attempts::AttemptRow;
pub use audit::AuditRow;
pub use changes::ChangeRow;
pub use clock::Clock;
pub use considerations::ConsiderationRow;
pub use credentials::CredentialRow;
pub use db::{Db, DbError, Json, Schema, Statement};
pub use deployments::{DeploymentEnd, DeploymentFilter, DeploymentRow, DeploymentStepRow};
pub use documents::Document;
pub use events::{EventFilter, EventRow};
pub use firings::{DueRow, FIRINGS_KEPT, FiringRow};
pub use heartbeats::{HeartbeatRow, PINGS_KEPT, PingRow};
pub use held::HeldRow;
pub use host_keys::HostKeyRow;
pub use idempotency::IdempotencyRow;
pub use incidents::{IncidentFilter, IncidentHead, IncidentRow, StatsRow};
pub use keys::HubKeyRow;
pub use news::NewsRow;
pub use objects::{Object, ObjectsMark, Stored};
pub use outbox::{LastDeliveries, NOT_SENT, OutboxRow, TO_COMPLETION, WAITS_FOR_OTHERS};
pub use output::{OutputEnd, OutputRow};
pub use rule_states::RuleStateRow;
pub use runs::{ExecutionCount, ExecutionRow, ExecutionUpdate, RunFilter, RunRow};
pub use seal::{SealError, Sealer, master_key_id};
pub use sealed::SealedRow;
pub use sender_requests::SenderRequestRow;
pub use servers::{AgentRow, EnrolTokenRow, ProcessesRow, ServerRow};
pub use timeline::{NewTimelineEntry, TimelineRow};
pub use turns::{Reached, Turn};
pub use vouch::VOUCHER_BYTES;

/// The relational database with its clock.
#[derive(Clone)]
pub struct Store {
    db: Db,
    clock: Clock,
    /// One entry of the audit log after the other: each reads the one before.
    auditing: std::sync::Arc<tokio::sync::Mutex<()>>,
}

impl Store {
    pub fn open_sqlite(path: &Path) -> Result<Store, DbError> {
        Ok(Store { db: Db::open_sqlite(path)?, clock: Clock::default(), auditing: Default::default() })
    }

    pub async fn connect_postgres(url: &str) -> Result<Store, DbError> {
        let store = Store {
            db: Db::connect_postgres(url).await?,
            clock: Clock::default(),
            auditing: Default::default(),
        };
        store.measure_clock().await?;
        Ok(store)
    }

    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The clock that due times are written with.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// All or nothing, durable when it returns.
    pub async fn commit(&self, statements: Vec<Statement>) -> Result<Vec<u64>, DbError> {
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        self.db.batch(statements).await
    }

    /// Measures how far this machine's clock is from the database's.
    pub async fn measure_clock(&self) -> Result<i64, DbError> {
        let offset = self.db.clock_offset_ms(Clock::local().0).await?;
        self.clock.set_offset_ms(offset);
        Ok(offset)
    }
}

/// Ids as one argument: statements take them apart again, each 36 characters long. Neither database has a list that the other knows.
fn id_list<T: std::fmt::Display>(ids: &[T]) -> String {
    ids.iter().map(T::to_string).collect()
}

/// Rows as structs.
fn rows<T: serde::de::DeserializeOwned>(rows: Vec<db::Row>) -> Result<Vec<T>, DbError> {
    Ok(rows.iter().map(db::Row::to).collect::<Result<_, _>>()?)
}

/// The only row, if there is one.
fn one<T: serde::de::DeserializeOwned>(rows: Vec<db::Row>) -> Result<Option<T>, DbError> {
    Ok(rows.first().map(db::Row::to).transpose()?)
}
