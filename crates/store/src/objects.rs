//! Configuration that people write: rules, services, routes, policies, channels, scripts, automations, teams.
//!
//! One table for all: each has an id, a unique name within its kind, a version that counts up, and a body as JSON. Every
//! version is kept, so that a run or an incident can name the one it used.

use serde::Serialize;
use serde::de::DeserializeOwned;
use watchtower_model::{Id, Timestamp};

use crate::db::Val;
use crate::{DbError, Json, Statement, Store, args, one, rows};

/// A kind of configuration.
pub trait Object: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// `rule`, `service`, ...: also the word in URLs and changes.
    const KIND: &'static str;
    /// Unique within the kind.
    fn name(&self) -> String;
}

/// An object as stored.
#[derive(Debug, Clone)]
pub struct Stored<T> {
    pub id: Id,
    pub version: i64,
    pub changed_by: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub body: T,
}

/// How many objects there are, how often they were changed, and when for the last time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
pub struct ObjectsMark {
    objects: i64,
    versions: i64,
    newest: i64,
}

#[derive(serde::Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct ObjectRow<T> {
    id: Id,
    version: i64,
    changed_by: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    body: Json<T>,
}

impl<T> From<ObjectRow<T>> for Stored<T> {
    fn from(row: ObjectRow<T>) -> Self {
        Stored {
            id: row.id,
            version: row.version,
            changed_by: row.changed_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
            body: row.body.0,
        }
    }
}

impl Store {
    /// All objects of a kind, by name: there are few, and they are cached by the hub.
    pub async fn objects<T: Object>(&self) -> Result<Vec<Stored<T>>, DbError> {
        let sql = "SELECT id, version, changed_by, created_at, updated_at, body FROM objects WHERE kind = $1 ORDER BY name, id";
        let found: Vec<ObjectRow<T>> = rows(self.db.query(sql, args![T::KIND]).await?)?;
        Ok(found.into_iter().map(Stored::from).collect())
    }

    /// Differs after each change of any object.
    pub async fn objects_mark(&self) -> Result<ObjectsMark, DbError> {
        let sql = "SELECT COUNT(*) AS objects, CAST(COALESCE(SUM(version), 0) AS BIGINT) AS versions, \
                   COALESCE(MAX(updated_at), 0) AS newest FROM objects";
        let found: Option<ObjectsMark> = one(self.db.query(sql, args![]).await?)?;
        Ok(found.unwrap_or_default())
    }

    pub async fn object<T: Object>(&self, id: Id) -> Result<Option<Stored<T>>, DbError> {
        let sql = "SELECT id, version, changed_by, created_at, updated_at, body FROM objects WHERE kind = $1 AND id = $2";
        let found: Option<ObjectRow<T>> = one(self.db.query(sql, args![T::KIND, id]).await?)?;
        Ok(found.map(Stored::from))
    }

    /// By id where the text is one, else by name.
    pub async fn find_object<T: Object>(&self, id_or_name: &str) -> Result<Option<Stored<T>>, DbError> {
        if let Ok(id) = id_or_name.parse() {
            return self.object(id).await;
        }
        let sql = "SELECT id, version, changed_by, created_at, updated_at, body FROM objects WHERE kind = $1 AND name = $2";
        let found: Option<ObjectRow<T>> = one(self.db.query(sql, args![T::KIND, id_or_name]).await?)?;
        Ok(found.map(Stored::from))
    }

    /// One version of an object, also of one that was removed.
    pub async fn object_version<T: Object>(
        &self,
        id: Id,
        version: i64,
    ) -> Result<Option<Stored<T>>, DbError> {
        let sql = "SELECT id, version, changed_by, created_at, created_at AS updated_at, body FROM object_versions \
                   WHERE kind = $1 AND id = $2 AND version = $3";
        let found: Option<ObjectRow<T>> = one(self.db.query(sql, args![T::KIND, id, version]).await?)?;
        Ok(found.map(Stored::from))
    }

    /// A past version, or the present one.
    pub async fn object_versions<T: Object>(&self, id: Id) -> Result<Vec<Stored<T>>, DbError> {
        let sql = "SELECT id, version, changed_by, created_at, created_at AS updated_at, body FROM object_versions \
                   WHERE kind = $1 AND id = $2 ORDER BY version DESC LIMIT 500";
        let found: Vec<ObjectRow<T>> = rows(self.db.query(sql, args![T::KIND, id]).await?)?;
        Ok(found.into_iter().map(Stored::from).collect())
    }
}

/// Statements that make version 1 of an object. A taken name fails as [`DbError::Unique`].
pub fn insert<T: Object>(id: Id, body: &T, by: &str, now: Timestamp) -> Vec<Statement> {
    let text = Val::json(body);
    vec![
        Statement::new(
            "INSERT INTO objects (kind, id, name, body, version, changed_by, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, 1, $5, $6, $6)",
            vec![T::KIND.into(), id.into(), body.name().into(), text.clone(), by.into(), now.into()],
        ),
        version_statement(T::KIND, id, 1, text, by, now),
    ]
}

/// Statements that make the next version; stale unless `version` is the present one.
pub fn update<T: Object>(id: Id, version: i64, body: &T, by: &str, now: Timestamp) -> Vec<Statement> {
    let text = Val::json(body);
    vec![
        Statement::expecting(
            "UPDATE objects SET name = $3, body = $4, version = version + 1, changed_by = $5, updated_at = $6 \
             WHERE kind = $1 AND id = $2 AND version = $7",
            vec![
                T::KIND.into(),
                id.into(),
                body.name().into(),
                text.clone(),
                by.into(),
                now.into(),
                version.into(),
            ],
            1,
        ),
        version_statement(T::KIND, id, version + 1, text, by, now),
    ]
}

/// Removes an object; its versions stay for those who refer to them. Stale unless `version` is the present one.
pub fn delete<T: Object>(id: Id, version: i64) -> Statement {
    let sql = "DELETE FROM objects WHERE kind = $1 AND id = $2 AND version = $3";
    Statement::expecting(sql, args![T::KIND, id, version], 1)
}

fn version_statement(kind: &str, id: Id, version: i64, body: Val, by: &str, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO object_versions (kind, id, version, body, changed_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        vec![kind.into(), id.into(), version.into(), body, by.into(), now.into()],
    )
}
