//! The five verbs of everything that people configure.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use watchtower_api_types::List;
use watchtower_api_types::endpoints::Access;
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

pub async fn get<N: Noun>(caller: Caller, Path(name): Path<String>) -> Reply<N::View> {
    let stored = configure::find::<N>(&caller.hub, &name)?;
    let mut view = N::view(&caller.hub, &stored, true).await?;
    restrict::<N>(&caller, &mut view);
    Ok(Json(view))
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
    Body(input): Body<N::Input>,
) -> Reply<N::View> {
    check_writer::<N>(&caller)?;
    Ok(Json(configure::update::<N>(&caller.hub, &caller.principal, &name, input).await?))
}

pub async fn delete<N: Noun>(caller: Caller, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    check_writer::<N>(&caller)?;
    configure::delete::<N>(&caller.hub, &caller.principal, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
