//! The one decision: may this principal do this to that object?

use watchtower_api_types::endpoints::Access;
use watchtower_api_types::{Role, TokenScope};
use watchtower_model::Labels;

use super::principal::Principal;

/// What is acted on, as far as rights depend on it.
#[derive(Debug, Clone, Copy)]
pub enum Object<'a> {
    /// Not bound to a server.
    Global,
    /// A server, by the labels that the hub keeps of it.
    Server(&'a Labels),
}

/// Why not, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("needs the role {needed}; you are {role}")]
    Role { needed: Role, role: Role },
    #[error("this token's scope does not cover it")]
    Scope,
    #[error("it is outside the servers you may see")]
    Server,
}

fn needed(access: Access) -> Role {
    match access {
        Access::Public | Access::View => Role::Viewer,
        Access::Respond => Role::Responder,
        Access::Operate => Role::Operator,
        Access::Admin => Role::Admin,
    }
}

/// `action` is the endpoint's id: tokens are limited to some.
pub fn authorize(
    principal: &Principal,
    access: Access,
    action: &str,
    object: Object<'_>,
) -> Result<(), Denied> {
    if access == Access::Public {
        return Ok(());
    }
    let needed = needed(access);
    if principal.role < needed {
        return Err(Denied::Role { needed, role: principal.role });
    }
    if !principal.scopes.iter().any(|scope| covers(*scope, access, action)) {
        return Err(Denied::Scope);
    }
    match (object, &principal.servers) {
        (Object::Server(labels), Some(matchers)) if !matchers.matches(labels) => Err(Denied::Server),
        _ => Ok(()),
    }
}

fn covers(scope: TokenScope, access: Access, action: &str) -> bool {
    match scope {
        TokenScope::All => true,
        TokenScope::Query => access == Access::View && !action.ends_with(".password"),
        TokenScope::EventsWrite => action == "event.create",
        TokenScope::MetricsWrite => action == "metrics.write",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Authority;

    fn principal(role: Role, scopes: &[TokenScope], servers: Option<&str>) -> Principal {
        Principal {
            authority: Authority::Bootstrap,
            user: None,
            name: "p".into(),
            person: "p".into(),
            role,
            scopes: scopes.to_vec(),
            servers: servers.map(|text| text.parse().unwrap()),
        }
    }

    #[test]
    fn roles_scopes_and_servers_all_have_to_agree() {
        let web = Labels::from_pairs([("role", "web")]);
        let db = Labels::from_pairs([("role", "db")]);
        let operator = principal(Role::Operator, &[TokenScope::All], Some("role=web"));
        assert!(authorize(&operator, Access::Operate, "rule.create", Object::Global).is_ok());
        assert!(authorize(&operator, Access::Operate, "server.update", Object::Server(&web)).is_ok());
        assert_eq!(
            authorize(&operator, Access::View, "server.get", Object::Server(&db)),
            Err(Denied::Server)
        );
        assert!(matches!(
            authorize(&operator, Access::Admin, "user.list", Object::Global),
            Err(Denied::Role { .. })
        ));
        let query = principal(Role::Admin, &[TokenScope::Query], None);
        assert!(authorize(&query, Access::View, "server.list", Object::Global).is_ok());
        assert_eq!(authorize(&query, Access::Operate, "rule.create", Object::Global), Err(Denied::Scope));
        let events = principal(Role::Responder, &[TokenScope::EventsWrite], None);
        assert!(authorize(&events, Access::Respond, "event.create", Object::Global).is_ok());
        assert_eq!(authorize(&events, Access::View, "server.list", Object::Global), Err(Denied::Scope));
        let none = principal(Role::Admin, &[], None);
        assert_eq!(authorize(&none, Access::View, "me", Object::Global), Err(Denied::Scope));
    }
}
