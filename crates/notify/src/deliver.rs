//! The one entry: by the channel's type to its file.

use std::time::Duration;

use ring::digest;
use watchtower_egress::{Egress, HttpRequest, HttpResponse, Method};

use crate::{ChannelConfig, DeliveryError, Message, email, slack, webhook};

/// One HTTP call, from the look-up to the answer. Well below the lease of a send.
pub const HTTP_TIMEOUT: Duration = Duration::from_secs(10);
/// One SMTP conversation; servers that slow down strangers take their time.
pub const MAIL_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of an idempotency key that are sent as they are.
const KEY_BYTES_MAX: usize = 128;

/// The peer has taken it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// For the timeline: a status, a server's answer, recipients that were refused.
    pub detail: String,
}

/// Sends once. `idempotency_key` must be the same for every try of the same message.
pub async fn deliver(
    egress: &Egress,
    channel: &ChannelConfig,
    message: &Message,
    idempotency_key: &str,
) -> Result<Receipt, DeliveryError> {
    let message = message.bounded();
    let key = header_safe(idempotency_key);
    match channel {
        ChannelConfig::Webhook(config) => webhook::deliver(egress, config, &message, &key).await,
        ChannelConfig::Slack(config) => slack::deliver(egress, config, &message, &key).await,
        ChannelConfig::Email(config) => email::deliver(egress, config, &message, &key).await,
    }
}

/// The key itself where it can stand in a header or a Message-ID, else a hash of it.
fn header_safe(key: &str) -> String {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if !key.is_empty() && key.len() <= KEY_BYTES_MAX && key.bytes().all(safe) {
        return key.to_string();
    }
    hex(digest::digest(&digest::SHA256, key.as_bytes()).as_ref())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// POSTs JSON and judges the answer.
pub(crate) async fn post_json(
    egress: &Egress,
    channel: &'static str,
    url: &str,
    mut headers: Vec<(String, String)>,
    body: Vec<u8>,
) -> Result<Receipt, DeliveryError> {
    headers.push(("Content-Type".into(), "application/json".into()));
    let request =
        HttpRequest { method: Method::POST, url: url.to_string(), headers, body, timeout: HTTP_TIMEOUT };
    let response = egress.http(request).await.map_err(|e| DeliveryError::egress(channel, &e))?;
    judge(channel, response)
}

fn judge(channel: &'static str, response: HttpResponse) -> Result<Receipt, DeliveryError> {
    let HttpResponse { status, retry_after, excerpt } = response;
    let reason = format!("the receiver answered {status} {excerpt}").trim_end().to_string();
    match status {
        200..=299 => Ok(Receipt { detail: reason }),
        408 | 425 | 429 | 500..=599 => {
            Err(DeliveryError { retry_after, ..DeliveryError::temporary(channel, reason) })
        }
        300..=399 => Err(DeliveryError::permanent(channel, format!("{reason}: redirects are not followed"))),
        _ => Err(DeliveryError::permanent(channel, reason)),
    }
}
