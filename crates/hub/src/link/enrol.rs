//! Enrolment: a one-time token becomes an agent's key.

use watchtower_model::{AgentId, ServerId, Severity};
use watchtower_protocol::{Refusal, RefusalCode};
use watchtower_store::{DbError, Store};

use crate::error::HubError;
use crate::ingest::{Raise, raise};
use crate::{Hub, random};

/// How long a token may be used.
pub const TOKEN_MS: i64 = 3_600_000;

/// A token, in the clear for the only time.
pub struct Enrolled {
    pub token: String,
    pub expires_at: watchtower_model::Timestamp,
}

/// Makes a one-time token for a server.
pub async fn make_token(hub: &Hub, server: ServerId, by: &str) -> Result<Enrolled, HubError> {
    let token = random::secret("wte_");
    let now = hub.now();
    let expires_at = now.plus_ms(TOKEN_MS);
    let insert = Store::insert_enrol_token(&random::hash_secret(&token), server, by, now, expires_at);
    hub.store.commit(vec![insert]).await?;
    Ok(Enrolled { token, expires_at })
}

/// Uses a token for this key. The same key may use its token again: its first answer may have been lost.
pub(super) async fn enrol(
    hub: &Hub,
    token: &str,
    agent: AgentId,
    public_key: &[u8],
) -> Result<ServerId, Refusal> {
    let hash = random::hash_secret(token);
    let refuse = |code, message: &str| Refusal { code, message: message.into() };
    let broken = |_| refuse(RefusalCode::Busy, "the hub cannot enrol agents right now");
    let now = hub.now();
    let Some(row) = hub.store.enrol_token(&hash).await.map_err(broken)? else {
        return Err(refuse(
            RefusalCode::TokenUnknown,
            "this enrolment token does not exist; make a new installer",
        ));
    };
    match (row.used_at, row.agent_id) {
        (Some(_), Some(used_by)) if used_by == agent => {
            return still_enrolled(hub, agent, row.server_id).await;
        }
        (Some(_), _) => {
            tell_reuse(hub, row.server_id).await;
            return Err(refuse(
                RefusalCode::TokenUsed,
                "this enrolment token was used already; make a new installer",
            ));
        }
        _ if row.expires_at <= now => {
            return Err(refuse(
                RefusalCode::TokenExpired,
                "this enrolment token has expired; make a new installer",
            ));
        }
        _ => {}
    }
    match use_token(hub, &hash, agent, row.server_id, public_key).await {
        Ok(()) => {}
        Err(DbError::Stale) => {
            tell_reuse(hub, row.server_id).await;
            return Err(refuse(
                RefusalCode::TokenUsed,
                "this enrolment token was used already; make a new installer",
            ));
        }
        Err(DbError::Unique(_)) => {
            return Err(refuse(
                RefusalCode::BadHandshake,
                "this key is enrolled already; remove the agent's state and repeat",
            ));
        }
        Err(error) => return Err(broken(error)),
    }
    replace_agent(hub, row.server_id, agent);
    let _ = hub
        .store
        .append_audit(now, "hub", "agent.enrol", &row.server_id.to_string(), &format!("agent {agent}"))
        .await;
    Ok(row.server_id)
}

/// Running the installer again replaces program and units, not the key.
async fn use_token(
    hub: &Hub,
    hash: &str,
    agent: AgentId,
    server: ServerId,
    public_key: &[u8],
) -> Result<(), DbError> {
    let known = hub.store.agent(agent).await?;
    if known.is_some_and(|known| known.revoked_at.is_none() && known.server_id == server) {
        hub.store.enrol_again(hash, agent, hub.now()).await
    } else {
        hub.store.enrol(hash, agent, server, public_key, hub.now()).await
    }
}

/// The agent that the server had before is out at once.
fn replace_agent(hub: &Hub, server: ServerId, agent: AgentId) {
    let Some(server) = hub.servers.get(server) else { return };
    let before = server.with(|state| state.agent_id.replace(agent));
    if let Some(before) = before.filter(|before| *before != agent) {
        hub.links.close(before);
    }
}

/// A used token proves no more than the key that used it: once that is revoked, the token opens nothing.
async fn still_enrolled(hub: &Hub, agent: AgentId, server: ServerId) -> Result<ServerId, Refusal> {
    match hub.store.agent(agent).await {
        Ok(Some(known)) if known.revoked_at.is_none() && known.server_id == server => Ok(server),
        Ok(_) => Err(Refusal {
            code: RefusalCode::Revoked,
            message: "this agent's key was revoked; make a new installer".into(),
        }),
        Err(_) => {
            Err(Refusal { code: RefusalCode::Busy, message: "the hub's database is not available".into() })
        }
    }
}

async fn tell_reuse(hub: &Hub, server: ServerId) {
    let text =
        "an enrolment token was used a second time, by another key: somebody may have copied the installer";
    if let Err(error) =
        raise(hub, Raise::hub("agent.token_reused", Some(server), Severity::Error, text)).await
    {
        tracing::error!("raising agent.token_reused: {error}");
    }
}
