//! API tokens: shown once, stored hashed.

use watchtower_api_types::{TokenInput, TokenScope};
use watchtower_matchers::Matchers;
use watchtower_model::{TokenId, check_name};
use watchtower_store::{Json, Store, TokenRow};

use super::authority::current;
use super::principal::Principal;
use crate::error::HubError;
use crate::{Hub, random};

const EXPIRES_SECONDS_MAX: u64 = 10 * 365 * 86_400;

/// Makes a token; nobody can give one more rights than they have.
pub async fn create_token(
    hub: &Hub,
    by: &Principal,
    input: TokenInput,
) -> Result<(TokenRow, String), HubError> {
    check_name(&input.name).map_err(|e| HubError::invalid("name", e))?;
    if input.role > by.role {
        return Err(HubError::Forbidden(format!(
            "you are {}: a token cannot have the role {}",
            by.role, input.role
        )));
    }
    if input.expires_in_seconds.is_some_and(|seconds| seconds == 0 || seconds > EXPIRES_SECONDS_MAX) {
        return Err(HubError::invalid(
            "expires_in_seconds",
            format!("must be from 1 to {EXPIRES_SECONDS_MAX}"),
        ));
    }
    // Who is disabled meanwhile loses the tokens made until then: none may be made behind it.
    let _one_at_a_time = hub.configuring.lock().await;
    current(hub, by.authority).await?;
    let now = hub.now();
    let scopes = if input.scopes.is_empty() { vec![TokenScope::All] } else { input.scopes };
    let token = TokenRow {
        id: TokenId(random::id(now)),
        name: input.name,
        role: input.role.as_str().into(),
        scopes: Json(scopes.iter().map(|scope| scope.as_str().to_string()).collect()),
        servers: narrowed(input.servers.as_deref().unwrap_or(""), by)?,
        // Of a token that a token made, the person is still the same.
        created_by: by.person.clone(),
        created_at: now,
        expires_at: input.expires_in_seconds.map(|seconds| now.plus_ms(seconds as i64 * 1000)),
        last_used_at: None,
        revoked_at: None,
    };
    let secret = random::secret("wt_");
    hub.store.commit(vec![Store::insert_token(&token, &random::hash_secret(&secret))]).await?;
    Ok((token, secret))
}

/// What was asked for, within what its maker may see.
fn narrowed(asked: &str, by: &Principal) -> Result<Option<String>, HubError> {
    let mut all = Matchers::default();
    if !asked.is_empty() {
        all = asked.parse().map_err(|e| HubError::invalid("servers", e))?;
    }
    for matcher in by.servers.iter().flat_map(|own| own.iter()) {
        all.push(matcher.clone());
    }
    Ok(Some(all.to_string()).filter(|_| !all.is_empty()))
}

pub async fn revoke_token(hub: &Hub, id: TokenId) -> Result<(), HubError> {
    hub.store.commit(vec![Store::revoke_token(id, hub.now())]).await?;
    Ok(())
}
