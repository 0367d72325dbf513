//! `POST /otlp/v1/metrics`: what OpenTelemetry's SDKs and Collector send over HTTP.
//!
//! Exporters repeat what is answered by 429, 502, 503 and 504 and drop all else; every answer is in the form of the request.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use watchtower_hub::ingest::outside::{Encoding, Format, answer, otlp, refusal};
use watchtower_hub::{Hub, HubError};

use crate::caller::read_body;
use crate::remote_write::{BODY_BYTES_MAX, may_write};

/// Seconds after which a sender may try again.
const RETRY_AFTER: u64 = 5;

pub fn routes() -> Router<Hub> {
    Router::new().route("/otlp/v1/metrics", post(metrics))
}

async fn metrics(State(hub): State<Hub>, request: Request) -> Response {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(format) = Format::of_content_type(kind.unwrap_or("")) else {
        let why = "Content-Type is not understood: send application/x-protobuf or application/json";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, why).into_response();
    };
    match take(&hub, format, request).await {
        Ok(body) => respond(StatusCode::OK, format, body),
        Err(error) => refuse(format, &error),
    }
}

async fn take(hub: &Hub, format: Format, request: Request) -> Result<Vec<u8>, HubError> {
    let headers: HeaderMap = request.headers().clone();
    may_write(hub, &headers).await?;
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    let encoding =
        Encoding::of_otlp(encoding).map_err(|error| HubError::invalid("Content-Encoding", error))?;
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let rejected = otlp(hub, format, encoding, body).await?;
    Ok(answer(format, &rejected))
}

/// The status that tells an exporter whether to repeat, and `google.rpc.Status` with the words.
fn refuse(format: Format, error: &HubError) -> Response {
    let (status, code) = match error {
        HubError::Unauthenticated => (StatusCode::UNAUTHORIZED, 16),
        HubError::Forbidden(_) => (StatusCode::FORBIDDEN, 7),
        HubError::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, 8),
        HubError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, 14),
        HubError::Internal(cause) => {
            tracing::error!("an OTLP request failed: {cause}");
            (StatusCode::INTERNAL_SERVER_ERROR, 13)
        }
        _ => (StatusCode::BAD_REQUEST, 3),
    };
    let mut response = respond(status, format, refusal(format, code, &error.public_text()));
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        let after =
            if let HubError::RateLimited { after_seconds } = error { *after_seconds } else { RETRY_AFTER };
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after));
    }
    response
}

fn respond(status: StatusCode, format: Format, body: Vec<u8>) -> Response {
    let kind = HeaderValue::from_static(format.content_type());
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}
