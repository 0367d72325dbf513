//! `POST /integrations/twilio/calls/TOKEN` and `/integrations/twilio/messages`: what people answer by telephone. Answers are TwiML.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use watchtower_hub::respond::twilio::{self, Form, reply, say};
use watchtower_hub::{Hub, HubError};

use crate::caller::read_body;
use crate::headers::parse_pairs;
use crate::problem::Failure;

/// A text message has at most 1,600 characters, and some thirty fields beside it.
const BODY_BYTES_MAX: usize = 32 * 1024;

pub fn routes() -> Router<Hub> {
    Router::new()
        .route("/integrations/twilio/calls/{token}", post(digits))
        .route("/integrations/twilio/messages", post(message))
}

async fn digits(
    State(hub): State<Hub>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let said = twilio::digits(&hub, &token, &form(request).await?).await?;
    Ok(twiml(say(&said)))
}

async fn message(State(hub): State<Hub>, request: Request) -> Result<Response, Failure> {
    let said = twilio::message(&hub, &form(request).await?).await?;
    Ok(twiml(reply(&said)))
}

async fn form(request: Request) -> Result<Form, HubError> {
    let (head, body) = request.into_parts();
    let signature = head.headers.get("x-twilio-signature").and_then(|value| value.to_str().ok());
    let signature = signature.unwrap_or_default().to_string();
    let body = read_body(body, BODY_BYTES_MAX).await?;
    let text = std::str::from_utf8(&body).map_err(|error| HubError::invalid("body", error))?;
    Ok(Form { fields: parse_pairs(text), signature })
}

fn twiml(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], text).into_response()
}
