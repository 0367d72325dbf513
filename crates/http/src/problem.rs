//! Errors as RFC 9457 problems: a code, what went wrong, what to do next.

use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use watchtower_api_types::Problem;
use watchtower_hub::HubError;
use watchtower_hub::access::Denied;
use watchtower_hub::random;

/// What a handler fails with.
#[derive(Debug)]
pub struct Failure {
    pub error: HubError,
}

impl<E: Into<HubError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure { error: error.into() }
    }
}

pub fn denied(denied: Denied) -> Failure {
    HubError::Forbidden(denied.to_string()).into()
}

/// A path that exists, asked by another method.
pub async fn method_not_allowed(method: Method, uri: Uri) -> Response {
    let detail = format!("{} does not take {method}", uri.path());
    let title = "This path takes other methods";
    render(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", title, None, detail, None).0
}

/// Status, code, title, hint.
fn describe(error: &HubError) -> (StatusCode, &'static str, &'static str, Option<&'static str>) {
    match error {
        HubError::NotFound { .. } => (
            StatusCode::NOT_FOUND,
            "not_found",
            "Not found",
            Some("check the name, number or id; it may have been removed"),
        ),
        HubError::Invalid { .. } => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "validation",
            "Not acceptable",
            Some("correct the field and send it again"),
        ),
        HubError::Query(_) => {
            (StatusCode::UNPROCESSABLE_ENTITY, "query", "The query cannot be answered", None)
        }
        HubError::Conflict(_) => (StatusCode::CONFLICT, "conflict", "Conflict", None),
        HubError::Forbidden(_) => (
            StatusCode::FORBIDDEN,
            "forbidden",
            "Not allowed",
            Some("ask an administrator for the role or the scope"),
        ),
        HubError::Unauthenticated => (
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Not signed in",
            Some("sign in, or send an API token as Authorization: Bearer TOKEN"),
        ),
        HubError::RateLimited { .. } => {
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many attempts", None)
        }
        HubError::Unavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not available right now",
            Some("try again shortly"),
        ),
        HubError::Internal(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The hub failed",
            Some("the hub's log has the cause under this request id"),
        ),
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, code, title, hint) = describe(&self.error);
        let detail = self.error.public_text();
        let field = match &self.error {
            HubError::Invalid { field, .. } => Some(field.clone()),
            _ => None,
        };
        let (mut response, request_id) = render(status, code, title, hint, detail, field);
        if status.is_server_error() {
            tracing::error!(request_id, "{}", self.error);
        }
        let headers = response.headers_mut();
        let after = match &self.error {
            HubError::RateLimited { after_seconds } => Some(*after_seconds),
            HubError::Unavailable(_) => Some(5),
            _ => None,
        };
        if let Some(after) = after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after));
        }
        response
    }
}

/// The response, and the request id that is in it.
fn render(
    status: StatusCode,
    code: &str,
    title: &str,
    hint: Option<&str>,
    detail: String,
    field: Option<String>,
) -> (Response, String) {
    let request_id = random::hex(&random::bytes::<8>());
    let problem = Problem {
        kind: "about:blank".into(),
        title: title.into(),
        status: status.as_u16(),
        code: code.into(),
        detail,
        hint: hint.map(String::from),
        field,
        request_id: request_id.clone(),
    };
    let mut response = (status, serde_json::to_string(&problem).unwrap_or_default()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert("x-request-id", value);
    }
    (response, request_id)
}
