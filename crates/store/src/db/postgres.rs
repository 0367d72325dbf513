//! PostgreSQL: a small pool, prepared statements, batches as one transaction.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Config, NoTls};

use super::migrate;
use super::row::Row;
use super::value::Val;
use super::{DbError, Statement};

const CONNECTIONS: usize = 12;
const WAIT: Duration = Duration::from_secs(10);
/// Times a batch is tried when PostgreSQL reports a serialization failure or a deadlock.
const TRIES: usize = 5;
/// Advisory locks: schema changes, and the order of the `changes` table.
const LOCK_MIGRATE: i64 = 0x5741_5443_4801;
const LOCK_CHANGES: i64 = 0x5741_5443_4802;

#[derive(Clone)]
pub struct Postgres {
    pool: Pool,
}

impl Postgres {
    pub(super) async fn connect(url: &str) -> Result<Postgres, DbError> {
        let mut config: Config = url
            .parse()
            .map_err(|e| DbError::Unavailable(format!("--database-url is not understood: {e}")))?;
        config.connect_timeout(WAIT);
        config.application_name("watchtower");
        config.options("-c statement_timeout=30000 -c lock_timeout=10000 -c timezone=UTC");
        let manager =
            Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| DbError::Unavailable(e.to_string()))?;
        let db = Postgres { pool };
        db.migrate().await?;
        Ok(db)
    }

    async fn connection(&self) -> Result<Object, DbError> {
        self.pool.get().await.map_err(|e| DbError::Unavailable(chain(&e)))
    }

    async fn migrate(&self) -> Result<(), DbError> {
        let mut connection = self.connection().await?;
        let transaction = connection.transaction().await.map_err(map_error)?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK_MIGRATE]).await.map_err(map_error)?;
        transaction.batch_execute(migrate::CREATE_TABLE).await.map_err(map_error)?;
        let rows = transaction.query(migrate::APPLIED, &[]).await.map_err(map_error)?;
        let applied: Vec<(i64, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        for migration in migrate::pending("pg", &applied)? {
            transaction.batch_execute(&migration.sql).await.map_err(map_error)?;
            transaction
                .execute(migrate::RECORD, &[&migration.version, &migration.name, &migration.sha256])
                .await
                .map_err(map_error)?;
        }
        transaction.commit().await.map_err(map_error)
    }

    pub(super) async fn query(&self, sql: &'static str, args: Vec<Val>) -> Result<Vec<Row>, DbError> {
        let connection = self.connection().await?;
        let statement = connection.prepare_cached(sql).await.map_err(map_error)?;
        let rows = connection.query(&statement, &bind(&args)).await.map_err(map_error)?;
        read_rows(&statement, &rows)
    }

    pub(super) async fn returning(&self, sql: &'static str, args: Vec<Val>) -> Result<Vec<Row>, DbError> {
        self.query(sql, args).await
    }

    pub(super) async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<u64>, DbError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_batch(&statements).await {
                Err(Failed::Retry(_)) if tries < TRIES => {
                    tokio::time::sleep(Duration::from_millis(5 << tries)).await
                }
                Err(Failed::Retry(e) | Failed::Final(e)) => return Err(e),
                Ok(rows) => return Ok(rows),
            }
        }
    }

    async fn try_batch(&self, statements: &[Statement]) -> Result<Vec<u64>, Failed> {
        let mut connection = self.connection().await?;
        let transaction = connection.transaction().await?;
        // Readers resume behind a sequence: a row must not become visible after one with a higher number.
        if statements.iter().any(|statement| statement.sql.contains("INTO changes")) {
            transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK_CHANGES]).await?;
        }
        let mut touched = Vec::with_capacity(statements.len());
        for statement in statements {
            let prepared = transaction.prepare_cached(statement.sql).await?;
            let rows = transaction.execute(&prepared, &bind(&statement.args)).await?;
            if statement.expect.is_some_and(|expected| expected != rows) {
                return Err(Failed::Final(DbError::Stale));
            }
            touched.push(rows);
        }
        transaction.commit().await?;
        Ok(touched)
    }

    pub(super) async fn now_ms(&self) -> Result<i64, DbError> {
        let rows = self
            .query("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now", Vec::new())
            .await?;
        Ok(rows.first().map_or(0, Row::int))
    }
}

enum Failed {
    Retry(DbError),
    Final(DbError),
}

impl From<DbError> for Failed {
    fn from(error: DbError) -> Self {
        Failed::Final(error)
    }
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        let retry = matches!(
            error.code(),
            Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED)
        );
        let error = map_error(error);
        if retry { Failed::Retry(error) } else { Failed::Final(error) }
    }
}

fn bind(args: &[Val]) -> Vec<&(dyn ToSql + Sync)> {
    args.iter().map(|arg| arg as &(dyn ToSql + Sync)).collect()
}

fn read_rows(
    statement: &tokio_postgres::Statement,
    rows: &[tokio_postgres::Row],
) -> Result<Vec<Row>, DbError> {
    let columns: Arc<[String]> = statement.columns().iter().map(|column| column.name().to_string()).collect();
    rows.iter()
        .map(|row| {
            let values = (0..columns.len())
                .map(|i| read_value(row, i))
                .collect::<Result<_, _>>()
                .map_err(map_error)?;
            Ok(Row { columns: Arc::clone(&columns), values })
        })
        .collect()
}

fn read_value(row: &tokio_postgres::Row, i: usize) -> Result<Val, tokio_postgres::Error> {
    let value = match *row.columns()[i].type_() {
        Type::INT8 => row.try_get::<_, Option<i64>>(i)?.map(Val::Int),
        Type::INT4 => row.try_get::<_, Option<i32>>(i)?.map(|v| Val::Int(v.into())),
        Type::FLOAT8 => row.try_get::<_, Option<f64>>(i)?.map(Val::Float),
        Type::BOOL => row.try_get::<_, Option<bool>>(i)?.map(Val::Bool),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(i)?.map(Val::Bytes),
        _ => row.try_get::<_, Option<String>>(i)?.map(Val::Text),
    };
    Ok(value.unwrap_or(Val::Null))
}

/// Encodes to the type the server asks for, so that NULLs and integers need no casts in the SQL.
impl ToSql for Val {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match (self, ty) {
            (Val::Null, _) => Ok(IsNull::Yes),
            (Val::Int(v), &Type::INT4) => i32::try_from(*v)?.to_sql(ty, out),
            (Val::Int(v), &Type::FLOAT8) => (*v as f64).to_sql(ty, out),
            (Val::Int(v), &Type::BOOL) => (*v != 0).to_sql(ty, out),
            (Val::Int(v), _) => v.to_sql(ty, out),
            (Val::Float(v), _) => v.to_sql(ty, out),
            (Val::Bool(v), _) => v.to_sql(ty, out),
            // PostgreSQL's text cannot hold NUL; it is never meaningful in ours.
            (Val::Text(v), _) if v.contains('\0') => v.replace('\0', "\u{fffd}").to_sql(ty, out),
            (Val::Text(v), _) => v.to_sql(ty, out),
            (Val::Bytes(v), _) => v.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn map_error(error: tokio_postgres::Error) -> DbError {
    match error.code() {
        Some(&SqlState::UNIQUE_VIOLATION) => DbError::Unique(chain(&error)),
        Some(&SqlState::FOREIGN_KEY_VIOLATION) => DbError::ForeignKey(chain(&error)),
        Some(&SqlState::QUERY_CANCELED | &SqlState::LOCK_NOT_AVAILABLE) => DbError::Timeout,
        Some(_) => DbError::Other(chain(&error)),
        None => DbError::Unavailable(chain(&error)),
    }
}

/// The error with its causes: tokio-postgres' own text says only "db error".
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
