//! Silences: nobody is paged for some alerts, from a time to a time.

use watchtower_api_types as api;
use watchtower_api_types::QuietState;
use watchtower_matchers::Matchers;
use watchtower_model::limits::LINE_BYTES_MAX;
use watchtower_model::{Id, SilenceId, Timestamp, check_line};
use watchtower_store::{Store, Stored, objects as stored};

use super::{Noun, find, save};
use crate::access::Principal;
use crate::error::HubError;
use crate::objects::SilenceBody;
use crate::{Hub, Objects, quiet};

/// The longest silence.
const LENGTH_DAYS_MAX: i64 = 366;
/// Ended silences are kept this long, for those who ask why nobody was paged.
const KEPT_DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;

pub struct Silences;

/// Matchers that match something: an empty text would silence the world.
pub(super) fn matchers(text: &str) -> Result<String, HubError> {
    let matchers: Matchers = text.parse().map_err(|e| HubError::invalid("matchers", e))?;
    if matchers.all_match_empty() {
        let text = "would match every alert: name a label that alerts have, such as alertname=\"Disk full\" or env=\"test\"";
        return Err(HubError::invalid("matchers", text));
    }
    Ok(matchers.to_string())
}

fn state(body: &SilenceBody, now: Timestamp) -> QuietState {
    if body.ends_at <= now {
        QuietState::Expired
    } else if body.starts_at > now {
        QuietState::Pending
    } else {
        QuietState::Active
    }
}

/// Who is restricted to some servers silences those alone, and leaves alone what silences others.
fn check_owner(by: &Principal, old: &SilenceBody) -> Result<(), HubError> {
    match &by.servers {
        Some(own) if old.servers.as_deref() != Some(own.to_string().as_str()) => {
            Err(HubError::Forbidden("it silences servers that you are not responsible for".into()))
        }
        _ => Ok(()),
    }
}

impl Noun for Silences {
    type Body = SilenceBody;
    type Input = api::SilenceInput;
    type View = api::Silence;

    const FOR_RESTRICTED: bool = true;

    fn list(objects: &Objects) -> &[Stored<SilenceBody>] {
        &objects.silences
    }

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<SilenceBody>> {
        &mut objects.silences
    }

    fn body(
        hub: &Hub,
        by: &Principal,
        id: Id,
        input: api::SilenceInput,
        old: Option<&Stored<SilenceBody>>,
    ) -> Result<SilenceBody, HubError> {
        let now = hub.now();
        let began = old.map(|old| old.body.starts_at);
        let starts_at = input.starts_at.map(|at| at.0).or(began).unwrap_or(now);
        let ends_at = input.ends_at.0;
        if ends_at <= starts_at || ends_at <= now {
            return Err(HubError::invalid("ends_at", "must be after the begin, and in the future"));
        }
        if ends_at.since(starts_at) > LENGTH_DAYS_MAX * DAY_MS {
            return Err(HubError::invalid(
                "ends_at",
                format!("at most {LENGTH_DAYS_MAX} days after the begin"),
            ));
        }
        if input.comment.trim().is_empty() {
            return Err(HubError::invalid("comment", "say why: somebody will wonder at night"));
        }
        check_line(&input.comment, LINE_BYTES_MAX).map_err(|e| HubError::invalid("comment", e))?;
        Ok(SilenceBody {
            matchers: matchers(&input.matchers)?,
            starts_at,
            ends_at,
            comment: input.comment,
            created_by: old.map_or_else(|| by.name.clone(), |old| old.body.created_by.clone()),
            servers: match old {
                Some(old) => old.body.servers.clone(),
                None => by.servers.as_ref().map(Matchers::to_string),
            },
            key: id.to_string(),
        })
    }

    async fn view(hub: &Hub, stored: &Stored<SilenceBody>, _: bool) -> Result<api::Silence, HubError> {
        let body = &stored.body;
        let state = state(body, hub.now());
        let open = match state {
            QuietState::Expired => 0,
            _ => quiet::matched(hub, stored.id).await?,
        };
        Ok(api::Silence {
            id: SilenceId(stored.id),
            matchers: body.matchers.clone(),
            starts_at: body.starts_at.into(),
            ends_at: body.ends_at.into(),
            state,
            comment: body.comment.clone(),
            created_by: body.created_by.clone(),
            servers: body.servers.clone(),
            open_alerts: open,
            created_at: stored.created_at.into(),
        })
    }

    /// The clockwork may never have seen what was changed again at once.
    async fn changed(hub: &Hub, _: &Stored<SilenceBody>, _: Option<&SilenceBody>) -> Result<(), HubError> {
        quiet::settle(hub).await
    }

    fn is_in(view: &api::Silence, state: &str) -> Result<bool, HubError> {
        is_in(view.state, state)
    }

    fn check_change(by: &Principal, stored: &Stored<SilenceBody>) -> Result<(), HubError> {
        check_owner(by, &stored.body)
    }
}

pub(super) fn is_in(state: QuietState, wanted: &str) -> Result<bool, HubError> {
    let wanted: QuietState = wanted.parse().map_err(|e| HubError::invalid("state", e))?;
    Ok(state == wanted)
}

/// Ends a silence now; one that has ended stays as it was.
pub async fn expire_silence(hub: &Hub, by: &Principal, id: &str) -> Result<api::Silence, HubError> {
    let old = find::<Silences>(hub, id)?;
    Silences::check_change(by, &old)?;
    let now = hub.now();
    if old.body.ends_at > now {
        let mut body = old.body.clone();
        body.ends_at = now;
        body.starts_at = body.starts_at.min(now);
        let mut statements = stored::update(old.id, old.version, &body, &by.name, now);
        statements.push(Store::insert_change("silence", old.id, now));
        save::<Silences>(hub, &by.name, "expire", &body.key, statements).await?;
        quiet::settle(hub).await?;
    }
    let ended = find::<Silences>(hub, id)?;
    Silences::view(hub, &ended, true).await
}

/// Forgets silences that ended long ago.
pub(crate) async fn forget_silences(hub: &Hub) -> Result<(), HubError> {
    let before = hub.now().plus_ms(-KEPT_DAYS * DAY_MS);
    let objects = hub.objects();
    let old: Vec<_> = objects.silences.iter().filter(|one| one.body.ends_at < before).collect();
    if old.is_empty() {
        return Ok(());
    }
    // Another hub may have been faster.
    for one in old {
        match hub.store.commit(vec![stored::delete::<SilenceBody>(one.id, one.version)]).await {
            Ok(_) | Err(watchtower_store::DbError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
    hub.reload_objects().await
}
