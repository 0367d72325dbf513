//! What is wrong with a schedule although it is well formed: times without anybody, and people whom nothing reaches.

use std::collections::BTreeSet;

use watchtower_model::{ChannelId, Timestamp, UserId};

use crate::Hub;
use crate::error::HubError;
use crate::objects::ScheduleBody;
use crate::respond::on_call;

/// How far ahead gaps are looked for.
const AHEAD_MS: i64 = 30 * 86_400_000;
/// Channels whose last delivery is looked up.
const CHANNELS_MAX: usize = 50;

pub fn of(hub: &Hub, body: &ScheduleBody) -> Vec<String> {
    let now = hub.now();
    let mut out: Vec<String> = gap(body, now).into_iter().collect();
    out.extend(people(body, now).into_iter().filter_map(|id| unreachable(hub, id)));
    out
}

fn gap(body: &ScheduleBody, now: Timestamp) -> Option<String> {
    let Some(schedule) = on_call::engine(body) else {
        return Some("nobody is on call: its time zone is not known any more".into());
    };
    let gaps = schedule.gaps(now, now.plus_ms(AHEAD_MS));
    let first = gaps.first()?;
    if first.to.since(first.from) == AHEAD_MS {
        return Some("nobody is on call in the next 30 days".into());
    }
    let zone = body.current().map(|one| one.timezone.as_str()).unwrap_or_default();
    let (from, to) = (schedule.clock(first.from, now), schedule.clock(first.to, now));
    let more = match gaps.len() {
        1 => String::new(),
        n => format!(", and {} more times in the next 30 days", n - 1),
    };
    Some(match first.from == now {
        true => format!("nobody is on call now, until {to} {zone}{more}"),
        false => format!("nobody is on call from {from} to {to} {zone}{more}"),
    })
}

/// Everybody of the layers and of overrides that are not over.
fn people(body: &ScheduleBody, now: Timestamp) -> BTreeSet<UserId> {
    let layers = body.current().map(|one| one.layers.as_slice()).unwrap_or_default();
    let participants = layers.iter().flat_map(|one| one.layer.participants.iter().copied());
    let named = body.overrides.iter().filter(|one| one.to_at.0 > now).map(|one| one.user_id);
    participants.chain(named).collect()
}

fn unreachable(hub: &Hub, id: UserId) -> Option<String> {
    let people = hub.logins.people();
    let Some(user) = people.get(&id) else { return Some("somebody of it was removed".into()) };
    if user.disabled {
        return Some(format!("{} is disabled", user.name));
    }
    let objects = hub.objects();
    let reached = user.channels.0.iter().any(|id| objects.channel(*id).is_some_and(|one| one.body.enabled));
    (!reached).then(|| format!("{} has no channel that is switched on", user.name))
}

/// Channels of its people whose last message failed.
pub(super) async fn failed_deliveries(hub: &Hub, body: &ScheduleBody) -> Result<Vec<String>, HubError> {
    let logins = hub.logins.people();
    let mut channels: BTreeSet<ChannelId> = BTreeSet::new();
    for id in people(body, hub.now()) {
        channels.extend(logins.get(&id).map(|user| user.channels.0.clone()).unwrap_or_default());
    }
    let mut out = Vec::new();
    for id in channels.into_iter().take(CHANNELS_MAX) {
        let name = hub.objects().channel(id).filter(|one| one.body.enabled).map(|one| one.body.name.clone());
        let last = hub.store.last_deliveries(id).await?;
        if let (Some(name), Some(error)) = (name, last.error) {
            out.push(format!("the last message by channel {name} failed: {error}"));
        }
    }
    Ok(out)
}
