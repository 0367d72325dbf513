//! Signing in, with limits per account and in total.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use watchtower_model::{Timestamp, UserId};
use watchtower_store::{Store, UserRow};

use super::users::check_password;
use crate::error::HubError;
use crate::{Hub, random};

/// How long a session lasts.
pub const SESSION_MS: i64 = 30 * 86_400_000;
/// How its secret begins, by which it is told from an API token.
const SESSION_PREFIX: &str = "wts_";
/// Tries per account: 5 at once, then one in 10 s.
const ACCOUNT_PER_SECOND: f64 = 0.1;
const ACCOUNT_BURST: u32 = 5;
/// Tries over all accounts.
const TOTAL_PER_SECOND: f64 = 5.0;
const TOTAL_BURST: u32 = 50;

/// The users in memory, for names and channels at step time.
#[derive(Default)]
pub struct LoginLimits {
    people: RwLock<Arc<HashMap<UserId, UserRow>>>,
}

impl LoginLimits {
    pub fn people(&self) -> Arc<HashMap<UserId, UserRow>> {
        Arc::clone(&self.people.read().expect("no code panics while it holds the users"))
    }

    pub(crate) async fn reload(&self, store: &Store) -> Result<(), HubError> {
        let users = store.users().await?.into_iter().map(|user| (user.id, user)).collect();
        *self.people.write().expect("no code panics while it holds the users") = Arc::new(users);
        Ok(())
    }
}

/// A new session.
pub struct Opened {
    pub secret: String,
    pub user: UserRow,
    pub expires_at: Timestamp,
}

pub async fn login(hub: &Hub, name: &str, password: &str) -> Result<Opened, HubError> {
    let account = format!("login/{}", random::hash_secret(name));
    // The account first: whoever hammers on one must not use up what all share.
    let allowed = hub.bus.take(&account, ACCOUNT_PER_SECOND, ACCOUNT_BURST).await
        && hub.bus.take("login-total", TOTAL_PER_SECOND, TOTAL_BURST).await;
    if !allowed {
        return Err(HubError::RateLimited { after_seconds: 10 });
    }
    let user = hub.store.find_user(name).await?.filter(|user| !user.disabled);
    // The same work whether the name exists or not, so that time does not tell.
    let hash = user.as_ref().map_or(DUMMY_HASH, |user| user.password_hash.as_str()).to_string();
    let good = check_password(password, hash).await?;
    match user {
        Some(user) if good => open_session(hub, user).await,
        _ => {
            let actor: String = name.chars().take(64).collect();
            hub.store.append_audit(hub.now(), &actor, "login.failed", "", "").await?;
            Err(HubError::Forbidden("the name or the password is wrong".into()))
        }
    }
}

/// argon2id of a random password that nobody knows.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$KAAyOMyHFzBJVHrP5Ty1uC5sLrYAUT9VdGfqYWcSEFs";

pub(super) async fn open_session(hub: &Hub, user: UserRow) -> Result<Opened, HubError> {
    let now = hub.now();
    let secret = random::secret(SESSION_PREFIX);
    let expires_at = now.plus_ms(SESSION_MS);
    let user = UserRow { last_login_at: Some(now), ..user };
    let statements = vec![
        Store::touch_user(user.id, now),
        Store::insert_session(&random::hash_secret(&secret), user.id, now, expires_at),
    ];
    hub.store.commit(statements).await?;
    hub.store.append_audit(now, &user.name, "login", "", "").await?;
    Ok(Opened { secret, user, expires_at })
}

/// Whether a secret is that of a session, wherever it stands.
pub fn is_session(secret: &str) -> bool {
    secret.starts_with(SESSION_PREFIX)
}

pub async fn logout(hub: &Hub, secret: &str) -> Result<(), HubError> {
    hub.store.commit(vec![Store::delete_session(&random::hash_secret(secret))]).await?;
    Ok(())
}
