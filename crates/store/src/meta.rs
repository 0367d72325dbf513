//! Small facts about the installation, and the counters that number incidents and runs.

use crate::{DbError, Statement, Store, args};

impl Store {
    pub async fn meta(&self, key: &str) -> Result<Option<String>, DbError> {
        let rows = self.db.query("SELECT value FROM meta WHERE key = $1", args![key]).await?;
        Ok(rows.first().and_then(|row| row.text().map(String::from)))
    }

    pub async fn set_meta(&self, key: &str, value: &str) -> Result<(), DbError> {
        self.commit(vec![Store::set_meta_statement(key, value)]).await.map(drop)
    }

    pub fn set_meta_statement(key: &str, value: &str) -> Statement {
        Statement::new(
            "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            args![key, value],
        )
    }

    pub async fn delete_meta(&self, key: &str) -> Result<(), DbError> {
        self.commit(vec![Statement::new("DELETE FROM meta WHERE key = $1", args![key])]).await.map(drop)
    }

    /// The next number of `incident`, `run` or `deployment`. A number that is not used stays a gap.
    pub async fn next_number(&self, counter: &'static str) -> Result<i64, DbError> {
        let sql = "UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value";
        let rows = self.db.returning(sql, args![counter]).await?;
        rows.first().map(|row| row.int()).ok_or_else(|| DbError::Other(format!("no counter named {counter}")))
    }
}
