//! Escalation policies.

use watchtower_api_types as api;
use watchtower_api_types::TargetKind;
use watchtower_model::{ChannelId, Id, PolicyId, ScheduleId, TeamId, UserId};
use watchtower_store::{Statement, Store, Stored};

use super::{Noun, named};
use crate::access::Principal;
use crate::error::HubError;
use crate::objects::PolicyBody;
use crate::respond::snapshots::snapshot;
use crate::{Hub, Objects};

pub struct Policies;

fn exists(hub: &Hub, target: &api::StepTarget) -> bool {
    let objects = hub.objects();
    match target.kind {
        TargetKind::User => hub.logins.people().contains_key(&UserId(target.id)),
        TargetKind::Team => objects.team(TeamId(target.id)).is_some(),
        TargetKind::Schedule => objects.schedule(ScheduleId(target.id)).is_some(),
        TargetKind::Channel => objects.channel(ChannelId(target.id)).is_some(),
    }
}

impl Noun for Policies {
    type Body = PolicyBody;
    type Input = api::PolicyInput;
    type View = api::Policy;

    fn list(objects: &Objects) -> &[Stored<PolicyBody>] {
        &objects.policies
    }

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<PolicyBody>> {
        &mut objects.policies
    }

    fn body(
        hub: &Hub,
        _: &Principal,
        _: Id,
        input: api::PolicyInput,
        _: Option<&Stored<PolicyBody>>,
    ) -> Result<PolicyBody, HubError> {
        named(&input.name)?;
        snapshot(&input).check().map_err(|e| HubError::invalid("steps", e))?;
        for (i, step) in input.steps.iter().enumerate() {
            if let Some(target) = step.targets.iter().find(|target| !exists(hub, target)) {
                let text = format!("{} {} does not exist", target.kind, target.id);
                return Err(HubError::invalid(format!("steps[{i}].targets"), text));
            }
        }
        Ok(PolicyBody(input))
    }

    async fn view(_: &Hub, stored: &Stored<PolicyBody>, _: bool) -> Result<api::Policy, HubError> {
        let body = stored.body.0.clone();
        Ok(api::Policy {
            id: PolicyId(stored.id),
            name: body.name,
            steps: body.steps,
            repeat: body.repeat,
            created_at: stored.created_at.into(),
        })
    }

    fn deleted(_: &Hub, stored: &Stored<PolicyBody>) -> Vec<Statement> {
        vec![Store::forget_rounds(PolicyId(stored.id))]
    }

    fn refuse_delete(hub: &Hub, stored: &Stored<PolicyBody>) -> Result<(), HubError> {
        match hub.objects().services.iter().find(|service| service.body.0.policy_id.0 == stored.id) {
            Some(service) => {
                Err(HubError::Conflict(format!("service {:?} uses this policy", service.body.0.name)))
            }
            None => Ok(()),
        }
    }
}
