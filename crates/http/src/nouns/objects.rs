//! The five verbs of everything that people configure.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use watchtower_api_types::List;
use watchtower_api_types::endpoints::Access;
use watchtower_hub::HubError;
use watchtower_hub::configure::{self, Noun};

use crate::caller::{Body, Caller, Reply};
use crate::problem::Failure;

pub async fn list<N: Noun>(caller: Caller) -> Reply<List<N::View>> {
    let mut items = configure::view_all::<N>(&caller.hub).await?;
    for item in &mut items {
        restrict::<N>(&caller, item);
    }
    if let Some(words) = caller.query("q").map(str::to_lowercase) {
        items.retain(|item| {
            serde_json::to_string(item).is_ok_and(|text| text.to_lowercase().contains(&words))
        });
    }
    if let Some(state) = caller.query("state") {
        let mut kept = Vec::new();
        for item in items {
            if N::is_in(&item, state)? {
                kept.push(item);
            }
        }
        items = kept;
    }
    let from = caller.cursor()?.unwrap_or(0).max(0) as usize;
    let limit = caller.limit()? as usize;
    let next = (items.len() > from + limit).then(|| (from + limit).to_string());
    Ok(Json(List { items: items.into_iter().skip(from).take(limit).collect(), next }))
}

/// The version of an object, for `If-Match`.
type Tagged<T> = ([(HeaderName, String); 1], Json<T>);

pub async fn get<N: Noun>(caller: Caller, Path(name): Path<String>) -> Result<Tagged<N::View>, Failure> {
    let stored = configure::find::<N>(&caller.hub, &name)?;
    let mut view = N::view(&caller.hub, &stored, true).await?;
    restrict::<N>(&caller, &mut view);
    Ok(([(header::ETAG, format!("\"{}\"", stored.version))], Json(view)))
}

/// The version that a caller has read, if they say so: it must be the one that is stored.
fn read_version(headers: &HeaderMap) -> Result<Option<i64>, HubError> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim().trim_matches('"');
    let wrong = || HubError::invalid("If-Match", "must be the ETag of what was read, such as \"3\"");
    text.parse().map(Some).map_err(|_| wrong())
}

fn restrict<N: Noun>(caller: &Caller, view: &mut N::View) {
    if let Some(servers) = &caller.principal.servers {
        N::restrict(&caller.hub, view, servers);
    }
}

/// What applies to all servers is not for those who are restricted to some.
fn check_writer<N: Noun>(caller: &Caller) -> Result<(), Failure> {
    if caller.endpoint.access >= Access::Operate && !N::FOR_RESTRICTED {
        caller.unrestricted()
    } else {
        Ok(())
    }
}

pub async fn create<N: Noun>(caller: Caller, Body(input): Body<N::Input>) -> Reply<N::View> {
    check_writer::<N>(&caller)?;
    Ok(Json(configure::create::<N>(&caller.hub, &caller.principal, input).await?))
}

pub async fn update<N: Noun>(
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(input): Body<N::Input>,
) -> Reply<N::View> {
    check_writer::<N>(&caller)?;
    let read = read_version(&headers)?;
    Ok(Json(configure::update_read::<N>(&caller.hub, &caller.principal, &name, read, input).await?))
}

pub async fn delete<N: Noun>(
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    check_writer::<N>(&caller)?;
    configure::delete_read::<N>(&caller.hub, &caller.principal, &name, read_version(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
