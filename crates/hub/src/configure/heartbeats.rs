//! Heartbeats as people write them, and as a job makes its own.

use watchtower_api_types as api;
use watchtower_api_types::IntegrationKind;
use watchtower_model::{HeartbeatId, Id, IntegrationId};
use watchtower_store::{HeartbeatRow, Object, Statement, Store, Stored, objects as stored};

use super::{Noun, OBJECTS_MAX, find, named, save, seconds};
use crate::access::Principal;
use crate::error::HubError;
use crate::heartbeats::{self, end, reckon, rhythm_of};
use crate::objects::HeartbeatBody;
use crate::{Hub, Objects, random};

/// What a heartbeat has that a job made itself: a day, and an hour beyond.
const PERIOD_MS: i64 = 86_400_000;
const GRACE_SECONDS: f64 = 3_600.0;
const SECONDS_MIN: f64 = 5.0;
const SECONDS_MAX: f64 = 366.0 * 86_400.0;
const SLUG_BYTES_MAX: usize = 64;

pub struct Heartbeats;

impl Noun for Heartbeats {
    type Body = HeartbeatBody;
    type Input = api::HeartbeatInput;
    type View = api::Heartbeat;

    fn list(objects: &Objects) -> &[Stored<HeartbeatBody>] {
        &objects.heartbeats
    }

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<HeartbeatBody>> {
        &mut objects.heartbeats
    }

    fn body(
        hub: &Hub,
        _: &Principal,
        id: Id,
        input: api::HeartbeatInput,
        old: Option<&Stored<HeartbeatBody>>,
    ) -> Result<HeartbeatBody, HubError> {
        named(&input.name)?;
        if input.period_seconds.is_some() == input.cron.is_some() {
            return Err(HubError::invalid("period_seconds", "give either this or cron"));
        }
        if input.timezone.is_some() && input.cron.is_none() {
            return Err(HubError::invalid("timezone", "belongs to cron"));
        }
        if input.service_id.is_some_and(|id| hub.objects().service(id).is_none()) {
            return Err(HubError::invalid("service_id", "this service does not exist"));
        }
        let period = input.period_seconds.map(|it| seconds("period_seconds", it, SECONDS_MIN, SECONDS_MAX));
        let grace = input.grace_seconds.unwrap_or(GRACE_SECONDS);
        let finish = input.finish_within_seconds.unwrap_or(grace);
        let body = HeartbeatBody {
            slug: slug_of(hub, id, &input)?,
            name: input.name,
            key: old.map_or_else(new_key, |old| old.body.key.clone()),
            integration_id: input.integration_id,
            period_ms: period.transpose()?.unwrap_or(PERIOD_MS),
            cron: input.cron,
            timezone: input.timezone,
            grace_ms: seconds("grace_seconds", grace, SECONDS_MIN, SECONDS_MAX)?,
            finish_ms: seconds("finish_within_seconds", finish, SECONDS_MIN, SECONDS_MAX)?,
            service_id: input.service_id,
            enabled: input.enabled,
        };
        rhythm_of(&body, hub.now())?;
        Ok(body)
    }

    fn saved(_: &Hub, id: Id, old: Option<&Stored<HeartbeatBody>>, _: &HeartbeatBody) -> Vec<Statement> {
        if old.is_some() { Vec::new() } else { vec![Store::insert_heartbeat(HeartbeatId(id))] }
    }

    fn deleted(_: &Hub, stored: &Stored<HeartbeatBody>) -> Vec<Statement> {
        Store::delete_heartbeat(HeartbeatId(stored.id)).into()
    }

    async fn changed(
        hub: &Hub,
        old: &Stored<HeartbeatBody>,
        new: Option<&HeartbeatBody>,
    ) -> Result<(), HubError> {
        match new {
            Some(new) => reckon(hub, &Stored { body: new.clone(), ..old.clone() }).await,
            None => end(hub, old).await,
        }
    }

    fn is_in(view: &api::Heartbeat, state: &str) -> Result<bool, HubError> {
        let state: api::HeartbeatState = state.parse().map_err(|e: String| HubError::invalid("state", e))?;
        Ok(view.state == state)
    }

    async fn view(hub: &Hub, stored: &Stored<HeartbeatBody>, _: bool) -> Result<api::Heartbeat, HubError> {
        let id = HeartbeatId(stored.id);
        let row = hub.store.heartbeat(id).await?.ok_or_else(|| HubError::not_found("heartbeat", id))?;
        Ok(view(hub, stored, &row))
    }
}

fn view(hub: &Hub, stored: &Stored<HeartbeatBody>, row: &HeartbeatRow) -> api::Heartbeat {
    let body = stored.body.clone();
    let as_seconds = |ms: i64| ms as f64 / 1000.0;
    api::Heartbeat {
        id: HeartbeatId(stored.id),
        state: heartbeats::state_of(&body, row),
        name: body.name,
        slug: body.slug,
        integration_id: body.integration_id,
        url: format!("{}/ping/{}", hub.config.public_url, body.key),
        period_seconds: body.cron.is_none().then(|| as_seconds(body.period_ms)),
        cron: body.cron,
        timezone: body.timezone,
        grace_seconds: as_seconds(body.grace_ms),
        finish_within_seconds: as_seconds(body.finish_ms),
        service_id: body.service_id,
        enabled: body.enabled,
        last_ping_at: row.last_ping_at.map(Into::into),
        last_success_at: row.last_success_at.map(Into::into),
        last_duration_seconds: row.last_duration_ms.map(as_seconds),
        started_at: row.started_at.map(Into::into),
        due_at: row.due_at.map(Into::into),
        created_at: stored.created_at.into(),
    }
}

/// Makes the heartbeat that a job names for the first time.
pub(crate) async fn provision(
    hub: &Hub,
    by: &str,
    integration: IntegrationId,
    slug: &str,
) -> Result<Stored<HeartbeatBody>, HubError> {
    check_slug(slug)?;
    let objects = hub.objects();
    if objects.heartbeats.len() >= OBJECTS_MAX {
        return Err(HubError::Conflict(format!(
            "there are {OBJECTS_MAX} heartbeats already: remove some first"
        )));
    }
    let same = |one: &Stored<HeartbeatBody>| {
        one.body.integration_id == Some(integration) && one.body.slug.as_deref() == Some(slug)
    };
    if objects.heartbeats.iter().any(same) {
        return Err(HubError::Conflict(format!("{slug} was made by another call at the same moment")));
    }
    let taken = objects.heartbeats.iter().any(|one| one.body.name == slug);
    let grace_ms = (GRACE_SECONDS * 1000.0) as i64;
    let body = HeartbeatBody {
        name: if taken { format!("{slug} of {by}") } else { slug.into() },
        slug: Some(slug.into()),
        key: new_key(),
        integration_id: Some(integration),
        period_ms: PERIOD_MS,
        cron: None,
        timezone: None,
        grace_ms,
        finish_ms: grace_ms,
        service_id: None,
        enabled: true,
    };
    let now = hub.now();
    let id = random::id(now);
    let mut statements = stored::insert(id, &body, by, now);
    statements.push(Store::insert_heartbeat(HeartbeatId(id)));
    statements.push(Store::insert_change(HeartbeatBody::KIND, id, now));
    save::<Heartbeats>(hub, by, "create", &body.name, statements).await?;
    find::<Heartbeats>(hub, &id.to_string())
}

/// The newest pings of a heartbeat.
pub async fn pings(hub: &Hub, id_or_name: &str, limit: i64) -> Result<Vec<api::Ping>, HubError> {
    let heartbeat = find::<Heartbeats>(hub, id_or_name)?;
    let rows = hub.store.pings_of(HeartbeatId(heartbeat.id), limit).await?;
    rows.into_iter()
        .map(|row| {
            Ok(api::Ping {
                at: row.at.into(),
                kind: row.kind.parse().map_err(HubError::Internal)?,
                exit_code: row.exit_code.and_then(|code| u8::try_from(code).ok()),
                rid: row.rid,
                duration_seconds: row.duration_ms.map(|ms| ms as f64 / 1000.0),
                sent_by: row.sent_by,
                body: row.body,
            })
        })
        .collect()
}

fn new_key() -> String {
    Id::from_bytes(random::bytes::<16>()).to_string()
}

/// The slug below the integration's key: as given, or made of the name; none without an integration.
fn slug_of(hub: &Hub, id: Id, input: &api::HeartbeatInput) -> Result<Option<String>, HubError> {
    let Some(integration) = input.integration_id else {
        return match &input.slug {
            Some(_) => Err(HubError::invalid("slug", "belongs to an integration of kind heartbeat")),
            None => Ok(None),
        };
    };
    let objects = hub.objects();
    let is = |one: &&Stored<crate::objects::IntegrationBody>| {
        one.id == integration.0 && one.body.kind == IntegrationKind::Heartbeat
    };
    if objects.integrations.iter().find(is).is_none() {
        return Err(HubError::invalid("integration_id", "no integration of kind heartbeat has this id"));
    }
    let slug = input.slug.clone().unwrap_or_else(|| slugged(&input.name));
    check_slug(&slug)?;
    let same = |one: &Stored<HeartbeatBody>| {
        one.id != id && one.body.integration_id == Some(integration) && one.body.slug.as_ref() == Some(&slug)
    };
    match objects.heartbeats.iter().find(|one| same(one)) {
        Some(other) => {
            Err(HubError::invalid("slug", format!("heartbeat {:?} has it already", other.body.name)))
        }
        None => Ok(Some(slug)),
    }
}

fn check_slug(slug: &str) -> Result<(), HubError> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if !slug.is_empty() && slug.len() <= SLUG_BYTES_MAX && slug.chars().all(good) {
        return Ok(());
    }
    Err(HubError::invalid("slug", format!("must be of a-z, 0-9, - and _, at most {SLUG_BYTES_MAX} of them")))
}

fn slugged(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' };
    let all: String = name.chars().map(plain).collect();
    let words: Vec<&str> = all.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-").chars().take(SLUG_BYTES_MAX).collect()
}
