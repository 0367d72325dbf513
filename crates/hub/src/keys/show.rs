//! What people see of the keys: never the keys themselves.

use watchtower_api_types::{HubKey, HubKeys, KeyKind, KeyState};
use watchtower_store::HubKeyRow;

use super::holders::{self, Holder};
use crate::Hub;
use crate::error::HubError;

/// Names of agents that lack a key.
const LACKING_MAX: usize = 20;
/// Keys that have ended which are still shown.
const ENDED_MAX: usize = 5;

pub async fn show(hub: &Hub) -> Result<HubKeys, HubError> {
    let (rows, agents) = (hub.store.hub_keys().await?, holders::all(hub).await?);
    let version = hub.keys.live().version;
    let ended = rows.iter().filter(|row| row.state == KeyState::Retired.as_str()).count();
    let mut to_skip = ended.saturating_sub(ENDED_MAX);
    let mut items = Vec::new();
    for row in &rows {
        if row.state == KeyState::Retired.as_str() && to_skip > 0 {
            to_skip -= 1;
        } else {
            items.push(key(hub, row, &agents).await?);
        }
    }
    items.sort_by_key(|key| (key.kind, key.state == KeyState::Retired));
    let behind: Vec<&Holder> = agents.iter().filter(|agent| !agent.is_at(version)).collect();
    Ok(HubKeys {
        bundle_version: version,
        agents: agents.len() as u64,
        agents_behind: behind.len() as u64,
        behind: names(&behind),
        items,
    })
}

fn names(agents: &[&Holder]) -> Vec<String> {
    agents.iter().take(LACKING_MAX).map(|agent| agent.name.clone()).collect()
}

async fn key(hub: &Hub, row: &HubKeyRow, agents: &[Holder]) -> Result<HubKey, HubError> {
    let damaged = |e: String| HubError::Internal(format!("key {}: {e}", row.id));
    let (kind, state): (KeyKind, KeyState) =
        (row.kind.parse().map_err(damaged)?, row.state.parse().map_err(damaged)?);
    let told = kind != KeyKind::Master && state != KeyState::Retired;
    let version = row.bundle_version.max(0) as u64;
    let lacking: Vec<&Holder> = agents.iter().filter(|agent| told && !agent.has(kind, version)).collect();
    let sealed = kind == KeyKind::Master && state != KeyState::Retired;
    Ok(HubKey {
        id: row.id.clone(),
        kind,
        state,
        bundle_version: told.then_some(version),
        agents_holding: told.then_some((agents.len() - lacking.len()) as u64),
        agents_lacking: told.then_some(lacking.len() as u64),
        lacking: names(&lacking),
        secrets: if sealed { Some(hub.store.count_sealed_with(&row.id).await? as u64) } else { None },
        created_at: row.created_at.into(),
        switched_at: row.switched_at.map(Into::into),
        ended_at: row.ended_at.map(Into::into),
    })
}
