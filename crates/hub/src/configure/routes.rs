//! Routes: from an alert's labels to a service, first match wins. The last one matches all and stays.
//!
//! Invariant: a route's position is its place among the others, from 0, as soon as one of them is written.

use watchtower_api_types as api;
use watchtower_matchers::Matchers;
use watchtower_model::{Id, RouteId};
use watchtower_store::Stored;

use super::Noun;
use crate::access::Principal;
use crate::error::HubError;
use crate::objects::RouteBody;
use crate::{Hub, Objects};

pub struct Routes;

/// The position of the route that matches all.
const LAST: i64 = i64::MAX;

fn is_last(route: &Stored<RouteBody>) -> bool {
    route.body.position == LAST
}

/// All but the last one and this one, in their order.
fn movable(objects: &Objects, but: Id) -> Vec<&Stored<RouteBody>> {
    objects.routes.iter().filter(|route| route.id != but && !is_last(route)).collect()
}

fn comes_before(one: &Stored<RouteBody>, other: &Stored<RouteBody>) -> bool {
    (one.body.position, one.id) < (other.body.position, other.id)
}

impl Noun for Routes {
    type Body = RouteBody;
    type Input = api::RouteInput;
    type View = api::Route;

    fn list(objects: &Objects) -> &[Stored<RouteBody>] {
        &objects.routes
    }

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<RouteBody>> {
        &mut objects.routes
    }

    fn body(
        hub: &Hub,
        _: &Principal,
        id: Id,
        input: api::RouteInput,
        old: Option<&Stored<RouteBody>>,
    ) -> Result<RouteBody, HubError> {
        let objects = hub.objects();
        if objects.service(input.service_id).is_none() {
            return Err(HubError::invalid("service_id", "this service does not exist"));
        }
        if let Some(last) = old.filter(|route| is_last(route)) {
            if !input.matchers.trim().is_empty() {
                return Err(HubError::invalid(
                    "matchers",
                    "the last route matches all: add a route before it instead",
                ));
            }
            return Ok(RouteBody { service_id: input.service_id, ..last.body.clone() });
        }
        let matchers: Matchers = input.matchers.parse().map_err(|e| HubError::invalid("matchers", e))?;
        if matchers.is_empty() {
            return Err(HubError::invalid("matchers", "must not be empty: only the last route matches all"));
        }
        let others = movable(&objects, id);
        let now_at = old.map(|old| others.iter().filter(|other| comes_before(other, old)).count());
        let position = input.position.or(now_at.map(|at| at as i64)).unwrap_or(others.len() as i64);
        if !(0..1_000_000).contains(&position) {
            return Err(HubError::invalid("position", "must be from 0 to 999999"));
        }
        let position = position.min(others.len() as i64);
        Ok(RouteBody {
            matchers: matchers.to_string(),
            service_id: input.service_id,
            position,
            key: id.to_string(),
        })
    }

    /// The others keep their order: those at its place and behind it move by one.
    fn along(objects: &Objects, id: Id, new: &RouteBody) -> Vec<(Stored<RouteBody>, RouteBody)> {
        if new.position == LAST {
            return Vec::new();
        }
        let mut moved = Vec::new();
        for (at, other) in movable(objects, id).into_iter().enumerate() {
            let at = at as i64;
            let position = if at < new.position { at } else { at + 1 };
            if other.body.position != position {
                moved.push((other.clone(), RouteBody { position, ..other.body.clone() }));
            }
        }
        moved
    }

    fn arrange(all: &mut [Stored<RouteBody>]) {
        all.sort_by_key(|route| (route.body.position, route.id));
    }

    async fn view(hub: &Hub, stored: &Stored<RouteBody>, _: bool) -> Result<api::Route, HubError> {
        let objects = hub.objects();
        let place = objects.routes.iter().position(|route| route.id == stored.id).unwrap_or(0);
        Ok(api::Route {
            id: RouteId(stored.id),
            position: place as i64,
            matchers: stored.body.matchers.clone(),
            service_id: stored.body.service_id,
        })
    }

    fn refuse_delete(_: &Hub, stored: &Stored<RouteBody>) -> Result<(), HubError> {
        if is_last(stored) {
            Err(HubError::Conflict("the last route matches all and stays".into()))
        } else {
            Ok(())
        }
    }
}
