//! Messages that must reach people: written with the state change that caused them, leased to be sent.
//!
//! At least once, never lost: a lease that runs out makes the message due again. `attempts` is the fencing token: only the
//! sender of the latest attempt may record its outcome.

use serde::Deserialize;
use watchtower_model::{ChannelId, Id, IncidentId, Timestamp};

use crate::{DbError, Statement, Store, args, one, rows};

/// Stands in the place of the last error of a page that waits to be told together with others.
pub const WAITS_FOR_OTHERS: &str = "waits to be told together with others";

/// Ends the key of a page that the next step does not keep back.
pub const TO_COMPLETION: &str = "/to-completion";

/// The same of a message that was claimed, and cancelled before its sender called anybody.
pub const NOT_SENT: &str = "cancelled before it was sent";

#[derive(Debug, Clone, Deserialize)]
pub struct OutboxRow {
    pub id: Id,
    pub idem_key: String,
    pub incident_id: IncidentId,
    pub generation: i64,
    /// `page`, `resolve`, `update`.
    pub kind: String,
    pub channel_id: ChannelId,
    pub body: String,
    /// `pending`, `sending`, `delivered`, `failed`, `cancelled`.
    pub state: String,
    pub attempts: i64,
    pub created_at: Timestamp,
    pub next_at: Option<Timestamp>,
    pub lease_until: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub last_error: Option<String>,
    /// How the provider knows it, where it can be changed later.
    pub handle: Option<String>,
}

impl Store {
    /// The same idempotency key again changes nothing.
    pub fn insert_outbox(row: &OutboxRow) -> Statement {
        Statement::new(
            "INSERT INTO outbox (id, idem_key, incident_id, generation, kind, channel_id, body, state, attempts, created_at, next_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, $8, $9) ON CONFLICT (idem_key) DO NOTHING",
            args![
                row.id,
                &row.idem_key,
                row.incident_id,
                row.generation,
                &row.kind,
                row.channel_id,
                &row.body,
                row.created_at,
                row.next_at
            ],
        )
    }

    /// Pages of earlier generations are no longer wanted; one that is under way is re-checked by its sender.
    pub fn cancel_pages(incident: IncidentId, before_generation: i64) -> Statement {
        Statement::new(
            "UPDATE outbox SET state = 'cancelled', next_at = NULL, lease_until = NULL \
             WHERE incident_id = $1 AND kind = 'page' AND generation < $2 AND state IN ('pending', 'sending')",
            args![incident, before_generation],
        )
    }

    /// What people of earlier steps wanted to be told later than now is not sent any more, but for [`TO_COMPLETION`]. `step`: what the
    /// keys of the step that begins start with.
    pub fn cancel_delayed_pages(incident: IncidentId, step: &str, now: Timestamp) -> Statement {
        Statement::new(
            "UPDATE outbox SET state = 'cancelled', next_at = NULL WHERE incident_id = $1 AND kind = 'page' \
             AND state = 'pending' AND attempts = 0 AND next_at > $3 AND idem_key NOT LIKE $2 AND idem_key NOT LIKE $4",
            args![incident, format!("{step}%"), now, format!("%{TO_COMPLETION}")],
        )
    }

    /// Makes a message that waits for its time due now.
    pub fn hurry_outbox(id: Id, now: Timestamp) -> Statement {
        Statement::new(
            "UPDATE outbox SET next_at = $2 WHERE id = $1 AND state = 'pending' AND attempts = 0 AND next_at > $2",
            args![id, now],
        )
    }

    /// Claims up to `limit` due messages for `lease_ms`.
    pub async fn claim_outbox(
        &self,
        now: Timestamp,
        lease_ms: i64,
        limit: i64,
    ) -> Result<Vec<OutboxRow>, DbError> {
        let sql = match self.db.kind() {
            "sqlite" => {
                "UPDATE outbox SET state = 'sending', attempts = attempts + 1, lease_until = $2, next_at = $2 \
                 WHERE id IN (SELECT id FROM outbox WHERE next_at <= $1 AND state IN ('pending', 'sending') \
                 ORDER BY next_at LIMIT $3) RETURNING *"
            }
            _ => {
                "WITH due AS MATERIALIZED (SELECT id FROM outbox WHERE next_at <= $1 AND state IN ('pending', 'sending') \
                 ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED) \
                 UPDATE outbox SET state = 'sending', attempts = attempts + 1, lease_until = $2, next_at = $2 \
                 WHERE id IN (SELECT id FROM due) RETURNING *"
            }
        };
        rows(self.db.returning(sql, args![now, now.plus_ms(lease_ms), limit]).await?)
    }

    /// Makes what dead senders held due at once. Only for a database that nobody else uses: all leases in it are of the dead.
    pub async fn release_outbox(&self, now: Timestamp) -> Result<u64, DbError> {
        let sql = "UPDATE outbox SET next_at = $1 WHERE state = 'sending' AND next_at > $1";
        Ok(self.commit(vec![Statement::new(sql, args![now])]).await?.iter().sum())
    }

    /// Whether this attempt may still be sent: asked just before the call.
    pub async fn may_send(&self, id: Id, attempts: i64) -> Result<bool, DbError> {
        let sql = "SELECT count(*) AS n FROM outbox WHERE id = $1 AND attempts = $2 AND state = 'sending'";
        Ok(self.db.query(sql, args![id, attempts]).await?.first().is_some_and(|row| row.int() == 1))
    }

    pub fn outbox_delivered(id: Id, attempts: i64, now: Timestamp, handle: Option<String>) -> Statement {
        Statement::new(
            "UPDATE outbox SET state = 'delivered', delivered_at = $3, handle = $4, next_at = NULL, lease_until = NULL, last_error = NULL \
             WHERE id = $1 AND attempts = $2",
            args![id, attempts, now, handle],
        )
    }

    /// Claimed, and not sent yet on purpose.
    pub fn outbox_put_off(id: Id, attempts: i64, until: Timestamp) -> Statement {
        Store::outbox_failed(id, attempts, WAITS_FOR_OTHERS, Some(until))
    }

    /// That nobody was called by the only attempt there was, which was cancelled: who claimed it knows. Of others one may have
    /// arrived.
    pub fn outbox_not_sent(id: Id, attempts: i64) -> Statement {
        Statement::new(
            "UPDATE outbox SET last_error = $3 WHERE id = $1 AND attempts = $2 AND attempts = 1 \
             AND state = 'cancelled' AND last_error IS NULL",
            args![id, attempts, NOT_SENT],
        )
    }

    /// Not to be sent after all.
    pub fn outbox_cancelled(id: Id, attempts: i64) -> Statement {
        Statement::new(
            "UPDATE outbox SET state = 'cancelled', next_at = NULL, lease_until = NULL \
             WHERE id = $1 AND attempts = $2 AND state = 'sending'",
            args![id, attempts],
        )
    }

    /// Tried again at `next_at`; absent means given up.
    pub fn outbox_failed(id: Id, attempts: i64, error: &str, next_at: Option<Timestamp>) -> Statement {
        Statement::new(
            "UPDATE outbox SET state = $5, next_at = $4, lease_until = NULL, last_error = $3 \
             WHERE id = $1 AND attempts = $2 AND state = 'sending'",
            args![id, attempts, error, next_at, if next_at.is_some() { "pending" } else { "failed" }],
        )
    }

    pub async fn outbox_of(&self, incident: IncidentId) -> Result<Vec<OutboxRow>, DbError> {
        rows(
            self.db
                .query(
                    "SELECT * FROM outbox WHERE incident_id = $1 ORDER BY created_at, id LIMIT 1000",
                    args![incident],
                )
                .await?,
        )
    }

    /// When the oldest message that is due became so.
    pub async fn oldest_due_outbox(&self) -> Result<Option<Timestamp>, DbError> {
        #[derive(Deserialize)]
        struct Oldest {
            oldest: Option<Timestamp>,
        }
        let sql = "SELECT MIN(next_at) AS oldest FROM outbox WHERE state IN ('pending', 'sending')";
        Ok(one::<Oldest>(self.db.query(sql, args![]).await?)?.and_then(|row| row.oldest))
    }
}

/// How a channel did lately.
#[derive(Debug, Clone, Default)]
pub struct LastDeliveries {
    pub delivered_at: Option<Timestamp>,
    /// Of the newest message that failed after the newest one that was delivered.
    pub error: Option<String>,
    pub error_at: Option<Timestamp>,
}

impl Store {
    pub async fn last_deliveries(&self, channel: ChannelId) -> Result<LastDeliveries, DbError> {
        #[derive(Deserialize)]
        struct Delivered {
            at: Option<Timestamp>,
        }
        #[derive(Deserialize)]
        struct Failed {
            last_error: String,
            created_at: Timestamp,
        }
        let sql = "SELECT MAX(delivered_at) AS at FROM outbox WHERE channel_id = $1 AND state = 'delivered'";
        let delivered_at =
            one::<Delivered>(self.db.query(sql, args![channel]).await?)?.and_then(|row| row.at);
        let sql = "SELECT last_error, created_at FROM outbox WHERE channel_id = $1 AND last_error NOT IN ($3, $4) AND created_at > $2 \
                   ORDER BY created_at DESC LIMIT 1";
        let failed: Option<Failed> = one(self
            .db
            .query(sql, args![channel, delivered_at.unwrap_or(Timestamp(0)), WAITS_FOR_OTHERS, NOT_SENT])
            .await?)?;
        let (error, error_at) = failed.map(|row| (row.last_error, row.created_at)).unzip();
        Ok(LastDeliveries { delivered_at, error, error_at })
    }
}
