//! Misuse of the bus. That Redis is away is not an error: the bus answers without it.

use thiserror::Error;

use crate::{NAMES_MAX, PAYLOAD_BYTES_MAX, SUBSCRIPTIONS_MAX};

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BusError {
    #[error("redis URL: write redis://[user:password@]host[:port][/db], or rediss:// for TLS")]
    RedisUrl,
    #[error("namespace, topic or name {0:?}: use 1 to 128 bytes of letters, digits and . _ - : /")]
    Name(String),
    #[error("payload: {0} bytes are more than {PAYLOAD_BYTES_MAX}; the bus carries ids and hints only")]
    PayloadTooLarge(usize),
    #[error("more than {SUBSCRIPTIONS_MAX} subscriptions")]
    TooManySubscriptions,
    #[error("more than {NAMES_MAX} names to wait for")]
    TooManyNames,
}

pub(crate) fn check_name(name: &str) -> Result<(), BusError> {
    let ok = |b: u8| b.is_ascii_alphanumeric() || b"._-:/".contains(&b);
    if (1..=128).contains(&name.len()) && name.bytes().all(ok) {
        Ok(())
    } else {
        Err(BusError::Name(name.chars().take(40).collect()))
    }
}
