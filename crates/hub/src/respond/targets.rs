//! From targets of a policy to channels, at the moment of the step.

use watchtower_incident::{Actor, Knock, Target, knocks};
use watchtower_model::{ChannelId, Timestamp, Urgency, UserId};

use super::on_call;
use crate::Hub;

/// One message of a page, and to whom it goes.
#[derive(Debug, Clone, Copy)]
pub struct Contact {
    pub knock: Knock,
    /// Absent where the policy names the channel itself.
    pub user: Option<UserId>,
}

/// The enabled channels that reach a target at an instant. People are looked up then, not when the incident opened.
pub fn channels_of(hub: &Hub, target: &Target, at: Timestamp) -> Vec<ChannelId> {
    let wanted = match target {
        Target::Channel(id) => vec![*id],
        _ => {
            let people = hub.logins.people();
            let users = users_of(hub, target, at).into_iter().filter_map(|id| people.get(&id));
            users.filter(|user| !user.disabled).flat_map(|user| user.channels.0.iter().copied()).collect()
        }
    };
    wanted.into_iter().filter(|id| works(hub, *id)).collect()
}

/// How a page reaches a target that is paged at an instant: people by the rules they gave themselves.
pub fn contacts_of(hub: &Hub, target: &Target, at: Timestamp, urgency: Urgency) -> Vec<Contact> {
    if let Target::Channel(id) = target {
        let knock = Knock { delay_ms: 0, channel: *id, to_completion: false };
        return works(hub, *id).then_some(Contact { knock, user: None }).into_iter().collect();
    }
    users_of(hub, target, at)
        .into_iter()
        .flat_map(|id| {
            contacts_of_user(hub, id, urgency).into_iter().map(move |knock| Contact { knock, user: Some(id) })
        })
        .collect()
}

/// Nothing of somebody who is disabled.
pub fn contacts_of_user(hub: &Hub, id: UserId, urgency: Urgency) -> Vec<Knock> {
    let people = hub.logins.people();
    let user = people.get(&id).filter(|user| !user.disabled);
    user.map(|user| knocks(&user.channels.0, &user.notify_rules.0, urgency, |id| works(hub, id)))
        .unwrap_or_default()
}

/// The people of a target at an instant.
pub fn users_of(hub: &Hub, target: &Target, at: Timestamp) -> Vec<UserId> {
    match target {
        Target::Channel(_) => Vec::new(),
        Target::User(id) => vec![*id],
        Target::Team(id) => {
            hub.objects().team(*id).map(|team| team.body.0.members.clone()).unwrap_or_default()
        }
        Target::Schedule(id) => on_call::users(hub, *id, at),
    }
}

fn works(hub: &Hub, id: ChannelId) -> bool {
    hub.objects().channel(id).is_some_and(|channel| channel.body.enabled)
}

/// The enabled channels that hear of what nobody answered.
pub fn catch_all(hub: &Hub) -> Vec<ChannelId> {
    let objects = hub.objects();
    let found = objects.channels.iter().filter(|channel| channel.body.enabled && channel.body.catch_all);
    found.map(|channel| ChannelId(channel.id)).collect()
}

/// Whom a message goes to, in words: `ana by channel SMS`.
pub fn addressee(hub: &Hub, channel: ChannelId, user: Option<UserId>) -> String {
    let channel = describe(hub, &Target::Channel(channel));
    match user {
        Some(id) => format!("{} by {channel}", describe(hub, &Target::User(id))),
        None => channel,
    }
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
