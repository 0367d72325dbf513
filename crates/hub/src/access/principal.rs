//! From a cookie or a token to a principal.

use watchtower_api_types::{Role, TeamInput, TokenScope};
use watchtower_incident::Actor;
use watchtower_matchers::Matchers;
use watchtower_model::{Labels, TeamId, Timestamp, UserId};
use watchtower_store::{Store, TokenRow, UserRow};

use super::authority::{Authority, current};
use crate::error::HubError;
use crate::query::Scope;
use crate::{Hub, random};

/// Who is asking.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Where these rights come from, to look them up again later.
    pub authority: Authority,
    pub user: Option<UserId>,
    /// For the audit log and the timeline.
    pub name: String,
    /// The person behind a token or a session.
    pub person: String,
    pub role: Role,
    pub scopes: Vec<TokenScope>,
    /// The servers it may see; absent means all.
    pub servers: Option<Matchers>,
}

impl Principal {
    /// As an incident's timeline names it.
    pub fn actor(&self) -> Actor {
        match self.user {
            Some(id) => Actor::User(id),
            None => Actor::Api(self.name.clone()),
        }
    }

    /// What it may read of the metric store.
    pub fn scope(&self) -> Scope {
        Scope::of_servers(self.servers.clone())
    }

    /// Whether it may do just what the other may.
    pub fn same_rights(&self, other: &Principal) -> bool {
        let rights = |p: &Principal| (p.role, p.scopes.clone(), p.servers.as_ref().map(ToString::to_string));
        rights(self) == rights(other)
    }

    /// Whether it may see something with these labels: decided by the labels that the hub keeps of the server they name, since a
    /// label that an expression dropped would meet every negative matcher.
    pub fn sees_labels(&self, hub: &Hub, labels: &Labels) -> bool {
        let Some(matchers) = &self.servers else { return true };
        let server = labels.get("instance").and_then(|name| hub.servers.find(name));
        server.is_some_and(|server| matchers.matches(&server.with(|state| state.selector_labels())))
    }

    pub(super) fn of_user(user: &UserRow) -> Result<Principal, HubError> {
        Ok(Principal {
            authority: Authority::User(user.id),
            user: Some(user.id),
            name: user.name.clone(),
            person: user.name.clone(),
            role: role(&user.role)?,
            scopes: vec![TokenScope::All],
            servers: servers(user.servers.as_deref())?,
        })
    }

    /// A token that is revoked or has expired is nobody.
    pub(super) fn of_token(token: TokenRow, now: Timestamp) -> Result<Principal, HubError> {
        if token.revoked_at.is_some() || token.expires_at.is_some_and(|at| at <= now) {
            return Err(HubError::Unauthenticated);
        }
        Ok(Principal {
            authority: Authority::Token(token.id),
            user: None,
            name: format!("token {}", token.name),
            person: token.created_by,
            role: role(&token.role)?,
            scopes: token.scopes.0.iter().filter_map(|scope| scope.parse().ok()).collect(),
            servers: servers(token.servers.as_deref())?,
        })
    }

    /// A team to which no role was given is nobody.
    pub(super) fn of_team(id: TeamId, team: &TeamInput) -> Result<Principal, HubError> {
        let name = format!("team {}", team.name);
        Ok(Principal {
            authority: Authority::Team(id),
            user: None,
            person: name.clone(),
            name,
            role: team.role.ok_or(HubError::Unauthenticated)?,
            scopes: vec![TokenScope::All],
            servers: servers(team.servers.as_deref())?,
        })
    }

    pub(super) fn bootstrap() -> Principal {
        Principal {
            authority: Authority::Bootstrap,
            user: None,
            name: "bootstrap".into(),
            person: "bootstrap".into(),
            role: Role::Admin,
            scopes: vec![TokenScope::All],
            servers: None,
        }
    }
}

fn role(text: &str) -> Result<Role, HubError> {
    text.parse().map_err(HubError::Internal)
}

/// A restriction that cannot be read restricts to nothing rather than to everything.
fn servers(text: Option<&str>) -> Result<Option<Matchers>, HubError> {
    let parsed = text.filter(|text| !text.is_empty()).map(str::parse::<Matchers>).transpose();
    parsed.map_err(|error| HubError::Internal(format!("the restriction to servers cannot be read: {error}")))
}

/// The user behind a session cookie. Rights are read again each time: a disabled user is out at once.
pub async fn by_session(hub: &Hub, secret: &str) -> Result<Principal, HubError> {
    let session =
        hub.store.session(&random::hash_secret(secret), hub.now()).await?.ok_or(HubError::Unauthenticated)?;
    current(hub, Authority::User(session.user_id)).await
}

/// How often a token's time of last use is written.
const TOUCH_EVERY_MS: i64 = 60_000;

/// The token of an `Authorization: Bearer` header, or the bootstrap token while it holds.
pub async fn by_token(hub: &Hub, secret: &str) -> Result<Principal, HubError> {
    let hash = random::hash_secret(secret);
    let now = hub.now();
    if let Some(bootstrap) = &hub.config.bootstrap_token
        && random::hash_secret(bootstrap) == hash
    {
        return current(hub, Authority::Bootstrap).await;
    }
    let token = hub.store.token_by_hash(&hash).await?.ok_or(HubError::Unauthenticated)?;
    let (id, used) = (token.id, token.last_used_at);
    let principal = Principal::of_token(token, now)?;
    if used.is_none_or(|at| now.since(at) > TOUCH_EVERY_MS) {
        hub.store.commit(vec![Store::touch_token(id, now)]).await?;
    }
    Ok(principal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_model::Id;

    #[test]
    fn a_team_has_the_rights_it_was_given_and_none_of_its_members() {
        let team = |role, servers: Option<&str>| TeamInput {
            name: "payments".into(),
            members: vec![UserId(Id::NIL)],
            role,
            servers: servers.map(String::from),
        };
        let of = |team: &TeamInput| Principal::of_team(TeamId(Id::NIL), team);
        assert!(matches!(of(&team(None, None)), Err(HubError::Unauthenticated)));
        let payments = of(&team(Some(Role::Operator), Some("role=db"))).unwrap();
        assert_eq!(
            (payments.name.as_str(), payments.user, payments.role),
            ("team payments", None, Role::Operator)
        );
        let sees = |role| payments.servers.as_ref().unwrap().matches(&Labels::from_pairs([("role", role)]));
        assert!(sees("db") && !sees("web"));
        // What cannot be read restricts to nothing rather than to everything.
        assert!(of(&team(Some(Role::Admin), Some("{{"))).is_err());
    }
}
