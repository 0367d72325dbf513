//! One SQLite file of a day or of a longer period.
//!
//! Invariants: writers and readers of a file have connections of their own, so that a query does not wait for a flush; what one read
//! hands out was there at one moment; ids of rows grow, so their order is that in which they were stored.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};

use rusqlite::{Connection, Transaction};

use super::MetricsError;
use super::file::{Formats, connect};

/// Idle reading connections of one file.
const IDLE_READERS_MAX: usize = 4;
/// Pages given back in one transaction: a flush waits no longer than this takes.
const RECLAIM_PAGES: u32 = 2048;

#[derive(Debug)]
pub(super) struct PeriodFile {
    pub path: PathBuf,
    /// Of this object, in this process.
    pub number: u64,
    formats: Formats,
    writer: Mutex<Option<Connection>>,
    readers: Mutex<Vec<Connection>>,
    /// Grows with each use; 0 when it is closed.
    pub used: AtomicU64,
}

impl PeriodFile {
    pub(super) fn new(path: PathBuf, number: u64, formats: Formats) -> Self {
        let (writer, readers) = (Mutex::default(), Mutex::default());
        PeriodFile { path, number, formats, writer, readers, used: AtomicU64::new(0) }
    }

    pub(super) fn close(&self) {
        self.used.store(0, Relaxed);
        *self.writer.lock().expect("no code panics while it writes a file") = None;
        self.readers.lock().expect("no code panics while it holds the readers").clear();
    }

    pub(super) fn open_writer(&self) -> Result<MutexGuard<'_, Option<Connection>>, MetricsError> {
        let mut writer = self.writer.lock().expect("no code panics while it writes a file");
        if writer.is_none() {
            *writer = Some(connect(&self.path, self.formats)?);
        }
        Ok(writer)
    }

    pub(super) fn write(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), MetricsError> {
        let mut writer = self.open_writer()?;
        let connection = writer.as_mut().expect("the writer was just opened");
        let write = || {
            let transaction = connection.transaction()?;
            work(&transaction)?;
            transaction.commit()
        };
        write().map_err(|e| MetricsError::sqlite(&self.path, e))
    }

    pub(super) fn with_reader<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, MetricsError> {
        let idle = self.readers.lock().expect("no code panics while it holds the readers").pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, self.formats)?,
        };
        // One read transaction: all of one moment, and the file's locks are taken once.
        let read = connection.unchecked_transaction().and_then(|transaction| work(&transaction));
        let mut readers = self.readers.lock().expect("no code panics while it holds the readers");
        if readers.len() < IDLE_READERS_MAX {
            readers.push(connection);
        }
        drop(readers);
        read.map_err(|e| MetricsError::sqlite(&self.path, e))
    }

    pub(super) fn reclaim(&self) -> Result<(), MetricsError> {
        while self.reclaim_some()? {}
        Ok(())
    }

    /// Gives some free pages back; whether there are more.
    fn reclaim_some(&self) -> Result<bool, MetricsError> {
        let writer = self.open_writer()?;
        let connection = writer.as_ref().expect("the writer was just opened");
        reclaim_pages(connection).map_err(|e| MetricsError::sqlite(&self.path, e))
    }
}

fn reclaim_pages(connection: &Connection) -> rusqlite::Result<bool> {
    let pragma = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u32>(0));
    let before = pragma("PRAGMA freelist_count")?;
    if before > 0 && pragma("PRAGMA auto_vacuum")? == 0 {
        // A file of the first format: written anew, which is what a merge left of it.
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")?;
    } else {
        connection.execute_batch(&format!("PRAGMA incremental_vacuum({RECLAIM_PAGES})"))?;
    }
    let after = pragma("PRAGMA freelist_count")?;
    let more = after > 0 && after < before;
    if !more {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    Ok(more)
}
