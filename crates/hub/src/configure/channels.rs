//! Channels. Their configuration is sealed at rest and shown without its secrets.

use serde_json::Value;
use watchtower_api_types as api;
use watchtower_model::{ChannelId, Id};
use watchtower_notify as notify;
use watchtower_store::Stored;

use super::{Noun, named};
use crate::access::Principal;
use crate::error::HubError;
use crate::jobs::send::{open_config, seal_config};
use crate::jobs::words;
use crate::objects::ChannelBody;
use crate::{Hub, Objects, random};

pub struct Channels;

/// The adapter's form of what a person wrote: the same fields under another tag.
pub(crate) fn to_notify(config: &api::ChannelConfig) -> Result<notify::ChannelConfig, HubError> {
    retag(config, "kind", "type").map_err(|e| HubError::invalid("config", e))
}

fn to_api(config: &notify::ChannelConfig) -> Result<api::ChannelConfig, HubError> {
    retag(config, "type", "kind").map_err(|e| HubError::Internal(e.to_string()))
}

fn retag<A: serde::Serialize, B: serde::de::DeserializeOwned>(
    from: &A,
    tag: &str,
    new: &str,
) -> Result<B, serde_json::Error> {
    let mut value = serde_json::to_value(from)?;
    if let Value::Object(map) = &mut value
        && let Some(kind) = map.remove(tag)
    {
        map.insert(new.into(), kind);
    }
    serde_json::from_value(value)
}

impl Noun for Channels {
    type Body = ChannelBody;
    type Input = api::ChannelInput;
    type View = api::Channel;

    fn list(objects: &Objects) -> &[Stored<ChannelBody>] {
        &objects.channels
    }

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<ChannelBody>> {
        &mut objects.channels
    }

    fn body(
        hub: &Hub,
        _: &Principal,
        id: Id,
        input: api::ChannelInput,
        old: Option<&Stored<ChannelBody>>,
    ) -> Result<ChannelBody, HubError> {
        named(&input.name)?;
        let mut config = to_notify(&input.config)?;
        if let Some(old) = old {
            config = config.with_secrets_of(&open_config(hub, ChannelId(id), &old.body)?);
        }
        if let notify::ChannelConfig::Webhook(webhook) = &mut config
            && webhook.secret.is_empty()
        {
            webhook.secret = random::secret("whs_");
        }
        config.check().map_err(|e| HubError::invalid("config", e))?;
        let templates = words::tidy(input.templates);
        words::check(&templates, &config)?;
        Ok(ChannelBody {
            name: input.name,
            enabled: input.enabled,
            catch_all: input.catch_all,
            rings: config.rings(),
            templates,
            sealed: seal_config(hub, ChannelId(id), &config)?,
        })
    }

    async fn view(hub: &Hub, stored: &Stored<ChannelBody>, _: bool) -> Result<api::Channel, HubError> {
        let id = ChannelId(stored.id);
        let config = open_config(hub, id, &stored.body)?;
        let last = hub.store.last_deliveries(id).await?;
        Ok(api::Channel {
            id,
            name: stored.body.name.clone(),
            config: to_api(&config.redacted())?,
            enabled: stored.body.enabled,
            catch_all: stored.body.catch_all,
            templates: stored.body.templates.clone(),
            created_at: stored.created_at.into(),
            last_delivered_at: last.delivered_at.map(Into::into),
            last_error: last.error,
            last_error_at: last.error_at.map(Into::into),
        })
    }

    fn refuse_delete(hub: &Hub, stored: &Stored<ChannelBody>) -> Result<(), HubError> {
        let objects = hub.objects();
        let used = objects.policies.iter().find(|policy| {
            policy.body.0.steps.iter().flat_map(|step| &step.targets).any(|target| target.id == stored.id)
        });
        let people = hub.logins.people();
        if let Some(user) = people.values().find(|user| user.channels.0.contains(&ChannelId(stored.id))) {
            return Err(HubError::Conflict(format!("user {:?} is reached by this channel", user.name)));
        }
        let id = ChannelId(stored.id);
        if let Some(window) = objects.maintenance.iter().find(|one| one.body.0.notify.contains(&id)) {
            let text = format!("maintenance window {:?} tells this channel", window.body.0.name);
            return Err(HubError::Conflict(text));
        }
        match used {
            Some(policy) => {
                Err(HubError::Conflict(format!("policy {:?} uses this channel", policy.body.0.name)))
            }
            None => Ok(()),
        }
    }
}

/// The signing secret of a webhook, for the one who made it: shown with the first test.
pub fn webhook_secret(hub: &Hub, id: ChannelId, body: &ChannelBody) -> Option<String> {
    match open_config(hub, id, body) {
        Ok(notify::ChannelConfig::Webhook(webhook)) => Some(webhook.secret),
        _ => None,
    }
}
