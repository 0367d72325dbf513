//! Telegram: a bot that writes to a person, a group or a channel.
//!
//! Source: <https://core.telegram.org/bots/api#sendmessage>: text of at most 4,096 UTF-16 units behind its markup, HTML with `<`, `>` and
//! `&` escaped; a 429 says in `parameters.retry_after` when to come again. There is no idempotency key: a message whose answer was lost
//! is seen twice.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use watchtower_model::Severity;

use crate::channel::{Channel, Secret};
use crate::check::{self, ChannelError};
use crate::message::ACKNOWLEDGE;
use crate::text::{cut, details, escape_html, tail, unmention};
use crate::written::Written;
use crate::{DeliveryError, Link, Message, MessageState};

const API_URL: &str = "https://api.telegram.org";
/// Together below 4,096, zero-width spaces behind each `@` included.
const HEADLINE_UNITS_MAX: usize = 500;
const DETAILS_UNITS_MAX: usize = 900;
const OUTPUT_UNITS_MAX: usize = 600;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TelegramConfig {
    /// Of the bot, as BotFather gave it.
    pub token: String,
    /// Number of a chat, or `@name` of a public channel.
    pub chat: String,
    /// An own Bot API server.
    #[serde(default)]
    pub api_url: Option<String>,
}

impl Channel for TelegramConfig {
    const KIND: &'static str = "telegram";

    fn check(&self) -> Result<(), ChannelError> {
        check::api_url(self.api_url.as_ref())?;
        let form = "the token of a bot, such as 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
        let good = |c: char| c.is_ascii_alphanumeric() || "-_:".contains(c);
        check::word("token", form, &self.token, 10..=128, good)?;
        let (sign, rest) = self.chat.split_at(usize::from(self.chat.starts_with(['-', '@'])));
        let good = |c: char| c.is_ascii_digit() || sign == "@" && (c.is_ascii_alphanumeric() || c == '_');
        check::word("chat", "the number of a chat, or the @name of a channel", rest, 1..=32, good)
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        vec![Secret::word("token", &mut self.token)]
    }

    fn destination(&self) -> String {
        check::base(self.api_url.as_ref(), API_URL).into()
    }

    fn written(&self, message: &Message, key: &str) -> Result<Written, DeliveryError> {
        let url = format!("{}/bot{}/sendMessage", self.destination(), self.token);
        Ok(Written::json(url, key, &body(&self.chat, message)))
    }
}

fn body(chat: &str, message: &Message) -> Value {
    let mark = match message.state {
        MessageState::Triggered => '\u{1f6a8}',
        MessageState::Acknowledged => '\u{1f440}',
        MessageState::Resolved => '\u{2705}',
        MessageState::Notice => '\u{1f4c5}',
    };
    // A button with an address that Telegram does not take for one would lose the whole message.
    let (open, rest): (Vec<Link>, Vec<Link>) = message.links.iter().cloned().partition(has_public_host);
    let headline = safe(&cut(&message.headline(), HEADLINE_UNITS_MAX, char::len_utf16));
    let details = safe(&cut(&details(message, &rest), DETAILS_UNITS_MAX, char::len_utf16));
    let mut text = format!("{mark} <b>{headline}</b>\n{details}");
    if let Some(output) = &message.output {
        let output = safe(&tail(output, OUTPUT_UNITS_MAX, char::len_utf16));
        text.push_str(&format!("\n<pre>{output}</pre>"));
    }
    let acknowledge = message.acknowledge_token.iter();
    let acknowledge = acknowledge.map(|token| json!([{ "text": ACKNOWLEDGE, "callback_data": token }]));
    let open = open.iter().map(|link| json!([{ "text": link.label, "url": link.url }]));
    let buttons: Vec<_> = acknowledge.chain(open).collect();
    let quiet = message.state != MessageState::Triggered || message.severity == Severity::Info;
    let mut body = json!({
        "chat_id": chat,
        "text": text,
        "parse_mode": "HTML",
        "link_preview_options": { "is_disabled": true },
        "disable_notification": quiet,
    });
    if !buttons.is_empty() {
        body["reply_markup"] = json!({ "inline_keyboard": buttons });
    }
    body
}

fn has_public_host(link: &Link) -> bool {
    let host = link.url.split('/').nth(2).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    host.trim_matches('.').contains('.')
}

fn safe(text: &str) -> String {
    unmention(&escape_html(text))
}
