//! Routes: from an alert's labels to a service, first match wins. The last one matches all and stays.

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

fn is_last(route: &Stored<RouteBody>) -> bool {
    route.body.position == i64::MAX
}

impl Noun for Routes {
    type Body = RouteBody;
    type Input = api::RouteInput;
    type View = api::Route;

    fn list(objects: &Objects) -> &[Stored<RouteBody>] {
        &objects.routes
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
        let after_all =
            objects.routes.iter().filter(|route| !is_last(route)).map(|route| route.body.position + 1).max();
        let position =
            input.position.or(old.map(|route| route.body.position)).unwrap_or(after_all.unwrap_or(0));
        if !(0..1_000_000).contains(&position) {
            return Err(HubError::invalid("position", "must be from 0 to 999999"));
        }
        Ok(RouteBody {
            matchers: matchers.to_string(),
            service_id: input.service_id,
            position,
            key: id.to_string(),
        })
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
