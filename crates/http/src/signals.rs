//! Where other tools tell of their alerts: PagerDuty's Events API, Alertmanager's API, webhooks of Alertmanager and Grafana.
//!
//! What each sender repeats decides the answers. PagerDuty's clients repeat 429 and 5xx; webhooks drop every 4xx, so that overload is 503
//! there; nobody repeats what is answered by 2xx, which is said only behind the commit.

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use watchtower_api_types::IntegrationKind;
use watchtower_hub::respond::signals::pagerduty::Rejected;
use watchtower_hub::respond::signals::{Sender, Signal, alertmanager, pagerduty, sender, take};
use watchtower_hub::{Hub, HubError, ingest};
use watchtower_model::limits::LABEL_VALUE_BYTES_MAX;
use watchtower_model::{EventKind, Labels, Severity};

use crate::caller::{BODY_BYTES_MAX, read_body, token_of};
use crate::{alertmanager_api, alertmanager_silences};

/// Bytes of an event, as PagerDuty.
const EVENT_BYTES_MAX: usize = 512 * 1024;
/// Seconds after which a sender may try again when the hub cannot say.
const RETRY_AFTER: u64 = 5;

pub fn routes() -> Router<Hub> {
    let webhook = || post(webhook).put(webhook);
    Router::new()
        .route("/v2/enqueue", post(enqueue))
        .route("/v2/change/enqueue", post(enqueue_change))
        .route("/webhooks/{kind}/{key}", webhook())
        .route("/alertmanager/api/v2/alerts", get(alertmanager_api::alerts).post(post_alerts))
        .route("/alertmanager/api/v2/status", get(alertmanager_api::status))
        .route(
            "/alertmanager/api/v2/silences",
            get(alertmanager_silences::list).post(alertmanager_silences::save),
        )
        .route(
            "/alertmanager/api/v2/silence/{id}",
            get(alertmanager_silences::get).delete(alertmanager_silences::expire),
        )
        .route("/alertmanager/api/v2/receivers", get(alertmanager_api::receivers))
        .route("/alertmanager/-/healthy", get(|| async { "OK" }))
        .route("/alertmanager/-/ready", get(|| async { "OK" }))
}

async fn enqueue(State(hub): State<Hub>, request: Request) -> Response {
    let taken = async {
        let body = read_body(request.into_body(), EVENT_BYTES_MAX).await?;
        let event = match pagerduty::event(&body) {
            Ok(event) => event,
            Err(rejected) => return Ok(refuse_event(&rejected)),
        };
        let sender = match sender(&hub, &[IntegrationKind::Pagerduty], &event.routing_key) {
            Err(HubError::Unauthenticated) => return Ok(unknown_key()),
            sender => sender?,
        };
        let keys = take(&hub, &sender, vec![event.signal]).await?;
        let answer = json!({"status": "success", "message": "Event processed", "dedup_key": keys.first()});
        Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
    };
    taken.await.unwrap_or_else(|error| refuse(&error, StatusCode::TOO_MANY_REQUESTS))
}

async fn enqueue_change(State(hub): State<Hub>, request: Request) -> Response {
    let taken = async {
        let body = read_body(request.into_body(), EVENT_BYTES_MAX).await?;
        let change = match pagerduty::change(&body) {
            Ok(change) => change,
            Err(rejected) => return Ok(refuse_event(&rejected)),
        };
        let sender = match sender(&hub, &[IntegrationKind::Pagerduty], &change.routing_key) {
            Err(HubError::Unauthenticated) => return Ok(unknown_key()),
            sender => sender?,
        };
        tell_change(&hub, &sender, change).await?;
        let answer = json!({"status": "success", "message": "Change event processed"});
        Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
    };
    taken.await.unwrap_or_else(|error| refuse(&error, StatusCode::TOO_MANY_REQUESTS))
}

async fn tell_change(hub: &Hub, sender: &Sender, change: pagerduty::Change) -> Result<(), HubError> {
    let server = hub.servers.find(&change.source).map(|server| server.id);
    // A label is one line.
    let detail = change.detail.replace('\n', "; ").replace(char::is_control, " ");
    let labels = [
        ("source", change.source.as_str()),
        ("detail", watchtower_model::truncate(&detail, LABEL_VALUE_BYTES_MAX)),
    ];
    let labels = Labels::from_pairs(labels.into_iter().filter(|(_, value)| !value.is_empty()));
    let source = format!("integration:{}", sender.id());
    let kind = EventKind::new("change");
    ingest::raise_custom(hub, kind, source, server, Severity::Info, change.summary, labels).await.map(drop)
}

async fn webhook(
    State(hub): State<Hub>,
    Path((kind, key)): Path<(String, String)>,
    request: Request,
) -> Response {
    let kind = match kind.as_str() {
        "alertmanager" => IntegrationKind::Webhook,
        "grafana" => IntegrationKind::Grafana,
        "generic" => IntegrationKind::Generic,
        _ => {
            return (
                StatusCode::NOT_FOUND,
                "known: /webhooks/alertmanager/KEY, /webhooks/grafana/KEY, /webhooks/generic/KEY",
            )
                .into_response();
        }
    };
    let body = match read_body(request.into_body(), BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(error) => return refuse(&error, StatusCode::SERVICE_UNAVAILABLE),
    };
    post_signals(&hub, kind, &key, |sender| {
        if kind == IntegrationKind::Generic {
            return sender.read(&body);
        }
        alertmanager::webhook(&body).map_err(|error| HubError::invalid("body", error))
    })
    .await
}

async fn post_alerts(State(hub): State<Hub>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(key) = token_of(&headers) else {
        return refuse(&HubError::Unauthenticated, StatusCode::SERVICE_UNAVAILABLE);
    };
    post_signals(&hub, IntegrationKind::Alertmanager, &key, |_| {
        alertmanager::alerts(&body, hub.now()).map_err(|error| HubError::invalid("body", error))
    })
    .await
}

async fn post_signals(
    hub: &Hub,
    kind: IntegrationKind,
    key: &str,
    read: impl FnOnce(&Sender) -> Result<Vec<Signal>, HubError>,
) -> Response {
    let taken = async {
        let sender = sender(hub, &[kind], key)?;
        let signals = read(&sender)?;
        take(hub, &sender, signals).await
    };
    match taken.await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(error) => refuse(&error, StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn refuse_event(rejected: &Rejected) -> Response {
    let body = json!({"status": rejected.status, "message": rejected.message, "errors": rejected.errors});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn unknown_key() -> Response {
    refuse_event(&Rejected {
        status: "invalid event",
        message: "Event object is invalid",
        errors: vec!["'routing_key' is not the key of an integration of this hub".into()],
    })
}

/// `full`: what says to this sender that it should come again later.
fn refuse(error: &HubError, full: StatusCode) -> Response {
    let status = match error {
        HubError::Unauthenticated => StatusCode::UNAUTHORIZED,
        HubError::Invalid { .. } => StatusCode::BAD_REQUEST,
        HubError::RateLimited { .. } => full,
        HubError::Internal(cause) => {
            tracing::error!("an alert of another tool was not taken: {cause}");
            StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let text = if status == StatusCode::UNAUTHORIZED {
        "no integration has this key".into()
    } else {
        error.public_text()
    };
    let mut response = (status, Json(Value::String(text))).into_response();
    if status == full || status == StatusCode::SERVICE_UNAVAILABLE {
        let after =
            if let HubError::RateLimited { after_seconds } = error { *after_seconds } else { RETRY_AFTER };
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after));
    }
    response
}
