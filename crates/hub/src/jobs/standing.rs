//! Who stands for work that starts by itself, and whether they still may: asked at each firing and each attempt.
//!
//! Invariant: what counts are the rights of that moment. Nobody's automation stops in silence, and none goes on without rights.

use watchtower_api_types::endpoints::{self, Access};
use watchtower_store::Stored;

use crate::Hub;
use crate::access::{Authority, Object, Principal, authorize, current};
use crate::error::HubError;
use crate::objects::{AutomationBody, TeamBody};
use crate::servers::Server;

/// Who stands for it, with the rights of this moment; else why nobody does. `who`: the name of a person behind `authority`.
pub(super) async fn principal(
    hub: &Hub,
    authority: &str,
    who: &str,
) -> Result<Result<Principal, String>, HubError> {
    let authority = match authority.parse::<Authority>() {
        Ok(authority) => authority,
        Err(error) => return Ok(Err(error.to_string())),
    };
    match (current(hub, authority).await, authority) {
        (Ok(principal), _) => Ok(Ok(principal)),
        (Err(HubError::Unauthenticated), Authority::Team(team)) => {
            Ok(Err(match hub.store.object::<TeamBody>(team.0).await? {
                Some(team) => format!("team {} has no rights of its own any more", team.body.0.name),
                None => "the team that it acts as was deleted".into(),
            }))
        }
        (Err(HubError::Unauthenticated), _) => Ok(Err(format!("{who} may not act here any more"))),
        (Err(error), _) => Err(error),
    }
}

/// The endpoint whose role it takes: to make automations for a person who made one, to fire them for a team, which makes none.
pub(super) fn action(principal: &Principal, by_hand: bool) -> &'static str {
    let team = matches!(principal.authority, Authority::Team(_));
    if by_hand || team { "automation.fire" } else { "automation.create" }
}

/// Why it may not do this to one of these servers, if so.
pub(super) fn refusal<'a>(
    principal: &Principal,
    action: &str,
    servers: impl IntoIterator<Item = &'a Server>,
) -> Option<String> {
    let access = endpoints::find(action).map_or(Access::Admin, |endpoint| endpoint.access);
    if let Err(denied) = authorize(principal, access, action, Object::Global) {
        return Some(format!("{} may not do this any more: {denied}", principal.name));
    }
    servers.into_iter().find_map(|server| {
        let (name, labels) = server.with(|state| (state.name.clone(), state.selector_labels()));
        let denied = authorize(principal, access, action, Object::Server(&labels)).err()?;
        Some(format!("{} may not do this on {name}: {denied}", principal.name))
    })
}

/// Why an automation may not act on this server, if so.
pub(super) async fn refusal_on(
    hub: &Hub,
    automation: &Stored<AutomationBody>,
    server: &Server,
) -> Result<Option<String>, HubError> {
    if hub.objects().script(automation.body.script_id).is_none() {
        return Ok(Some("its script was removed".into()));
    }
    let body = &automation.body;
    Ok(match principal(hub, &body.authority, &body.person).await? {
        Ok(principal) => refusal(&principal, action(&principal, false), [server]),
        Err(reason) => Some(reason),
    })
}
