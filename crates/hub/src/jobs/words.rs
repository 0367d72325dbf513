//! A channel's own words: its templates over what is known of an incident.
//!
//! Invariant: a template costs no message. What cannot be used leaves the hub's own words where they were, and says why.

use std::fmt;

use serde::de::IgnoredAny;
use watchtower_api_types::{ChannelTemplates, ChannelWords, TemplateFailure};
use watchtower_model::limits::{LINE_BYTES_MAX, TEXT_BYTES_MAX};
use watchtower_notify::{ChannelConfig, Message};
use watchtower_rules::Template;
use watchtower_store::OutboxRow;

use super::compose::Facts;
use super::samples;
use super::seen::{Seen, VOCABULARY};
use super::send::{channel_name, tell};
use crate::Hub;
use crate::error::HubError;

/// Bytes of a webhook's document.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// Why a template was not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `page.title`
    template: String,
    fault: Fault,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    Parse { message: String, line: usize, column: usize },
    Blank,
    Long(usize),
    NotJson(String),
    NoTitle,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Parse { message, line, column } => write!(f, "line {line}, column {column}: {message}"),
            Fault::Blank => f.write_str("it says nothing"),
            Fault::Long(max) => write!(f, "it makes more than {max} bytes"),
            Fault::NotJson(why) => {
                write!(f, "it makes no JSON ({why}): put each value through json, as {{{{ $title | json }}}}")
            }
            Fault::NoTitle => f.write_str("a webhook has no title: its body is the whole document"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the template {} was not used: {}", self.template, self.fault)
    }
}

impl Failure {
    pub(super) fn shown(&self) -> TemplateFailure {
        let (message, place) = match &self.fault {
            Fault::Parse { message, line, column } => (message.clone(), Some((*line as u32, *column as u32))),
            other => (other.to_string(), None),
        };
        let (line, column) = place.unzip();
        TemplateFailure { template: self.template.clone(), message, line, column }
    }
}

/// Whether a channel's body is a document for a program, and not text.
pub(super) fn takes_document(config: &ChannelConfig) -> bool {
    matches!(config, ChannelConfig::Webhook(_))
}

/// Puts a channel's own words into a message of this kind of outbox row.
pub(super) fn put(
    templates: &ChannelTemplates,
    config: &ChannelConfig,
    kind: &str,
    message: &mut Message,
    facts: &Facts,
) -> Vec<Failure> {
    let (name, words) = match kind {
        "page" => ("page", &templates.page),
        "resolve" => ("end", &templates.end),
        // It says who has it, which is why it is sent.
        _ => return Vec::new(),
    };
    say(name, words, takes_document(config), message, facts)
}

fn say(
    name: &str,
    words: &ChannelWords,
    document: bool,
    message: &mut Message,
    facts: &Facts,
) -> Vec<Failure> {
    let seen = Seen { message, facts };
    let title =
        words.title.as_ref().map(|text| if document { Err(Fault::NoTitle) } else { line(text, &seen) });
    let body = words
        .body
        .as_ref()
        .map(|text| if document { json(text, &seen) } else { text_of(text, &seen, TEXT_BYTES_MAX) });
    let mut failures = Vec::new();
    let mut used = |part: &str, made: Option<Result<String, Fault>>| match made? {
        Ok(text) => Some(text),
        Err(fault) => {
            failures.push(Failure { template: format!("{name}.{part}"), fault });
            None
        }
    };
    message.words.title = used("title", title);
    message.words.body = used("body", body);
    failures
}

fn line(template: &str, seen: &Seen<'_>) -> Result<String, Fault> {
    let text = text_of(template, seen, LINE_BYTES_MAX)?;
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn text_of(template: &str, seen: &Seen<'_>, max: usize) -> Result<String, Fault> {
    let text = parse(template)?.render(seen, max).text;
    if text.trim().is_empty() { Err(Fault::Blank) } else { Ok(text) }
}

fn json(template: &str, seen: &Seen<'_>) -> Result<String, Fault> {
    let rendered = parse(template)?.render(seen, DOCUMENT_BYTES_MAX);
    if rendered.cut {
        return Err(Fault::Long(DOCUMENT_BYTES_MAX));
    }
    serde_json::from_str::<IgnoredAny>(&rendered.text).map_err(|error| Fault::NotJson(error.to_string()))?;
    Ok(rendered.text)
}

fn parse(template: &str) -> Result<Template, Fault> {
    Template::parse(template, &VOCABULARY).map_err(|error| {
        let (line, column) = error.place(template);
        Fault::Parse { message: error.message, line, column }
    })
}

/// # Errors
/// With the template that cannot be saved, its place, and why.
pub(crate) fn check(templates: &ChannelTemplates, config: &ChannelConfig) -> Result<(), HubError> {
    for (name, words, end) in [("page", &templates.page, false), ("end", &templates.end, true)] {
        for (mut message, facts) in samples::all(end) {
            let failures = say(name, words, takes_document(config), &mut message, &facts);
            // What a sample leaves blank may have something to say of a real incident.
            if let Some(Failure { template, fault }) = failures.into_iter().find(|f| f.fault != Fault::Blank)
            {
                return Err(HubError::invalid(format!("templates.{template}"), fault));
            }
        }
    }
    Ok(())
}

/// As it is stored: a template without text is none.
pub(crate) fn tidy(templates: ChannelTemplates) -> ChannelTemplates {
    let tidy = |words: ChannelWords| ChannelWords {
        title: words.title.filter(|text| !text.trim().is_empty()),
        body: words.body.filter(|text| !text.trim().is_empty()),
    };
    ChannelTemplates { page: tidy(templates.page), end: tidy(templates.end) }
}

/// Of a message of the outbox.
pub(super) fn put_of(
    hub: &Hub,
    row: &OutboxRow,
    config: &ChannelConfig,
    message: &mut Message,
    facts: &Facts,
) -> Vec<Failure> {
    let objects = hub.objects();
    let templates = objects.channel(row.channel_id).map(|channel| &channel.body.templates);
    templates.map(|templates| put(templates, config, &row.kind, message, facts)).unwrap_or_default()
}

/// Says in the timeline what went out in the hub's own words. The message has gone: this is not what it may fail of.
pub(super) async fn tell_failures(hub: &Hub, row: &OutboxRow, failures: &[Failure]) {
    for failure in failures {
        let text = format!(
            "{} got the hub's own words: the template {} was not used",
            channel_name(hub, row),
            failure.template
        );
        let entry = ("template_failed", text, failure.fault.to_string());
        if let Err(error) = tell(hub, row, &format!("template/{}", failure.template), Vec::new(), entry).await
        {
            tracing::error!("telling of a template: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use watchtower_rules::{Scope, Value};

    use super::*;

    const WEBHOOK: &str = r#"{"type":"webhook","url":"https://h/","secret":"0123456789abcdef"}"#;
    const CHAT: &str = r#"{"type":"slack","url":"https://h/"}"#;

    fn config(text: &str) -> ChannelConfig {
        serde_json::from_str(text).unwrap()
    }

    fn page(title: Option<&str>, body: Option<&str>) -> ChannelTemplates {
        let page = ChannelWords { title: title.map(Into::into), body: body.map(Into::into) };
        ChannelTemplates { page, ..ChannelTemplates::default() }
    }

    #[test]
    fn a_page_and_an_end_have_every_word_between_them() {
        let [(page, of_page), (end, of_end)] =
            [false, true].map(|end| samples::usual("https://hub.example", end));
        let page = Seen { message: &page, facts: &of_page };
        let end = Seen { message: &end, facts: &of_end };
        for word in VOCABULARY.words {
            let empty = |seen: &Seen<'_>| matches!(seen.word(word), Value::Missing);
            assert!(!empty(&page) || !empty(&end), "{word}");
        }
        for map in VOCABULARY.maps {
            assert!(matches!(page.word(map), Value::Map(pairs) if !pairs.is_empty()), "{map}");
        }
        assert_eq!(page.member("links", "Runbook"), Value::Text("https://wiki.example.com/disk-full".into()));
        assert_eq!(page.member("labels", "none"), Value::Missing);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_template_and_its_place() {
        let cases = [
            (
                CHAT,
                Some("{{ $titel }}"),
                None,
                "templates.page.title",
                "line 1, column 4: expected $labels.<name>",
            ),
            (
                CHAT,
                None,
                Some("a\n b {{ $lines | join }}"),
                "templates.page.body",
                "line 2, column 16: \"join\"",
            ),
            (WEBHOOK, Some("x"), None, "templates.page.title", "a webhook has no title"),
            (WEBHOOK, None, Some(r#"{"a": "{{ $title }}"}"#), "templates.page.body", "it makes no JSON"),
            (
                WEBHOOK,
                None,
                Some(r#"{"a": {{ $server }}}"#),
                "templates.page.body",
                "put each value through json",
            ),
            (WEBHOOK, None, Some(r#"{"a": {{ $number }}}"#), "templates.page.body", "it makes no JSON"),
        ];
        for (channel, title, body, field, why) in cases {
            match check(&page(title, body), &config(channel)) {
                Err(HubError::Invalid { field: at, message }) => {
                    assert!(at == field && message.contains(why), "{at}: {message}");
                }
                other => panic!("{title:?} {body:?}: {other:?}"),
            }
        }
        let long = "{{ $lines | json }}".repeat(400);
        assert!(check(&page(None, Some(&long)), &config(WEBHOOK)).is_err());
        let good = r#"{"n": {{ $number | json }}, "t": {{ $title | json }}, "l": {{ $labels | json }}, "x": {{ $lines | json }}}"#;
        assert!(check(&page(None, Some(good)), &config(WEBHOOK)).is_ok());
        assert!(
            check(&page(Some("{{ $labels.customer }}"), None), &config(CHAT)).is_ok(),
            "others may have it"
        );
    }

    #[test]
    fn what_fails_leaves_the_hubs_own_words_and_the_rest() {
        let (mut message, facts) = samples::usual("https://hub.example", false);
        let templates = page(Some("{{ $labels.customer }}"), Some("{{ $server }}:\n{{ $lines }}"));
        let failures = put(&templates, &config(CHAT), "page", &mut message, &facts);
        let told: Vec<_> = failures.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["the template page.title was not used: it says nothing"]);
        assert!(message.headline().starts_with("#142 triggered"), "{}", message.headline());
        assert_eq!(message.said().0, "db-1:");
        assert_eq!(put(&templates, &config(CHAT), "ack", &mut message, &facts), []);
        let templates = page(Some(" {{ $severity | toUpper }}\n{{ $title }}"), None);
        assert_eq!(put(&templates, &config(CHAT), "page", &mut message, &facts), []);
        assert_eq!(message.headline(), "ERROR db-1: /var is 96 % full");
        assert_eq!(message.said().0, "database on db-1");
    }
}
