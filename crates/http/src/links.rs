//! `/a/TOKEN`: where the links of pages lead. GET and HEAD show what it is about and change nothing, however often a mail scanner follows
//! the link; only POST, which the page's button and an app's action send, acknowledges.
//!
//! The page needs no script and no session: whoever holds the link may see this much of the incident, and acknowledge it.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use watchtower_hub::respond::links::{self, Linked};
use watchtower_hub::{Hub, HubError};

use crate::views::link_page::{STYLE, incident_page, plain_page};

pub fn routes() -> Router<Hub> {
    Router::new().route("/a/{token}", get(show).post(press))
}

async fn show(State(hub): State<Hub>, Path(token): Path<String>) -> Response {
    match links::look(&hub, &token).await.and_then(|linked| page(&hub, &linked)) {
        Ok(html) => answer(StatusCode::OK, html),
        Err(error) => refuse(&error),
    }
}

/// Leads back to the page, so that a browser that loads it again acknowledges nothing.
async fn press(State(hub): State<Hub>, Path(token): Path<String>) -> Response {
    let mut response = match links::press(&hub, &token).await {
        Ok(()) => finish(Redirect::to(&format!("/a/{token}")).into_response()),
        Err(error) => refuse(&error),
    };
    // Notifications in a browser ask from their own page whether it was taken; who has the token may read it anyway.
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn page(hub: &Hub, linked: &Linked) -> Result<String, HubError> {
    let incident = crate::views::incident(hub, &linked.incident)?;
    Ok(incident_page(&incident, hub.now()))
}

/// The same for everything that is no link, or no longer one.
fn refuse(error: &HubError) -> Response {
    let (status, title, text) = match error {
        HubError::NotFound { .. } => (
            StatusCode::NOT_FOUND,
            "This link does not work",
            "It has expired, or the channel that it was sent to is gone. Sign in to the dashboard to see what is open.",
        ),
        HubError::RateLimited { .. } => {
            (StatusCode::TOO_MANY_REQUESTS, "Too many requests", "Try again in some seconds.")
        }
        error => {
            tracing::error!("a link of a page: {error}");
            let text = "The incident may not be acknowledged. Try again, or sign in to the dashboard.";
            (StatusCode::INTERNAL_SERVER_ERROR, "The hub failed", text)
        }
    };
    let mut response = answer(status, plain_page(title, text));
    if let HubError::RateLimited { after_seconds } = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*after_seconds));
    }
    response
}

fn answer(status: StatusCode, html: String) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
    finish((status, kind, html).into_response())
}

/// Nothing but its own style is loaded, nobody keeps it, no search engine lists it.
fn finish(mut response: Response) -> Response {
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
    response
}
