//! Slack-compatible incoming webhooks: `text` for notifications and old clients, `blocks` for the rest.
//!
//! Sources: Slack's "Formatting text for app surfaces" (escape `&`, `<`, `>`) and Block Kit limits (header 150,
//! section 3000 characters). Mattermost also reads a bare `@channel`, so every `@` is followed by a
//! zero-width space: nothing that an alert says can call people together.

use serde_json::{Value, json};

use crate::hook::{HookConfig, Provider};
use crate::message::ACKNOWLEDGE;
use crate::text::{chars, cut, unmention};
use crate::{Message, MessageState};

const HEADER_CHARS_MAX: usize = 150;
const SECTION_CHARS_MAX: usize = 3_000;

/// A Slack incoming webhook, or one that speaks like it (Mattermost, Rocket.Chat).
pub type SlackConfig = HookConfig<Slack>;

#[derive(Clone, PartialEq, Eq)]
pub struct Slack;

impl Provider for Slack {
    const KIND: &'static str = "slack";

    fn body(message: &Message) -> Value {
        body(message, opening(message))
    }
}

/// A button that opens the link, since a webhook hears of no press.
fn opening(message: &Message) -> Option<Value> {
    let button = |url| json!({ "action_id": "open", "url": url });
    message.acknowledge_url.as_ref().map(button)
}

/// `button`: what the one to acknowledge has beside its text, if there is one.
pub(crate) fn body(message: &Message, button: Option<Value>) -> Value {
    let headline = message.headline();
    let mark = match message.state {
        MessageState::Resolved => ":white_check_mark:",
        MessageState::Acknowledged => ":eyes:",
        MessageState::Triggered => ":rotating_light:",
        MessageState::Notice => ":calendar:",
    };
    // A header block is plain text and knows no escapes: brackets are replaced instead.
    let header = cut(&unmention(&headline.replace('<', "‹").replace('>', "›")), HEADER_CHARS_MAX, chars);
    let mut blocks = vec![json!({ "type": "header", "text": { "type": "plain_text", "text": header } })];
    let (first, lines) = message.said();
    let mut details = format!("{mark} *{}*", escape(&first));
    for line in lines {
        details.push('\n');
        details.push_str(&escape(&line));
    }
    blocks.push(section(&details));
    if let Some(output) = &message.output {
        // The end of an output says what went wrong, so its beginning is cut.
        let mut code = escape(&output.replace("```", "'''"));
        while code.chars().count() > SECTION_CHARS_MAX - 8 {
            code = code
                .split_once('\n')
                .map_or_else(|| cut(&code, SECTION_CHARS_MAX - 8, chars), |(_, r)| r.to_string());
        }
        blocks.push(section(&format!("```{code}```")));
    }
    if let Some(mut button) = button {
        button["type"] = json!("button");
        button["style"] = json!("primary");
        button["text"] = json!({ "type": "plain_text", "text": ACKNOWLEDGE });
        blocks.push(json!({ "type": "actions", "elements": [button] }));
    }
    let links: Vec<_> = message.links.iter().map(|l| link(&l.label, &l.url)).collect();
    if !links.is_empty() {
        blocks.push(section(&links.join("  ·  ")));
    }
    json!({ "text": escape(&headline), "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(text, SECTION_CHARS_MAX, chars) } })
}

fn link(label: &str, url: &str) -> String {
    // Inside <url|label> these three would end the link early.
    let url = url.replace('<', "%3C").replace('>', "%3E").replace('|', "%7C").replace('&', "&amp;");
    format!("<{url}|{}>", escape(label).replace('|', "/"))
}

fn escape(text: &str) -> String {
    unmention(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Link, Words};
    use watchtower_model::Severity;

    #[test]
    fn nothing_in_an_alert_becomes_markup_or_a_mention() {
        let message = Message {
            incident_number: Some(142),
            incident_key: "i-142".into(),
            title: "<!channel> & <@U123> @here".into(),
            severity: Severity::Critical,
            state: MessageState::Triggered,
            service: "db <x>".into(),
            server: None,
            lines: vec!["<https://evil|click>".into(), "z".repeat(5_000)],
            links: vec![Link { label: "Ack|<now>".into(), url: "https://hub/i/142?a=1&b=<>|".into() }],
            acknowledge_url: None,
            acknowledge_token: None,
            earlier: Vec::new(),
            digits_url: None,
            test: false,
            output: Some(format!("```\n<!here>\n{}", "&".repeat(2_000))),
            words: Words::default(),
        };
        let body = body(&message, None);
        let text = body.to_string();
        for bad in ["<!", "<@", "<https://evil", "@here", "@U123", "@channel", "db <x>"] {
            assert!(!text.contains(bad), "{bad} in {text}");
        }
        assert!(text.contains("&lt;!channel&gt; &amp; &lt;@\u{200b}U123&gt; @\u{200b}here"), "{text}");
        assert!(text.contains("<https://hub/i/142?a=1&amp;b=%3C%3E%7C|Ack/&lt;now&gt;>"), "{text}");
        for block in body["blocks"].as_array().unwrap() {
            let chars = block["text"]["text"].as_str().unwrap().chars().count();
            let max = if block["type"] == "header" { HEADER_CHARS_MAX } else { SECTION_CHARS_MAX };
            assert!((1..=max).contains(&chars), "{chars} characters in {block}");
        }
    }
}
