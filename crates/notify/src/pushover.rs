//! Pushover. What is critical rings again each minute until somebody acknowledges it there, or the incident is over here.
//!
//! Sources: <https://pushover.net/api> (title 250, message 1,024, URL 512, its title 100 characters; 4xx are not to be repeated, 5xx not within
//! five seconds), <https://pushover.net/api/receipts#cancel_by_tag>. There is no idempotency key: a message whose answer was lost is seen
//! twice, and both stop ringing by the incident's tag.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use watchtower_egress::Egress;
use watchtower_model::Severity;

use crate::channel::{Channel, Secret};
use crate::check::{self, ChannelError};
use crate::deliver::{call, hash};
use crate::text::{chars, cut, fit};
use crate::written::Written;
use crate::{DeliveryError, FailureKind, Message, MessageState, Receipt};

const API_URL: &str = "https://api.pushover.net";
const TITLE_CHARS_MAX: usize = 250;
const MESSAGE_CHARS_MAX: usize = 1_000;
const URL_CHARS_MAX: usize = 512;
const URL_TITLE_CHARS_MAX: usize = 100;
/// Seconds between two rings of an emergency, and until it gives up: by then the policy has gone on.
const RING_EVERY_SECONDS: u32 = 60;
const RING_FOR_SECONDS: u32 = 3_600;
/// No earlier, as Pushover asks, when it could not.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushoverConfig {
    /// Of the application.
    pub token: String,
    /// Key of a user or a group.
    pub user: String,
    /// A gateway in the place of Pushover's own.
    #[serde(default)]
    pub api_url: Option<String>,
}

impl Channel for PushoverConfig {
    const KIND: &'static str = "pushover";
    const RINGS: bool = true;

    fn check(&self) -> Result<(), ChannelError> {
        check::api_url(self.api_url.as_ref())?;
        check::token("token", &self.token)?;
        check::token("user", &self.user)
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        vec![Secret::word("token", &mut self.token), Secret::word("user", &mut self.user)]
    }

    fn destination(&self) -> String {
        check::base(self.api_url.as_ref(), API_URL).into()
    }

    fn written(&self, message: &Message, key: &str) -> Result<Written, DeliveryError> {
        let url = format!("{}/1/messages.json", self.destination());
        Ok(Written::form(url, key, &self.form(message, &hash(&message.incident_key))))
    }

    async fn deliver(&self, egress: &Egress, message: &Message, key: &str) -> Result<Receipt, DeliveryError> {
        if matches!(message.state, MessageState::Acknowledged | MessageState::Resolved) {
            self.stop_ringing(egress, &hash(&message.incident_key), key).await?;
        }
        let answer = call(egress, Self::KIND, self.written(message, key)?.post()).await.map_err(later)?;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let receipt = answer["receipt"].as_str().map(|receipt| format!(", rings under receipt {receipt}"));
        Ok(Receipt::said(format!("Pushover took it{}", receipt.unwrap_or_default())))
    }
}

impl PushoverConfig {
    async fn stop_ringing(&self, egress: &Egress, tag: &str, key: &str) -> Result<(), DeliveryError> {
        let url = format!("{}/1/receipts/cancel_by_tag/{tag}.json", self.destination());
        let written = Written::form(url, key, &[("token", self.token.clone())]);
        match call(egress, Self::KIND, written.post()).await {
            // That nothing rings must not keep the notice from being sent.
            Err(error) if error.kind == FailureKind::Temporary => Err(later(error)),
            _ => Ok(()),
        }
    }

    fn form(&self, message: &Message, tag: &str) -> Vec<(&'static str, String)> {
        let priority = match (message.state, message.severity) {
            (MessageState::Triggered, Severity::Critical) => 2,
            (MessageState::Triggered, Severity::Error) => 1,
            (_, Severity::Info) | (MessageState::Acknowledged, _) => -1,
            _ => 0,
        };
        let links = message.all_links();
        let link = links.first().filter(|link| link.url.chars().count() <= URL_CHARS_MAX);
        let rest = links.get(usize::from(link.is_some())..).unwrap_or_default();
        let mut form = vec![
            ("token", self.token.clone()),
            ("user", self.user.clone()),
            ("title", cut(&message.headline(), TITLE_CHARS_MAX, chars)),
            ("message", fit(message, rest, MESSAGE_CHARS_MAX, chars)),
            ("priority", priority.to_string()),
        ];
        if priority == 2 {
            form.push(("retry", RING_EVERY_SECONDS.to_string()));
            form.push(("expire", RING_FOR_SECONDS.to_string()));
            form.push(("tags", tag.to_string()));
        }
        if let Some(link) = link {
            form.push(("url", link.url.clone()));
            form.push(("url_title", cut(&link.label, URL_TITLE_CHARS_MAX, chars)));
        }
        form
    }
}

fn later(error: DeliveryError) -> DeliveryError {
    let asked = error.retry_after.unwrap_or_default().max(AFTER_FAILURE);
    let retry_after = (error.kind == FailureKind::Temporary).then_some(asked);
    DeliveryError { retry_after, ..error }
}
