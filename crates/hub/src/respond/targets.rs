//! From targets of a policy to channels, at the moment of the step.

use watchtower_incident::{Actor, Target};
use watchtower_model::{ChannelId, Timestamp, UserId};

use super::on_call;
use crate::Hub;

/// The enabled channels that reach a target at an instant. People are looked up then, not when the incident opened.
pub fn channels_of(hub: &Hub, target: &Target, at: Timestamp) -> Vec<ChannelId> {
    let objects = hub.objects();
    let users =
        |ids: &[UserId]| -> Vec<ChannelId> { ids.iter().flat_map(|id| channels_of_user(hub, *id)).collect() };
    let wanted = match target {
        Target::Channel(id) => vec![*id],
        Target::User(id) => users(&[*id]),
        Target::Team(id) => objects.team(*id).map(|team| users(&team.body.0.members)).unwrap_or_default(),
        Target::Schedule(id) => users(&on_call::users(hub, *id, at)),
    };
    wanted.into_iter().filter(|id| objects.channel(*id).is_some_and(|channel| channel.body.enabled)).collect()
}

/// All channels of somebody who is not disabled.
fn channels_of_user(hub: &Hub, id: UserId) -> Vec<ChannelId> {
    let people = hub.logins.people();
    people.get(&id).filter(|user| !user.disabled).map(|user| user.channels.0.clone()).unwrap_or_default()
}

/// The enabled channels that hear of what nobody answered.
pub fn catch_all(hub: &Hub) -> Vec<ChannelId> {
    let objects = hub.objects();
    let found = objects.channels.iter().filter(|channel| channel.body.enabled && channel.body.catch_all);
    found.map(|channel| ChannelId(channel.id)).collect()
}

/// In words, for pending actions.
pub fn describe(hub: &Hub, target: &Target) -> String {
    let objects = hub.objects();
    let gone = || "someone removed".to_string();
    match target {
        Target::Channel(id) => {
            objects.channel(*id).map_or_else(gone, |channel| format!("channel {}", channel.body.name))
        }
        Target::User(id) => hub.logins.people().get(id).map_or_else(gone, |user| user.name.clone()),
        Target::Team(id) => objects.team(*id).map_or_else(gone, |team| format!("team {}", team.body.0.name)),
        Target::Schedule(id) => objects
            .schedule(*id)
            .map_or_else(gone, |schedule| format!("whoever is on call for {}", schedule.body.name)),
    }
}

pub(super) fn target_key(target: &Target) -> String {
    match target {
        Target::Channel(id) => format!("channel:{id}"),
        Target::User(id) => format!("user:{id}"),
        Target::Team(id) => format!("team:{id}"),
        Target::Schedule(id) => format!("schedule:{id}"),
    }
}

/// Who did it, for people.
pub fn actor_name(hub: &Hub, actor: &Actor) -> String {
    match actor {
        Actor::User(id) => {
            hub.logins.people().get(id).map_or_else(|| "a removed user".into(), |user| user.name.clone())
        }
        Actor::Api(name) => name.clone(),
        Actor::System => "watchtower".into(),
    }
}
