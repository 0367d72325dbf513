//! Google Chat's webhooks: a card in the thread of its incident.
//!
//! Source: <https://developers.google.com/workspace/chat/quickstart/webhooks> and the reference of `spaces.messages.create`: 32,000 bytes
//! of text and cards; the same `requestId` again makes no second message; `threadKey` puts what belongs together into one thread. Text
//! of a card is a few tags of HTML, and mentions nobody.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use watchtower_egress::Egress;

use crate::channel::{Channel, Secret};
use crate::check::{self, ChannelError};
use crate::deliver::post_json;
use crate::text::{cut, details, escape_html, tail};
use crate::{DeliveryError, Message, Receipt};

/// Escaped. With the output, the headline twice and the links: below 32,000 bytes also where JSON escapes some of it once more.
const DETAILS_BYTES_MAX: usize = 10 * 1024;
const OUTPUT_BYTES_MAX: usize = 4 * 1024;
/// A new thread where there is none of this key yet, or threads are not to be had.
const REPLY: &str = "messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD";

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoogleChatConfig {
    /// The whole URL is the secret.
    pub url: String,
}

impl Channel for GoogleChatConfig {
    const KIND: &'static str = "google_chat";

    fn check(&self) -> Result<(), ChannelError> {
        check::url("url", &self.url)
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        vec![Secret::url("url", &mut self.url)]
    }

    fn destination(&self) -> String {
        self.url.clone()
    }

    async fn deliver(&self, egress: &Egress, message: &Message, key: &str) -> Result<Receipt, DeliveryError> {
        let mark = if self.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{mark}{REPLY}&requestId={key}", self.url);
        let headers = vec![("X-Watchtower-Delivery".into(), key.to_string())];
        post_json(egress, Self::KIND, &url, headers, body(message).to_string().into_bytes()).await
    }
}

fn body(message: &Message) -> Value {
    let details = cut(&details(message, &[]), DETAILS_BYTES_MAX, escaped);
    let mut widgets = vec![paragraph(&details)];
    widgets.extend(message.output.as_ref().map(|output| paragraph(&tail(output, OUTPUT_BYTES_MAX, escaped))));
    let buttons: Vec<_> = message
        .all_links()
        .iter()
        .map(|link| json!({ "text": link.label, "onClick": { "openLink": { "url": link.url } } }))
        .collect();
    if !buttons.is_empty() {
        widgets.push(json!({ "buttonList": { "buttons": buttons } }));
    }
    let headline = message.headline();
    json!({
        "fallbackText": headline,
        "thread": { "threadKey": message.incident_key },
        "cardsV2": [{
            "cardId": "incident",
            "card": { "header": { "title": headline }, "sections": [{ "widgets": widgets }] },
        }],
    })
}

/// Bytes of a character as [`escape_html`] writes it.
fn escaped(c: char) -> usize {
    match c {
        '&' => 5,
        '<' | '>' => 4,
        '"' => 6,
        c => c.len_utf8(),
    }
}

fn paragraph(text: &str) -> Value {
    json!({ "textParagraph": { "text": escape_html(text) } })
}
