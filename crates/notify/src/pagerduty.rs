//! PagerDuty's Events API v2: our incidents open, are acknowledged and end there, so that one may move step by step.
//!
//! Source: <https://developer.pagerduty.com/docs/events-api-v2-overview>. The incident's key is the `dedup_key`: an event that comes twice
//! is one alert there. 429 and 5xx are repeated, 400 is not. A test opens an alert of severity `info` and ends it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use watchtower_egress::Egress;

use crate::channel::{Channel, Secret};
use crate::check::{self, ChannelError};
use crate::deliver::{call, said};
use crate::text::{chars, cut};
use crate::written::Written;
use crate::{DeliveryError, FailureKind, Message, MessageState, Receipt};

const API_URL: &str = "https://events.pagerduty.com";
const SUMMARY_CHARS_MAX: usize = 1_024;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagerdutyConfig {
    /// Integration key of a service there.
    pub routing_key: String,
    /// Another region (`https://events.eu.pagerduty.com`), or whatever speaks the same.
    #[serde(default)]
    pub api_url: Option<String>,
}

impl Channel for PagerdutyConfig {
    const KIND: &'static str = "pagerduty";
    const BUNDLES: bool = false;
    const RINGS: bool = true;

    fn check(&self) -> Result<(), ChannelError> {
        check::api_url(self.api_url.as_ref())?;
        check::token("routing_key", &self.routing_key)
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        vec![Secret::word("routing_key", &mut self.routing_key)]
    }

    fn destination(&self) -> String {
        check::base(self.api_url.as_ref(), API_URL).into()
    }

    fn written(&self, message: &Message, key: &str) -> Result<Written, DeliveryError> {
        let action = match message.state {
            MessageState::Triggered => "trigger",
            MessageState::Acknowledged => "acknowledge",
            MessageState::Resolved => "resolve",
            // Only what is of an incident opens one there.
            MessageState::Notice => {
                return Err(DeliveryError {
                    kind: FailureKind::Permanent,
                    channel: Self::KIND,
                    reason: "PagerDuty is told of incidents alone".into(),
                    retry_after: None,
                });
            }
        };
        Ok(Written::json(format!("{}/v2/enqueue", self.destination()), key, &self.event(action, message)))
    }

    async fn deliver(&self, egress: &Egress, message: &Message, key: &str) -> Result<Receipt, DeliveryError> {
        let answer = call(egress, Self::KIND, self.written(message, key)?.post()).await?;
        if message.test && message.incident_number.is_none() {
            let over = Message { state: MessageState::Resolved, ..message.clone() };
            call(egress, Self::KIND, self.written(&over, key)?.post()).await?;
        }
        Ok(Receipt::said(said(&answer)))
    }
}

impl PagerdutyConfig {
    fn event(&self, action: &str, message: &Message) -> Value {
        let mut event = json!({
            "routing_key": self.routing_key,
            "event_action": action,
            "dedup_key": message.incident_key,
        });
        if action == "trigger" {
            let links: Vec<_> =
                message.links.iter().map(|link| json!({ "href": link.url, "text": link.label })).collect();
            event["payload"] = json!({
                "summary": cut(&message.headline(), SUMMARY_CHARS_MAX, chars),
                "source": message.server.as_ref().unwrap_or(&message.service),
                "severity": message.severity,
                "component": message.service,
                "custom_details": { "details": message.own_lines(), "output": message.output },
            });
            event["client"] = "Watchtower".into();
            event["client_url"] = message.links.first().map(|link| link.url.clone()).into();
            event["links"] = links.into();
        }
        event
    }
}
