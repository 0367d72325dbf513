//! Buttons of Slack apps: Slack calls the hub, signed with the app's secret, and wants an answer within three seconds; what was asked for
//! is done behind that.

use std::time::{SystemTime, UNIX_EPOCH};

use watchtower_incident::Actor;
use watchtower_model::ChannelId;
pub use watchtower_notify::SlackPress;
use watchtower_notify::{ChannelConfig, SlackAppConfig};

use super::links;
use crate::Hub;
use crate::error::HubError;
use crate::jobs::send::open_config;

/// Calls without a good signature, over all callers: a second, and at once.
const WRONG: (f64, u32) = (5.0, 50);
/// Calls that Slack signed: each is work that goes on behind its answer.
const SIGNED: (f64, u32) = (20.0, 100);
const RETRY_AFTER: u64 = 10;

/// A channel whose app signed the call.
pub struct Signed {
    channel: ChannelId,
    config: SlackAppConfig,
}

/// The enabled channels of the app that signed a call. Nothing of the body has been read before.
///
/// # Errors
/// `Unauthenticated` if none did, `RateLimited` when too many were tried.
pub async fn signed(
    hub: &Hub,
    timestamp: &str,
    signature: &str,
    body: &[u8],
) -> Result<Vec<Signed>, HubError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let objects = hub.objects();
    let enabled = objects.channels.iter().filter(|channel| channel.body.enabled && channel.body.rings);
    let found: Vec<Signed> = enabled
        .filter_map(|channel| {
            let id = ChannelId(channel.id);
            match open_config(hub, id, &channel.body) {
                Ok(ChannelConfig::SlackApp(config)) if config.signed(timestamp, signature, body, now) => {
                    Some(Signed { channel: id, config })
                }
                _ => None,
            }
        })
        .collect();
    let limit = if found.is_empty() { ("slack/wrong", WRONG) } else { ("slack/signed", SIGNED) };
    let (bucket, (per_second, burst)) = limit;
    match hub.bus.take(bucket, per_second, burst).await {
        false => Err(HubError::RateLimited { after_seconds: RETRY_AFTER }),
        true if found.is_empty() => Err(HubError::Unauthenticated),
        true => Ok(found),
    }
}

/// Does what the button is for, and tells who pressed.
pub async fn take(hub: &Hub, signed: &[Signed], press: &SlackPress) {
    let Some(answering) = signed.first() else { return };
    let said = match pressed(hub, signed, press).await {
        Ok(who) => who,
        Err(HubError::NotFound { .. }) => "This button does nothing any more.".into(),
        Err(HubError::RateLimited { .. }) => "Too often: try again in some seconds.".into(),
        Err(error) => {
            tracing::error!("a button in Slack: {error}");
            "The hub could not take it. Try again, or sign in to the dashboard.".into()
        }
    };
    if let Err(error) = answering.config.answer(&hub.egress, press, &said).await {
        tracing::warn!("a press in Slack is not answered: {error}");
    }
}

/// Acknowledges. Returns who has it.
async fn pressed(hub: &Hub, signed: &[Signed], press: &SlackPress) -> Result<String, HubError> {
    let linked = links::look(hub, &press.token).await?;
    let own = signed.iter().find(|one| one.channel == linked.channel && one.config.channel == press.channel);
    if own.is_none() {
        return Err(HubError::not_found("button", "of this conversation"));
    }
    let by = match &linked.by {
        // A conversation with one person.
        Actor::User(_) if press.channel.starts_with('D') => linked.by.clone(),
        _ => Actor::Api(format!("{} in Slack", press.by)),
    };
    let via = format!("the button sent to channel {}", linked.channel_name);
    Ok(links::who_has(hub, &links::take(hub, linked, by, &via).await?))
}
