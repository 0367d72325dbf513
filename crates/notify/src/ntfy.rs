//! ntfy: a topic of ntfy.sh or of an own server, by its JSON form.
//!
//! Source: <https://docs.ntfy.sh/publish/>. A message beyond 4,096 bytes would become an attachment, a body
//! beyond 8,192 is refused; of actions there are three.
//! `sequence_id` (servers from 2.16) is the same over all tries of one message, so that a second copy takes the place of the first.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use watchtower_model::Severity;

use crate::channel::{Channel, Secret};
use crate::check::{self, ChannelError};
use crate::deliver::hash;
use crate::message::ACKNOWLEDGE;
use crate::text::{chars, cut, fit};
use crate::written::Written;
use crate::{DeliveryError, Message, MessageState};

const TITLE_CHARS_MAX: usize = 150;
const MESSAGE_BYTES_MAX: usize = 2_500;
const ACTIONS_MAX: usize = 3;
const SEQUENCE_CHARS: usize = 32;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NtfyConfig {
    /// `https://ntfy.sh/my-topic`. Who knows the topic can read it: the whole URL is a secret.
    pub url: String,
    /// An access token, where the topic is protected.
    #[serde(default)]
    pub token: Option<String>,
}

impl Channel for NtfyConfig {
    const KIND: &'static str = "ntfy";

    fn check(&self) -> Result<(), ChannelError> {
        let form = "the address of a topic, such as https://ntfy.sh/my-topic";
        let (server, topic) = self.url.rsplit_once('/').ok_or(ChannelError::Form { field: "url", form })?;
        check::url("url", server)?;
        check::word("url", form, topic, 1..=64, |c| c.is_ascii_alphanumeric() || "-_".contains(c))?;
        self.token.as_ref().map_or(Ok(()), |token| check::token("token", token))
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        let token = self.token.as_mut().map(|token| Secret::word("token", token));
        [Secret::url("url", &mut self.url)].into_iter().chain(token).collect()
    }

    fn destination(&self) -> String {
        self.url.clone()
    }

    fn written(&self, message: &Message, key: &str) -> Result<Written, DeliveryError> {
        let (server, topic) = self.url.rsplit_once('/').unwrap_or_default();
        let written = Written::json(format!("{server}/"), key, &body(topic, message, key));
        Ok(match &self.token {
            Some(token) => written.with("Authorization", format!("Bearer {token}")),
            None => written,
        })
    }
}

fn body(topic: &str, message: &Message, key: &str) -> Value {
    let (priority, tag) = match (message.state, message.severity) {
        (MessageState::Resolved, _) => (3, "white_check_mark"),
        (MessageState::Acknowledged, _) => (2, "eyes"),
        (MessageState::Notice, _) => (3, "calendar"),
        (MessageState::Triggered, Severity::Critical) => (5, "rotating_light"),
        (MessageState::Triggered, Severity::Error) => (4, "rotating_light"),
        (MessageState::Triggered, Severity::Warning) => (3, "warning"),
        (MessageState::Triggered, Severity::Info) => (2, "information_source"),
    };
    // It acts at once, from the notification; the page of the same address is a GET, and only shows.
    let acknowledge = message.acknowledge_url.iter().map(
        |url| json!({ "action": "http", "label": ACKNOWLEDGE, "url": url, "method": "POST", "clear": true }),
    );
    let open =
        message.links.iter().map(|link| json!({ "action": "view", "label": link.label, "url": link.url }));
    let actions: Vec<_> = acknowledge.chain(open).take(ACTIONS_MAX).collect();
    let room = ACTIONS_MAX - usize::from(message.acknowledge_url.is_some());
    let more = message.links.get(room..).unwrap_or_default();
    json!({
        "topic": topic,
        "title": cut(&message.headline(), TITLE_CHARS_MAX, chars),
        "message": fit(message, more, MESSAGE_BYTES_MAX, char::len_utf8),
        "priority": priority,
        "tags": [tag, message.severity.to_string()],
        "click": message.links.first().map(|link| link.url.as_str()),
        "actions": actions,
        "sequence_id": &hash(key)[..SEQUENCE_CHARS],
    })
}
