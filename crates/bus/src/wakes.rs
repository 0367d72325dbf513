//! Named wake-ups. A wake between two waits is not lost, and many wakes before a wait are one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::BusError;

/// Names that one hub waits for: a few per stage, none made from outside input.
pub const NAMES_MAX: usize = 1_000;

/// Waits for one name.
#[derive(Debug)]
pub struct Waiter(watch::Receiver<u64>);

impl Waiter {
    /// Returns once the name was woken since the last return (or since the waiter was made). If the bus is gone
    /// it never returns; wait with a time limit, since a wake is only a hint.
    pub async fn wait(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Default)]
pub(crate) struct Wakes {
    names: Mutex<HashMap<String, watch::Sender<u64>>>,
}

impl Wakes {
    pub fn waiter(&self, name: &str) -> Result<Waiter, BusError> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = names.get(name) {
            return Ok(Waiter(sender.subscribe()));
        }
        if names.len() >= NAMES_MAX {
            return Err(BusError::TooManyNames);
        }
        let (sender, receiver) = watch::channel(0);
        names.insert(name.to_string(), sender);
        Ok(Waiter(receiver))
    }

    pub fn wake(&self, name: &str) {
        if let Some(sender) = self.names.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            sender.send_modify(|n| *n += 1);
        }
    }

    pub fn wake_all(&self) {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.values().for_each(|sender| sender.send_modify(|n| *n += 1));
    }
}
