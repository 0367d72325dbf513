//! Slack-compatible incoming webhooks: `text` for notifications and old clients, `blocks` for the rest.
//!
//! Sources: Slack's "Formatting text for app surfaces" (escape `&`, `<`, `>`) and Block Kit limits (header 150,
//! section 3000 characters). Mattermost also reads a bare `@channel`, so every `@` is followed by a
//! zero-width space: nothing that an alert says can call people together.

use serde_json::{Value, json};
use watchtower_egress::Egress;

use crate::deliver::post_json;
use crate::{DeliveryError, Message, MessageState, Receipt, SlackConfig};

const HEADER_CHARS_MAX: usize = 150;
const SECTION_CHARS_MAX: usize = 3_000;
const ZERO_WIDTH_SPACE: char = '\u{200b}';

pub(crate) async fn deliver(
    egress: &Egress,
    config: &SlackConfig,
    message: &Message,
    key: &str,
) -> Result<Receipt, DeliveryError> {
    let body = body(message).to_string().into_bytes();
    let headers = vec![("X-Watchtower-Delivery".into(), key.to_string())];
    post_json(egress, "slack", &config.url, headers, body).await
}

fn body(message: &Message) -> Value {
    let headline = message.headline();
    let mark = match message.state {
        MessageState::Resolved => ":white_check_mark:",
        MessageState::Acknowledged => ":eyes:",
        MessageState::Triggered => ":rotating_light:",
    };
    // A header block is plain text and knows no escapes: brackets are replaced instead.
    let header = cut(&unmention(&headline.replace('<', "‹").replace('>', "›")), HEADER_CHARS_MAX);
    let mut blocks = vec![json!({ "type": "header", "text": { "type": "plain_text", "text": header } })];
    let mut details = format!("{mark} *{}*", escape(&message.place()));
    for line in &message.lines {
        details.push('\n');
        details.push_str(&escape(line));
    }
    blocks.push(section(&details));
    if let Some(output) = &message.output {
        // The end of an output says what went wrong, so its beginning is cut.
        let mut code = escape(&output.replace("```", "'''"));
        while code.chars().count() > SECTION_CHARS_MAX - 8 {
            code = code
                .split_once('\n')
                .map_or_else(|| cut(&code, SECTION_CHARS_MAX - 8), |(_, r)| r.to_string());
        }
        blocks.push(section(&format!("```{code}```")));
    }
    let links: Vec<_> = message.links.iter().map(|l| link(&l.label, &l.url)).collect();
    if !links.is_empty() {
        blocks.push(section(&links.join("  ·  ")));
    }
    json!({ "text": escape(&headline), "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(text, SECTION_CHARS_MAX) } })
}

fn link(label: &str, url: &str) -> String {
    // Inside <url|label> these three would end the link early.
    let url = url.replace('<', "%3C").replace('>', "%3E").replace('|', "%7C").replace('&', "&amp;");
    format!("<{url}|{}>", escape(label).replace('|', "/"))
}

fn escape(text: &str) -> String {
    unmention(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

fn unmention(text: &str) -> String {
    text.replace('@', &format!("@{ZERO_WIDTH_SPACE}"))
}

fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_string();
    }
    let mut kept: String = text.chars().take(chars_max - 1).collect();
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Link;
    use watchtower_model::Severity;

    #[test]
    fn nothing_in_an_alert_becomes_markup_or_a_mention() {
        let message = Message {
            incident_number: Some(142),
            title: "<!channel> & <@U123> @here".into(),
            severity: Severity::Critical,
            state: MessageState::Triggered,
            service: "db <x>".into(),
            server: None,
            lines: vec!["<https://evil|click>".into(), "z".repeat(5_000)],
            links: vec![Link { label: "Ack|<now>".into(), url: "https://hub/i/142?a=1&b=<>|".into() }],
            test: false,
            output: Some(format!("```\n<!here>\n{}", "&".repeat(2_000))),
        };
        let body = body(&message);
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
