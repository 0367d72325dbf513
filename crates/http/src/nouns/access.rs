//! Setup, sessions, users, tokens, audit.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use watchtower_api_types::{
    AuditEntry, List, Login, Me, NotifyRulesInput, PasswordChange, Session, Setup, SetupStatus, Token,
    TokenCreated, TokenInput, User, UserInput, UserPatch,
};
use watchtower_hub::access::{self, Opened};
use watchtower_hub::{Hub, HubError};
use watchtower_store::UserRow;

use crate::caller::{Body, COOKIE_PLAIN, COOKIE_TLS, Caller, Reply};
use crate::problem::Failure;
use crate::views;

pub async fn setup_status(State(hub): State<Hub>) -> Reply<SetupStatus> {
    Ok(Json(SetupStatus { needed: access::setup_needed(&hub).await? }))
}

pub async fn setup(State(hub): State<Hub>, Body(input): Body<Setup>) -> Result<Response, Failure> {
    let opened = access::setup(&hub, input).await?;
    session_response(&hub, opened)
}

pub async fn login(State(hub): State<Hub>, Body(input): Body<Login>) -> Result<Response, Failure> {
    let opened = access::login(&hub, &input.name, &input.password).await?;
    session_response(&hub, opened)
}

/// Whether people reach us by TLS, so that the cookie may demand it.
fn over_tls(hub: &Hub) -> bool {
    hub.config.public_url.starts_with("https://")
}

fn cookie(hub: &Hub, value: &str, seconds: i64) -> Result<HeaderValue, Failure> {
    let (name, secure) = if over_tls(hub) { (COOKIE_TLS, "; Secure") } else { (COOKIE_PLAIN, "") };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).map_err(|e| HubError::Internal(e.to_string()).into())
}

fn session_response(hub: &Hub, opened: Opened) -> Result<Response, Failure> {
    let seconds = opened.expires_at.since(hub.now()) / 1000;
    let session = Session { user: views::user(opened.user), expires_at: opened.expires_at.into() };
    let mut response = Json(session).into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie(hub, &opened.secret, seconds)?);
    Ok(response)
}

pub async fn logout(caller: Caller) -> Result<Response, Failure> {
    if let Some(secret) = &caller.session {
        access::logout(&caller.hub, secret).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie(&caller.hub, "", 0)?);
    Ok(response)
}

pub async fn set_notify_rules(caller: Caller, Body(input): Body<NotifyRulesInput>) -> Reply<User> {
    let Some(id) = caller.principal.user else {
        return Err(
            HubError::Forbidden("a token is nobody who could be paged: sign in as a person".into()).into()
        );
    };
    let user = access::set_notify_rules(&caller.hub, id, input.notify_rules).await?;
    caller.audit(&user.name, "").await?;
    Ok(Json(views::user(user)))
}

pub async fn me(caller: Caller) -> Reply<Me> {
    let hub = &caller.hub;
    let user = match caller.principal.user {
        Some(id) => hub.store.user(id).await?.map(views::user),
        None => None,
    };
    Ok(Json(Me {
        user,
        name: caller.principal.name.clone(),
        role: caller.principal.role,
        scopes: caller.principal.scopes.clone(),
        servers: caller.principal.servers.as_ref().map(ToString::to_string),
        hub_version: env!("CARGO_PKG_VERSION").into(),
        agent_url: hub.config.agent_url.clone(),
        needs_catch_all: !hub
            .objects()
            .channels
            .iter()
            .any(|channel| channel.body.catch_all && channel.body.enabled),
    }))
}

pub async fn users(caller: Caller) -> Reply<List<User>> {
    let users = caller.hub.store.users().await?;
    Ok(Json(List { items: users.into_iter().map(views::user).collect(), next: None }))
}

async fn find(caller: &Caller, name: &str) -> Result<UserRow, Failure> {
    let user = caller.hub.store.find_user(name).await?;
    user.ok_or_else(|| HubError::not_found("user", name).into())
}

pub async fn create_user(caller: Caller, Body(input): Body<UserInput>) -> Reply<User> {
    // A new user could see more than its maker.
    caller.unrestricted()?;
    let user = access::create_user(&caller.hub, input).await?;
    caller.audit(&user.name, &format!("role {}", user.role)).await?;
    Ok(Json(views::user(user)))
}

pub async fn user(caller: Caller, Path(name): Path<String>) -> Reply<User> {
    Ok(Json(views::user(find(&caller, &name).await?)))
}

pub async fn update_user(
    caller: Caller,
    Path(name): Path<String>,
    Body(patch): Body<UserPatch>,
) -> Reply<User> {
    caller.unrestricted()?;
    let user = find(&caller, &name).await?;
    let theirs = match patch.disabled {
        Some(true) => access::tokens_of(&caller.hub, &user).await?,
        _ => Vec::new(),
    };
    let user = access::patch_user(&caller.hub, user, patch).await?;
    let detail = format!("role {}, disabled {}{}", user.role, user.disabled, revoked(&theirs));
    caller.audit(&user.name, &detail).await?;
    Ok(Json(views::user(user)))
}

pub async fn delete_user(caller: Caller, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    caller.unrestricted()?;
    let user = find(&caller, &name).await?;
    let theirs = access::tokens_of(&caller.hub, &user).await?;
    access::delete_user(&caller.hub, &user).await?;
    access::forget_browsers(&caller.hub, &caller.principal, &user).await?;
    caller.audit(&user.name, revoked(&theirs).trim_start_matches("; ")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What ended with a user, for the audit log.
fn revoked(tokens: &[String]) -> String {
    if tokens.is_empty() { String::new() } else { format!("; revoked tokens: {}", tokens.join(", ")) }
}

pub async fn password(
    caller: Caller,
    Path(name): Path<String>,
    Body(change): Body<PasswordChange>,
) -> Result<StatusCode, Failure> {
    // Whether the name exists is for administrators to know.
    let user = match caller.hub.store.find_user(&name).await? {
        Some(user) => user,
        None if caller.principal.role == watchtower_api_types::Role::Admin => {
            return Err(HubError::not_found("user", name).into());
        }
        None => {
            return Err(HubError::Forbidden(
                "only an administrator may change another user's password".into(),
            )
            .into());
        }
    };
    if caller.principal.user != Some(user.id) {
        caller.unrestricted()?;
    }
    let name = user.name.clone();
    access::change_password(&caller.hub, &caller.principal, user, change).await?;
    caller.audit(&name, "").await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn tokens(caller: Caller) -> Reply<List<Token>> {
    caller.unrestricted()?;
    let tokens = caller.hub.store.tokens().await?;
    Ok(Json(List { items: tokens.into_iter().map(views::token).collect(), next: None }))
}

pub async fn create_token(caller: Caller, Body(input): Body<TokenInput>) -> Reply<TokenCreated> {
    caller.unrestricted()?;
    let (row, secret) = access::create_token(&caller.hub, &caller.principal, input).await?;
    caller.audit(&row.name, &format!("role {}", row.role)).await?;
    Ok(Json(TokenCreated { token: views::token(row), secret }))
}

pub async fn delete_token(caller: Caller, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    caller.unrestricted()?;
    let tokens = caller.hub.store.tokens().await?;
    let found = tokens.into_iter().find(|token| token.id.to_string() == name || token.name == name);
    let token = found.ok_or_else(|| HubError::not_found("token", &name))?;
    access::revoke_token(&caller.hub, token.id).await?;
    caller.audit(&token.name, "").await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn audit(caller: Caller) -> Reply<List<AuditEntry>> {
    caller.unrestricted()?;
    let limit = caller.limit()?;
    let before = caller.cursor()?.unwrap_or(i64::MAX);
    let rows = caller.hub.store.audit(before, caller.query("actor"), caller.query("action"), limit).await?;
    let next =
        (rows.len() as i64 == limit).then(|| rows.last().map(|row| row.sequence.to_string())).flatten();
    let entry = |row: watchtower_store::AuditRow| AuditEntry {
        sequence: row.sequence,
        at: row.at.into(),
        actor: row.actor,
        action: row.action,
        object: row.object,
        detail: row.detail,
        hash: row.hash,
    };
    Ok(Json(List { items: rows.into_iter().map(entry).collect(), next }))
}
