//! Google Chat's webhooks: a card in the thread of its incident.
//!
//! Source: <https://developers.google.com/workspace/chat/quickstart/webhooks> and the reference of `spaces.messages.create`: 32,000 bytes
//! of text and cards; the same `requestId` again makes no second message; `threadKey` puts what belongs together into one thread. Text
//! of a card is a few tags of HTML, and mentions nobody.

use serde_json::{Value, json};

use crate::Message;
use crate::hook::{HookConfig, Provider, asking};
use crate::text::{cut, details, escape_html, tail};

/// Escaped. With the output, the headline twice and the links: below 32,000 bytes also where JSON escapes some of it once more.
const DETAILS_BYTES_MAX: usize = 10 * 1024;
const OUTPUT_BYTES_MAX: usize = 4 * 1024;
/// A new thread where there is none of this key yet, or threads are not to be had.
const REPLY: &str = "messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD";

/// A webhook of a space.
pub type GoogleChatConfig = HookConfig<GoogleChat>;

#[derive(Clone, PartialEq, Eq)]
pub struct GoogleChat;

impl Provider for GoogleChat {
    const KIND: &'static str = "google_chat";

    fn address(url: &str, key: &str) -> String {
        asking(url, &format!("{REPLY}&requestId={key}"))
    }

    fn body(message: &Message) -> Value {
        body(message)
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
