//! Why a message was not delivered, and whether to try again.

use std::time::Duration;

use thiserror::Error;
use watchtower_egress::EgressError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Worth another try, the unknown outcome of a send that broke off included.
    Temporary,
    /// The same message to the same channel will fail again: fall to the next channel at once.
    Permanent,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{channel}: {reason}")]
pub struct DeliveryError {
    pub kind: FailureKind,
    /// The channel's type.
    pub channel: &'static str,
    /// For people; holds no secret.
    pub reason: String,
    /// The peer asked not to be called earlier.
    pub retry_after: Option<Duration>,
}

impl DeliveryError {
    pub(crate) fn temporary(channel: &'static str, reason: impl Into<String>) -> Self {
        DeliveryError { kind: FailureKind::Temporary, channel, reason: reason.into(), retry_after: None }
    }

    pub(crate) fn permanent(channel: &'static str, reason: impl Into<String>) -> Self {
        DeliveryError { kind: FailureKind::Permanent, channel, reason: reason.into(), retry_after: None }
    }

    pub(crate) fn egress(channel: &'static str, error: &EgressError) -> Self {
        if error.is_permanent() {
            DeliveryError::permanent(channel, error.to_string())
        } else {
            DeliveryError::temporary(channel, error.to_string())
        }
    }
}
