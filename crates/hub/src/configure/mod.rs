//! What people write down: checked, stored as a new version, cached, audited. The same five verbs for every noun.

mod stepping;
mod rehearse;
mod apply;
mod acting;
mod approval;
mod automations;
mod backtest;
mod channels;
mod cron;
mod heartbeats;
mod inhibitions;
mod integrations;
mod maintenance;
mod overrides;
mod swaps;
mod mapping;
mod policies;
mod routes;
mod rule_files;
mod rules;
mod warnings;
mod schedules;
mod scripts;
mod services;
mod silences;
mod teams;

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use watchtower_matchers::Matchers;
use watchtower_model::{Id, check_name};
use watchtower_store::{DbError, Object, Statement, Store, Stored, objects as stored};

pub use apply::apply;
pub use approval::{approve, for_agents, rule_of};
pub use automations::{Automations, view_attempt};
pub use backtest::backtest;
pub(crate) use channels::to_notify as config_of;
pub use channels::{Channels, webhook_secret};
pub use cron::{fire, preview as preview_cron, take_over};
pub(crate) use heartbeats::provision;
pub use heartbeats::{Heartbeats, pings};
pub use inhibitions::Inhibitions;
pub(crate) use integrations::source_of;
pub use integrations::{Integrations, new_key};
pub use maintenance::MaintenanceWindows;
pub(crate) use mapping::checked as checked_mapping;
pub use mapping::preview as preview_mapping;
pub use overrides::{add_override, end_override};
pub use policies::Policies;
pub use rehearse::rehearse;
pub use routes::Routes;
pub use rule_files::import_rules;
pub use rules::{Rules, condition_of, preview};
pub use schedules::{Schedules, end_calendar, new_calendar};
pub use scripts::{Scripts, view as view_script};
pub use services::Services;
pub(crate) use silences::forget_silences;
pub use silences::{Silences, expire_silence};
pub use stepping::versions;
pub use swaps::{offer_swap, take_swap, withdraw_swap};
pub use teams::Teams;
pub use warnings::of as schedule_warnings;

use crate::access::Principal;
use crate::error::HubError;
use crate::{Hub, Objects, random};

/// Objects of one kind.
pub const OBJECTS_MAX: usize = 2000;

/// A noun of the configuration. A new one is a file with this trait, and a line in the table of endpoints.
pub trait Noun: Send + Sync + 'static {
    type Body: Object;
    type Input: DeserializeOwned + Send;
    type View: Serialize + Send;

    /// Whether those who are restricted to some servers may write it: then it concerns only theirs.
    const FOR_RESTRICTED: bool = false;

    /// Fields of the body that are others each time it is saved, though nothing else is.
    const INCIDENTAL: &[&str] = &[];

    fn list(objects: &Objects) -> &[Stored<Self::Body>];

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<Self::Body>>;

    /// Checks what a person wrote and makes the body of it. `old` is what it replaces.
    fn body(
        hub: &Hub,
        by: &Principal,
        id: Id,
        input: Self::Input,
        old: Option<&Stored<Self::Body>>,
    ) -> Result<Self::Body, HubError>;

    /// As the API shows it; `alone` asks for what is too much for a list.
    fn view(
        hub: &Hub,
        stored: &Stored<Self::Body>,
        alone: bool,
    ) -> impl Future<Output = Result<Self::View, HubError>> + Send;

    /// Leaves out what tells of servers outside those that a caller may see.
    fn restrict(_hub: &Hub, _view: &mut Self::View, _servers: &Matchers) {}

    /// Whether it is in this state; asked only of nouns whose list has the parameter.
    fn is_in(_view: &Self::View, _state: &str) -> Result<bool, HubError> {
        Ok(true)
    }

    /// Whether this caller may change or remove it.
    fn check_change(_by: &Principal, _stored: &Stored<Self::Body>) -> Result<(), HubError> {
        Ok(())
    }

    /// Why it may not be removed, if so.
    fn refuse_delete(_hub: &Hub, _stored: &Stored<Self::Body>) -> Result<(), HubError> {
        Ok(())
    }

    /// What else must happen once it was changed, or removed (then `new` is absent).
    fn changed(
        _hub: &Hub,
        _old: &Stored<Self::Body>,
        _new: Option<&Self::Body>,
    ) -> impl Future<Output = Result<(), HubError>> + Send {
        async { Ok(()) }
    }

    /// Others of its kind that are others with it, in the same commit.
    fn along(_objects: &Objects, _id: Id, _new: &Self::Body) -> Vec<(Stored<Self::Body>, Self::Body)> {
        Vec::new()
    }

    /// Puts a list in the order in which it is asked; by name is as good as any.
    fn arrange(_all: &mut [Stored<Self::Body>]) {}

    /// The key that is made with it, of which the body keeps a hash.
    fn issue_key(_body: &mut Self::Body) -> Option<String> {
        None
    }

    /// What else must change when it is made or replaced, in the same commit.
    fn saved(_hub: &Hub, _id: Id, _old: Option<&Stored<Self::Body>>, _new: &Self::Body) -> Vec<Statement> {
        Vec::new()
    }

    /// What else must change when it was removed.
    fn deleted(_hub: &Hub, _stored: &Stored<Self::Body>) -> Vec<Statement> {
        Vec::new()
    }
}

const KIND_WORDS: [(&str, &str); 14] = [
    ("rule", "rule"),
    ("team", "team"),
    ("service", "service"),
    ("route", "route"),
    ("policy", "policy"),
    ("schedule", "schedule"),
    ("channel", "channel"),
    ("integration", "integration"),
    ("silence", "silence"),
    ("maintenance", "maintenance window"),
    ("inhibition", "inhibition"),
    ("heartbeat", "heartbeat"),
    ("script", "script"),
    ("automation", "automation"),
];

/// Whether `changes` of this kind are of configuration.
pub(crate) fn is_kind(word: &str) -> bool {
    KIND_WORDS.iter().any(|(kind, _)| *kind == word)
}

fn word<N: Noun>() -> &'static str {
    KIND_WORDS.iter().find(|(kind, _)| *kind == N::Body::KIND).map_or("object", |(_, word)| word)
}

/// The object of this id or name.
pub fn find<N: Noun>(hub: &Hub, id_or_name: &str) -> Result<Stored<N::Body>, HubError> {
    let objects = hub.objects();
    let found = crate::objects::find(N::list(&objects), id_or_name).cloned();
    found.ok_or_else(|| HubError::not_found(word::<N>(), id_or_name))
}

pub async fn create<N: Noun>(hub: &Hub, by: &Principal, input: N::Input) -> Result<N::View, HubError> {
    if N::list(&hub.objects()).len() >= OBJECTS_MAX {
        return Err(HubError::Conflict(format!(
            "there are {OBJECTS_MAX} objects of this kind already: remove some first"
        )));
    }
    let id = random::id(hub.now());
    let body = N::body(hub, by, id, input, None)?;
    let statements = storing::<N>(hub, &by.name, id, None, &body);
    save::<N>(hub, &by.name, "create", &body.name(), statements).await?;
    let made = find::<N>(hub, &id.to_string())?;
    N::view(hub, &made, true).await
}

/// Replaces an object; what somebody else changed meanwhile is not overwritten.
pub async fn update<N: Noun>(
    hub: &Hub,
    by: &Principal,
    id_or_name: &str,
    input: N::Input,
) -> Result<N::View, HubError> {
    update_read::<N>(hub, by, id_or_name, None, input).await
}

/// What a caller has read is what is stored, where they say what they read.
fn check_read<B>(old: &Stored<B>, read: Option<i64>) -> Result<(), HubError> {
    match read {
        Some(version) if version != old.version => {
            Err(HubError::Conflict("it was changed meanwhile: load it again and repeat".into()))
        }
        _ => Ok(()),
    }
}

/// As [`update`], if the object still has the version that was read.
pub async fn update_read<N: Noun>(
    hub: &Hub,
    by: &Principal,
    id_or_name: &str,
    read: Option<i64>,
    input: N::Input,
) -> Result<N::View, HubError> {
    let old = find::<N>(hub, id_or_name)?;
    check_read(&old, read)?;
    N::check_change(by, &old)?;
    let body = N::body(hub, by, old.id, input, Some(&old))?;
    let statements = storing::<N>(hub, &by.name, old.id, Some(&old), &body);
    save::<N>(hub, &by.name, "update", &body.name(), statements).await?;
    N::changed(hub, &old, Some(&body)).await?;
    let made = find::<N>(hub, &old.id.to_string())?;
    N::view(hub, &made, true).await
}

pub async fn delete<N: Noun>(hub: &Hub, by: &Principal, id_or_name: &str) -> Result<(), HubError> {
    delete_read::<N>(hub, by, id_or_name, None).await
}

/// As [`delete`], if the object still has the version that was read.
pub async fn delete_read<N: Noun>(
    hub: &Hub,
    by: &Principal,
    id_or_name: &str,
    read: Option<i64>,
) -> Result<(), HubError> {
    let old = find::<N>(hub, id_or_name)?;
    check_read(&old, read)?;
    N::check_change(by, &old)?;
    N::refuse_delete(hub, &old)?;
    let statements = removing::<N>(hub, &old);
    save::<N>(hub, &by.name, "delete", &old.body.name(), statements).await?;
    N::changed(hub, &old, None).await
}

pub async fn view_all<N: Noun>(hub: &Hub) -> Result<Vec<N::View>, HubError> {
    let objects = hub.objects();
    let mut out = Vec::new();
    for stored in N::list(&objects) {
        out.push(N::view(hub, stored, false).await?);
    }
    Ok(out)
}

/// Makes an object, or its next version, with all that changes with it.
fn storing<N: Noun>(
    hub: &Hub,
    by: &str,
    id: Id,
    old: Option<&Stored<N::Body>>,
    body: &N::Body,
) -> Vec<Statement> {
    let now = hub.now();
    let mut statements = match old {
        Some(old) => stored::update(id, old.version, body, by, now),
        None => stored::insert(id, body, by, now),
    };
    statements.push(Store::insert_change(N::Body::KIND, id, now));
    for (other, body) in N::along(&hub.objects(), id, body) {
        statements.extend(stored::update(other.id, other.version, &body, &other.changed_by, now));
        statements.push(Store::insert_change(N::Body::KIND, other.id, now));
    }
    statements.extend(N::saved(hub, id, old, body));
    statements
}

fn removing<N: Noun>(hub: &Hub, old: &Stored<N::Body>) -> Vec<Statement> {
    let mut statements = vec![
        stored::delete::<N::Body>(old.id, old.version),
        Store::insert_change(N::Body::KIND, old.id, hub.now()),
    ];
    statements.extend(N::deleted(hub, old));
    statements
}

/// What an object replaces, its id, and itself.
type Replacement<B> = (Option<Stored<B>>, Id, B);

/// Stores many at once, in one commit.
async fn save_all<N: Noun>(
    hub: &Hub,
    by: &Principal,
    verb: &str,
    all: Vec<Replacement<N::Body>>,
) -> Result<(), HubError> {
    let statements =
        all.iter().flat_map(|(old, id, body)| storing::<N>(hub, &by.name, *id, old.as_ref(), body)).collect();
    save::<N>(hub, &by.name, verb, &format!("{} {}s", all.len(), word::<N>()), statements).await?;
    for (old, _, body) in &all {
        if let Some(old) = old {
            N::changed(hub, old, Some(body)).await?;
        }
    }
    Ok(())
}

async fn save<N: Noun>(
    hub: &Hub,
    by: &str,
    verb: &str,
    name: &str,
    statements: Vec<Statement>,
) -> Result<(), HubError> {
    hub.store.commit(statements).await.map_err(|error| match error {
        DbError::Unique(_) => HubError::Conflict(format!("{} {name:?} exists already", word::<N>())),
        error => error.into(),
    })?;
    hub.reload_objects().await?;
    hub.bus.wake(crate::WAKE_CHANGES);
    let action = format!("{}.{verb}", N::Body::KIND);
    hub.store.append_audit(hub.now(), by, &action, name, "").await?;
    Ok(())
}

/// A name given by a person, as a field of an input.
fn named(name: &str) -> Result<(), HubError> {
    check_name(name).map_err(|e| HubError::invalid("name", e))
}

/// Seconds as people give them, as milliseconds within bounds.
fn seconds(field: &str, value: f64, min: f64, max: f64) -> Result<i64, HubError> {
    if value.is_finite() && (min..=max).contains(&value) {
        Ok((value * 1000.0).round() as i64)
    } else {
        Err(HubError::invalid(field, format!("must be from {min} to {max} seconds")))
    }
}
