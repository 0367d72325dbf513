//! Trust bundles out to agents, and what they say they go by.

use std::path::Path;

use ring::signature::{Ed25519KeyPair, KeyPair};
use watchtower_model::AgentId;
use watchtower_protocol::{HubMessage, TrustHeld, agent_id_of};
use watchtower_store::Store;

use crate::Hub;
use crate::error::HubError;

/// The agent whose state directory this is: the one that the hub itself keeps.
pub fn agent_id_in(state: &Path) -> Option<AgentId> {
    let key = std::fs::read(state.join("identity.key")).ok()?;
    let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&key).ok()?;
    Some(agent_id_of(key.public_key().as_ref()))
}

/// The present bundle, signed, with the address at which this agent reaches the hub.
fn message(hub: &Hub, agent: AgentId) -> HubMessage {
    let url = hub.links.url_of(agent).unwrap_or_else(|| hub.config.agent_url.clone());
    HubMessage::Bundle(hub.keys.signed_bundle(vec![url]))
}

/// What a new connection begins with: commands that follow may be signed by a key that the agent learns from it. Everyone has
/// the first bundle.
pub(super) fn greeting(hub: &Hub, agent: AgentId) -> Option<HubMessage> {
    let rotated = hub.keys.live().version > crate::keys::FIRST_VERSION;
    rotated.then(|| message(hub, agent))
}

/// Every connected agent gets the present bundle; the others get it when they come.
pub(crate) fn tell_all(hub: &Hub) {
    for (agent, link) in hub.links.all() {
        // A queue that is full belongs to a connection that is about to end.
        link.send(message(hub, agent));
    }
}

/// Stores what the agent goes by; one that is behind is told again.
pub(super) async fn take(hub: &Hub, agent: AgentId, held: TrustHeld) -> Result<Option<HubMessage>, HubError> {
    hub.store.commit(vec![Store::set_agent_trust(agent, held.version, held.executor)]).await?;
    // An executor that was not heard of yet says its version in a moment.
    let executor = held.executor.filter(|version| *version > 0).unwrap_or(held.version);
    let behind = held.version.min(executor) < hub.keys.live().version;
    Ok(behind.then(|| message(hub, agent)))
}
