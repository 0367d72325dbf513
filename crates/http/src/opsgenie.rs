//! Opsgenie's Alert API, for what still speaks it: alerts by `GenieKey`, each call answered by 202 behind its commit.
//!
//! A request's id is its alert's id: what became of the request is what became of the alert, on every hub. A call about an alert that
//! is not open is taken and changes nothing, as there.

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use watchtower_api_types::{IntegrationKind, Time};
use watchtower_hub::respond::signals::opsgenie::{self, Change, Update};
use watchtower_hub::respond::signals::{Action, Named, Sender, Signal, note, sender, take, told};
use watchtower_hub::{Hub, HubError, random};
use watchtower_model::Id;
use watchtower_store::AlertRow;

use crate::caller::{read_body, token_of};

/// Bytes of a call: a description alone may have 15,000 characters.
const CALL_BYTES_MAX: usize = 256 * 1024;
/// Seconds after which a sender may try again when the hub cannot say.
const RETRY_AFTER: u64 = 5;

pub fn routes() -> Router<Hub> {
    Router::new()
        .route("/v2/alerts", post(create))
        .route("/v2/alerts/requests/{request}", get(request_status))
        .route("/v2/alerts/{alert}/{action}", post(change).put(change))
}

/// A refusal in Opsgenie's words.
struct Refused {
    status: StatusCode,
    message: String,
    retry_after: Option<u64>,
}

impl Refused {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER);
        Refused { status, message: message.into(), retry_after }
    }
}

impl From<HubError> for Refused {
    fn from(error: HubError) -> Self {
        let text = error.public_text();
        match error {
            HubError::Unauthenticated => unknown_key(),
            HubError::Invalid { .. } => unprocessable(&text),
            HubError::RateLimited { after_seconds } => {
                let refused = Refused::new(StatusCode::TOO_MANY_REQUESTS, text);
                Refused { retry_after: Some(after_seconds), ..refused }
            }
            HubError::Internal(cause) => {
                tracing::error!("an alert by Opsgenie's API was not taken: {cause}");
                Refused::new(StatusCode::INTERNAL_SERVER_ERROR, text)
            }
            _ => Refused::new(StatusCode::SERVICE_UNAVAILABLE, text),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({"message": self.message, "took": 0.0, "requestId": fresh()});
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

fn unknown_key() -> Refused {
    Refused::new(StatusCode::UNAUTHORIZED, "Could not authenticate")
}

fn unprocessable(message: &str) -> Refused {
    Refused::new(StatusCode::UNPROCESSABLE_ENTITY, message)
}

/// An id that names nothing.
fn fresh() -> String {
    Id::from_bytes(random::bytes::<16>()).to_string()
}

fn caller(hub: &Hub, headers: &HeaderMap) -> Result<Sender, Refused> {
    let genie = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let genie = genie
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("geniekey"));
    let key =
        genie.map(|(_, key)| key.trim().to_string()).or_else(|| token_of(headers)).ok_or_else(unknown_key)?;
    Ok(sender(hub, &[IntegrationKind::Opsgenie], &key)?)
}

async fn create(State(hub): State<Hub>, request: Request) -> Result<Response, Refused> {
    let sender = caller(&hub, request.headers())?;
    let body = read_body(request.into_body(), CALL_BYTES_MAX).await?;
    let signal = opsgenie::create(&body).map_err(unprocessable)?;
    let keys = take(&hub, &sender, vec![signal]).await?;
    let alert = match keys.into_iter().next() {
        Some(key) => told(&hub, &sender, &Named::Key(key)).await?,
        None => None,
    };
    Ok(accepted(alert.as_ref()))
}

#[derive(Deserialize)]
struct ChangeQuery {
    #[serde(default, rename = "identifierType")]
    identifier_type: Option<String>,
}

async fn change(
    State(hub): State<Hub>,
    Path((identifier, action)): Path<(String, String)>,
    Query(query): Query<ChangeQuery>,
    request: Request,
) -> Result<Response, Refused> {
    let sender = caller(&hub, request.headers())?;
    let body = read_body(request.into_body(), CALL_BYTES_MAX).await?;
    let change = opsgenie::change(&action, &body)
        .ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, format!("'{action}' is not supported here")))?
        .map_err(unprocessable)?;
    let named = match query.identifier_type.as_deref().unwrap_or("id") {
        "alias" => Named::Key(identifier),
        "id" => Named::Id(identifier),
        _ => return Err(unprocessable("Identifier type should be one of [id, alias].")),
    };
    let alert = told(&hub, &sender, &named).await?;
    match &alert {
        Some(alert) => apply(&hub, &sender, alert, change).await?,
        // A key that was replaced is told of even then.
        None => drop(take(&hub, &sender, Vec::new()).await?),
    }
    Ok(accepted(alert.as_ref()))
}

async fn apply(hub: &Hub, sender: &Sender, alert: &AlertRow, change: Change) -> Result<(), HubError> {
    let signal = |action, severity, summary: &str| Signal {
        action,
        key: Some(alert.dedup_key.clone()),
        severity,
        summary: summary.to_string(),
        description: alert.description.clone(),
        labels: alert.labels.0.clone(),
        ends_at: None,
    };
    if let Some(text) = change.note {
        note(hub, sender, alert, text).await?;
    }
    let signals = match change.update {
        Update::Close => vec![signal(Action::Resolve, alert.severity, &alert.summary)],
        Update::Acknowledge => vec![signal(Action::Acknowledge, alert.severity, &alert.summary)],
        Update::Note => Vec::new(),
        Update::Message(message) => vec![signal(Action::Trigger, alert.severity, &message)],
        Update::Priority(severity) => vec![signal(Action::Trigger, severity, &alert.summary)],
    };
    take(hub, sender, signals).await.map(drop)
}

fn accepted(alert: Option<&AlertRow>) -> Response {
    let id = alert.map_or_else(fresh, |alert| alert.id.to_string());
    let body = json!({"result": "Request will be processed", "took": 0.0, "requestId": id});
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

async fn request_status(
    State(hub): State<Hub>,
    Path(request): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let sender = caller(&hub, &headers)?;
    let alert = told(&hub, &sender, &Named::Id(request.clone())).await?;
    let alert = alert.ok_or_else(|| {
        Refused::new(StatusCode::NOT_FOUND, "Request not found. It might not be processed, yet.")
    })?;
    let (action, status) =
        if alert.state == "resolved" { ("Close", "Closed alert") } else { ("Create", "Created alert") };
    let data: Value = json!({
        "success": true,
        "isSuccess": true,
        "action": action,
        "status": status,
        "alertId": alert.id,
        "alias": alert.dedup_key,
        "integrationId": sender.id(),
        "processedAt": Time::from(alert.last_seen_at),
    });
    Ok(Json(json!({"data": data, "took": 0.0, "requestId": request})).into_response())
}
