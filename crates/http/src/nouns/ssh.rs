//! Keys of hosts, and saved credentials.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use watchtower_api_types::{
    Credential, CredentialInput, HostKey, HostKeyInput, HostKeyQuery, List, OfferedHostKey,
};
use watchtower_hub::HubError;
use watchtower_hub::deployments::{credentials, host_keys};
use watchtower_model::HostKeyId;

use crate::caller::{Body, Caller, Reply};
use crate::problem::Failure;
use crate::views;

pub async fn host_keys(caller: Caller) -> Reply<List<HostKey>> {
    caller.unrestricted()?;
    let limit = caller.limit()?;
    let after = caller.query("cursor").map(str::parse::<HostKeyId>).transpose();
    let after = after.map_err(|_| HubError::invalid("cursor", "must be `next` of the page before"))?;
    let rows = caller.hub.store.host_keys(after, limit).await?;
    let next = (rows.len() as i64 == limit).then(|| rows.last().map(|row| row.id.to_string())).flatten();
    Ok(Json(List { items: rows.into_iter().map(views::host_key).collect(), next }))
}

pub async fn offer(caller: Caller, Body(query): Body<HostKeyQuery>) -> Reply<OfferedHostKey> {
    // It connects to wherever the caller likes, by the hub's own network.
    caller.unrestricted()?;
    Ok(Json(views::offered(host_keys::offer(&caller.hub, &query, &caller.principal.name).await?)))
}

pub async fn confirm(caller: Caller, Body(input): Body<HostKeyInput>) -> Reply<HostKey> {
    caller.unrestricted()?;
    let replace = input.replace;
    let row = host_keys::confirm(&caller.hub, input, &caller.principal.name).await?;
    let instead = if replace { ", in place of its other keys" } else { "" };
    caller.audit(&format!("{}:{}", row.host, row.port), &format!("{}{instead}", row.fingerprint)).await?;
    Ok(Json(views::host_key(row)))
}

pub async fn revoke(caller: Caller, Path(id): Path<String>) -> Reply<HostKey> {
    caller.unrestricted()?;
    let id: HostKeyId = id.parse().map_err(|_| HubError::not_found("host key", &id))?;
    let row = host_keys::revoke(&caller.hub, id).await?;
    caller.audit(&format!("{}:{}", row.host, row.port), &row.fingerprint).await?;
    Ok(Json(views::host_key(row)))
}

pub async fn credentials(caller: Caller) -> Reply<List<Credential>> {
    caller.unrestricted()?;
    let rows = caller.hub.store.credentials().await?;
    Ok(Json(List { items: rows.into_iter().map(views::credential).collect(), next: None }))
}

pub async fn create_credential(caller: Caller, Body(input): Body<CredentialInput>) -> Reply<Credential> {
    caller.unrestricted()?;
    let row = credentials::create(&caller.hub, input, &caller.principal.name).await?;
    caller.audit(&row.name, &format!("{} of {}", row.kind, row.user_name)).await?;
    Ok(Json(views::credential(row)))
}

pub async fn delete_credential(caller: Caller, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    caller.unrestricted()?;
    let row = credentials::find(&caller.hub, &name).await?;
    credentials::delete(&caller.hub, row.id).await?;
    caller.audit(&row.name, "").await?;
    Ok(StatusCode::NO_CONTENT)
}
