//! `Idempotency-Key`: the same key and body again gets the first answer; another body is a conflict.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use watchtower_hub::{Hub, HubError, random};
use watchtower_store::{DbError, Store};

use crate::caller::{BODY_BYTES_MAX, principal_of, read_body};
use crate::problem::Failure;

const KEY_BYTES_MAX: usize = 128;
/// A request that took longer has died with its hub or its connection.
const ABANDONED_MS: i64 = 120_000;

pub async fn replay(State(hub): State<Hub>, request: Request, next: Next) -> Result<Response, Failure> {
    let key =
        request.headers().get("idempotency-key").and_then(|value| value.to_str().ok()).map(String::from);
    let (Some(key), &Method::POST) = (key, request.method()) else {
        return Ok(next.run(request).await);
    };
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(HubError::invalid(
            "Idempotency-Key",
            format!("must have from 1 to {KEY_BYTES_MAX} bytes"),
        )
        .into());
    }
    // An answer is given again only to whom it could be given now; strangers have no keys.
    if principal_of(&hub, request.headers()).await.is_err() {
        return Ok(next.run(request).await);
    }
    let (parts, body) = request.into_parts();
    let bytes = read_body(body, BODY_BYTES_MAX).await?;
    // Keys are the caller's own: one must not read another's answers.
    let key = random::hash_secret(&format!("{}\0{}\0{key}", who(&parts.headers), parts.uri.path()));
    // Bodies hold passwords: what is kept of one must not let them be guessed.
    let body_hash = hub.keys.sealer.tag("idempotency-body", &bytes);
    if let Some(answered) = claim(&hub, &key, &body_hash).await? {
        return Ok(answered);
    }
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX)
        .await
        .map_err(|_| HubError::Internal("the answer could not be read".into()))?;
    let after = if head.status.is_success() {
        let reply = seal(&hub, &key, &bytes)?;
        Store::save_idempotent_reply(&key, &body_hash, head.status.as_u16(), &reply, hub.now())
    } else {
        Store::release_idempotency(&key)
    };
    hub.store.commit(vec![after]).await?;
    Ok(Response::from_parts(head, Body::from(bytes)))
}

/// Takes the key for this request, or gives the answer of the one before it.
async fn claim(hub: &Hub, key: &str, body_hash: &str) -> Result<Option<Response>, Failure> {
    let now = hub.now();
    let claim = Store::claim_idempotency(key, body_hash, now, now.plus_ms(-ABANDONED_MS));
    match hub.store.commit(claim).await {
        Ok(_) => return Ok(None),
        Err(DbError::Stale) => {}
        Err(error) => return Err(error.into()),
    }
    let in_progress =
        || HubError::Conflict("the first request with this Idempotency-Key is under way".into());
    let row = hub.store.idempotent_reply(key).await?.ok_or_else(in_progress)?;
    if row.body_hash != body_hash {
        return Err(HubError::Conflict("this Idempotency-Key was used with another body".into()).into());
    }
    let status = StatusCode::from_u16(row.status as u16).map_err(|_| in_progress())?;
    let reply =
        hub.keys.sealer.open(&sealed_for(key), &row.reply).map_err(|e| HubError::Internal(e.to_string()))?;
    Ok(Some(json(status, reply)))
}

fn sealed_for(key: &str) -> String {
    format!("idempotency:{key}")
}

/// Answers hold tokens and installers: they are stored as secrets are.
fn seal(hub: &Hub, key: &str, reply: &[u8]) -> Result<String, HubError> {
    hub.keys.sealer.seal(&sealed_for(key), reply).map_err(|e| HubError::Internal(e.to_string()))
}

fn who(headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok()).unwrap_or("").to_string();
    format!("{}\0{}", text(header::AUTHORIZATION), text(header::COOKIE))
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
