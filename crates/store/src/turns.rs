//! Work that one hub of a database does at a time, and how far it came: a lease in `meta`, taken by comparing what is there.
//!
//! Invariant: a turn is written only over the very text that was read, so that of two hubs that reach for it one gets it.

use serde::{Deserialize, Serialize};
use watchtower_model::Timestamp;

use crate::{DbError, Statement, Store, args};

/// Who is at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    holder: String,
    until: Timestamp,
    mark: i64,
}

/// A turn that is held until a time: what it did is marked by going on with it.
#[derive(Debug)]
pub struct Turn {
    name: String,
    lease: Lease,
}

impl Turn {
    /// How far the work came, by whoever was at it last.
    pub fn mark(&self) -> i64 {
        self.lease.mark
    }
}

/// What became of reaching for a turn.
#[derive(Debug)]
pub enum Reached {
    Held(Turn),
    /// Another has it until then, or was quicker just now.
    Busy(Timestamp),
}

impl Store {
    /// Takes the turn of this name until `until`, unless somebody else holds it.
    pub async fn take_turn(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Reached, DbError> {
        let key = format!("turn/{name}");
        let text = self.meta(&key).await?;
        // What cannot be read is nobody's.
        let old: Option<Lease> = text.as_deref().and_then(|text| serde_json::from_str(text).ok());
        if let Some(old) = old.as_ref().filter(|old| old.holder != holder && old.until > now) {
            return Ok(Reached::Busy(old.until));
        }
        let mark = old.map_or(0, |old| old.mark);
        let lease = Lease { holder: holder.into(), until, mark };
        let statement = match &text {
            Some(text) => replace(&key, text, &lease),
            None => Statement::expecting(
                "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
                args![key, written(&lease)],
                1,
            ),
        };
        match self.commit(vec![statement]).await {
            Ok(_) => Ok(Reached::Held(Turn { name: name.into(), lease })),
            Err(DbError::Stale) => Ok(Reached::Busy(now)),
            Err(error) => Err(error),
        }
    }

    /// Goes on until `until`, with the work done up to `mark`. `false`: another has taken it meanwhile.
    pub async fn keep_turn(&self, turn: &mut Turn, mark: i64, until: Timestamp) -> Result<bool, DbError> {
        let lease = Lease { holder: turn.lease.holder.clone(), until, mark };
        let key = format!("turn/{}", turn.name);
        match self.commit(vec![replace(&key, &written(&turn.lease), &lease)]).await {
            Ok(_) => {
                turn.lease = lease;
                Ok(true)
            }
            Err(DbError::Stale) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn written(lease: &Lease) -> String {
    serde_json::to_string(lease).unwrap_or_default()
}

fn replace(key: &str, old: &str, new: &Lease) -> Statement {
    Statement::expecting(
        "UPDATE meta SET value = $3 WHERE key = $1 AND value = $2",
        args![key, old, written(new)],
        1,
    )
}
