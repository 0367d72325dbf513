//! `/api/v1/schedules/ID/calendar.ics?token=SECRET`: shifts for people's calendars, which cannot sign in.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use watchtower_hub::respond::on_call;
use watchtower_hub::{Hub, HubError};

use crate::headers::parse_query;
use crate::problem::Failure;

/// Answers 404 to a wrong secret as to a schedule that is not: neither tells of the other.
pub async fn calendar(
    State(hub): State<Hub>,
    Path(schedule): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let query = parse_query(query.as_deref().unwrap_or_default());
    let secret = query.get("token").map(String::as_str).unwrap_or_default();
    let text = on_call::calendar(&hub, &schedule, secret)
        .ok_or_else(|| HubError::not_found("calendar", &schedule))?;
    let mut reply = text.into_response();
    let kind = HeaderValue::from_static("text/calendar; charset=utf-8");
    reply.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(reply)
}
