//! Integrations: keys by which other tools tell of their alerts.
//!
//! Invariant: a key is shown when it is made and never again; what is kept of it is a hash.

use watchtower_api_types as api;
use watchtower_model::{Id, IntegrationId};
use watchtower_store::{Store, Stored, objects as stored};

use super::{Noun, find, mapping, named, save, seconds};
use crate::access::Principal;
use crate::error::HubError;
use crate::objects::IntegrationBody;
use crate::{Hub, Objects, random};

/// Replaced keys that are remembered.
const OLD_KEYS_MAX: usize = 5;

/// Triggers that an alert may need: each is kept with its time.
const TRIGGERS_MAX: u32 = 100;
const WITHIN_SECONDS_MIN: f64 = 10.0;
const WITHIN_SECONDS_MAX: f64 = 86_400.0;

pub struct Integrations;

impl Noun for Integrations {
    type Body = IntegrationBody;
    type Input = api::IntegrationInput;
    type View = api::Integration;

    fn list(objects: &Objects) -> &[Stored<IntegrationBody>] {
        &objects.integrations
    }

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<IntegrationBody>> {
        &mut objects.integrations
    }

    fn body(
        hub: &Hub,
        _: &Principal,
        _: Id,
        input: api::IntegrationInput,
        old: Option<&Stored<IntegrationBody>>,
    ) -> Result<IntegrationBody, HubError> {
        named(&input.name)?;
        if input.service_id.is_some_and(|id| hub.objects().service(id).is_none()) {
            return Err(HubError::invalid("service_id", "this service does not exist"));
        }
        if old.is_some_and(|old| old.body.kind != input.kind) {
            return Err(HubError::invalid("kind", "stays as it is: make another integration instead"));
        }
        let (key_hash, old_key_hashes) = match old {
            Some(old) => (old.body.key_hash.clone(), old.body.old_key_hashes.clone()),
            None => (None, Vec::new()),
        };
        if input.mapping.is_some() != (input.kind == api::IntegrationKind::Generic) {
            return Err(HubError::invalid("mapping", "belongs to the kind generic, which needs it"));
        }
        if let Some(mapping) = &input.mapping {
            mapping::checked(mapping)?;
        }
        if let Some(after) = &input.open_after {
            check_open_after(&input, after)?;
        }
        Ok(IntegrationBody {
            name: input.name,
            kind: input.kind,
            service_id: input.service_id,
            enabled: input.enabled,
            key_hash,
            old_key_hashes,
            mapping: input.mapping,
            open_after: input.open_after,
        })
    }

    fn issue_key(body: &mut IntegrationBody) -> Option<String> {
        Some(issue(body))
    }

    async fn view(
        hub: &Hub,
        stored: &Stored<IntegrationBody>,
        _: bool,
    ) -> Result<api::Integration, HubError> {
        let body = &stored.body;
        let path = match body.kind {
            api::IntegrationKind::Pagerduty => "/v2/enqueue",
            api::IntegrationKind::Opsgenie => "",
            api::IntegrationKind::Generic => "/webhooks/generic/KEY",
            api::IntegrationKind::Heartbeat => "/ping/KEY/SLUG",
            api::IntegrationKind::Alertmanager => "/alertmanager",
            api::IntegrationKind::Webhook => "/webhooks/alertmanager/KEY",
            api::IntegrationKind::Grafana => "/webhooks/grafana/KEY",
        };
        Ok(api::Integration {
            id: IntegrationId(stored.id),
            name: body.name.clone(),
            kind: body.kind,
            service_id: body.service_id,
            enabled: body.enabled,
            url: format!("{}{path}", hub.config.public_url),
            open_alerts: hub.store.open_alerts_of(&source_of(stored.id)).await? as u32,
            mapping: body.mapping.clone(),
            open_after: body.open_after.clone(),
            held_alerts: match &body.open_after {
                Some(_) => hub.store.held_count(&source_of(stored.id), hub.now()).await? as u32,
                None => 0,
            },
            created_at: stored.created_at.into(),
            key: None,
        })
    }
}

/// The source of its alerts.
pub(crate) fn source_of(integration: Id) -> String {
    format!("integration:{integration}")
}

fn check_open_after(input: &api::IntegrationInput, after: &api::OpenAfter) -> Result<(), HubError> {
    if input.kind == api::IntegrationKind::Heartbeat {
        return Err(HubError::invalid("open_after", "a heartbeat has a grace for that"));
    }
    if !(2..=TRIGGERS_MAX).contains(&after.triggers) {
        return Err(HubError::invalid("open_after.triggers", format!("must be from 2 to {TRIGGERS_MAX}")));
    }
    seconds("open_after.within_seconds", after.within_seconds, WITHIN_SECONDS_MIN, WITHIN_SECONDS_MAX)
        .map(drop)
}

fn issue(body: &mut IntegrationBody) -> String {
    let key = random::hex(&random::bytes::<16>());
    if let Some(replaced) = body.key_hash.replace(random::hash_secret(&key)) {
        body.old_key_hashes.insert(0, replaced);
        body.old_key_hashes.truncate(OLD_KEYS_MAX);
    }
    key
}

/// Makes a key in place of the one there is, and shows it.
pub async fn new_key(hub: &Hub, by: &Principal, id_or_name: &str) -> Result<api::Integration, HubError> {
    let old = find::<Integrations>(hub, id_or_name)?;
    let mut body = old.body.clone();
    let key = issue(&mut body);
    let now = hub.now();
    let mut statements = stored::update(old.id, old.version, &body, &by.name, now);
    statements.push(Store::insert_change("integration", old.id, now));
    save::<Integrations>(hub, &by.name, "new_key", &body.name, statements).await?;
    let made = find::<Integrations>(hub, &old.id.to_string())?;
    let mut view = Integrations::view(hub, &made, true).await?;
    view.url = view.url.replace("KEY", &key);
    view.key = Some(key);
    Ok(view)
}
