//! The one entry, and what all channels that speak HTTP share.

use std::time::Duration;

use ring::digest;
use serde_json::Value;
use watchtower_egress::{Egress, HttpRequest, HttpResponse};

use crate::{ChannelConfig, DeliveryError, Message};

/// One HTTP call, from the look-up to the answer. Well below the lease of a send.
pub const HTTP_TIMEOUT: Duration = Duration::from_secs(10);
/// One SMTP conversation; servers that slow down strangers take their time.
pub const MAIL_TIMEOUT: Duration = Duration::from_secs(20);
/// A peer may slow us down by what it says in its answer, not switch us off.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);
/// Bytes of an idempotency key that are sent as they are.
const KEY_BYTES_MAX: usize = 128;

/// The peer has taken it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// For the timeline: a status, a server's answer, recipients that were refused.
    pub detail: String,
    /// How the provider knows the message, where it can be changed later.
    pub handle: Option<String>,
}

impl Receipt {
    pub(crate) fn said(detail: impl Into<String>) -> Receipt {
        Receipt { detail: detail.into(), handle: None }
    }
}

/// Sends once. `idempotency_key` must be the same for every try of the same message.
pub async fn deliver(
    egress: &Egress,
    channel: &ChannelConfig,
    message: &Message,
    idempotency_key: &str,
) -> Result<Receipt, DeliveryError> {
    channel.deliver(egress, &message.bounded(), &header_safe(idempotency_key)).await
}

/// The key itself where it can stand in a header or a Message-ID, else a hash of it.
fn header_safe(key: &str) -> String {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if !key.is_empty() && key.len() <= KEY_BYTES_MAX && key.bytes().all(safe) {
        return key.to_string();
    }
    hash(key)
}

/// 64 hex digits.
pub(crate) fn hash(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Calls and judges the answer: what comes back is a success.
pub(crate) async fn call(
    egress: &Egress,
    channel: &'static str,
    request: HttpRequest,
) -> Result<HttpResponse, DeliveryError> {
    let response = egress.http(request).await.map_err(|e| DeliveryError::egress(channel, &e))?;
    let reason = said(&response);
    match response.status {
        200..=299 => Ok(response),
        408 | 425 | 429 | 500..=599 => {
            let retry_after = response.retry_after.into_iter().chain(asked_in_body(&response.body)).max();
            Err(DeliveryError { retry_after, ..DeliveryError::temporary(channel, reason) })
        }
        300..=399 => Err(DeliveryError::permanent(channel, format!("{reason}: redirects are not followed"))),
        _ => Err(DeliveryError::permanent(channel, reason)),
    }
}

pub(crate) fn said(response: &HttpResponse) -> String {
    format!("the receiver answered {} {}", response.status, response.excerpt).trim_end().to_string()
}

/// Discord says there when to come again, in `retry_after` seconds; Telegram in `parameters.retry_after`.
fn asked_in_body(body: &[u8]) -> Option<Duration> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let seconds =
        [&body["retry_after"], &body["parameters"]["retry_after"]].into_iter().find_map(Value::as_f64)?;
    Duration::try_from_secs_f64(seconds.ceil()).ok().map(|asked| asked.min(RETRY_AFTER_MAX))
}
