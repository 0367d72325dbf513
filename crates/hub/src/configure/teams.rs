//! Teams: people who are paged together.

use watchtower_api_types as api;
use watchtower_model::{Id, TeamId};
use watchtower_store::Stored;

use super::{Noun, named};
use crate::access::Principal;
use crate::error::HubError;
use crate::objects::TeamBody;
use crate::{Hub, Objects};

const MEMBERS_MAX: usize = 200;

pub struct Teams;

impl Noun for Teams {
    type Body = TeamBody;
    type Input = api::TeamInput;
    type View = api::Team;

    fn list(objects: &Objects) -> &[Stored<TeamBody>] {
        &objects.teams
    }

    fn body(
        hub: &Hub,
        _: &Principal,
        _: Id,
        input: api::TeamInput,
        _: Option<&Stored<TeamBody>>,
    ) -> Result<TeamBody, HubError> {
        named(&input.name)?;
        if input.members.len() > MEMBERS_MAX {
            return Err(HubError::invalid("members", format!("at most {MEMBERS_MAX}")));
        }
        let people = hub.logins.people();
        match input.members.iter().find(|id| !people.contains_key(id)) {
            Some(id) => Err(HubError::invalid("members", format!("user {id} does not exist"))),
            None => Ok(TeamBody(input)),
        }
    }

    async fn view(_: &Hub, stored: &Stored<TeamBody>, _: bool) -> Result<api::Team, HubError> {
        Ok(api::Team {
            id: TeamId(stored.id),
            name: stored.body.0.name.clone(),
            members: stored.body.0.members.clone(),
            created_at: stored.created_at.into(),
        })
    }

    fn refuse_delete(hub: &Hub, stored: &Stored<TeamBody>) -> Result<(), HubError> {
        let objects = hub.objects();
        let used = objects.policies.iter().find(|policy| {
            policy.body.0.steps.iter().flat_map(|step| &step.targets).any(|target| target.id == stored.id)
        });
        match used {
            Some(policy) => {
                Err(HubError::Conflict(format!("policy {:?} pages this team", policy.body.0.name)))
            }
            None => Ok(()),
        }
    }
}
