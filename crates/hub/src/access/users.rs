//! Users: made, changed, removed. Passwords are argon2id, hashed off the async threads, few at once.

use std::sync::LazyLock;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use tokio::sync::Semaphore;
use watchtower_api_types::{PasswordChange, UserInput, UserPatch};
use watchtower_incident::check_notify_rules;
use watchtower_matchers::Matchers;
use watchtower_model::{ChannelId, NotifyRule, UserId, check_line, check_name};
use watchtower_store::{DbError, Json, Store, TokenRow, UserRow};

use super::principal::Principal;
use crate::error::HubError;
use crate::{Hub, random};

const PASSWORD_CHARS_MIN: usize = 12;
const PASSWORD_BYTES_MAX: usize = 1024;
const CHANNELS_MAX: usize = 20;

/// Each hash takes 19 MiB: more than this at once would let strangers fill the memory.
static HASHING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));

pub fn check_new_password(field: &str, password: &str) -> Result<(), HubError> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(HubError::invalid(field, format!("must have at least {PASSWORD_CHARS_MIN} characters")));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(HubError::invalid(field, format!("must have at most {PASSWORD_BYTES_MAX} bytes")));
    }
    Ok(())
}

pub async fn hash_password(password: &str) -> Result<String, HubError> {
    let password = password.to_string();
    hashing(move || {
        let salt = random::bytes::<16>();
        Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map(|hash| hash.to_string())
    })
    .await?
    .map_err(|error| HubError::Internal(format!("hashing a password: {error}")))
}

/// Whether the password belongs to the hash.
pub async fn check_password(password: &str, hash: String) -> Result<bool, HubError> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Ok(false);
    }
    let password = password.to_string();
    hashing(move || {
        let parsed = PasswordHash::new(&hash);
        parsed.is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    })
    .await
}

async fn hashing<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Result<T, HubError> {
    let _slot = HASHING.acquire().await.map_err(|_| HubError::Unavailable("stopping".into()))?;
    tokio::task::spawn_blocking(body).await.map_err(|_| HubError::Internal("hashing ended abnormally".into()))
}

/// Whether a restriction to servers can be read.
pub fn check_servers(servers: Option<&str>) -> Result<(), HubError> {
    match servers.filter(|text| !text.is_empty()).map(str::parse::<Matchers>) {
        Some(Err(error)) => Err(HubError::invalid("servers", error)),
        _ => Ok(()),
    }
}

fn check_reached_by(hub: &Hub, channels: &[ChannelId], rules: &[NotifyRule]) -> Result<(), HubError> {
    if channels.len() > CHANNELS_MAX {
        return Err(HubError::invalid("channels", format!("at most {CHANNELS_MAX}")));
    }
    let objects = hub.objects();
    match channels.iter().find(|id| objects.channel(**id).is_none()) {
        Some(id) => Err(HubError::invalid("channels", format!("channel {id} does not exist"))),
        None => check_rules(rules, channels),
    }
}

fn check_rules(rules: &[NotifyRule], channels: &[ChannelId]) -> Result<(), HubError> {
    check_notify_rules(rules, channels).map_err(|error| {
        let text = error.to_string();
        let (field, text) = text.split_once(": ").unwrap_or(("notify_rules", &text));
        HubError::invalid(field, text)
    })
}

/// How a person is paged, by that person.
pub async fn set_notify_rules(hub: &Hub, id: UserId, rules: Vec<NotifyRule>) -> Result<UserRow, HubError> {
    let user = hub.store.user(id).await?.ok_or_else(|| HubError::not_found("user", id))?;
    patch_user(hub, user, UserPatch { notify_rules: Some(rules), ..UserPatch::default() }).await
}

pub async fn create_user(hub: &Hub, input: UserInput) -> Result<UserRow, HubError> {
    check_name(&input.name).map_err(|e| HubError::invalid("name", e))?;
    if let Some(email) = &input.email {
        check_line(email, 254).map_err(|e| HubError::invalid("email", e))?;
    }
    check_new_password("password", &input.password)?;
    check_servers(input.servers.as_deref())?;
    check_reached_by(hub, &input.channels, &input.notify_rules)?;
    let now = hub.now();
    let user = UserRow {
        id: UserId(random::id(now)),
        name: input.name,
        email: input.email,
        password_hash: hash_password(&input.password).await?,
        role: input.role.as_str().into(),
        servers: input.servers.filter(|text| !text.is_empty()),
        channels: Json(input.channels),
        notify_rules: Json(input.notify_rules),
        disabled: false,
        created_at: now,
        last_login_at: None,
    };
    let statements = vec![Store::save_user(&user), Store::insert_change("user", user.id, now)];
    hub.store.commit(statements).await.map_err(|error| match error {
        DbError::Unique(_) => HubError::Conflict(format!("a user named {} exists", user.name)),
        error => error.into(),
    })?;
    hub.logins.reload(&hub.store).await?;
    Ok(user)
}

pub async fn patch_user(hub: &Hub, user: UserRow, patch: UserPatch) -> Result<UserRow, HubError> {
    // The row is written back as a whole, and the last administrator counted: nobody else may do so in between.
    let _one_at_a_time = hub.configuring.lock().await;
    let mut user = hub.store.user(user.id).await?.ok_or_else(|| HubError::not_found("user", &user.name))?;
    if let Some(email) = patch.email {
        check_line(&email, 254).map_err(|e| HubError::invalid("email", e))?;
        user.email = Some(email).filter(|email| !email.is_empty());
    }
    if let Some(servers) = patch.servers {
        check_servers(Some(&servers))?;
        user.servers = Some(servers).filter(|text| !text.is_empty());
    }
    if patch.channels.is_some() || patch.notify_rules.is_some() {
        let channels = patch.channels.unwrap_or(user.channels.0);
        let rules = patch.notify_rules.unwrap_or(user.notify_rules.0);
        check_reached_by(hub, &channels, &rules)?;
        (user.channels, user.notify_rules) = (Json(channels), Json(rules));
    }
    let was_admin = user.role == "admin" && !user.disabled;
    user.role = patch.role.map_or(user.role, |role| role.as_str().into());
    user.disabled = patch.disabled.unwrap_or(user.disabled);
    if was_admin && (user.role != "admin" || user.disabled) {
        refuse_last_admin(hub, user.id).await?;
    }
    let mut statements = vec![Store::save_user(&user), Store::insert_change("user", user.id, hub.now())];
    if user.disabled {
        statements.push(Store::delete_sessions_of(user.id));
        statements.push(Store::revoke_tokens_of(&user.name, hub.now()));
    }
    hub.store.commit(statements).await?;
    hub.logins.reload(&hub.store).await?;
    Ok(user)
}

pub async fn delete_user(hub: &Hub, user: &UserRow) -> Result<(), HubError> {
    let _one_at_a_time = hub.configuring.lock().await;
    if user.role == "admin" {
        refuse_last_admin(hub, user.id).await?;
    }
    hub.store
        .commit(vec![
            Store::delete_user(user.id),
            Store::revoke_tokens_of(&user.name, hub.now()),
            Store::insert_change("user", user.id, hub.now()),
        ])
        .await?;
    hub.logins.reload(&hub.store).await
}

/// What stops working with a person: the names of the tokens they made that still hold.
pub async fn tokens_of(hub: &Hub, user: &UserRow) -> Result<Vec<String>, HubError> {
    let now = hub.now();
    let holds = |token: &TokenRow| {
        token.created_by == user.name
            && token.revoked_at.is_none()
            && token.expires_at.is_none_or(|at| at > now)
    };
    Ok(hub.store.tokens().await?.into_iter().filter(holds).map(|token| token.name).collect())
}

async fn refuse_last_admin(hub: &Hub, except: UserId) -> Result<(), HubError> {
    let users = hub.store.users().await?;
    if users.iter().any(|user| user.id != except && user.role == "admin" && !user.disabled) {
        return Ok(());
    }
    Err(HubError::Conflict("this is the last administrator: make another one first".into()))
}

/// One's own with the present one, or anybody's as administrator. Ends the other sessions.
pub async fn change_password(
    hub: &Hub,
    by: &Principal,
    user: UserRow,
    change: PasswordChange,
) -> Result<(), HubError> {
    let own = by.user == Some(user.id);
    if !own && by.role != watchtower_api_types::Role::Admin {
        return Err(HubError::Forbidden("only an administrator may change another user's password".into()));
    }
    check_new_password("new", &change.new)?;
    if own && !check_password(change.current.as_deref().unwrap_or(""), user.password_hash.clone()).await? {
        return Err(HubError::invalid("current", "is not your present password"));
    }
    let hash = hash_password(&change.new).await?;
    hub.store.commit(vec![Store::set_password(user.id, &hash), Store::delete_sessions_of(user.id)]).await?;
    Ok(())
}
