//! A signed JSON POST.
//!
//! Headers: `X-Watchtower-Timestamp` is the time of this try in seconds since the epoch;
//! `X-Watchtower-Signature` is `v1=` and the hex HMAC-SHA256, with the channel's secret, of
//! `<timestamp>.<body>`, both exactly as sent; a receiver should refuse timestamps more than 5 minutes off, so
//! that a captured call cannot be replayed. `X-Watchtower-Delivery` is the message's idempotency key, the same
//! over all retries: a receiver should act on each key once.
//!
//! Body (fields are only ever added within `version` 1):
//! ```json
//! {"version": 1, "event": "incident.triggered", "delivery": "…", "test": false,
//!  "incident": {"number": 142, "title": "disk is full", "state": "triggered", "severity": "critical",
//!               "service": "db", "server": "web-1"},
//!  "lines": ["…"], "links": [{"label": "Open", "url": "https://…"}], "acknowledge_url": "https://…", "output": null}
//! ```
//! `event` is `incident.triggered`, `incident.acknowledged`, `incident.resolved`, `test`, or `notice` of what is of no incident; `number`, `server`,
//! `acknowledge_url` and `output` may be null. A channel's own template may make another document; the headers are the same. A POST to `acknowledge_url`, without body or login, acknowledges the incident.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::channel::{Channel, Secret};
use crate::check::{self, ChannelError, FIELD_BYTES_MAX};
use crate::deliver::hex;
use crate::written::{JSON, Written};
use crate::{DeliveryError, Message, MessageState};

/// Version of the body's shape.
pub const BODY_VERSION: u32 = 1;
/// Bytes of the signing secret: as long as the hash makes it sense.
const SECRET_BYTES_MIN: usize = 16;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookConfig {
    pub url: String,
    /// Key of the signature.
    pub secret: String,
}

impl Channel for WebhookConfig {
    const KIND: &'static str = "webhook";
    const BUNDLES: bool = false;

    fn check(&self) -> Result<(), ChannelError> {
        check::url("url", &self.url)?;
        let form = "from 16 to 2048 bytes";
        check::word("secret", form, &self.secret, SECRET_BYTES_MIN..=FIELD_BYTES_MAX, |_| true)
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        vec![Secret::url("url", &mut self.url), Secret::word("secret", &mut self.secret)]
    }

    fn destination(&self) -> String {
        self.url.clone()
    }

    fn written(&self, message: &Message, key: &str) -> Result<Written, DeliveryError> {
        let own = message.words.body.as_ref();
        let body = own.map_or_else(|| body(message, key).to_string(), String::clone).into_bytes();
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signature = sign(&self.secret, timestamp, &body);
        Ok(Written::new(&self.url, JSON, body)
            .with("X-Watchtower-Timestamp", timestamp.to_string())
            .with("X-Watchtower-Signature", signature)
            .with("X-Watchtower-Delivery", key))
    }
}

/// The value of `X-Watchtower-Signature`.
pub fn sign(secret: &str, timestamp: u64, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
    context.update(format!("{timestamp}.").as_bytes());
    context.update(body);
    format!("v1={}", hex(context.sign().as_ref()))
}

fn body(message: &Message, key: &str) -> serde_json::Value {
    let event = match message.state {
        _ if message.test => "test".into(),
        MessageState::Notice => "notice".into(),
        state => format!("incident.{}", state.as_str()),
    };
    json!({
        "version": BODY_VERSION,
        "event": event,
        "delivery": key,
        "test": message.test,
        "incident": {
            "number": message.incident_number,
            "title": message.title,
            "state": message.state,
            "severity": message.severity,
            "service": message.service,
            "server": message.server,
        },
        "lines": message.lines,
        "links": message.links,
        "acknowledge_url": message.acknowledge_url,
        "output": message.output,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_time_and_body() {
        // python3: hmac.new(b"0123456789abcdef", b'1700000000.{"a":1}', "sha256").hexdigest()
        let signature = sign("0123456789abcdef", 1_700_000_000, br#"{"a":1}"#);
        assert_eq!(signature, "v1=9eb18f493f8ec135d9eb2dad817c369bb4e9cbfa818657897a7437c1cd8c3a23");
        assert_ne!(signature, sign("0123456789abcdef", 1_700_000_001, br#"{"a":1}"#));
        assert_ne!(signature, sign("0123456789abcdef", 1_700_000_000, br#"{"a":2}"#));
    }
}
