//! Opsgenie's Alert API, for what still speaks it: alerts by `GenieKey`, each call answered by 202 behind its commit.
//!
//! As there, a call that cannot be done is answered by 202, too: why not is in the status of its request, and in the timeline.

mod shown;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use watchtower_api_types::{IntegrationKind, Time};
use watchtower_hub::respond::signals::opsgenie::{self, Change};
use watchtower_hub::respond::signals::{Named, Sender, change, create, sender};
use watchtower_hub::{Hub, HubError, random};
use watchtower_model::Id;

use crate::caller::{read_body, token_of};

/// Bytes of a call: a description alone may have 15,000 characters.
const CALL_BYTES_MAX: usize = 256 * 1024;
/// Seconds after which a sender may try again when the hub cannot say.
const RETRY_AFTER: u64 = 5;

pub fn routes() -> Router<Hub> {
    Router::new()
        .route("/v2/alerts", post(begin))
        .route("/v2/alerts/requests/{request}", get(request_status))
        .route("/v2/alerts/{alert}", get(shown::alert).delete(end))
        .route("/v2/alerts/{alert}/{action}", post(say).put(say).delete(remove))
        .route("/v2/alerts/{alert}/actions/{name}", post(custom))
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

async fn begin(State(hub): State<Hub>, request: Request) -> Result<Response, Refused> {
    let sender = caller(&hub, request.headers())?;
    let body = read_body(request.into_body(), CALL_BYTES_MAX).await?;
    let signal = opsgenie::create(&body).map_err(unprocessable)?;
    Ok(accepted(create(&hub, &sender, signal).await?))
}

#[derive(Deserialize)]
struct ChangeQuery {
    #[serde(default, rename = "identifierType")]
    identifier_type: Option<String>,
    #[serde(default)]
    tags: String,
    #[serde(default)]
    keys: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    user: String,
}

impl ChangeQuery {
    fn named(&self, identifier: String) -> Result<Named, Refused> {
        match self.identifier_type.as_deref().unwrap_or("id") {
            "alias" => Ok(Named::Key(identifier)),
            "id" => Ok(Named::Id(identifier)),
            "tiny" => Ok(Named::Number(identifier)),
            _ => Err(unprocessable("Identifier type should be one of [id, alias, tiny].")),
        }
    }
}

/// A change that was read, or why it cannot be.
type Read = Option<Result<Change, &'static str>>;

async fn changed(
    hub: &Hub,
    sender: &Sender,
    named: &Named,
    action: &str,
    read: Read,
) -> Result<Response, Refused> {
    let unknown = || Refused::new(StatusCode::NOT_FOUND, format!("'{action}' is not supported here"));
    let read = read.ok_or_else(unknown)?.map_err(unprocessable)?;
    Ok(accepted(change(hub, sender, named, read).await?))
}

async fn say(
    State(hub): State<Hub>,
    Path((identifier, action)): Path<(String, String)>,
    Query(query): Query<ChangeQuery>,
    request: Request,
) -> Result<Response, Refused> {
    let sender = caller(&hub, request.headers())?;
    let body = read_body(request.into_body(), CALL_BYTES_MAX).await?;
    let named = query.named(identifier)?;
    changed(&hub, &sender, &named, &action, opsgenie::change(&action, &body)).await
}

async fn custom(
    State(hub): State<Hub>,
    Path((identifier, name)): Path<(String, String)>,
    Query(query): Query<ChangeQuery>,
    request: Request,
) -> Result<Response, Refused> {
    let sender = caller(&hub, request.headers())?;
    let body = read_body(request.into_body(), CALL_BYTES_MAX).await?;
    let named = query.named(identifier)?;
    changed(&hub, &sender, &named, &name, Some(opsgenie::custom(&name, &body))).await
}

async fn remove(
    State(hub): State<Hub>,
    Path((identifier, action)): Path<(String, String)>,
    Query(query): Query<ChangeQuery>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let sender = caller(&hub, &headers)?;
    let names = if action == "tags" { &query.tags } else { &query.keys };
    let read = opsgenie::removal(&action, names, &query.note, &query.user);
    changed(&hub, &sender, &query.named(identifier)?, &action, read).await
}

async fn end(
    State(hub): State<Hub>,
    Path(identifier): Path<String>,
    Query(query): Query<ChangeQuery>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let sender = caller(&hub, &headers)?;
    let read = opsgenie::removal("", "", &query.note, &query.user);
    changed(&hub, &sender, &query.named(identifier)?, "delete", read).await
}

fn accepted(request: Id) -> Response {
    let body = json!({"result": "Request will be processed", "took": 0.0, "requestId": request});
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

async fn request_status(
    State(hub): State<Hub>,
    Path(request): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let sender = caller(&hub, &headers)?;
    let row = match request.parse() {
        Ok(id) => hub.store.sender_request(id).await.map_err(HubError::from)?,
        Err(_) => None,
    };
    let row = row.filter(|row| row.integration_id == sender.id()).ok_or_else(|| {
        Refused::new(StatusCode::NOT_FOUND, "Request not found. It might not be processed, yet.")
    })?;
    let data: Value = json!({
        "success": row.success,
        "isSuccess": row.success,
        "action": row.action,
        "status": row.status,
        "alertId": row.alert_id.map_or_else(String::new, |id| id.to_string()),
        "alias": row.dedup_key,
        "integrationId": row.integration_id,
        "processedAt": Time::from(row.at),
    });
    Ok(Json(json!({"data": data, "took": 0.0, "requestId": request})).into_response())
}
