//! SQLite files of this module, and what lies beside them.
//!
//! Invariant: every commit is synced; readers do not block the writer.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::MetricsError;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
pub(super) const SIDE_FILES: [&str; 3] = ["", "-wal", "-shm"];

/// The tables of one kind of file: a step for each format, from the first one to the present.
pub(super) type Formats = &'static [&'static str];

/// Opens or makes a file, and brings it to the present format.
pub(super) fn connect(path: &Path, formats: Formats) -> Result<Connection, MetricsError> {
    let failed = |e| MetricsError::sqlite(path, e);
    let mut connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let before = version(&connection).map_err(failed)?;
    if before == 0 {
        // Incremental: what a merge removes can be given back to the disk, when the merge says so. Only for a new file: to say it
        // again would be a write, also of those who only read.
        let shape = "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;";
        connection.execute_batch(shape).map_err(failed)?;
    }
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -2048;
        PRAGMA journal_size_limit = 16777216;";
    connection.execute_batch(settings).map_err(failed)?;
    let present = formats.len() as i64;
    match before {
        found if found == present => return Ok(connection),
        found if found > present => return Err(MetricsError::Newer { path: path.to_path_buf(), found }),
        _ => {}
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    upgrade(&transaction, formats).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    Ok(connection)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Another connection may have made the tables meanwhile: the version is read again.
fn upgrade(transaction: &Transaction<'_>, formats: Formats) -> rusqlite::Result<()> {
    let done = usize::try_from(version(transaction)?).unwrap_or(0);
    for sql in formats.iter().skip(done) {
        transaction.execute_batch(sql)?;
    }
    transaction.execute_batch(&format!("PRAGMA user_version = {}", formats.len()))
}

/// The size of a database with its side files.
pub(super) fn file_bytes(path: &Path) -> u64 {
    let len = |suffix: &str| fs::metadata(with_suffix(path, suffix)).map_or(0, |m| m.len());
    SIDE_FILES.into_iter().map(len).sum()
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
