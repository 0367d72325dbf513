//! Web push: a notification in a browser, by the push service of its maker.
//!
//! Sources: RFC 8030 (`TTL`, `Urgency`, `Topic`; 201 means taken, 404 and 410 that the subscription is gone), RFC 8291 (the body, which
//! no push service can read) and RFC 8292 (`Authorization: vapid`). A body has at most 4,096 bytes. A later message of an incident takes
//! the place of one that the service still holds. The address is a secret: who knows it can wake the browser.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::{Deserialize, Serialize};
use serde_json::json;
use watchtower_egress::Egress;
use watchtower_model::Severity;

use crate::channel::{Channel, Secret};
use crate::check::{self, ChannelError};
use crate::deliver::{call, hash, said};
use crate::push_seal::{AUTH_BYTES, PLAINTEXT_BYTES_MAX, PUBLIC_KEY_BYTES, Receiver, seal};
use crate::text::{cut, details, tail};
use crate::vapid::Vapid;
use crate::written::Written;
use crate::{DeliveryError, Message, MessageState, Receipt};

const TITLE_BYTES_MAX: usize = 300;
/// Tried one after the other, until the whole fits.
const BODY_BYTES_MAX: [usize; 3] = [1_200, 400, 0];
const OUTPUT_BYTES_MAX: usize = 300;
/// Seconds for which the service holds it for a browser that is away: by then a policy has gone on.
const PAGE_TTL_SECONDS: u32 = 3_600;
/// That it is over is worth knowing in the morning.
const NOTICE_TTL_SECONDS: u32 = 12 * 3_600;
const TOPIC_CHARS: usize = 32;
/// Answers that end a subscription.
const GONE: [u16; 2] = [404, 410];

#[derive(Clone, Serialize, Deserialize)]
pub struct WebPushConfig {
    /// Where the push service takes messages for this browser. The whole address is a secret.
    pub url: String,
    /// The browser's public key (`p256dh`), base64url.
    pub key: String,
    /// The secret that it shares with us, base64url.
    pub auth: String,
    /// Who sends; never stored with it.
    #[serde(skip)]
    pub sender: Option<PushSender>,
}

/// The hub, as push services know it.
#[derive(Clone)]
pub struct PushSender {
    /// The key that subscriptions were made for.
    pub key: Arc<Vapid>,
    /// Where whoever runs the push service finds us: `https:` or `mailto:`.
    pub contact: Option<String>,
}

impl PartialEq for WebPushConfig {
    fn eq(&self, other: &Self) -> bool {
        (&self.url, &self.key, &self.auth) == (&other.url, &other.key, &other.auth)
    }
}

impl Eq for WebPushConfig {}

impl WebPushConfig {
    fn receiver(&self) -> Option<Receiver> {
        let key: [u8; PUBLIC_KEY_BYTES] = BASE64URL.decode(&self.key).ok()?.try_into().ok()?;
        let auth: [u8; AUTH_BYTES] = BASE64URL.decode(&self.auth).ok()?.try_into().ok()?;
        (key[0] == 4).then_some(Receiver { key, auth })
    }
}

impl Channel for WebPushConfig {
    const KIND: &'static str = "web_push";
    /// Its notification says who has it, and that it is over.
    const RINGS: bool = true;

    fn check(&self) -> Result<(), ChannelError> {
        check::url("url", &self.url)?;
        let form = "the keys of a subscription, as a browser makes them";
        self.receiver().map(drop).ok_or(ChannelError::Form { field: "key", form })
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        vec![Secret::url("url", &mut self.url), Secret::word("auth", &mut self.auth)]
    }

    fn destination(&self) -> String {
        self.url.clone()
    }

    fn written(&self, message: &Message, key: &str) -> Result<Written, DeliveryError> {
        let plain = plain(message);
        // A preview shows what the browser will read; its keys are not shown.
        if self.auth == crate::REDACTED {
            return Ok(Written::new(&self.url, "application/json", plain.into_bytes()));
        }
        let broken = |why: &str| DeliveryError::permanent(Self::KIND, why);
        let receiver = self.receiver().ok_or_else(|| broken("the keys of the subscription are damaged"))?;
        let sender = self.sender.as_ref().ok_or_else(|| broken("the hub has no key for web push"))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let authorization =
            sender.key.authorization(&self.url, sender.contact.as_deref(), now).map_err(broken)?;
        let body = seal(&receiver, plain.as_bytes()).map_err(broken)?;
        let ttl =
            if message.state == MessageState::Triggered { PAGE_TTL_SECONDS } else { NOTICE_TTL_SECONDS };
        Ok(Written::new(&self.url, "application/octet-stream", body)
            .with("Content-Encoding", "aes128gcm")
            .with("Authorization", authorization)
            .with("TTL", ttl.to_string())
            .with("Urgency", urgency(message))
            .with("Topic", &hash(&message.incident_key)[..TOPIC_CHARS])
            .with("X-Watchtower-Delivery", key))
    }

    async fn deliver(&self, egress: &Egress, message: &Message, key: &str) -> Result<Receipt, DeliveryError> {
        let answer = call(egress, Self::KIND, self.written(message, key)?.post()).await;
        answer.map(|answer| Receipt::said(said(&answer))).map_err(|error| {
            let gone = GONE.iter().any(|status| error.reason.contains(&format!("answered {status}")));
            let reason =
                format!("{}: the browser does not want these any more, or was set up anew", error.reason);
            if gone { DeliveryError { reason, ..error } } else { error }
        })
    }
}

/// A phone that saves power is woken by `high` alone.
fn urgency(message: &Message) -> &'static str {
    match (message.state, message.severity) {
        (MessageState::Triggered, Severity::Critical | Severity::Error) => "high",
        (MessageState::Triggered, Severity::Warning) => "normal",
        _ => "low",
    }
}

/// What the service worker reads (`web/public/push.js`).
fn plain(message: &Message) -> String {
    let link = message.links.first().map(|link| link.url.as_str());
    let whole = |max: usize| {
        let mut body = cut(&details(message, &[]), max, char::len_utf8);
        if let Some(output) = message.output.as_ref().filter(|_| max > OUTPUT_BYTES_MAX) {
            body.push_str(&format!("\n{}", tail(output, OUTPUT_BYTES_MAX, char::len_utf8)));
        }
        let value = json!({
            "title": cut(&message.headline(), TITLE_BYTES_MAX, char::len_utf8),
            "body": body,
            "tag": message.incident_key,
            "url": link,
            "acknowledge_url": message.acknowledge_url,
            "state": message.state,
        });
        value.to_string()
    };
    let mut tries = BODY_BYTES_MAX.into_iter().map(whole);
    let fits = tries.find(|text| text.len() <= PLAINTEXT_BYTES_MAX);
    // Only addresses of kilobytes are left to be too long.
    fits.unwrap_or_else(|| {
        json!({ "title": cut(&message.headline(), TITLE_BYTES_MAX, char::len_utf8) }).to_string()
    })
}
