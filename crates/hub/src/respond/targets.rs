//! From targets of a policy to channels, at the moment of the step.

use watchtower_incident::{Actor, Target};
use watchtower_model::{ChannelId, UserId};

use crate::Hub;

/// The enabled channels that reach a target. Users and teams are resolved now, not when the incident opened.
pub fn channels_of(hub: &Hub, target: &Target) -> Vec<ChannelId> {
    let objects = hub.objects();
    let users = |ids: &[UserId]| -> Vec<ChannelId> {
        let people = hub.logins.people();
        ids.iter()
            .filter_map(|id| people.get(id))
            .filter(|user| !user.disabled)
            .flat_map(|user| user.channels.0.clone())
            .collect()
    };
    let wanted = match target {
        Target::Channel(id) => vec![*id],
        Target::User(id) => users(&[*id]),
        Target::Team(id) => objects.team(*id).map(|team| users(&team.body.0.members)).unwrap_or_default(),
    };
    wanted.into_iter().filter(|id| objects.channel(*id).is_some_and(|channel| channel.body.enabled)).collect()
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
    }
}

pub(super) fn target_key(target: &Target) -> String {
    match target {
        Target::Channel(id) => format!("channel:{id}"),
        Target::User(id) => format!("user:{id}"),
        Target::Team(id) => format!("team:{id}"),
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
