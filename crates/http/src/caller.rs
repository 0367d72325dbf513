//! Who calls which endpoint: every request passes through here before its handler.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method as HttpMethod, header};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use watchtower_api_types::endpoints::{ENDPOINTS, Endpoint, Method};
use watchtower_hub::access::{Object, Principal, authorize, by_session, by_token, is_session};
use watchtower_hub::servers::Server;
use watchtower_hub::{Hub, HubError};
use watchtower_matchers::Matchers;

use crate::problem::{Failure, denied};

/// The session's cookie. Over plain HTTP on loopback the `__Host-` prefix, which demands TLS, cannot be used.
pub const COOKIE_TLS: &str = "__Host-watchtower";
pub const COOKIE_PLAIN: &str = "watchtower";
/// Bytes of a request's body.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of a body that is too long which are still read.
const DRAINED_BYTES_MAX: usize = 16 * 1024 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
const PAGE_DEFAULT: i64 = 100;
const PAGE_MAX: i64 = 500;

pub type Reply<T> = Result<Json<T>, Failure>;

/// A caller whose role and scope cover the endpoint. Objects are asked for one by one.
pub struct Caller {
    pub hub: Hub,
    pub principal: Principal,
    pub endpoint: &'static Endpoint,
    /// The session's secret, to end it.
    pub session: Option<String>,
    query: HashMap<String, String>,
}

fn endpoint_of(method: &HttpMethod, path: &str) -> Option<&'static Endpoint> {
    let path = path.strip_prefix("/api/v1")?;
    let same = |wanted: Method| match wanted {
        Method::Get => *method == HttpMethod::GET || *method == HttpMethod::HEAD,
        Method::Post => *method == HttpMethod::POST,
        Method::Put => *method == HttpMethod::PUT,
        Method::Patch => *method == HttpMethod::PATCH,
        Method::Delete => *method == HttpMethod::DELETE,
    };
    ENDPOINTS.iter().find(|endpoint| endpoint.path == path && same(endpoint.method))
}

/// The session's secret from the cookie.
pub fn session_of(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        matches!(name, COOKIE_TLS | COOKIE_PLAIN).then(|| value.to_string())
    })
}

/// The token of `Authorization: Bearer`, or the password of basic authentication where a client can do no other.
pub fn token_of(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_string());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = crate::headers::decode_base64(rest.trim())?;
        return Some(String::from_utf8(decoded).ok()?.split_once(':')?.1.to_string());
    }
    None
}

/// The principal behind a request, and its session if it has one.
pub async fn principal_of(hub: &Hub, headers: &HeaderMap) -> Result<(Principal, Option<String>), HubError> {
    // A header that cannot be read must not fall back to the cookie, whose Origin nobody has checked then.
    if headers.contains_key(header::AUTHORIZATION) {
        let token = token_of(headers).ok_or(HubError::Unauthenticated)?;
        // A person at a command line has a session too: no page of another site can send this header.
        if is_session(&token) {
            return Ok((by_session(hub, &token).await?, Some(token)));
        }
        return Ok((by_token(hub, &token).await?, None));
    }
    let secret = session_of(headers).ok_or(HubError::Unauthenticated)?;
    Ok((by_session(hub, &secret).await?, Some(secret)))
}

impl FromRequestParts<Hub> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, Failure> {
        let path =
            parts.extensions.get::<MatchedPath>().map(|path| path.as_str().to_string()).unwrap_or_default();
        let endpoint = endpoint_of(&parts.method, &path).ok_or_else(|| {
            HubError::Internal(format!("{} {path} is not in the table of endpoints", parts.method))
        })?;
        let (principal, session) = principal_of(hub, &parts.headers).await?;
        authorize(&principal, endpoint.access, endpoint.id, Object::Global).map_err(denied)?;
        let query = crate::headers::parse_query(parts.uri.query().unwrap_or(""));
        if let Some(unknown) = query.keys().find(|name| !endpoint.query.contains(&name.as_str())) {
            let known = if endpoint.query.is_empty() { "none".into() } else { endpoint.query.join(", ") };
            return Err(HubError::invalid(
                unknown.clone(),
                format!("is not a parameter of this endpoint; known: {known}"),
            )
            .into());
        }
        Ok(Caller { hub: hub.clone(), principal, endpoint, session, query })
    }
}

impl Caller {
    /// A query parameter that is not empty.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A query parameter of a closed set of words, several by comma.
    pub fn words<T: std::str::FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<Vec<T>, Failure> {
        let parse = |word: &str| word.trim().parse().map_err(|e: T::Err| HubError::invalid(name, e).into());
        self.query(name).map_or(Ok(Vec::new()), |text| text.split(',').map(parse).collect())
    }

    pub fn limit(&self) -> Result<i64, Failure> {
        match self.query("limit").map(str::parse::<i64>) {
            None => Ok(PAGE_DEFAULT),
            Some(Ok(limit)) if (1..=PAGE_MAX).contains(&limit) => Ok(limit),
            Some(_) => Err(HubError::invalid("limit", format!("must be from 1 to {PAGE_MAX}")).into()),
        }
    }

    /// A cursor that is a number.
    pub fn cursor(&self) -> Result<Option<i64>, Failure> {
        let parsed = self.query("cursor").map(str::parse::<i64>).transpose();
        parsed.map_err(|_| HubError::invalid("cursor", "must be `next` of the page before").into())
    }

    /// The server of this id or name. One outside the caller's reach is as good as absent.
    pub fn server(&self, id_or_name: &str) -> Result<Arc<Server>, Failure> {
        let server = self.hub.servers.find(id_or_name);
        server
            .filter(|server| self.sees(server))
            .ok_or_else(|| HubError::not_found("server", id_or_name).into())
    }

    pub fn sees(&self, server: &Server) -> bool {
        let labels = server.with(|state| state.selector_labels());
        authorize(&self.principal, self.endpoint.access, self.endpoint.id, Object::Server(&labels)).is_ok()
    }

    /// Whether an object of this server may be seen; what has no server is for those who are not restricted to some.
    pub fn sees_server(&self, id: Option<watchtower_model::ServerId>) -> bool {
        match id {
            Some(id) => {
                self.hub.servers.get(id).map_or(self.principal.servers.is_none(), |server| self.sees(&server))
            }
            None => self.principal.servers.is_none(),
        }
    }

    /// Servers the caller may act on among those that match; an empty selector selects nothing.
    pub fn select(&self, on: &str) -> Result<Vec<Arc<Server>>, Failure> {
        let matchers: Matchers = on.parse().map_err(|e| HubError::invalid("on", e))?;
        if matchers.is_empty() {
            return Err(HubError::invalid(
                "on",
                "selects nothing: name servers by labels, such as env=\"prod\" or name=\"web-1\"",
            )
            .into());
        }
        Ok(self.hub.servers.select(&matchers).into_iter().filter(|server| self.sees(server)).collect())
    }

    /// Refuses callers who are restricted to some servers: the object concerns all of them.
    pub fn unrestricted(&self) -> Result<(), Failure> {
        match self.principal.servers {
            None => Ok(()),
            Some(_) => {
                Err(HubError::Forbidden("it concerns all servers, and you are restricted to some".into())
                    .into())
            }
        }
    }

    pub async fn audit(&self, object: &str, detail: &str) -> Result<(), Failure> {
        let hub = &self.hub;
        Ok(hub.store.append_audit(hub.now(), &self.principal.name, self.endpoint.id, object, detail).await?)
    }
}

/// A JSON body, whose errors name what is wrong and where.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Hub> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Hub) -> Result<Self, Failure> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("")
            .to_string();
        let bytes = read_body(request.into_body(), BODY_BYTES_MAX).await?;
        // A form of another site cannot send this type without asking first.
        if !kind.starts_with("application/json") && !bytes.is_empty() {
            return Err(HubError::invalid("Content-Type", "must be application/json").into());
        }
        let bytes = if bytes.is_empty() { Bytes::from_static(b"{}") } else { bytes };
        parse_json(&bytes).map(Body)
    }
}

/// Reads a body within its bound. What is too long is still read to a further bound and thrown away: a client that cannot
/// finish sending sees a broken connection instead of the answer.
pub async fn read_body(mut body: axum::body::Body, bytes_max: usize) -> Result<Bytes, HubError> {
    let too_long = || HubError::invalid("body", format!("is larger than {bytes_max} bytes"));
    let read = async {
        let (mut kept, mut read) = (Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| HubError::invalid("body", "could not be read to its end"))?;
            let Ok(data) = frame.into_data() else { continue };
            read += data.len();
            if read > bytes_max.max(DRAINED_BYTES_MAX) {
                return Err(too_long());
            }
            if read <= bytes_max {
                kept.extend_from_slice(&data);
            }
        }
        if read > bytes_max { Err(too_long()) } else { Ok(Bytes::from(kept)) }
    };
    let slow = || HubError::invalid("body", format!("did not arrive within {} s", BODY_TIMEOUT.as_secs()));
    tokio::time::timeout(BODY_TIMEOUT, read).await.map_err(|_| slow())?
}

/// As [`Body`], of what was read in another way.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        // serde names the field in backticks: `missing field `name``.
        let field = text.split('`').nth(1).unwrap_or("body").to_string();
        let why = if text.starts_with("missing field") { "is required".into() } else { text };
        HubError::invalid(field, why).into()
    })
}
