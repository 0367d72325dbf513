//! Links in pages: whoever holds one can acknowledge its incident, or what that was merged into, until it expires, and do nothing else.
//!
//! A token is 33 bytes in URL-safe base64 (44 characters, so that a text message has room for it): version and action (4 bits each), when
//! it expires (seconds since the epoch, 4 bytes), the incident's number (4) and the last bytes of its id (4), the last bytes of the
//! channel's id (4), and the hub's voucher for all of that (16). Nothing is stored; the ids' ends keep a number that a restored database
//! gives again from being taken for the one before.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use watchtower_incident::{Actor, Incident, Status};
use watchtower_model::{ChannelId, Id, Timestamp};
use watchtower_store::{IncidentRow, Sealer, Stored, VOUCHER_BYTES};

use super::apply::read_state;
use super::merge::successor;
use super::people::acknowledge;
use super::targets::actor_name;
use crate::error::HubError;
use crate::objects::ChannelBody;
use crate::{Hub, random};

/// How long a link works.
pub const LINK_MS: i64 = 7 * 24 * 3_600_000;
/// Version 1, action 1: acknowledge.
const KIND: u8 = 0x11;
/// The key of these tokens is made for this.
const PURPOSE: &str = "acknowledge by link";
const CLAIMS_BYTES: usize = 17;
/// Calls by tokens that are none, over all callers: a voucher cannot be guessed, so that this only spares the machine.
const WRONG_PER_SECOND: f64 = 5.0;
const WRONG_BURST: u32 = 50;
/// Calls by the links of one incident and channel. Strangers cannot use it up.
const GOOD_PER_SECOND: f64 = 1.0;
const GOOD_BURST: u32 = 30;
/// Seconds after which one that came too often may come again.
const RETRY_AFTER: u64 = 10;

/// What the holder of a link sees.
#[derive(Debug)]
pub struct Linked {
    pub incident: IncidentRow,
    /// The only person of the channel, else the link itself.
    pub(super) by: Actor,
    pub(super) channel: ChannelId,
    pub(super) channel_name: String,
}

/// What a token says, once it is known to be the hub's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claims {
    expires: u32,
    number: u32,
    incident: [u8; 4],
    channel: [u8; 4],
}

impl Claims {
    fn bytes(self) -> [u8; CLAIMS_BYTES] {
        let mut bytes = [KIND; CLAIMS_BYTES];
        let parts = [self.expires.to_be_bytes(), self.number.to_be_bytes(), self.incident, self.channel];
        bytes[1..].copy_from_slice(&parts.concat());
        bytes
    }

    fn token(self, sealer: &Sealer) -> String {
        let bytes = self.bytes();
        URL_SAFE_NO_PAD.encode([bytes.as_slice(), &sealer.vouch(PURPOSE, &bytes)].concat())
    }

    /// `None` unless the hub made it, for this.
    fn read(sealer: &Sealer, token: &str) -> Option<Claims> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (said, voucher) = bytes.split_at_checked(CLAIMS_BYTES)?;
        if voucher.len() != VOUCHER_BYTES || !sealer.vouched(PURPOSE, said, voucher) || said[0] != KIND {
            return None;
        }
        let part = |n: usize| <[u8; 4]>::try_from(&said[1 + 4 * n..5 + 4 * n]).ok();
        Some(Claims {
            expires: u32::from_be_bytes(part(0)?),
            number: u32::from_be_bytes(part(1)?),
            incident: part(2)?,
            channel: part(3)?,
        })
    }
}

/// The last bytes of an id are random in every version of UUID that is used here.
fn end(id: &Id) -> [u8; 4] {
    let [.., a, b, c, d] = *id.as_bytes();
    [a, b, c, d]
}

/// The token for a page about an incident by a channel that was written at `from`: the same over all tries of one page.
pub(crate) fn token(
    hub: &Hub,
    incident: &IncidentRow,
    channel: ChannelId,
    from: Timestamp,
) -> Option<String> {
    let claims = Claims {
        expires: u32::try_from(from.plus_ms(LINK_MS).0 / 1000).ok()?,
        number: u32::try_from(incident.number).ok()?,
        incident: end(&incident.id.0),
        channel: end(&channel.0),
    };
    Some(claims.token(&hub.keys.sealer))
}

/// Where a page's token leads, if people reach this hub from outside at all.
pub(crate) fn url(hub: &Hub, token: &str) -> Option<String> {
    hub.config.public_url_is_set.then(|| format!("{}/a/{token}", hub.config.public_url))
}

/// What the link of this token is about. Changes nothing.
///
/// # Errors
/// `NotFound` alike for what is no token, has expired, or whose channel or incident is gone; `RateLimited` when there were too many.
pub async fn look(hub: &Hub, token: &str) -> Result<Linked, HubError> {
    let dead = || HubError::not_found("link", "that was asked for");
    let Some(claims) = Claims::read(&hub.keys.sealer, token) else {
        let slow = hub.bus.take("link/wrong", WRONG_PER_SECOND, WRONG_BURST).await;
        return Err(if slow { dead() } else { HubError::RateLimited { after_seconds: RETRY_AFTER } });
    };
    let bucket = format!("link/{}/{}", claims.number, random::hex(&claims.channel));
    if !hub.bus.take(&bucket, GOOD_PER_SECOND, GOOD_BURST).await {
        return Err(HubError::RateLimited { after_seconds: RETRY_AFTER });
    }
    if i64::from(claims.expires) * 1000 <= hub.now().0 {
        return Err(dead());
    }
    let (channel, by) = holder(hub, claims.channel).ok_or_else(dead)?;
    let incident = hub.store.find_incident(&claims.number.to_string()).await?;
    let incident = incident.filter(|row| end(&row.id.0) == claims.incident).ok_or_else(dead)?;
    // Whoever was paged for it has what it goes on in.
    let incident = successor(hub, &incident).await?.unwrap_or(incident);
    Ok(Linked { incident, by, channel: ChannelId(channel.id), channel_name: channel.body.name })
}

/// Acknowledges what the link is about. Where somebody has it already, or it is over, nothing changes.
pub async fn press(hub: &Hub, token: &str) -> Result<(), HubError> {
    let linked = look(hub, token).await?;
    let (by, via) = (linked.by.clone(), format!("the link sent to channel {}", linked.channel_name));
    take(hub, linked, by, &via).await.map(drop)
}

/// The same for somebody who is known by where it was pressed. Returns the incident as it is then.
pub(super) async fn take(hub: &Hub, linked: Linked, by: Actor, via: &str) -> Result<Incident, HubError> {
    acknowledge_open(hub, &linked.incident, by, via).await
}

/// Acknowledges an incident that nobody has. Returns it as it is then.
pub(super) async fn acknowledge_open(
    hub: &Hub,
    incident: &IncidentRow,
    by: Actor,
    via: &str,
) -> Result<Incident, HubError> {
    match incident.state.as_str() {
        "triggered" => acknowledge(hub, incident.id, by, via).await,
        _ => read_state(incident),
    }
}

/// Who has an incident, or that it is over: for those who pressed.
pub(super) fn who_has(hub: &Hub, incident: &Incident) -> String {
    match (&incident.status, &incident.acked_by) {
        (Status::Resolved, _) => "It is over".into(),
        (_, Some(by)) => format!("Acknowledged by {}", actor_name(hub, by)),
        (_, None) => "Nobody has it".into(),
    }
}

/// The channel of a link, and whom it stands for. `None` when its links are dead.
fn holder(hub: &Hub, tail: [u8; 4]) -> Option<(Stored<ChannelBody>, Actor)> {
    let objects = hub.objects();
    let mut found = objects.channels.iter().filter(|channel| end(&channel.id) == tail);
    let channel: &Stored<ChannelBody> = found.next().filter(|channel| channel.body.enabled)?;
    if found.next().is_some() {
        // Two of the same end, once in billions: neither is meant.
        return None;
    }
    let by = stands_for(hub, channel)?;
    Some((channel.clone(), by))
}

/// Whom a channel's links stand for: its only user, else the link itself. `None` if that user was disabled.
pub(super) fn stands_for(hub: &Hub, channel: &Stored<ChannelBody>) -> Option<Actor> {
    let people = hub.logins.people();
    let mut users = people.values().filter(|user| user.channels.0.contains(&ChannelId(channel.id)));
    match (users.next(), users.next()) {
        // Who was disabled acts no more, by an old page neither.
        (Some(user), None) if user.disabled => None,
        (Some(user), None) => Some(Actor::User(user.id)),
        _ => Some(Actor::Api(format!("the link sent to channel {}", channel.body.name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIMS: Claims =
        Claims { expires: 1_795_561_647, number: 142, incident: [1, 2, 3, 4], channel: [5, 6, 7, 8] };

    #[test]
    fn a_token_says_what_was_put_in_and_is_short() {
        let sealer = Sealer::new([7; 32], [1; 32]);
        let token = CLAIMS.token(&sealer);
        assert_eq!(Claims::read(&sealer, &token), Some(CLAIMS));
        assert_eq!(token.len(), 44);
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{token}");
    }

    #[test]
    fn no_other_bytes_are_a_token() {
        let sealer = Sealer::new([7; 32], [1; 32]);
        let token = CLAIMS.token(&sealer);
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Claims::read(&sealer, &URL_SAFE_NO_PAD.encode(other)), None, "bit {bit}");
        }
        for wrong in
            ["", "a", "é", &token[..43], &format!("{token}AAAA"), &format!("{token}="), &"A".repeat(44)]
        {
            assert_eq!(Claims::read(&sealer, wrong), None, "{wrong}");
        }
        assert_eq!(Claims::read(&Sealer::new([8; 32], [1; 32]), &token), None, "another hub's");
    }

    #[test]
    fn another_action_is_another_token() {
        let sealer = Sealer::new([7; 32], [1; 32]);
        let mut bytes = CLAIMS.bytes();
        bytes[0] = 0x12;
        let voucher = sealer.vouch(PURPOSE, &bytes);
        let token = URL_SAFE_NO_PAD.encode([bytes.as_slice(), &voucher].concat());
        assert_eq!(Claims::read(&sealer, &token), None);
    }
}
