//! Who may do what: users, sessions, API tokens, the audit log.

use watchtower_model::{TokenId, UserId};

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    /// Ordered: a later role may do all that an earlier one may.
    pub enum Role {
        Viewer = "viewer",
        Responder = "responder",
        Operator = "operator",
        Admin = "admin",
    }

    /// What an API token may do beyond its role's reading.
    pub enum TokenScope {
        /// Everything its role may.
        All = "all",
        /// PromQL and reading only.
        Query = "query",
        /// Sending events.
        EventsWrite = "events:write",
        /// Sending metrics.
        MetricsWrite = "metrics:write",
    }
}

shapes! {
    pub struct SetupStatus {
        /// No administrator exists yet: `/setup` with the printed link makes one.
        pub needed: bool,
    }

    /// The session itself is a cookie.
    pub struct Session {
        pub user: User,
        pub expires_at: Time,
    }

    /// The caller, and what the hub is.
    pub struct Me {
        /// Absent for API tokens.
        pub user: Option<User>,
        pub name: String,
        pub role: Role,
        pub scopes: Vec<TokenScope>,
        /// Label matchers of the servers this caller may see; absent means all.
        pub servers: Option<String>,
        pub hub_version: String,
        /// Base URL of the agents' listener, for the installer.
        pub agent_url: String,
        /// An administrator still has to name the channel that hears of unanswered incidents.
        pub needs_catch_all: bool,
    }

    pub struct User {
        pub id: UserId,
        pub name: String,
        pub email: Option<String>,
        pub role: Role,
        /// Label matchers of the servers this user may see and act on; absent means all.
        pub servers: Option<String>,
        /// Channels that reach this person, in order.
        pub channels: Vec<watchtower_model::ChannelId>,
        /// How a page uses them; without a rule for its urgency, all of them at once.
        pub notify_rules: Vec<watchtower_model::NotifyRule>,
        pub disabled: bool,
        pub created_at: Time,
        pub last_login_at: Option<Time>,
    }

    pub struct Token {
        pub id: TokenId,
        pub name: String,
        pub role: Role,
        pub scopes: Vec<TokenScope>,
        pub servers: Option<String>,
        pub created_by: String,
        pub created_at: Time,
        pub expires_at: Option<Time>,
        pub last_used_at: Option<Time>,
        pub revoked_at: Option<Time>,
    }

    /// The only time the secret is shown.
    pub struct TokenCreated {
        pub token: Token,
        pub secret: String,
    }

    pub struct AuditEntry {
        pub sequence: i64,
        pub at: Time,
        pub actor: String,
        /// `rule.create`, `run.start`, ...
        pub action: String,
        pub object: String,
        pub detail: String,
        /// Hex SHA-256 over this entry and the hash before it.
        pub hash: String,
    }
}

inputs! {
    /// The first administrator.
    pub struct Setup {
        /// From the link that the first start printed.
        pub token: String,
        pub name: String,
        #[serde(default)]
        pub email: Option<String>,
        /// At least 12 characters.
        pub password: String,
    }

    pub struct Login {
        pub name: String,
        pub password: String,
    }

    pub struct PasswordChange {
        #[serde(default)]
        pub current: Option<String>,
        pub new: String,
    }

    pub struct UserInput {
        pub name: String,
        #[serde(default)]
        pub email: Option<String>,
        pub password: String,
        pub role: Role,
        #[serde(default)]
        pub servers: Option<String>,
        #[serde(default)]
        pub channels: Vec<watchtower_model::ChannelId>,
        #[serde(default)]
        pub notify_rules: Vec<watchtower_model::NotifyRule>,
    }

    /// Replaces the caller's own.
    pub struct NotifyRulesInput {
        pub notify_rules: Vec<watchtower_model::NotifyRule>,
    }

    /// Absent fields stay as they are.
    #[derive(Default)]
    pub struct UserPatch {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub email: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub role: Option<Role>,
        /// An empty string lifts the restriction.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub servers: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub channels: Option<Vec<watchtower_model::ChannelId>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub notify_rules: Option<Vec<watchtower_model::NotifyRule>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub disabled: Option<bool>,
    }

    pub struct TokenInput {
        pub name: String,
        pub role: Role,
        #[serde(default)]
        pub scopes: Vec<TokenScope>,
        #[serde(default)]
        pub servers: Option<String>,
        /// From now; absent means it does not expire.
        #[serde(default)]
        pub expires_in_seconds: Option<u64>,
    }
}
