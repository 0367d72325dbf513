//! `Idempotency-Key`: the same key and body again gets the first answer; another body is a conflict.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use watchtower_hub::{Hub, HubError, random};
use watchtower_store::Store;

use crate::caller::BODY_BYTES_MAX;
use crate::problem::Failure;

const KEY_BYTES_MAX: usize = 128;

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
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, BODY_BYTES_MAX)
        .await
        .map_err(|_| HubError::invalid("body", format!("is larger than {BODY_BYTES_MAX} bytes")))?;
    // Keys are the caller's own: one must not read another's answers.
    let key = random::hash_secret(&format!("{}\0{}\0{key}", who(&parts.headers), parts.uri.path()));
    let body_hash = random::hash_secret(&String::from_utf8_lossy(&bytes));
    if let Some(row) = hub.store.idempotent_reply(&key).await? {
        if row.body_hash != body_hash {
            return Err(HubError::Conflict("this Idempotency-Key was used with another body".into()).into());
        }
        let status = StatusCode::from_u16(row.status as u16).unwrap_or(StatusCode::OK);
        return Ok(json(status, row.reply));
    }
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, BODY_BYTES_MAX)
        .await
        .map_err(|_| HubError::Internal("the answer is too large".into()))?;
    if head.status.is_success() {
        let reply = String::from_utf8_lossy(&bytes).into_owned();
        let save = Store::save_idempotent_reply(&key, &body_hash, head.status.as_u16(), &reply, hub.now());
        hub.store.commit(vec![save]).await?;
    }
    Ok(Response::from_parts(head, Body::from(bytes)))
}

fn who(headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok()).unwrap_or("").to_string();
    format!("{}\0{}", text(header::AUTHORIZATION), text(header::COOKIE))
}

fn json(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
