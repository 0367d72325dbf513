//! One thin database over SQLite and PostgreSQL: the same SQL text on both, the differences in here.
//!
//! Reads are [`Db::query`]. Writes are [`Db::batch`]: one transaction, one hop, with expectations on the rows each
//! statement touches, so that read-modify-write is optimistic and nobody holds a transaction open across an await.

mod migrate;
mod postgres;
mod row;
mod sqlite;
mod value;

use std::path::Path;

pub use migrate::Schema;
pub use row::{DecodeError, Json, Row};
pub use value::Val;

/// Why a statement failed, in the words the callers act on.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A unique constraint: the name is taken, or another hub was faster.
    #[error("already exists ({0})")]
    Unique(String),
    #[error("refers to something that does not exist ({0})")]
    ForeignKey(String),
    /// A statement touched another number of rows than expected: what was read is no longer so.
    #[error("changed meanwhile")]
    Stale,
    #[error("the database did not answer within its time limit")]
    Timeout,
    #[error("the database is not available: {0}")]
    Unavailable(String),
    #[error("{0}")]
    Migration(String),
    #[error("a row could not be read: {0}")]
    Decode(#[from] DecodeError),
    #[error("database: {0}")]
    Other(String),
}

/// SQL with its arguments, and how many rows it must touch.
#[derive(Debug, Clone)]
pub struct Statement {
    pub sql: &'static str,
    pub args: Vec<Val>,
    /// The whole batch is rolled back as [`DbError::Stale`] when another number of rows is touched.
    pub expect: Option<u64>,
}

impl Statement {
    pub fn new(sql: &'static str, args: Vec<Val>) -> Self {
        Statement { sql, args, expect: None }
    }

    pub fn expecting(sql: &'static str, args: Vec<Val>, rows: u64) -> Self {
        Statement { sql, args, expect: Some(rows) }
    }
}

/// Arguments of a statement: `args![id, name, Some(5)]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Val::from($value)),*] };
}

#[derive(Clone)]
pub enum Db {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Db {
    /// Opens `watchtower.db` in the data directory and brings its schema up to date.
    pub fn open_sqlite(path: &Path) -> Result<Db, DbError> {
        Ok(Db::Sqlite(sqlite::Sqlite::open(path)?))
    }

    /// Connects to `postgres://…` and brings the schema up to date.
    pub async fn connect_postgres(url: &str) -> Result<Db, DbError> {
        Ok(Db::Postgres(postgres::Postgres::connect(url).await?))
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Db::Sqlite(_) => "sqlite",
            Db::Postgres(_) => "postgresql",
        }
    }

    /// Reads rows. Writing through here fails.
    pub async fn query(&self, sql: &'static str, args: Vec<Val>) -> Result<Vec<Row>, DbError> {
        match self {
            Db::Sqlite(db) => db.query(sql, args).await,
            Db::Postgres(db) => db.query(sql, args).await,
        }
    }

    /// Runs all statements or none, durably. Returns the rows each touched.
    pub async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<u64>, DbError> {
        match self {
            Db::Sqlite(db) => db.batch(statements).await,
            Db::Postgres(db) => db.batch(statements).await,
        }
    }

    /// Runs one `INSERT`/`UPDATE … RETURNING`, durably.
    pub async fn returning(&self, sql: &'static str, args: Vec<Val>) -> Result<Vec<Row>, DbError> {
        match self {
            Db::Sqlite(db) => db.returning(sql, args).await,
            Db::Postgres(db) => db.returning(sql, args).await,
        }
    }

    /// The database's clock minus ours, in milliseconds; zero where the database lives in this process.
    pub async fn clock_offset_ms(&self, local_now_ms: i64) -> Result<i64, DbError> {
        match self {
            Db::Sqlite(_) => Ok(0),
            Db::Postgres(db) => Ok(db.now_ms().await? - local_now_ms),
        }
    }

    /// A consistent copy of an embedded database; PostgreSQL has its own tools for that.
    pub async fn copy_to(&self, path: &Path) -> Result<(), DbError> {
        match self {
            Db::Sqlite(db) => db.copy_to(path.to_path_buf()).await,
            Db::Postgres(_) => Err(DbError::Other("use pg_dump for PostgreSQL".into())),
        }
    }
}
