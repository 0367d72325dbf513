//! Where jobs tell that they ran, as to healthchecks.io: `/ping/KEY` of a heartbeat, or `/ping/KEY/SLUG` below an integration's key,
//! with `/start`, `/fail`, `/log` or an exit code behind it. GET, HEAD and POST alike; the body of a POST is kept.
//!
//! <https://healthchecks.io/docs/http_api/>

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde::Deserialize;
use watchtower_api_types::PingKind;
use watchtower_hub::heartbeats::{PING_BODY_BYTES_MAX, Ping, by_key, by_slug, ping};
use watchtower_hub::{Hub, HubError};
use watchtower_model::Id;

use crate::caller::{BODY_BYTES_MAX, read_body};

/// Bytes of a user agent that are kept.
const SENT_BY_BYTES_MAX: usize = 200;
/// Seconds after which a job may try again when the hub cannot say.
const RETRY_AFTER: u64 = 5;

pub fn routes() -> Router<Hub> {
    Router::new()
        .route("/ping/{key}", methods())
        .route("/ping/{key}/{one}", methods())
        .route("/ping/{key}/{one}/{two}", methods())
}

fn methods() -> MethodRouter<Hub> {
    get(take).post(take)
}

#[derive(Deserialize)]
struct PingQuery {
    rid: Option<String>,
    create: Option<String>,
}

/// What the parts of a path name.
#[derive(Debug, PartialEq, Eq)]
struct Named<'a> {
    key: &'a str,
    slug: Option<&'a str>,
    kind: PingKind,
    exit_code: Option<u8>,
}

async fn take(
    State(hub): State<Hub>,
    Path(parts): Path<Vec<(String, String)>>,
    Query(query): Query<PingQuery>,
    request: Request,
) -> Response {
    let parts: Vec<&str> = parts.iter().map(|(_, part)| part.as_str()).collect();
    let mut response = taken(&hub, &parts, query, request).await.unwrap_or_else(|error| refuse(&error));
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert("ping-body-limit", HeaderValue::from(PING_BODY_BYTES_MAX));
    response
}

async fn taken(hub: &Hub, parts: &[&str], query: PingQuery, request: Request) -> Result<Response, HubError> {
    let Some(named) = named(parts) else {
        return Ok((StatusCode::BAD_REQUEST, "invalid url format").into_response());
    };
    if query.rid.as_ref().is_some_and(|rid| rid.parse::<Id>().is_err()) {
        return Ok((StatusCode::BAD_REQUEST, "invalid uuid format").into_response());
    }
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let sent_by = format!("{} {agent}", request.method());
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let (heartbeat, made) = match named.slug {
        Some(slug) => by_slug(hub, named.key, slug, query.create.as_deref() == Some("1")).await?,
        None => (by_key(hub, named.key)?, false),
    };
    let said = Ping {
        kind: named.kind,
        exit_code: named.exit_code,
        rid: query.rid,
        sent_by: watchtower_model::truncate(sent_by.trim_end(), SENT_BY_BYTES_MAX).to_string(),
        body: text_of(&body),
    };
    ping(hub, &heartbeat, said, hub.now()).await?;
    let answer = if made { (StatusCode::CREATED, "Created") } else { (StatusCode::OK, "OK") };
    Ok(answer.into_response())
}

/// A UUID is a heartbeat's own key; before a slug it is that of an integration.
fn named<'a>(parts: &[&'a str]) -> Option<Named<'a>> {
    let (&key, rest) = parts.split_first()?;
    let (slug, rest) = match rest.split_first() {
        Some((slug, rest)) if key.parse::<Id>().is_err() => (Some(*slug), rest),
        _ => (None, rest),
    };
    let (kind, exit_code) = match rest {
        [] => (PingKind::Success, None),
        ["start"] => (PingKind::Start, None),
        ["fail"] => (PingKind::Fail, None),
        ["log"] => (PingKind::Log, None),
        [code] => {
            let digits = code.bytes().all(|b| b.is_ascii_digit());
            let code = code.parse::<u8>().ok().filter(|_| digits)?;
            (if code == 0 { PingKind::Success } else { PingKind::Fail }, Some(code))
        }
        _ => return None,
    };
    Some(Named { key, slug, kind, exit_code })
}

fn text_of(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(PING_BODY_BYTES_MAX)]);
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c }).collect()
}

fn refuse(error: &HubError) -> Response {
    let (status, after) = match error {
        HubError::NotFound { .. } => return (StatusCode::NOT_FOUND, "not found").into_response(),
        HubError::Invalid { .. } => {
            return (StatusCode::BAD_REQUEST, error.public_text()).into_response();
        }
        HubError::RateLimited { after_seconds } => (StatusCode::TOO_MANY_REQUESTS, *after_seconds),
        HubError::Internal(cause) => {
            tracing::error!("a ping was not taken: {cause}");
            (StatusCode::INTERNAL_SERVER_ERROR, RETRY_AFTER)
        }
        _ => (StatusCode::SERVICE_UNAVAILABLE, RETRY_AFTER),
    };
    (status, [(header::RETRY_AFTER, after.to_string())], error.public_text()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278";

    #[test]
    fn paths_are_those_of_healthchecks() {
        let own = |kind, exit_code| Some(Named { key: UUID, slug: None, kind, exit_code });
        assert_eq!(named(&[UUID]), own(PingKind::Success, None));
        assert_eq!(named(&[UUID, "start"]), own(PingKind::Start, None));
        assert_eq!(named(&[UUID, "0"]), own(PingKind::Success, Some(0)));
        assert_eq!(named(&[UUID, "255"]), own(PingKind::Fail, Some(255)));
        for wrong in ["256", "-1", "+1", "begin", ""] {
            assert_eq!(named(&[UUID, wrong]), None, "{wrong}");
        }
        assert_eq!(named(&[UUID, "start", "x"]), None);
        let slug = |slug, kind| Some(Named { key: "abc", slug: Some(slug), kind, exit_code: None });
        assert_eq!(named(&["abc", "start"]), slug("start", PingKind::Success));
        assert_eq!(named(&["abc", "backup", "fail"]), slug("backup", PingKind::Fail));
    }
}
