//! `POST /integrations/slack/actions`: buttons pressed in Slack, signed by it.
//!
//! <https://docs.slack.dev/interactivity/handling-user-interaction>: 200 within three seconds, the rest behind that.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use watchtower_hub::respond::slack::{self, SlackPress};
use watchtower_hub::{Hub, HubError};

use crate::caller::read_body;
use crate::headers::parse_query;
use crate::problem::Failure;

/// A payload holds the whole message that the button is in.
const BODY_BYTES_MAX: usize = 256 * 1024;

pub fn routes() -> Router<Hub> {
    Router::new().route("/integrations/slack/actions", post(take))
}

async fn take(State(hub): State<Hub>, request: Request) -> Result<StatusCode, Failure> {
    let (head, body) = request.into_parts();
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let [timestamp, signature] =
        ["x-slack-request-timestamp", "x-slack-signature"].map(|name| text(&head.headers, name));
    let signed = slack::signed(&hub, &timestamp, &signature, &body).await?;
    let form = parse_query(std::str::from_utf8(&body).map_err(|e| HubError::invalid("body", e))?);
    // Other buttons, such as those that open a page, are told as well.
    if let Some(press) = form.get("payload").and_then(|payload| SlackPress::read(payload)) {
        tokio::spawn(async move { slack::take(&hub, &signed, &press).await });
    }
    Ok(StatusCode::OK)
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_string()
}
