//! Saved ways to sign in over SSH, sealed with the master key for `credential:<id>`.

use serde::Deserialize;
use watchtower_model::{CredentialId, Timestamp};

use crate::{DbError, Statement, Store, args, one, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct CredentialRow {
    pub id: CredentialId,
    pub name: String,
    /// `key` or `password`.
    pub kind: String,
    pub user_name: String,
    pub sealed: String,
    pub created_by: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

impl Store {
    /// A taken name fails as [`DbError::Unique`].
    pub fn insert_credential(row: &CredentialRow) -> Statement {
        Statement::new(
            "INSERT INTO credentials (id, name, kind, user_name, sealed, created_by, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            args![row.id, &row.name, &row.kind, &row.user_name, &row.sealed, &row.created_by, row.created_at],
        )
    }

    /// By name; there are few.
    pub async fn credentials(&self) -> Result<Vec<CredentialRow>, DbError> {
        rows(self.db.query("SELECT * FROM credentials ORDER BY name", args![]).await?)
    }

    /// By id where the text is one, else by name.
    pub async fn find_credential(&self, id_or_name: &str) -> Result<Option<CredentialRow>, DbError> {
        let found = match id_or_name.parse::<CredentialId>() {
            Ok(id) => self.db.query("SELECT * FROM credentials WHERE id = $1", args![id]).await?,
            Err(_) => self.db.query("SELECT * FROM credentials WHERE name = $1", args![id_or_name]).await?,
        };
        one(found)
    }

    pub fn touch_credential(id: CredentialId, now: Timestamp) -> Statement {
        Statement::new("UPDATE credentials SET last_used_at = $2 WHERE id = $1", args![id, now])
    }

    pub fn delete_credential(id: CredentialId) -> Statement {
        Statement::expecting("DELETE FROM credentials WHERE id = $1", args![id], 1)
    }
}
