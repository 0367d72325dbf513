//! Browsers that notify a person: each a channel of that person alone, made and removed by the browser itself.

use watchtower_api_types::{BrowserInput, Channel, ChannelConfig, ChannelInput, ChannelTemplates, UserPatch};
use watchtower_model::{ChannelId, UserId};
use watchtower_notify as notify;
use watchtower_store::UserRow;

use super::principal::Principal;
use super::users::patch_user;
use crate::Hub;
use crate::configure::{self, Channels};
use crate::error::HubError;
use crate::jobs::send::open_config;

/// Of one person.
const BROWSERS_MAX: usize = 5;
/// Channels of one name that are tried for another number.
const NAMES_MAX: usize = 20;

/// Makes the channel of a browser, or changes the one that it has.
pub async fn add_browser(
    hub: &Hub,
    by: &Principal,
    user: UserId,
    input: BrowserInput,
) -> Result<Channel, HubError> {
    let user = person(hub, user).await?;
    let own = browsers_of(hub, &user);
    let same = own.iter().find(|(_, browser)| browser.url == input.url).map(|(id, _)| *id);
    if same.is_none() && own.len() >= BROWSERS_MAX {
        return Err(HubError::Conflict(format!(
            "{BROWSERS_MAX} browsers notify you already: remove one first"
        )));
    }
    let channel = channel_of(hub, &user, same, input);
    if let Some(id) = same {
        return configure::update::<Channels>(hub, by, &id.to_string(), channel).await;
    }
    let made = configure::create::<Channels>(hub, by, channel).await?;
    let channels = user.channels.0.iter().copied().chain([made.id]).collect();
    let patch = UserPatch { channels: Some(channels), ..UserPatch::default() };
    if let Err(error) = patch_user(hub, user, patch).await {
        configure::delete::<Channels>(hub, by, &made.id.to_string()).await?;
        return Err(error);
    }
    Ok(made)
}

/// Takes a browser from its person, with the rules that name it.
pub async fn remove_browser(hub: &Hub, by: &Principal, user: UserId, channel: &str) -> Result<(), HubError> {
    let user = person(hub, user).await?;
    let id = browser_of(hub, &user, channel)?;
    let channels = user.channels.0.iter().copied().filter(|other| *other != id).collect();
    let rules = user.notify_rules.0.iter().filter(|rule| rule.channel_id != id).cloned().collect();
    let patch = UserPatch { channels: Some(channels), notify_rules: Some(rules), ..UserPatch::default() };
    patch_user(hub, user, patch).await?;
    configure::delete::<Channels>(hub, by, &id.to_string()).await
}

/// Removes the browsers of somebody who was removed. What a policy goes on naming stays, as it does of any channel.
pub async fn forget_browsers(hub: &Hub, by: &Principal, user: &UserRow) -> Result<(), HubError> {
    for (id, _) in browsers_of(hub, user) {
        match configure::delete::<Channels>(hub, by, &id.to_string()).await {
            Ok(()) | Err(HubError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The channel of this id or name, if it is a browser of this person.
pub async fn find_browser(hub: &Hub, user: UserId, channel: &str) -> Result<ChannelId, HubError> {
    browser_of(hub, &person(hub, user).await?, channel)
}

async fn person(hub: &Hub, id: UserId) -> Result<UserRow, HubError> {
    hub.store.user(id).await?.ok_or_else(|| HubError::not_found("user", id))
}

fn browser_of(hub: &Hub, user: &UserRow, channel: &str) -> Result<ChannelId, HubError> {
    let id = ChannelId(configure::find::<Channels>(hub, channel)?.id);
    let own = browsers_of(hub, user).into_iter().any(|(own, _)| own == id);
    if own { Ok(id) } else { Err(HubError::not_found("browser", channel)) }
}

fn browsers_of(hub: &Hub, user: &UserRow) -> Vec<(ChannelId, notify::WebPushConfig)> {
    let objects = hub.objects();
    let browser = |id: &ChannelId| match open_config(hub, *id, &objects.channel(*id)?.body) {
        Ok(notify::ChannelConfig::WebPush(browser)) => Some((*id, browser)),
        _ => None,
    };
    user.channels.0.iter().filter_map(browser).collect()
}

fn channel_of(hub: &Hub, user: &UserRow, same: Option<ChannelId>, input: BrowserInput) -> ChannelInput {
    let objects = hub.objects();
    let taken = |name: &str| {
        objects.channels.iter().any(|one| one.body.name == name && Some(ChannelId(one.id)) != same)
    };
    let name = format!("{} of {}", input.name.trim(), user.name);
    let numbered = (2..NAMES_MAX).map(|number| format!("{name} {number}"));
    let name = [name.clone()].into_iter().chain(numbered).find(|name| !taken(name)).unwrap_or(name);
    ChannelInput {
        name,
        config: ChannelConfig::WebPush { url: input.url, key: input.key, auth: input.auth },
        enabled: true,
        catch_all: false,
        templates: ChannelTemplates::default(),
    }
}
