//! The first administrator: a one-time link, printed by the first start.

use watchtower_api_types::{Role, Setup, UserInput};

use super::login::{Opened, open_session};
use super::users::create_user;
use crate::error::HubError;
use crate::{Hub, random};

const META_HASH: &str = "setup_hash";
const META_EXPIRES: &str = "setup_expires_at";
/// How long the printed link works.
const LINK_MS: i64 = 3_600_000;

/// What the first start prints.
pub struct SetupLink {
    pub url: String,
}

/// Whether no administrator exists yet.
pub async fn setup_needed(hub: &Hub) -> Result<bool, HubError> {
    Ok(hub.store.users().await?.iter().all(|user| user.role != Role::Admin.as_str()))
}

/// Whether an administrator exists, or a token that acts as one: the bootstrap token ends with either.
pub(super) async fn administered(hub: &Hub) -> Result<bool, HubError> {
    let now = hub.now();
    let acts = |token: &watchtower_store::TokenRow| {
        token.role == Role::Admin.as_str()
            && token.revoked_at.is_none()
            && token.expires_at.is_none_or(|at| at > now)
    };
    Ok(!setup_needed(hub).await? || hub.store.tokens().await?.iter().any(acts))
}

/// Makes a new link, which ends the one before; none once an administrator exists.
pub async fn setup_link(hub: &Hub) -> Result<Option<SetupLink>, HubError> {
    if !setup_needed(hub).await? {
        return Ok(None);
    }
    let token = random::secret("");
    hub.store.set_meta(META_HASH, &random::hash_secret(&token)).await?;
    hub.store.set_meta(META_EXPIRES, &hub.now().plus_ms(LINK_MS).0.to_string()).await?;
    Ok(Some(SetupLink { url: format!("{}/setup?token={token}", hub.config.public_url) }))
}

/// Makes the first administrator and signs them in.
pub async fn setup(hub: &Hub, input: Setup) -> Result<Opened, HubError> {
    // Two at once with one link: the second finds the first one's administrator.
    let one_at_a_time = hub.configuring.lock().await;
    if !setup_needed(hub).await? {
        return Err(HubError::Conflict("an administrator exists already: sign in".into()));
    }
    let hash = hub.store.meta(META_HASH).await?;
    let expires = hub.store.meta(META_EXPIRES).await?.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
    if hash.as_deref() != Some(random::hash_secret(&input.token).as_str()) {
        return Err(HubError::Forbidden(
            "this setup link is not valid: use the newest one the hub printed".into(),
        ));
    }
    if expires <= hub.now().0 {
        return Err(HubError::Forbidden("this setup link has expired: restart the hub for a new one".into()));
    }
    let user = UserInput {
        name: input.name,
        email: input.email,
        password: input.password,
        role: Role::Admin,
        servers: None,
        channels: Vec::new(),
        notify_rules: Vec::new(),
    };
    let user = create_user(hub, user).await?;
    hub.store.delete_meta(META_HASH).await?;
    drop(one_at_a_time);
    hub.store.append_audit(hub.now(), &user.name, "setup", "", "made the first administrator").await?;
    open_session(hub, user).await
}
