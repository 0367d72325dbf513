//! SQLite: one writer thread with group commit, a few reader threads.
//!
//! Invariant: only the writer thread writes, so SQLITE_BUSY cannot happen inside the process. `synchronous=FULL`: what was
//! answered survives a power cut. Batches that wait while a commit runs share the next one, each in its own savepoint.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, ffi};
use tokio::sync::oneshot;

use super::migrate;
use super::row::Row;
use super::value::Val;
use super::{DbError, Statement};

/// Batches that share one commit.
const GROUP_MAX: usize = 256;
const READERS: usize = 3;
/// A reader or writer that does not answer within this is treated as gone.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

type Answer<T> = oneshot::Sender<Result<T, DbError>>;

enum Write {
    Batch(Vec<Statement>, Answer<Vec<u64>>),
    Returning(Statement, Answer<Vec<Row>>),
    Copy(PathBuf, Answer<()>),
}

struct Read {
    sql: &'static str,
    args: Vec<Val>,
    answer: Answer<Vec<Row>>,
}

#[derive(Clone)]
pub struct Sqlite {
    writes: Sender<Write>,
    reads: Sender<Read>,
}

impl Sqlite {
    pub(super) fn open(path: &Path) -> Result<Sqlite, DbError> {
        // The writer first: switching to WAL needs the file to itself.
        let mut writer = Connection::open(path).map_err(map_error)?;
        prepare(&writer, false)?;
        migrate(&mut writer, path)?;
        let (writes, write_queue) = channel();
        spawn("db-writer", move || write_loop(writer, &write_queue))?;

        let (reads, read_queue) = channel();
        let read_queue = Arc::new(Mutex::new(read_queue));
        for i in 0..READERS {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let reader = Connection::open_with_flags(path, flags).map_err(map_error)?;
            prepare(&reader, true)?;
            let queue = Arc::clone(&read_queue);
            spawn(&format!("db-reader-{i}"), move || read_loop(&reader, &queue))?;
        }
        Ok(Sqlite { writes, reads })
    }

    pub(super) async fn query(&self, sql: &'static str, args: Vec<Val>) -> Result<Vec<Row>, DbError> {
        let (answer, wait) = oneshot::channel();
        self.reads.send(Read { sql, args, answer }).map_err(|_| gone())?;
        receive(wait).await
    }

    pub(super) async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<u64>, DbError> {
        let (answer, wait) = oneshot::channel();
        self.writes.send(Write::Batch(statements, answer)).map_err(|_| gone())?;
        receive(wait).await
    }

    pub(super) async fn returning(&self, sql: &'static str, args: Vec<Val>) -> Result<Vec<Row>, DbError> {
        let (answer, wait) = oneshot::channel();
        self.writes.send(Write::Returning(Statement::new(sql, args), answer)).map_err(|_| gone())?;
        receive(wait).await
    }

    pub(super) async fn copy_to(&self, path: PathBuf) -> Result<(), DbError> {
        let (answer, wait) = oneshot::channel();
        self.writes.send(Write::Copy(path, answer)).map_err(|_| gone())?;
        receive(wait).await
    }
}

async fn receive<T>(wait: oneshot::Receiver<Result<T, DbError>>) -> Result<T, DbError> {
    match tokio::time::timeout(ANSWER_TIMEOUT, wait).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(gone()),
        Err(_) => Err(DbError::Timeout),
    }
}

fn gone() -> DbError {
    DbError::Unavailable("the database thread has ended".into())
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), DbError> {
    thread::Builder::new()
        .name(name.into())
        .spawn(body)
        .map(drop)
        .map_err(|e| DbError::Unavailable(format!("cannot start a thread: {e}")))
}

fn prepare(connection: &Connection, read_only: bool) -> Result<(), DbError> {
    connection.busy_timeout(Duration::from_secs(10)).map_err(map_error)?;
    connection.set_prepared_statement_cache_capacity(256);
    let pragmas = if read_only {
        "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=268435456;"
    } else {
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
    };
    connection.execute_batch(pragmas).map_err(map_error)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), DbError> {
    connection.execute_batch(migrate::CREATE_TABLE).map_err(map_error)?;
    let applied = {
        let mut statement = connection.prepare(migrate::APPLIED).map_err(map_error)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(map_error)?;
        rows.collect::<Result<Vec<(i64, String)>, _>>().map_err(map_error)?
    };
    let pending = migrate::pending("sqlite", &applied)?;
    if let (Some((version, _)), false) = (applied.last(), pending.is_empty()) {
        let copy = path.with_extension(format!("db.before-schema-{}", version + 1));
        connection.backup("main", &copy, None::<fn(rusqlite::backup::Progress)>).map_err(map_error)?;
    }
    for migration in pending {
        let transaction = connection.transaction().map_err(map_error)?;
        transaction.execute_batch(&migration.sql).map_err(map_error)?;
        let record = numbered(migrate::RECORD);
        transaction
            .execute(&record, (migration.version, migration.name, &migration.sha256))
            .map_err(map_error)?;
        transaction.commit().map_err(map_error)?;
    }
    Ok(())
}

fn read_loop(connection: &Connection, queue: &Mutex<Receiver<Read>>) {
    loop {
        let next = match queue.lock() {
            Ok(queue) => queue.recv(),
            Err(_) => return,
        };
        let Ok(read) = next else { return };
        let _ = read.answer.send(select(connection, read.sql, &read.args));
    }
}

/// What a write answers, held back until its group is committed: who lost against another of the group reads what that one wrote.
enum Held {
    Batch(Answer<Vec<u64>>, Result<Vec<u64>, DbError>),
    Returning(Answer<Vec<Row>>, Result<Vec<Row>, DbError>),
}

impl Held {
    fn finish(self, outcome: Result<(), String>) {
        let committed = outcome.map_err(DbError::Unavailable);
        match self {
            Held::Batch(answer, own) => drop(answer.send(committed.and(own))),
            Held::Returning(answer, own) => drop(answer.send(committed.and(own))),
        }
    }
}

fn write_loop(connection: Connection, queue: &Receiver<Write>) {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX {
            match queue.try_recv() {
                Ok(next) => group.push(next),
                Err(_) => break,
            }
        }
        commit_group(&connection, group);
    }
}

fn commit_group(connection: &Connection, group: Vec<Write>) {
    let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(|e| e.to_string());
    let mut held = Vec::with_capacity(group.len());
    let mut copies = Vec::new();
    for write in group {
        match write {
            Write::Copy(path, answer) => copies.push((path, answer)),
            Write::Batch(statements, answer) => {
                let own = guarded(connection, &begun, || run_all(connection, &statements));
                held.push(Held::Batch(answer, own));
            }
            Write::Returning(statement, answer) => {
                let own = guarded(connection, &begun, || select(connection, statement.sql, &statement.args));
                held.push(Held::Returning(answer, own));
            }
        }
    }
    let outcome = connection.execute_batch("COMMIT").map_err(|e| {
        let _ = connection.execute_batch("ROLLBACK");
        e.to_string()
    });
    for answer in held {
        answer.finish(outcome.clone());
    }
    for (path, answer) in copies {
        let _ = answer.send(
            connection.backup("main", &path, None::<fn(rusqlite::backup::Progress)>).map_err(map_error),
        );
    }
}

/// Runs `body` in a savepoint of the group's transaction: its failure is its own.
fn guarded<T>(
    connection: &Connection,
    begun: &Result<(), String>,
    body: impl FnOnce() -> Result<T, DbError>,
) -> Result<T, DbError> {
    begun.clone().map_err(DbError::Unavailable)?;
    connection.execute_batch("SAVEPOINT one").map_err(map_error)?;
    let result = body();
    let end = if result.is_ok() { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
    connection.execute_batch(end).map_err(map_error)?;
    result
}

fn run_all(connection: &Connection, statements: &[Statement]) -> Result<Vec<u64>, DbError> {
    let mut touched = Vec::with_capacity(statements.len());
    for statement in statements {
        let mut prepared = connection.prepare_cached(&numbered(statement.sql)).map_err(map_error)?;
        let rows = prepared.execute(rusqlite::params_from_iter(&statement.args)).map_err(map_error)? as u64;
        if statement.expect.is_some_and(|expected| expected != rows) {
            return Err(DbError::Stale);
        }
        touched.push(rows);
    }
    Ok(touched)
}

fn select(connection: &Connection, sql: &str, args: &[Val]) -> Result<Vec<Row>, DbError> {
    let mut prepared = connection.prepare_cached(&numbered(sql)).map_err(map_error)?;
    let columns: Arc<[String]> = prepared.column_names().map(String::from).collect();
    let mut rows = prepared.query(rusqlite::params_from_iter(args)).map_err(map_error)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().map_err(map_error)? {
        let values = (0..columns.len())
            .map(|i| row.get_ref(i).map(from_sqlite))
            .collect::<Result<_, _>>()
            .map_err(map_error)?;
        out.push(Row { columns: Arc::clone(&columns), values });
    }
    Ok(out)
}

/// SQLite takes `$2` as a name and numbers names by first appearance, which silently binds the wrong way round;
/// `?2` it takes as a number. Quoted text is left alone.
fn numbered(sql: &str) -> String {
    let mut quoted = false;
    sql.chars()
        .map(|c| {
            quoted ^= c == '\'';
            if c == '$' && !quoted { '?' } else { c }
        })
        .collect()
}

impl ToSql for Val {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Val::Null => ValueRef::Null,
            Val::Int(v) => ValueRef::Integer(*v),
            Val::Float(v) => ValueRef::Real(*v),
            Val::Bool(v) => ValueRef::Integer((*v).into()),
            Val::Text(v) => ValueRef::Text(v.as_bytes()),
            Val::Bytes(v) => ValueRef::Blob(v),
        }))
    }
}

fn from_sqlite(value: ValueRef<'_>) -> Val {
    match value {
        ValueRef::Null => Val::Null,
        ValueRef::Integer(v) => Val::Int(v),
        ValueRef::Real(v) => Val::Float(v),
        ValueRef::Text(v) => Val::Text(String::from_utf8_lossy(v).into_owned()),
        ValueRef::Blob(v) => Val::Bytes(v.to_vec()),
    }
}

/// The part of an extended result code that says the kind: <https://sqlite.org/rescode.html>.
const PRIMARY_CODE: i32 = 0xff;

fn map_error(error: rusqlite::Error) -> DbError {
    let code = error.sqlite_error().map(|e| e.extended_code);
    if let Some(ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN) = code.map(|code| code & PRIMARY_CODE) {
        return DbError::Unavailable(error.to_string());
    }
    match code {
        Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            DbError::Unique(error.to_string())
        }
        Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => DbError::ForeignKey(error.to_string()),
        Some(ffi::SQLITE_FULL | ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB) => {
            DbError::Unavailable(error.to_string())
        }
        _ => DbError::Other(error.to_string()),
    }
}
