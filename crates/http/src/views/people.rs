//! Users and tokens, without their secrets.

use watchtower_api_types::{Role, Token, User};
use watchtower_store::{TokenRow, UserRow};

pub fn user(row: UserRow) -> User {
    User {
        id: row.id,
        name: row.name,
        email: row.email,
        role: row.role.parse().unwrap_or(Role::Viewer),
        servers: row.servers,
        channels: row.channels.0,
        notify_rules: row.notify_rules.0,
        disabled: row.disabled,
        created_at: row.created_at.into(),
        last_login_at: row.last_login_at.map(Into::into),
    }
}

pub fn token(row: TokenRow) -> Token {
    Token {
        id: row.id,
        name: row.name,
        role: row.role.parse().unwrap_or(Role::Viewer),
        scopes: row.scopes.0.iter().filter_map(|scope| scope.parse().ok()).collect(),
        servers: row.servers,
        created_by: row.created_by,
        created_at: row.created_at.into(),
        expires_at: row.expires_at.map(Into::into),
        last_used_at: row.last_used_at.map(Into::into),
        revoked_at: row.revoked_at.map(Into::into),
    }
}
