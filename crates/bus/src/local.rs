//! One hub's own memory: all there is without Redis, and the answer of last resort with it.

use crate::buckets::Buckets;
use crate::error::check_name;
use crate::recent_keys::RecentKeys;
use crate::subscription::Fan;
use crate::wakes::Wakes;
use crate::{BusError, Counters};

/// Bytes of one message.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

#[derive(Default)]
pub(crate) struct Local {
    pub fan: Fan,
    pub wakes: Wakes,
    pub keys: RecentKeys,
    pub buckets: Buckets,
    pub counters: Counters,
}

impl Local {
    pub fn publish(&self, topic: &str, payload: &[u8]) -> Result<(), BusError> {
        check_name(topic)?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(BusError::PayloadTooLarge(payload.len()));
        }
        self.fan.publish(topic, payload, &self.counters);
        Ok(())
    }
}
