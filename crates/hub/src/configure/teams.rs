//! Teams: people who are paged together.

use watchtower_api_types as api;
use watchtower_api_types::endpoints::Access;
use watchtower_model::{Id, TeamId};
use watchtower_store::Stored;

use super::{Noun, named};
use crate::access::{Object, Principal, authorize, check_servers};
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

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<TeamBody>> {
        &mut objects.teams
    }

    fn body(
        hub: &Hub,
        by: &Principal,
        _: Id,
        mut input: api::TeamInput,
        old: Option<&Stored<TeamBody>>,
    ) -> Result<TeamBody, HubError> {
        named(&input.name)?;
        input.servers = input.servers.filter(|text| !text.is_empty());
        check_servers(input.servers.as_deref())?;
        check_rights(by, &input, old.map(|old| &old.body.0))?;
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
            role: stored.body.0.role,
            servers: stored.body.0.servers.clone(),
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

/// What acts as a team has its rights whoever is in it: only who has all of them gives or changes some.
fn check_rights(by: &Principal, new: &api::TeamInput, old: Option<&api::TeamInput>) -> Result<(), HubError> {
    let before = old.map(|old| (old.role, old.servers.as_ref())).unwrap_or_default();
    let all = authorize(by, Access::Admin, "team.update", Object::Global).is_ok() && by.servers.is_none();
    if (new.role, new.servers.as_ref()) == before || all {
        return Ok(());
    }
    Err(HubError::Forbidden("only an unrestricted administrator changes the rights of a team".into()))
}
