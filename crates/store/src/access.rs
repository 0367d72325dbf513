//! Users, sessions and API tokens. Only hashes of secrets are stored.

use serde::Deserialize;
use watchtower_model::{ChannelId, NotifyRule, Timestamp, TokenId, UserId};

use crate::db::Val;
use crate::{DbError, Json, Statement, Store, args, one, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct UserRow {
    pub id: UserId,
    pub name: String,
    pub email: Option<String>,
    pub password_hash: String,
    pub role: String,
    pub servers: Option<String>,
    pub channels: Json<Vec<ChannelId>>,
    pub notify_rules: Json<Vec<NotifyRule>>,
    pub disabled: bool,
    pub created_at: Timestamp,
    pub last_login_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct SessionRow {
    pub user_id: UserId,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, Deserialize)]
pub struct TokenRow {
    pub id: TokenId,
    pub name: String,
    pub role: String,
    pub scopes: Json<Vec<String>>,
    pub servers: Option<String>,
    pub created_by: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl Store {
    pub async fn users(&self) -> Result<Vec<UserRow>, DbError> {
        rows(self.db.query("SELECT * FROM users ORDER BY name", args![]).await?)
    }

    /// The selectors of servers that users and tokens in force are restricted to, each once.
    pub async fn server_restrictions(&self) -> Result<Vec<String>, DbError> {
        #[derive(Deserialize)]
        struct Restriction {
            servers: String,
        }
        let sql = "SELECT servers FROM users WHERE servers <> '' AND NOT disabled \
                   UNION SELECT servers FROM tokens WHERE servers <> '' AND revoked_at IS NULL";
        let found = rows::<Restriction>(self.db.query(sql, args![]).await?)?;
        Ok(found.into_iter().map(|row| row.servers).collect())
    }

    pub async fn user(&self, id: UserId) -> Result<Option<UserRow>, DbError> {
        one(self.db.query("SELECT * FROM users WHERE id = $1", args![id]).await?)
    }

    pub async fn find_user(&self, id_or_name: &str) -> Result<Option<UserRow>, DbError> {
        one(self.db.query("SELECT * FROM users WHERE id = $1 OR name = $1", args![id_or_name]).await?)
    }

    /// Inserts, or replaces all but the time of creation.
    pub fn save_user(user: &UserRow) -> Statement {
        Statement::new(
            "INSERT INTO users (id, name, email, password_hash, role, servers, channels, notify_rules, disabled, created_at, last_login_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO UPDATE SET email = excluded.email, \
             password_hash = excluded.password_hash, role = excluded.role, servers = excluded.servers, \
             channels = excluded.channels, notify_rules = excluded.notify_rules, disabled = excluded.disabled, last_login_at = excluded.last_login_at",
            args![
                user.id,
                &user.name,
                user.email.clone(),
                &user.password_hash,
                &user.role,
                user.servers.clone(),
                Val::json(&user.channels.0),
                Val::json(&user.notify_rules.0),
                user.disabled,
                user.created_at,
                user.last_login_at
            ],
        )
    }

    /// Signed in now; nothing else of the row, which may be changed meanwhile.
    pub fn touch_user(id: UserId, now: Timestamp) -> Statement {
        Statement::expecting("UPDATE users SET last_login_at = $2 WHERE id = $1", args![id, now], 1)
    }

    pub fn set_password(id: UserId, hash: &str) -> Statement {
        Statement::expecting("UPDATE users SET password_hash = $2 WHERE id = $1", args![id, hash], 1)
    }

    pub fn delete_user(id: UserId) -> Statement {
        Statement::expecting("DELETE FROM users WHERE id = $1", args![id], 1)
    }

    pub fn insert_session(hash: &str, user: UserId, now: Timestamp, expires_at: Timestamp) -> Statement {
        Statement::new(
            "INSERT INTO sessions (hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
            args![hash, user, now, expires_at],
        )
    }

    pub async fn session(&self, hash: &str, now: Timestamp) -> Result<Option<SessionRow>, DbError> {
        let sql = "SELECT user_id, expires_at FROM sessions WHERE hash = $1 AND expires_at > $2";
        one(self.db.query(sql, args![hash, now]).await?)
    }

    pub fn delete_session(hash: &str) -> Statement {
        Statement::new("DELETE FROM sessions WHERE hash = $1", args![hash])
    }

    pub fn delete_sessions_of(user: UserId) -> Statement {
        Statement::new("DELETE FROM sessions WHERE user_id = $1", args![user])
    }

    pub fn delete_expired_sessions(now: Timestamp) -> Statement {
        Statement::new("DELETE FROM sessions WHERE expires_at <= $1", args![now])
    }

    pub async fn tokens(&self) -> Result<Vec<TokenRow>, DbError> {
        rows(self.db.query("SELECT * FROM tokens ORDER BY created_at DESC", args![]).await?)
    }

    pub async fn token(&self, id: TokenId) -> Result<Option<TokenRow>, DbError> {
        one(self.db.query("SELECT * FROM tokens WHERE id = $1", args![id]).await?)
    }

    pub async fn token_by_hash(&self, hash: &str) -> Result<Option<TokenRow>, DbError> {
        one(self.db.query("SELECT * FROM tokens WHERE hash = $1", args![hash]).await?)
    }

    pub fn insert_token(token: &TokenRow, hash: &str) -> Statement {
        Statement::new(
            "INSERT INTO tokens (id, name, hash, role, scopes, servers, created_by, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            args![
                token.id,
                &token.name,
                hash,
                &token.role,
                Val::json(&token.scopes.0),
                token.servers.clone(),
                &token.created_by,
                token.created_at,
                token.expires_at
            ],
        )
    }

    pub fn revoke_token(id: TokenId, now: Timestamp) -> Statement {
        Statement::expecting(
            "UPDATE tokens SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1",
            args![id, now],
            1,
        )
    }

    /// Everything that this person has made to act with.
    pub fn revoke_tokens_of(person: &str, now: Timestamp) -> Statement {
        Statement::new(
            "UPDATE tokens SET revoked_at = $2 WHERE created_by = $1 AND revoked_at IS NULL",
            args![person, now],
        )
    }

    pub fn touch_token(id: TokenId, now: Timestamp) -> Statement {
        Statement::new("UPDATE tokens SET last_used_at = $2 WHERE id = $1", args![id, now])
    }
}
