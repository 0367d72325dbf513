//! By whose right an automation acts, as it is saved: a team's, or that of who saves it.

use std::sync::Arc;

use watchtower_api_types as api;
use watchtower_api_types::Role;
use watchtower_api_types::endpoints::Access;
use watchtower_matchers::Matchers;
use watchtower_model::TeamId;
use watchtower_store::Stored;

use crate::Hub;
use crate::access::{Authority, Object, Principal, authorize};
use crate::error::HubError;
use crate::objects::{AutomationBody, TeamBody, find};
use crate::servers::Server;

/// The least that a team must be allowed for anything to act as it.
const ROLE_MIN: Role = Role::Operator;

/// Whose right counts from now on. Nobody gives a team's automation more than they may do themselves.
pub(super) fn chosen(hub: &Hub, by: &Principal, input: &api::AutomationInput) -> Result<Authority, HubError> {
    let Some(team) = &input.team else { return Ok(by.authority) };
    let objects = hub.objects();
    let team = find(&objects.teams, team)
        .ok_or_else(|| HubError::invalid("team", format!("team {team:?} does not exist")))?;
    let name = &team.body.0.name;
    if team.body.0.role.is_none_or(|role| role < ROLE_MIN) {
        let text = format!("team {name} needs the role {ROLE_MIN} first: an administrator gives it one");
        return Err(HubError::invalid("team", text));
    }
    let member = by.user.is_some_and(|user| team.body.0.members.contains(&user));
    let unrestricted = by.role == Role::Admin && by.servers.is_none();
    if !member && !unrestricted {
        return Err(HubError::Forbidden(format!("you are not in team {name}")));
    }
    for server in concerned(hub, team, input) {
        let (name, labels) = server.with(|state| (state.name.clone(), state.selector_labels()));
        authorize(by, Access::Admin, "automation.create", Object::Server(&labels))
            .map_err(|denied| HubError::Forbidden(format!("you may not do this on {name}: {denied}")))?;
    }
    Ok(Authority::Team(TeamId(team.id)))
}

/// The servers it would act on as of now: those of the clock's selector, or all that the team may act on.
fn concerned(hub: &Hub, team: &Stored<TeamBody>, input: &api::AutomationInput) -> Vec<Arc<Server>> {
    let matchers = input.on.as_ref().or(team.body.0.servers.as_ref());
    match matchers.map(|text| text.parse::<Matchers>()) {
        Some(Ok(matchers)) => hub.servers.select(&matchers),
        // An unreadable selector was refused before; an unreadable restriction restricts to nothing.
        Some(Err(_)) => Vec::new(),
        None => hub.servers.all(),
    }
}

/// The team that it acts as, if that is there.
pub(super) fn team_of<'a>(
    teams: &'a [Stored<TeamBody>],
    body: &AutomationBody,
) -> Option<&'a Stored<TeamBody>> {
    match body.authority.parse() {
        Ok(Authority::Team(id)) => teams.iter().find(|team| team.id == id.0),
        _ => None,
    }
}

/// `team payments`, or the person who saved it last.
pub(super) fn stands_for(teams: &[Stored<TeamBody>], body: &AutomationBody) -> String {
    match (body.authority.parse(), team_of(teams, body)) {
        (Ok(Authority::Team(_)), Some(team)) => format!("team {}", team.body.0.name),
        (Ok(Authority::Team(_)), None) => "A team that was deleted".into(),
        _ => body.person.clone(),
    }
}
