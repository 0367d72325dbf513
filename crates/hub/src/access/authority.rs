//! By whose right something is done that was asked for earlier: written down with the work, looked up again when it is done.
//!
//! Invariant: what counts are the rights at the moment of the act. Who has lost them, or is gone, acts no more.

use std::fmt;
use std::str::FromStr;

use watchtower_model::{TeamId, TokenId, UserId};

use super::principal::Principal;
use super::setup;
use crate::Hub;
use crate::error::HubError;
use crate::objects::TeamBody;

/// Whose rights count. Stored as `user:ID`, `token:ID`, `team:ID` or `bootstrap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    User(UserId),
    Token(TokenId),
    /// No member of it: the team itself, which outlives them.
    Team(TeamId),
    Bootstrap,
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Authority::User(id) => write!(f, "user:{id}"),
            Authority::Token(id) => write!(f, "token:{id}"),
            Authority::Team(id) => write!(f, "team:{id}"),
            Authority::Bootstrap => f.write_str("bootstrap"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not recorded by whose right this was asked for")]
pub struct NoAuthority;

impl FromStr for Authority {
    type Err = NoAuthority;

    fn from_str(text: &str) -> Result<Self, NoAuthority> {
        match text.split_once(':') {
            Some(("user", id)) => id.parse().map(Authority::User).map_err(|_| NoAuthority),
            Some(("token", id)) => id.parse().map(Authority::Token).map_err(|_| NoAuthority),
            Some(("team", id)) => id.parse().map(Authority::Team).map_err(|_| NoAuthority),
            None if text == "bootstrap" => Ok(Authority::Bootstrap),
            _ => Err(NoAuthority),
        }
    }
}

/// Its rights as of now; `Unauthenticated` when it is disabled, revoked, expired, without rights or gone.
pub async fn current(hub: &Hub, authority: Authority) -> Result<Principal, HubError> {
    match authority {
        Authority::User(id) => {
            let user = hub.store.user(id).await?.filter(|user| !user.disabled);
            Principal::of_user(&user.ok_or(HubError::Unauthenticated)?)
        }
        Authority::Token(id) => {
            let token = hub.store.token(id).await?;
            Principal::of_token(token.ok_or(HubError::Unauthenticated)?, hub.now())
        }
        Authority::Team(id) => {
            // From the database: another hub may have changed it.
            let team = hub.store.object::<TeamBody>(id.0).await?.ok_or(HubError::Unauthenticated)?;
            Principal::of_team(id, &team.body.0)
        }
        Authority::Bootstrap => {
            let holds = hub.config.bootstrap_token.is_some()
                && (hub.config.keep_bootstrap || !setup::administered(hub).await?);
            if holds { Ok(Principal::bootstrap()) } else { Err(HubError::Unauthenticated) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_is_read_back() {
        let id = "0199b2f0-7d3c-7a10-8c5e-2f1d6a9b4c11";
        for text in [format!("user:{id}"), format!("token:{id}"), format!("team:{id}"), "bootstrap".into()] {
            assert_eq!(text.parse::<Authority>().unwrap().to_string(), text);
        }
        for wrong in ["", "user:", "user:x", "bootstrap:", "somebody", &format!("host:{id}")] {
            assert_eq!(wrong.parse::<Authority>(), Err(NoAuthority), "{wrong}");
        }
    }
}
