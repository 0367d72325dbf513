//! Changes of many objects, each on top of those before it: what each would store, and whether it may be.
//!
//! Invariant: nothing is written here, and no other caller sees anything of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use watchtower_api_types::endpoints::find as endpoint;
use watchtower_api_types::{ConfigAction, ConfigChange, ConfigVersion, ConfigVersions};
use watchtower_model::{Id, Timestamp};
use watchtower_store::{Object as _, Statement, Stored};

use super::{
    Automations, Channels, Heartbeats, Inhibitions, Integrations, MaintenanceWindows, Noun, OBJECTS_MAX,
    Policies, Routes, Rules, Schedules, Scripts, Services, Teams, removing, storing, word,
};
use crate::access::{Object, Principal, authorize};
use crate::error::HubError;
use crate::{Hub, Objects};

/// Changes of one request.
pub const CHANGES_MAX: usize = 10_000;

/// What must happen once a change is stored and the configuration was read again.
pub(super) type After =
    Box<dyn FnOnce(Hub) -> Pin<Box<dyn Future<Output = Result<(), HubError>> + Send>> + Send + Sync>;

/// What one change would do.
pub(super) struct Step {
    pub kind: &'static Kind,
    pub id: Id,
    /// For people, and unique within its kind.
    pub name: String,
    /// The version that it replaces or removes.
    pub was: Option<i64>,
    /// Whether it is another afterwards.
    pub changed: bool,
    pub statements: Vec<Statement>,
    /// Of what is made with one, shown once.
    pub key: Option<String>,
    pub after: Option<After>,
}

/// A noun, for those who do not know which.
pub(super) struct Kind {
    /// In the ids of endpoints.
    pub noun: &'static str,
    step: fn(&mut Stepping<'_>, &'static Kind, &ConfigChange) -> Result<Step, HubError>,
    versions: fn(&Objects) -> Vec<(Id, i64)>,
    /// Which object has a name.
    holder: fn(&Objects, &str) -> Option<Id>,
}

const fn kind<N: Noun>(noun: &'static str) -> Kind {
    Kind { noun, step: step::<N>, versions: versions_of::<N>, holder: holder::<N> }
}

static KINDS: &[Kind] = &[
    kind::<Teams>("team"),
    kind::<Channels>("channel"),
    kind::<Schedules>("schedule"),
    kind::<Policies>("policy"),
    kind::<Services>("service"),
    kind::<Routes>("route"),
    kind::<Integrations>("integration"),
    kind::<Heartbeats>("heartbeat"),
    kind::<Rules>("rule"),
    kind::<Scripts>("script"),
    kind::<Automations>("automation"),
    kind::<MaintenanceWindows>("maintenance"),
    kind::<Inhibitions>("inhibition"),
];

/// The versions of all objects of these kinds.
pub fn versions(hub: &Hub) -> ConfigVersions {
    let objects = hub.objects();
    let of = |kind: &'static Kind| {
        let all = (kind.versions)(&objects).into_iter();
        all.map(|(id, version)| ConfigVersion { noun: kind.noun.into(), id, version })
    };
    ConfigVersions { items: KINDS.iter().flat_map(of).collect() }
}

impl Step {
    /// Whether the database has it as this step found it.
    pub fn fits(&self, objects: &Objects) -> bool {
        let stored = (self.kind.versions)(objects).into_iter().find(|(id, _)| *id == self.id);
        let holder = (self.kind.holder)(objects, &self.name);
        stored.map(|(_, version)| version) == self.was && holder.is_none_or(|holder| holder == self.id)
    }
}

/// The configuration as it is after the steps so far.
pub(super) struct Stepping<'a> {
    hub: &'a Hub,
    by: &'a Principal,
    /// As it was before the first: with this is compared what callers have read.
    before: Arc<Objects>,
    objects: Arc<Objects>,
}

impl<'a> Stepping<'a> {
    pub fn new(hub: &'a Hub, by: &'a Principal, changes: usize) -> Result<Self, HubError> {
        if changes > CHANGES_MAX {
            return Err(HubError::invalid("changes", format!("at most {CHANGES_MAX}")));
        }
        let objects = hub.objects();
        Ok(Stepping { hub, by, before: Arc::clone(&objects), objects })
    }

    pub fn step(&mut self, change: &ConfigChange) -> Result<Step, HubError> {
        let kind = KINDS.iter().find(|kind| kind.noun == change.noun);
        let kind = kind.ok_or_else(|| HubError::invalid("noun", "is not one of configuration"))?;
        let id = format!("{}.{}", kind.noun, change.action);
        let endpoint = endpoint(&id).expect("the nouns of configuration have the same five verbs");
        authorize(self.by, endpoint.access, endpoint.id, Object::Global)
            .map_err(|denied| HubError::Forbidden(denied.to_string()))?;
        (kind.step)(self, kind, change)
    }

    /// The object that a change is about, if the change fits it.
    fn subject<N: Noun>(&self, change: &ConfigChange) -> Result<Option<Stored<N::Body>>, HubError> {
        let of = |objects: &Objects| N::list(objects).iter().find(|one| one.id == change.id).cloned();
        let old = match (change.action, of(&self.objects)) {
            (ConfigAction::Create, Some(_)) => return Err(HubError::Conflict("it exists already".into())),
            (ConfigAction::Create, None) => return Ok(None),
            (_, None) => return Err(HubError::Conflict("it does not exist any more".into())),
            (_, Some(old)) => old,
        };
        let stood = of(&self.before).map(|one| one.version);
        if change.read.is_some_and(|read| stood != Some(read)) {
            return Err(HubError::Conflict("it was changed by somebody else meanwhile".into()));
        }
        N::check_change(self.by, &old)?;
        Ok(Some(old))
    }

    /// As it would be stored; absent: as it would be gone.
    fn put<N: Noun>(&mut self, id: Id, body: Option<N::Body>, along: Vec<(Stored<N::Body>, N::Body)>) {
        let all = N::list_mut(Arc::make_mut(&mut self.objects));
        for (other, body) in along {
            if let Some(stored) = all.iter_mut().find(|one| one.id == other.id) {
                *stored = Stored { version: other.version + 1, body, ..other };
            }
        }
        let place = all.iter().position(|one| one.id == id);
        match (place, body) {
            (Some(place), Some(body)) => {
                all[place].body = body;
                all[place].version += 1;
            }
            (Some(place), None) => drop(all.remove(place)),
            (None, Some(body)) => {
                let (at, changed_by) = (Timestamp(0), String::new());
                all.push(Stored { id, version: 1, changed_by, created_at: at, updated_at: at, body });
            }
            (None, None) => {}
        }
        N::arrange(all);
    }
}

fn step<N: Noun>(
    all: &mut Stepping<'_>,
    kind: &'static Kind,
    change: &ConfigChange,
) -> Result<Step, HubError> {
    let old = all.subject::<N>(change)?;
    // Dropped before the objects are changed, so that they need not be copied.
    let seen = all.hub.as_if(Arc::clone(&all.objects));
    let mut body = match (change.action, &old) {
        (ConfigAction::Delete, Some(old)) => {
            N::refuse_delete(&seen, old)?;
            None
        }
        _ => Some(body::<N>(&seen, all.by, change, old.as_ref())?),
    };
    let key = match (&old, &mut body) {
        (None, Some(body)) => N::issue_key(body),
        _ => None,
    };
    let (statements, along) = match (&body, &old) {
        (Some(body), old) => (
            storing::<N>(&seen, &all.by.name, change.id, old.as_ref(), body),
            N::along(&all.objects, change.id, body),
        ),
        (None, Some(old)) => (removing::<N>(&seen, old), Vec::new()),
        (None, None) => (Vec::new(), Vec::new()),
    };
    drop(seen);
    let same = old.as_ref().zip(body.as_ref()).is_some_and(|(old, new)| is_same::<N>(&old.body, new));
    all.put::<N>(change.id, body.clone(), along);
    let name = body.as_ref().or(old.as_ref().map(|old| &old.body)).map(|body| body.name());
    Ok(Step {
        kind,
        id: change.id,
        name: name.unwrap_or_default(),
        was: old.as_ref().map(|old| old.version),
        changed: !same,
        statements,
        key,
        after: old.map(|old| after::<N>(old, body)),
    })
}

fn after<N: Noun>(old: Stored<N::Body>, new: Option<N::Body>) -> After {
    Box::new(move |hub| Box::pin(async move { N::changed(&hub, &old, new.as_ref()).await }))
}

fn body<N: Noun>(
    seen: &Hub,
    by: &Principal,
    change: &ConfigChange,
    old: Option<&Stored<N::Body>>,
) -> Result<N::Body, HubError> {
    let input: N::Input = serde_json::from_value(change.input.clone()).map_err(|error| {
        let text = error.to_string();
        // serde names the field in backticks.
        HubError::invalid(text.split('`').nth(1).unwrap_or_default(), &text)
    })?;
    let body = N::body(seen, by, change.id, input, old)?;
    let objects = seen.objects();
    if holder::<N>(&objects, &body.name()).is_some_and(|holder| holder != change.id) {
        return Err(HubError::Conflict(format!("{} {:?} exists already", word::<N>(), body.name())));
    }
    if old.is_none() && N::list(&objects).len() >= OBJECTS_MAX {
        return Err(HubError::Conflict(format!("there are {OBJECTS_MAX} objects of this kind already")));
    }
    Ok(body)
}

fn is_same<N: Noun>(old: &N::Body, new: &N::Body) -> bool {
    let written = |body: &N::Body| {
        let mut value = serde_json::to_value(body).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|name, _| !N::INCIDENTAL.contains(&name.as_str()));
        }
        value
    };
    written(old) == written(new)
}

fn versions_of<N: Noun>(objects: &Objects) -> Vec<(Id, i64)> {
    N::list(objects).iter().map(|one| (one.id, one.version)).collect()
}

fn holder<N: Noun>(objects: &Objects, name: &str) -> Option<Id> {
    N::list(objects).iter().find(|one| one.body.name() == name).map(|one| one.id)
}
