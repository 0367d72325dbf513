//! Microsoft Teams: the URL of a workflow ("when a Teams webhook request is received"), which posts an adaptive card.
//!
//! Source: Microsoft's "Create incoming webhooks with Workflows" and the schema of adaptive cards 1.4. A card has at most 28 KB. Text runs
//! are not read as Markdown, and without `msteams.entities` nothing is a mention: no escaping is needed. A workflow knows no idempotency
//! key: a message whose answer was lost is seen twice.

use serde_json::{Value, json};

use crate::hook::{HookConfig, Provider};
use crate::text::{cut, details};
use crate::{Message, MessageState};

/// Twice as much where each byte is escaped, beside headline, output and links: still below 28 KB.
const DETAILS_BYTES_MAX: usize = 7 * 1024;

/// A workflow.
pub type TeamsConfig = HookConfig<Teams>;

#[derive(Clone, PartialEq, Eq)]
pub struct Teams;

impl Provider for Teams {
    const KIND: &'static str = "teams";

    fn body(message: &Message) -> Value {
        body(message)
    }
}

fn body(message: &Message) -> Value {
    let color = match message.state {
        MessageState::Triggered => "Attention",
        MessageState::Acknowledged | MessageState::Notice => "Accent",
        MessageState::Resolved => "Good",
    };
    let headline = json!({ "type": "TextRun", "text": message.headline(), "weight": "Bolder", "size": "Medium", "color": color });
    let details = cut(&details(message, &[]), DETAILS_BYTES_MAX, char::len_utf8);
    let mut blocks = vec![block(headline)];
    blocks.extend(details.lines().map(|line| block(json!({ "type": "TextRun", "text": line }))));
    if let Some(output) = &message.output {
        let lines = output.lines().filter(|line| !line.trim().is_empty());
        blocks.extend(
            lines.map(|line| block(json!({ "type": "TextRun", "text": line, "fontType": "Monospace" }))),
        );
    }
    let actions: Vec<_> = message
        .all_links()
        .iter()
        .map(|link| json!({ "type": "Action.OpenUrl", "title": link.label, "url": link.url }))
        .collect();
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        "actions": actions,
        "msteams": { "width": "Full" },
    });
    let attachment = json!({
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": null,
        "content": card,
    });
    json!({ "type": "message", "attachments": [attachment] })
}

fn block(run: Value) -> Value {
    json!({ "type": "RichTextBlock", "spacing": "Small", "inlines": [run] })
}
