//! An app of Slack: a page has a button, and the same message says who has it and that it is over.
//!
//! Sources: <https://docs.slack.dev/reference/methods/chat.postMessage>, <https://docs.slack.dev/reference/methods/chat.update>,
//! <https://docs.slack.dev/authentication/verifying-requests-from-slack> (`v0=` and the hex HMAC-SHA256 of `v0:<timestamp>:<body>`; timestamps
//! more than five minutes off are replays), <https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>. Most refusals are
//! answers of 200 with `ok: false`. There is no idempotency key: a message whose answer was lost is seen twice.

use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use watchtower_egress::Egress;

use crate::channel::{Channel, Secret};
use crate::check::{self, ChannelError};
use crate::deliver::call;
use crate::slack::body;
use crate::text::{chars, cut};
use crate::written::{JSON, Written};
use crate::{DeliveryError, FailureKind, Message, MessageState, Receipt};

const API_URL: &str = "https://slack.com/api";
/// Where Slack wants answers to presses.
const RESPONSE_URL: &str = "https://hooks.slack.com";
/// Seconds that a press may be old, or ahead.
const SIGNED_WITHIN_SECONDS: u64 = 300;
/// Messages of one incident that are changed when it changes: those sent last.
const CHANGED_MAX: usize = 5;
const NAME_CHARS_MAX: usize = 64;
/// What a button is called among the actions of a message.
const ACTION: &str = "acknowledge";
/// Refusals that may be over in a moment.
const PASSING: [&str; 5] =
    ["ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"];

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlackAppConfig {
    /// Of the bot, `xoxb-…`.
    pub token: String,
    /// Proves that a press came by Slack.
    pub signing_secret: String,
    /// Id of a conversation: `C…`, `G…`, or `D…` of a person.
    pub channel: String,
    /// A gateway in the place of Slack's own.
    #[serde(default)]
    pub api_url: Option<String>,
}

impl Channel for SlackAppConfig {
    const KIND: &'static str = "slack_app";
    /// The message of each incident says how it goes.
    const BUNDLES: bool = false;
    /// Its message says who has it.
    const RINGS: bool = true;

    fn check(&self) -> Result<(), ChannelError> {
        check::api_url(self.api_url.as_ref())?;
        check::token("token", &self.token)?;
        check::token("signing_secret", &self.signing_secret)?;
        let form = "the id of a conversation, such as C024BE91L (in Slack: its details, at the end)";
        let good = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
        check::word("channel", form, &self.channel, 9..=20, good)?;
        let kind = self.channel.starts_with(['C', 'G', 'D']);
        if kind { Ok(()) } else { Err(ChannelError::Form { field: "channel", form }) }
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        vec![Secret::word("token", &mut self.token), Secret::word("signing_secret", &mut self.signing_secret)]
    }

    fn destination(&self) -> String {
        check::base(self.api_url.as_ref(), API_URL).into()
    }

    fn written(&self, message: &Message, key: &str) -> Result<Written, DeliveryError> {
        Ok(self.asking("chat.postMessage", &self.body(message), key))
    }

    async fn deliver(&self, egress: &Egress, message: &Message, key: &str) -> Result<Receipt, DeliveryError> {
        let earlier: Vec<&String> = message.earlier.iter().rev().take(CHANGED_MAX).collect();
        if message.state == MessageState::Triggered || earlier.is_empty() {
            return self.post(egress, message, key).await;
        }
        for handle in &earlier {
            match self.change(egress, message, handle, key).await {
                // Somebody deleted it: then there is nothing to change.
                Err(error) if error.kind == FailureKind::Permanent && error.reason.contains("not_found") => {}
                Err(error) => return Err(error),
                Ok(()) => {}
            }
        }
        Ok(Receipt { detail: format!("Slack changed {} messages", earlier.len()), handle: None })
    }
}

impl SlackAppConfig {
    async fn post(&self, egress: &Egress, message: &Message, key: &str) -> Result<Receipt, DeliveryError> {
        let answer = self.ask(egress, self.written(message, key)?).await?;
        let handle = answer["ts"].as_str().map(String::from);
        Ok(Receipt { detail: "Slack took it".into(), handle })
    }

    async fn change(
        &self,
        egress: &Egress,
        message: &Message,
        ts: &str,
        key: &str,
    ) -> Result<(), DeliveryError> {
        let mut body = self.body(message);
        body["ts"] = json!(ts);
        self.ask(egress, self.asking("chat.update", &body, key)).await.map(drop)
    }

    fn body(&self, message: &Message) -> Value {
        let button = |token| json!({ "action_id": ACTION, "value": token });
        let mut body = body(message, message.acknowledge_token.as_ref().map(button));
        body["channel"] = json!(self.channel);
        body
    }

    fn asking(&self, method: &str, body: &Value, key: &str) -> Written {
        let url = format!("{}/{method}", self.destination());
        let body = body.to_string().into_bytes();
        Written::new(url, "application/json; charset=utf-8", body)
            .with("Authorization", format!("Bearer {}", self.token))
            .with("X-Watchtower-Delivery", key)
    }

    async fn ask(&self, egress: &Egress, asking: Written) -> Result<Value, DeliveryError> {
        let answer = call(egress, Self::KIND, asking.post()).await?.body;
        // `ok` comes first; the whole message behind it may be longer than what is read.
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_else(|_| begun(&answer));
        if answer["ok"] == true {
            return Ok(answer);
        }
        let word: String = answer["error"].as_str().unwrap_or("something unknown").chars().take(64).collect();
        let reason = format!("Slack answered {word}");
        Err(match PASSING.contains(&word.as_str()) {
            true => DeliveryError::temporary(Self::KIND, reason),
            false => DeliveryError::permanent(Self::KIND, reason),
        })
    }

    /// Whether Slack signed this body at this time, with this app's secret.
    pub fn signed(&self, timestamp: &str, signature: &str, body: &[u8], now_seconds: u64) -> bool {
        let fresh =
            timestamp.parse::<u64>().is_ok_and(|at| at.abs_diff(now_seconds) <= SIGNED_WITHIN_SECONDS);
        let Some(tag) = signature.strip_prefix("v0=").and_then(unhex) else { return false };
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.signing_secret.as_bytes());
        let text = [b"v0:", timestamp.as_bytes(), b":", body].concat();
        fresh && hmac::verify(&key, &text, &tag).is_ok()
    }

    /// Tells who pressed what came of it, and nobody else.
    pub async fn answer(&self, egress: &Egress, press: &SlackPress, text: &str) -> Result<(), DeliveryError> {
        let own = check::base(self.api_url.as_ref(), RESPONSE_URL);
        if press.response_url.strip_prefix(own).is_none_or(|path| !path.starts_with('/')) {
            return Err(DeliveryError::permanent(
                Self::KIND,
                "the answer is wanted somewhere else than Slack",
            ));
        }
        let body = json!({ "response_type": "ephemeral", "replace_original": false, "text": text });
        let answer = Written::new(&press.response_url, JSON, body.to_string().into_bytes());
        call(egress, Self::KIND, answer.post()).await.map(drop)
    }
}

/// Somebody pressed a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackPress {
    /// What the button holds.
    pub token: String,
    /// The conversation it was pressed in.
    pub channel: String,
    /// Who pressed it, as Slack calls them; a single line.
    pub by: String,
    response_url: String,
}

#[derive(Deserialize)]
struct Payload {
    user: Person,
    channel: Place,
    #[serde(default)]
    response_url: String,
    #[serde(default)]
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Person {
    id: String,
    username: Option<String>,
}

#[derive(Deserialize)]
struct Place {
    id: String,
}

#[derive(Deserialize)]
struct Action {
    #[serde(default)]
    action_id: String,
    value: Option<String>,
}

impl SlackPress {
    /// From the `payload` of Slack's form; `None` for what is no press of an acknowledgement.
    pub fn read(payload: &str) -> Option<SlackPress> {
        let payload: Payload = serde_json::from_str(payload).ok()?;
        let action = payload.actions.into_iter().find(|action| action.action_id == ACTION)?;
        let name = payload.user.username.unwrap_or(payload.user.id);
        let line: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Some(SlackPress {
            token: action.value?,
            channel: payload.channel.id,
            by: format!("@{}", cut(line.trim(), NAME_CHARS_MAX, chars)),
            response_url: payload.response_url,
        })
    }
}

/// What is known of an answer whose end was not read.
fn begun(answer: &[u8]) -> Value {
    let text = String::from_utf8_lossy(answer);
    let ts = text.split_once("\"ts\":\"").and_then(|(_, rest)| rest.split_once('"')).map(|(ts, _)| ts);
    json!({ "ok": text.starts_with("{\"ok\":true"), "ts": ts })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
