//! `POST /prometheus/api/v1/write`: remote_write 1.0 of Prometheus, VictoriaMetrics, Grafana Alloy and others.
//!
//! Senders drop what is answered by 4xx for ever, and repeat what is answered by 5xx: 400 says what was not stored while the rest
//! was; 503 only stands where a repetition can help.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use watchtower_api_types::endpoints::Access;
use watchtower_hub::access::{Object, authorize};
use watchtower_hub::ingest::outside::{Encoding, remote_write};
use watchtower_hub::{Hub, HubError};

use crate::caller::{principal_of, read_body};
use crate::problem::Failure;

/// Bytes of a request as sent, compressed.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

pub async fn write(State(hub): State<Hub>, request: Request) -> Result<Response, Failure> {
    let headers = request.headers();
    may_write(&hub, headers).await?;
    let encoding = match encoding(headers) {
        Ok(encoding) => encoding,
        Err(why) => return Ok((StatusCode::UNSUPPORTED_MEDIA_TYPE, why).into_response()),
    };
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    Ok(match remote_write(&hub, encoding, body).await {
        Ok(written) => match written.complaint() {
            None => StatusCode::NO_CONTENT.into_response(),
            Some(complaint) => (StatusCode::BAD_REQUEST, complaint).into_response(),
        },
        Err(HubError::Invalid { message, .. }) => (StatusCode::BAD_REQUEST, message).into_response(),
        Err(error) => return Err(error.into()),
    })
}

/// Who may write samples of other senders.
pub async fn may_write(hub: &Hub, headers: &HeaderMap) -> Result<(), HubError> {
    let (principal, _) = principal_of(hub, headers).await?;
    authorize(&principal, Access::Operate, "metrics.write", Object::Global)
        .map_err(|denied| HubError::Forbidden(denied.to_string()))?;
    if principal.servers.is_some() {
        let why = "series of other senders belong to no server: a caller who is limited to some servers cannot write them";
        return Err(HubError::Forbidden(why.into()));
    }
    Ok(())
}

/// Or why the body cannot be understood.
fn encoding(headers: &HeaderMap) -> Result<Encoding, String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = text(header::CONTENT_TYPE).unwrap_or("application/x-protobuf");
    if !kind.starts_with("application/x-protobuf") {
        return Err(format!("Content-Type {kind:?} is not understood: send application/x-protobuf"));
    }
    if kind.contains("io.prometheus.write.v2") {
        return Err(
            "remote_write 2.0 is not understood: set protobuf_message: prometheus.WriteRequest".into()
        );
    }
    Encoding::of_remote_write(text(header::CONTENT_ENCODING)).map_err(|error| error.to_string())
}
