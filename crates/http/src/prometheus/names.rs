//! What there is: series, names and values of labels, those with samples between `start` and `end` where these are given.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use watchtower_hub::Hub;
use watchtower_hub::query::NamesOf;
use watchtower_matchers::Matchers;
use watchtower_model::Timestamp;
use watchtower_promql::parse_selector;

use super::{Api, ApiError, Data, Request, answer, handler, within};
use crate::problem::Failure;
use crate::times::parse_bound;

const SERIES_MAX: usize = 100_000;

handler!(pub(super) series, do_series);
handler!(pub(super) labels, do_labels);

async fn do_series(request: &Request) -> Api {
    let selectors = matches(request)?;
    if selectors.is_empty() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    // One more than is shown tells whether there are more.
    let (of, most) = (names_of(request, selectors)?, request.limit(SERIES_MAX)? + 1);
    let Request { hub, principal, .. } = request;
    list(hub.queries.series(hub, principal.scope(), of, most).await?, request)
}

async fn do_labels(request: &Request) -> Api {
    let of = names_of(request, matches_or_all(request)?)?;
    let Request { hub, principal, .. } = request;
    list(hub.queries.label_names(hub, principal.scope(), of).await?, request)
}

pub(super) async fn label_values(
    State(hub): State<Hub>,
    Path(name): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let request = Request::new(hub, &headers, query, &Bytes::new()).await?;
    Ok(answer(values(&request, name).await))
}

async fn values(request: &Request, name: String) -> Api {
    let of = names_of(request, matches_or_all(request)?)?;
    let Request { hub, principal, .. } = request;
    list(hub.queries.label_values(hub, principal.scope(), of, name).await?, request)
}

fn list<T: Serialize>(all: Vec<T>, request: &Request) -> Api {
    let (all, warnings) = within(all, request.limit(SERIES_MAX)?);
    Ok(Data { data: json!(all), warnings })
}

fn names_of(request: &Request, selectors: Vec<Matchers>) -> Result<NamesOf, ApiError> {
    Ok(NamesOf { selectors, range: range(request)? })
}

/// Absent where neither end is given; a missing end is as far away as can be.
fn range(request: &Request) -> Result<Option<(Timestamp, Timestamp)>, ApiError> {
    let bound = |name: &str| {
        request
            .get(name)
            .map(|text| parse_bound(name, text, request.hub.now()))
            .transpose()
            .map_err(ApiError::from)
    };
    let (start, end) = (bound("start")?, bound("end")?);
    let any = start.is_some() || end.is_some();
    Ok(any.then(|| (start.unwrap_or(Timestamp(i64::MIN)), end.unwrap_or(Timestamp(i64::MAX)))))
}

/// The selectors of `match[]`.
fn matches(request: &Request) -> Result<Vec<Matchers>, ApiError> {
    let parse_one = |text: &String| parse_selector(text).map_err(|e| ApiError::bad_data(e.to_string()));
    request.pairs.iter().filter(|(name, _)| name == "match[]").map(|(_, text)| parse_one(text)).collect()
}

/// Selectors of the request, or one for everything the caller may see.
fn matches_or_all(request: &Request) -> Result<Vec<Matchers>, ApiError> {
    let mut selectors = matches(request)?;
    if selectors.is_empty() {
        selectors.push(Matchers::default());
    }
    Ok(selectors)
}
