//! The schema that the database has now: a newer hub may have brought it further since this one started.

use crate::db::Schema;
use crate::{DbError, Store, args};

impl Store {
    /// What a newer program has made of the schema, if one has.
    pub async fn schema(&self) -> Result<Schema, DbError> {
        let rows = self.db.query("SELECT MAX(version) FROM schema_migrations", args![]).await?;
        Ok(Schema::of(rows.first().map_or(0, |row| row.int())))
    }
}
