//! The steps of a rotation, each stored before it counts.
//!
//! Invariant: a key's file is durable before a row names it, and removed only after its row has ended.

use watchtower_api_types::{KeyKind, KeyState};
use watchtower_model::{Labels, Severity};
use watchtower_store::{HubKeyRow, Statement, Store};

use super::holders::{self, Holder, some};
use super::{KeyError, files, plan, records};
use crate::error::HubError;
use crate::ingest::{Raise, raise};
use crate::jobs::runs::START_WITHIN_MS;
use crate::link::trust;
use crate::{Hub, WAKE_KEYS};

/// Names of agents in an answer.
const NAMES_MAX: usize = 20;

/// What a step did.
pub struct Rotated {
    /// The key that it was about.
    pub key: String,
    /// For people and the audit log.
    pub said: String,
}

impl From<KeyError> for HubError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Database(error) => error.into(),
            error => HubError::Internal(error.to_string()),
        }
    }
}

/// Makes a key. Agents are told of it; a master key is used at once, and what the one before sealed is sealed anew.
pub async fn rotate(hub: &Hub, kind: KeyKind, by: &str) -> Result<Rotated, HubError> {
    let _in_turn = hub.configuring.lock().await;
    let rows = hub.store.hub_keys().await?;
    plan::may_rotate(&rows, kind).map_err(HubError::Conflict)?;
    let dir = hub.keys.dir.clone();
    let made = tokio::task::spawn_blocking(move || files::make(&dir, kind)).await;
    let id = made.map_err(|_| HubError::Internal("making a key ended abnormally".into()))??;
    let stored = match kind {
        KeyKind::Master => replace_master(hub, &rows, &id).await,
        KeyKind::Ca | KeyKind::Signing => publish(hub, kind, &id).await,
    };
    if let Err(error) = stored {
        // No row names it: it would only lie around.
        files::remove(&hub.keys.dir, kind, &id)?;
        return Err(error);
    }
    taken_up(hub).await?;
    let (event, said) = match kind {
        KeyKind::Master => {
            ("key.switched", format!("master key {id} seals; what others sealed is being sealed anew"))
        }
        _ => ("key.published", format!("{kind} key {id} is published: agents are being told of it")),
    };
    trust::tell_all(hub);
    tell(hub, event, kind, by, Rotated { key: id, said }).await
}

fn row(hub: &Hub, kind: KeyKind, id: &str, state: KeyState, version: u64) -> HubKeyRow {
    let now = hub.now();
    HubKeyRow {
        id: id.into(),
        kind: kind.as_str().into(),
        state: state.as_str().into(),
        bundle_version: version as i64,
        created_at: now,
        switched_at: (state == KeyState::Active).then_some(now),
        ended_at: None,
    }
}

async fn publish(hub: &Hub, kind: KeyKind, id: &str) -> Result<(), HubError> {
    let version = plan::next_version(hub.keys.live().version, hub.now().0);
    let insert = Store::insert_hub_key(&row(hub, kind, id, KeyState::Published, version));
    Ok(hub.store.commit(vec![insert, set_version(version)]).await.map(drop)?)
}

async fn replace_master(hub: &Hub, rows: &[HubKeyRow], id: &str) -> Result<(), HubError> {
    let old = plan::in_state(rows, KeyKind::Master, KeyState::Active);
    let mut statements: Vec<Statement> = old.iter().map(|row| Store::relieve_hub_key(&row.id)).collect();
    statements.push(Store::insert_hub_key(&row(hub, KeyKind::Master, id, KeyState::Active, 0)));
    Ok(hub.store.commit(statements).await.map(drop)?)
}

fn set_version(version: u64) -> Statement {
    Store::set_meta_statement(records::BUNDLE_VERSION, &version.to_string())
}

fn of_agents(kind: KeyKind) -> Result<(), HubError> {
    match kind {
        KeyKind::Master => {
            Err(HubError::invalid("kind", "a master key has no such step: rotating it does everything"))
        }
        KeyKind::Ca | KeyKind::Signing => Ok(()),
    }
}

/// Uses the published key. Refused while connected agents lack it, unless by force.
pub async fn switch(hub: &Hub, kind: KeyKind, force: bool, by: &str) -> Result<Rotated, HubError> {
    of_agents(kind)?;
    let _in_turn = hub.configuring.lock().await;
    let rows = hub.store.hub_keys().await?;
    let (old, new) = plan::to_switch(&rows, kind).map_err(HubError::Conflict)?;
    let all = holders::all(hub).await?;
    let version = new.bundle_version.max(0) as u64;
    let lacking: Vec<&Holder> = all.iter().filter(|holder| !holder.has(kind, version)).collect();
    let connected: Vec<&str> = lacking.iter().filter(|h| h.connected).map(|h| h.name.as_str()).collect();
    if !connected.is_empty() && !force {
        return Err(HubError::Conflict(format!(
            "{} connected agents do not confirm {kind} key {} yet: {}. Wait, or force it: {}",
            connected.len(),
            new.id,
            some(&connected, NAMES_MAX),
            cost(kind)
        )));
    }
    let steps = vec![Store::relieve_hub_key(&old.id), Store::activate_hub_key(&new.id, hub.now())];
    hub.store.commit(steps).await?;
    taken_up(hub).await?;
    if kind == KeyKind::Ca {
        // They come back at once, through the new root: what does not work shows while people look.
        hub.links.close_all();
    }
    let mut said = format!("{kind} key {} is used in place of {}", new.id, old.id);
    if !lacking.is_empty() {
        let names: Vec<&str> = lacking.iter().map(|holder| holder.name.as_str()).collect();
        said =
            format!("{said}; {} agents lack it ({}): {}", names.len(), some(&names, NAMES_MAX), cost(kind));
    }
    tell(hub, "key.switched", kind, by, Rotated { key: new.id.clone(), said }).await
}

/// What it means for an agent to lack a key that is in use.
fn cost(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Ca => {
            "they can no longer connect, and each must be enrolled anew: watchtower server enrol NAME, and its installer run on the server"
        }
        KeyKind::Signing | KeyKind::Master => {
            "they refuse commands as bad_signature until they have taken the bundle over, which they are offered at each connection"
        }
    }
}

/// Ends the trust in the key that was used before, and deletes it. Refused while commands that it signed may still be under way, unless
/// by force: they would be refused on their servers.
pub async fn retire(hub: &Hub, kind: KeyKind, force: bool, by: &str) -> Result<Rotated, HubError> {
    of_agents(kind)?;
    let _in_turn = hub.configuring.lock().await;
    let rows = hub.store.hub_keys().await?;
    let old = plan::to_retire(&rows, kind).map_err(HubError::Conflict)?;
    if kind == KeyKind::Signing && !force {
        refuse_under_way(hub, &rows, old).await?;
    }
    end(hub, kind, &old.id).await?;
    let said = format!("{kind} key {} is deleted, and agents are told to trust it no longer", old.id);
    tell(hub, "key.retired", kind, by, Rotated { key: old.id.clone(), said }).await
}

/// Commands that were sent before the switch and that no server has said to have.
async fn refuse_under_way(hub: &Hub, rows: &[HubKeyRow], old: &HubKeyRow) -> Result<(), HubError> {
    let active = plan::in_state(rows, KeyKind::Signing, KeyState::Active);
    let Some(switched_at) = active.first().and_then(|row| row.switched_at) else { return Ok(()) };
    let sent = hub.store.dispatched_until(switched_at.plus_ms(START_WITHIN_MS)).await?;
    let Some(last) = sent.iter().map(|execution| execution.not_after).max() else { return Ok(()) };
    let name = |id| hub.servers.get(id).map(|server| server.with(|state| state.name.clone()));
    let mut names: Vec<String> = sent.iter().filter_map(|execution| name(execution.server_id)).collect();
    names.sort_unstable();
    names.dedup();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Err(HubError::Conflict(format!(
        "{} commands that signing key {} signed are under way to {}: there they would be refused as bad_signature. Wait until they have \
         begun, at the latest {}, or force it",
        sent.len(),
        old.id,
        some(&names, NAMES_MAX),
        last.to_rfc3339()
    )))
}

/// Takes the published key back before it is used.
pub async fn abort(hub: &Hub, kind: KeyKind, by: &str) -> Result<Rotated, HubError> {
    of_agents(kind)?;
    let _in_turn = hub.configuring.lock().await;
    let rows = hub.store.hub_keys().await?;
    let last = plan::to_abort(&rows, kind).map_err(HubError::Conflict)?;
    end(hub, kind, &last.id).await?;
    let said = format!("{kind} key {} is withdrawn before it was used", last.id);
    tell(hub, "key.withdrawn", kind, by, Rotated { key: last.id.clone(), said }).await
}

/// Goes by what was just stored, here and on every other hub.
pub(super) async fn taken_up(hub: &Hub) -> Result<(), HubError> {
    hub.keys.reload(&hub.store).await?;
    hub.bus.wake(WAKE_KEYS);
    Ok(())
}

async fn end(hub: &Hub, kind: KeyKind, id: &str) -> Result<(), HubError> {
    let now = hub.now();
    let version = plan::next_version(hub.keys.live().version, now.0);
    hub.store.commit(vec![Store::end_hub_key(id, now), set_version(version)]).await?;
    taken_up(hub).await?;
    trust::tell_all(hub);
    Ok(files::remove(&hub.keys.dir, kind, id)?)
}

/// Raises the event of a step.
pub(super) async fn tell(
    hub: &Hub,
    event: &'static str,
    kind: KeyKind,
    by: &str,
    rotated: Rotated,
) -> Result<Rotated, HubError> {
    let mut told = Raise::hub(event, None, Severity::Warning, format!("{} (by {by})", rotated.said));
    told.labels = Labels::from_pairs([("kind", kind.as_str()), ("key", rotated.key.as_str())]);
    raise(hub, told).await?;
    Ok(rotated)
}
