//! Trying a channel out: what it would send, and a message that it sends now.

use watchtower_api_types as api;
use watchtower_model::{ChannelId, Severity};
use watchtower_notify::{self as notify, Link, Message, MessageState, Words};

use super::compose::{Facts, describe};
use super::samples;
use super::send::{Letter, open_config};
use super::words;
use crate::Hub;
use crate::configure;
use crate::error::HubError;

/// Why the sample of a page, or of an incident, was paged.
const REASON: &str = "the incident opened";

/// What a channel would send for an incident, or for a sample. Nothing is stored or sent.
pub async fn preview(hub: &Hub, input: &api::ChannelPreviewInput) -> Result<api::ChannelPreview, HubError> {
    let config = configure::config_of(&input.channel.config)?;
    let kind = if input.end { "resolve" } else { "page" };
    let (mut message, facts) = match input.incident {
        None => samples::usual(&hub.config.public_url, input.end),
        Some(number) => {
            let found = hub.store.find_incident(&number.to_string()).await?;
            let incident = found.ok_or_else(|| HubError::not_found("incident", number))?;
            let letter = Letter { reason: REASON.into(), ..Letter::default() };
            let (mut message, facts) = describe(hub, &incident, kind, letter).await?;
            if !input.end {
                message.state = MessageState::Triggered;
                samples::ask(&mut message, &hub.config.public_url);
            }
            (message, facts)
        }
    };
    let failures = words::put(&input.channel.templates, &config, kind, &mut message, &facts);
    let written = notify::preview(&config, &message);
    let document = words::takes_document(&config);
    let (first, lines) = message.said();
    let lines = [first].into_iter().chain(lines).collect();
    let unwritten = written.as_ref().err().map(|error| error.reason.clone());
    let written = written.ok();
    Ok(api::ChannelPreview {
        headline: (!document).then(|| message.headline()),
        lines: if document { Vec::new() } else { lines },
        to: written.as_ref().map(|written| written.to.clone()),
        content_type: written.as_ref().map(|written| written.content_type.into()),
        body: written.map(|written| String::from_utf8_lossy(&written.body).into_owned()),
        unwritten,
        failed: failures.iter().map(words::Failure::shown).collect(),
    })
}

/// Sends a test message now, by the same path as a page, and says what the provider answered.
pub async fn test_channel(hub: &Hub, id: ChannelId, by: &str) -> Result<api::ChannelTest, HubError> {
    let objects = hub.objects();
    let channel = objects.channel(id).ok_or_else(|| HubError::not_found("channel", id))?;
    let config = open_config(hub, id, &channel.body)?;
    let key = format!("test/{id}/{}", crate::random::id(hub.now()));
    let mut message = Message {
        incident_number: None,
        incident_key: key.clone(),
        title: format!("Test of channel {}", channel.body.name),
        severity: Severity::Info,
        state: MessageState::Triggered,
        service: "watchtower".into(),
        server: None,
        lines: vec![format!("{by} sent this to see whether the channel works. Nothing is wrong.")],
        links: vec![Link { label: "Open".into(), url: hub.config.public_url.clone() }],
        acknowledge_url: None,
        acknowledge_token: None,
        earlier: Vec::new(),
        digits_url: None,
        test: true,
        output: None,
        words: Words::default(),
    };
    let failures = words::put(&channel.body.templates, &config, "page", &mut message, &Facts::default());
    let started = std::time::Instant::now();
    let outcome = notify::deliver(&hub.egress, &config, &message, &key).await;
    let (delivered, mut detail) = match outcome {
        Ok(receipt) => (true, receipt.detail),
        Err(error) => (false, error.reason),
    };
    for failure in failures {
        detail.push_str(&format!("; {failure}"));
    }
    Ok(api::ChannelTest {
        delivered,
        detail,
        duration_seconds: started.elapsed().as_secs_f64(),
        secret: None,
    })
}
