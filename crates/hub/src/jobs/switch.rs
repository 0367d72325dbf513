//! A switch that all hubs of a database go by: who turned it on, why, since when.
//!
//! Invariant: it is stored before it counts, so that it survives a restart and holds on every hub of the database.

use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use watchtower_model::Timestamp;
use watchtower_store::Store;

use crate::error::HubError;

/// Why it is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedOn {
    pub by: String,
    pub reason: String,
    pub since: Timestamp,
}

/// As this hub last read it.
pub struct Switch {
    key: &'static str,
    state: RwLock<Option<TurnedOn>>,
}

impl Switch {
    /// `key`: the name it is stored by.
    pub const fn new(key: &'static str) -> Switch {
        Switch { key, state: RwLock::new(None) }
    }

    pub fn current(&self) -> Option<TurnedOn> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn is_on(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Reads what another hub, or an earlier one, has stored.
    pub async fn refresh(&self, store: &Store) -> Result<(), HubError> {
        let stored = store.meta(self.key).await?;
        let state = stored.map(|text| serde_json::from_str(&text)).transpose();
        let state = state.map_err(|error| HubError::Internal(format!("the stored {}: {error}", self.key)))?;
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(())
    }

    pub async fn turn_on(&self, store: &Store, by: &str, reason: &str) -> Result<(), HubError> {
        let turned = TurnedOn { by: by.into(), reason: reason.into(), since: store.clock().now() };
        let text = serde_json::to_string(&turned).map_err(|e| HubError::Internal(e.to_string()))?;
        store.set_meta(self.key, &text).await?;
        self.refresh(store).await
    }

    pub async fn turn_off(&self, store: &Store) -> Result<(), HubError> {
        store.delete_meta(self.key).await?;
        self.refresh(store).await
    }
}
