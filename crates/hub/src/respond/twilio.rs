//! What Twilio tells: digits pressed in the call of a page, and text messages that answer one. Signed with the account's token over the
//! address that it calls, which is why the hub must know its own.

use std::collections::HashMap;

use watchtower_incident::Actor;
use watchtower_model::ChannelId;
use watchtower_notify::{ACKNOWLEDGE_DIGIT, ChannelConfig, TwilioConfig};
pub use watchtower_notify::{reply, say};
use watchtower_store::Stored;

use super::links;
use super::merge::successor;
use crate::Hub;
use crate::error::HubError;
use crate::jobs::send::open_config;
use crate::objects::ChannelBody;

/// Calls without a good signature, over all callers: a second, and at once.
const WRONG: (f64, u32) = (5.0, 50);
const RETRY_AFTER: u64 = 10;
/// What can be answered to a page.
const USAGE: &str = "Answer with: ack NUMBER";

/// A form as Twilio sends it, and its signature.
pub struct Form {
    pub fields: Vec<(String, String)>,
    pub signature: String,
}

impl Form {
    fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str())
    }
}

fn address(hub: &Hub, path: &str) -> Option<String> {
    hub.config.public_url_is_set.then(|| format!("{}/integrations/twilio/{path}", hub.config.public_url))
}

/// Where a call sends the digits that are pressed in it.
pub(crate) fn digits_url(hub: &Hub, token: &str) -> Option<String> {
    address(hub, &format!("calls/{token}"))
}

/// Digits pressed in the call that this token was made for. Returns what the call says to that.
///
/// # Errors
/// As [`links::look`]; `Unauthenticated` without Twilio's signature.
pub async fn digits(hub: &Hub, token: &str, form: &Form) -> Result<String, HubError> {
    let linked = links::look(hub, token).await?;
    let objects = hub.objects();
    let channel = objects.channel(linked.channel).and_then(|channel| open(hub, channel));
    let url = digits_url(hub, token);
    let signed = channel.zip(url).is_some_and(|(config, url)| {
        config.phone == form.get("To") && config.signed(&url, &form.fields, &form.signature)
    });
    if !signed {
        return Err(refused(hub).await);
    }
    if form.get("Digits") != ACKNOWLEDGE_DIGIT {
        return Ok("Not acknowledged.".into());
    }
    let (by, via) = (linked.by.clone(), format!("the call to channel {}", linked.channel_name));
    Ok(links::who_has(hub, &links::take(hub, linked, by, &via).await?))
}

/// A text message. Returns what is answered.
///
/// # Errors
/// `Unauthenticated` without the signature of an account that a channel to this number goes by; `RateLimited` after too many of those.
pub async fn message(hub: &Hub, form: &Form) -> Result<String, HubError> {
    let Some(url) = address(hub, "messages") else { return Err(refused(hub).await) };
    let objects = hub.objects();
    let own = |config: &TwilioConfig| {
        config.phone == form.get("From")
            && config.account == form.get("AccountSid")
            && config.signed(&url, &form.fields, &form.signature)
    };
    let enabled = objects.channels.iter().filter(|channel| channel.body.enabled);
    let channels: HashMap<ChannelId, &Stored<ChannelBody>> = enabled
        .filter(|channel| open(hub, channel).is_some_and(|config| own(&config)))
        .map(|channel| (ChannelId(channel.id), channel))
        .collect();
    if channels.is_empty() {
        return Err(refused(hub).await);
    }
    let Some(number) = asked(form.get("Body")) else { return Ok(USAGE.into()) };
    let Some(incident) = hub.store.find_incident(&number.to_string()).await? else {
        return Ok(unknown(number));
    };
    let pages = hub.store.outbox_of(incident.id).await?;
    let paged = pages.iter().filter(|row| row.kind == "page" && row.attempts > 0);
    let channel = paged.filter_map(|row| channels.get(&row.channel_id)).next_back();
    let Some((channel, by)) = channel.and_then(|one| Some((one, links::stands_for(hub, one)?))) else {
        return Ok(unknown(number));
    };
    let by = match by {
        Actor::User(_) => by,
        _ => Actor::Api(format!("a text message of channel {}", channel.body.name)),
    };
    let via = format!("a text message of channel {}", channel.body.name);
    let incident = successor(hub, &incident).await?.unwrap_or(incident);
    Ok(links::who_has(hub, &links::acknowledge_open(hub, &incident, by, &via).await?))
}

/// The number in `ack 142`, as people write it on a telephone.
fn asked(text: &str) -> Option<i64> {
    let (word, number) = text.trim().split_once(char::is_whitespace)?;
    let number = number.trim().trim_start_matches('#');
    let digits = (1..=18).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    if word.eq_ignore_ascii_case("ack") && digits { number.parse().ok() } else { None }
}

/// The same for what is not there and what this number was not paged for.
fn unknown(number: i64) -> String {
    format!("Incident {number} was not paged to this number")
}

fn open(hub: &Hub, channel: &Stored<ChannelBody>) -> Option<TwilioConfig> {
    match open_config(hub, ChannelId(channel.id), &channel.body) {
        Ok(ChannelConfig::Twilio(config)) => Some(config),
        _ => None,
    }
}

async fn refused(hub: &Hub) -> HubError {
    match hub.bus.take("twilio/wrong", WRONG.0, WRONG.1).await {
        true => HubError::Unauthenticated,
        false => HubError::RateLimited { after_seconds: RETRY_AFTER },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_people_write_them() {
        for (text, number) in [("ack 142", 142), (" ACK  #7\n", 7), ("Ack 1", 1)] {
            assert_eq!(asked(text), Some(number), "{text:?}");
        }
        for text in
            ["", "ack", "142", "ack142", "ack -1", "ack +1", "ack 1 2", "stop", "ack 9999999999999999999"]
        {
            assert_eq!(asked(text), None, "{text:?}");
        }
    }
}
