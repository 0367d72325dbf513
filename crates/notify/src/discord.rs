//! Discord's webhooks: the headline as text, the rest as an embed.
//!
//! Source: <https://discord.com/developers/docs/resources/webhook#execute-webhook>; limits of text (2,000), of an embed's description
//! (4,096) and field (1,024). Nothing in a message can mention anybody (`allowed_mentions`). A 429 says in its body when to come again.
//! Webhooks know no idempotency key: a message whose answer was lost is seen twice.

use serde_json::{Value, json};
use watchtower_model::Severity;

use crate::hook::{HookConfig, Provider, asking};
use crate::text::{chars, cut, details, length, tail};
use crate::{Link, Message, MessageState};

const CONTENT_CHARS_MAX: usize = 1_900;
const DETAILS_CHARS_MAX: usize = 2_900;
const OUTPUT_CHARS_MAX: usize = 1_000;
const FIELD_CHARS_MAX: usize = 1_024;

/// A webhook of a channel.
pub type DiscordConfig = HookConfig<Discord>;

#[derive(Clone, PartialEq, Eq)]
pub struct Discord;

impl Provider for Discord {
    const KIND: &'static str = "discord";

    /// Without `wait` it answers before it has looked at the message.
    fn address(url: &str, _key: &str) -> String {
        asking(url, "wait=true")
    }

    fn body(message: &Message) -> Value {
        body(message)
    }
}

fn body(message: &Message) -> Value {
    let color = match (message.state, message.severity) {
        (MessageState::Resolved, _) => 0x002e_a043,
        (MessageState::Acknowledged, _) => 0x0058_a6ff,
        (_, Severity::Critical | Severity::Error) => 0x00da_3633,
        (_, Severity::Warning) => 0x00d2_9922,
        (_, Severity::Info) => 0x006e_7681,
    };
    let mut description = cut(&escape(&details(message, &[])), DETAILS_CHARS_MAX, chars);
    if let Some(output) = &message.output {
        let code = tail(&output.replace("```", "'''"), OUTPUT_CHARS_MAX, chars);
        description.push_str(&format!("\n```\n{code}\n```"));
    }
    let links = links(&message.all_links());
    let fields = if links.is_empty() { json!([]) } else { json!([{ "name": "Links", "value": links }]) };
    json!({
        "content": cut(&escape(&message.headline()), CONTENT_CHARS_MAX, chars),
        "embeds": [{ "description": description, "color": color, "fields": fields }],
        "allowed_mentions": { "parse": [] },
    })
}

/// Those for which there is room.
fn links(links: &[Link]) -> String {
    let mut text = String::new();
    for link in links {
        let url = link.url.replace('(', "%28").replace(')', "%29").replace(' ', "%20");
        let one = format!("[{}]({url})\n", escape(&link.label));
        if length(&text, chars) + length(&one, chars) <= FIELD_CHARS_MAX {
            text.push_str(&one);
        }
    }
    text
}

/// Discord's Markdown, its `<@id>` and `<#id>` included.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\*_~`|<>[]()#-@".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
