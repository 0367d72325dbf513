//! Configuration as the text that is stored, to be rewritten in place: no new version, since nothing of its meaning changes.

use serde::Deserialize;
use watchtower_model::Id;

use crate::{DbError, Object, Statement, Store, args, rows};

/// One version of an object, as it is now or as it was.
#[derive(Debug, Clone, Deserialize)]
pub struct Document {
    pub id: Id,
    pub version: i64,
    /// JSON.
    pub text: String,
    #[serde(skip)]
    kind: &'static str,
    #[serde(skip)]
    past: bool,
}

impl Store {
    /// Those after `(id, version)`, in this order. `past`: of the history, else as they are now.
    pub async fn documents<T: Object>(
        &self,
        past: bool,
        after: (Id, i64),
        limit: i64,
    ) -> Result<Vec<Document>, DbError> {
        let sql = if past {
            "SELECT id, version, body AS text FROM object_versions \
             WHERE kind = $1 AND (id > $2 OR (id = $2 AND version > $3)) ORDER BY id, version LIMIT $4"
        } else {
            "SELECT id, version, body AS text FROM objects \
             WHERE kind = $1 AND (id > $2 OR (id = $2 AND version > $3)) ORDER BY id, version LIMIT $4"
        };
        let found: Vec<Document> = rows(self.db.query(sql, args![T::KIND, after.0, after.1, limit]).await?)?;
        Ok(found.into_iter().map(|document| Document { kind: T::KIND, past, ..document }).collect())
    }

    /// Touches nothing if it is no longer what was read.
    pub fn rewrite_document(document: &Document, text: String) -> Statement {
        let sql = if document.past {
            "UPDATE object_versions SET body = $5 WHERE kind = $1 AND id = $2 AND version = $3 AND body = $4"
        } else {
            "UPDATE objects SET body = $5 WHERE kind = $1 AND id = $2 AND version = $3 AND body = $4"
        };
        Statement::new(sql, args![document.kind, document.id, document.version, &document.text, text])
    }
}
