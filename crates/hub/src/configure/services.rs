//! Services: what is paged for.

use watchtower_api_types as api;
use watchtower_incident::REOPEN_WINDOW_MS_MAX;
use watchtower_model::{Id, ServiceId, check_line, limits};
use watchtower_store::Stored;

use super::{Noun, named, seconds};
use crate::access::Principal;
use crate::error::HubError;
use crate::objects::ServiceBody;
use crate::respond::snapshots::known_policy;
use crate::{Hub, Objects};

const DAY: f64 = 86_400.0;
const REOPEN_WINDOW: f64 = (REOPEN_WINDOW_MS_MAX / 1_000) as f64;
const WEEK: f64 = 7.0 * DAY;

pub struct Services;

impl Noun for Services {
    type Body = ServiceBody;
    type Input = api::ServiceInput;
    type View = api::Service;

    fn list(objects: &Objects) -> &[Stored<ServiceBody>] {
        &objects.services
    }

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<ServiceBody>> {
        &mut objects.services
    }

    fn body(
        hub: &Hub,
        _: &Principal,
        _: Id,
        input: api::ServiceInput,
        _: Option<&Stored<ServiceBody>>,
    ) -> Result<ServiceBody, HubError> {
        named(&input.name)?;
        check_line(&input.description, limits::LINE_BYTES_MAX)
            .map_err(|e| HubError::invalid("description", e))?;
        if !known_policy(hub, input.policy_id) {
            return Err(HubError::invalid("policy_id", "this policy does not exist"));
        }
        if input.team_id.is_some_and(|id| hub.objects().team(id).is_none()) {
            return Err(HubError::invalid("team_id", "this team does not exist"));
        }
        let times = [
            ("ack_timeout_seconds", input.ack_timeout_seconds),
            ("auto_resolve_seconds", input.auto_resolve_seconds),
            ("hold_pages_for_seconds", input.hold_pages_for_seconds),
        ];
        for (field, value) in times {
            if let Some(value) = value {
                seconds(field, value, 1.0, WEEK)?;
            }
        }
        for (field, value, longest) in [
            ("group_window_seconds", input.group_window_seconds, DAY),
            ("resolve_delay_seconds", input.resolve_delay_seconds, DAY),
            ("reopen_window_seconds", input.reopen_window_seconds, REOPEN_WINDOW),
        ] {
            if let Some(value) = value {
                seconds(field, value, 0.0, longest)?;
            }
        }
        if let Some(url) = &input.runbook_url {
            check_line(url, limits::LINE_BYTES_MAX).map_err(|e| HubError::invalid("runbook_url", e))?;
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(HubError::invalid("runbook_url", "must begin with https:// or http://"));
            }
        }
        Ok(ServiceBody(input))
    }

    async fn view(hub: &Hub, stored: &Stored<ServiceBody>, _: bool) -> Result<api::Service, HubError> {
        let body = stored.body.0.clone();
        let open = hub.store.open_incidents().await?;
        Ok(api::Service {
            id: ServiceId(stored.id),
            name: body.name,
            description: body.description,
            team_id: body.team_id,
            policy_id: body.policy_id,
            ack_timeout_seconds: body.ack_timeout_seconds,
            auto_resolve_seconds: body.auto_resolve_seconds,
            hold_pages_for_seconds: body.hold_pages_for_seconds,
            group_window_seconds: body.group_window_seconds,
            resolve_delay_seconds: body.resolve_delay_seconds,
            reopen_window_seconds: body.reopen_window_seconds,
            runbook_url: body.runbook_url,
            open_incidents: open.iter().filter(|incident| incident.service_id.0 == stored.id).count() as u32,
            created_at: stored.created_at.into(),
        })
    }

    fn refuse_delete(hub: &Hub, stored: &Stored<ServiceBody>) -> Result<(), HubError> {
        match hub.objects().routes.iter().find(|route| route.body.service_id.0 == stored.id) {
            Some(_) => {
                Err(HubError::Conflict("a route leads to this service: change the route first".into()))
            }
            None => Ok(()),
        }
    }
}
