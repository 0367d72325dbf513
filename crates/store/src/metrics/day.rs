//! One SQLite file of chunks and blocks per UTC day.
//!
//! Invariants: writers and readers of a day have connections of their own, so that a query does not wait for a flush; what one read
//! hands out was there at one moment; ids of rows grow, so their order is that in which they were stored.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};

use rusqlite::{Connection, Transaction, params};

use super::MetricsError;
use super::file::{Formats, connect};

const FORMATS: Formats = &[
    "CREATE TABLE chunks (series INTEGER NOT NULL, min_t INTEGER NOT NULL, max_t INTEGER NOT NULL,
        data BLOB NOT NULL) STRICT;
     CREATE INDEX chunks_by_series ON chunks (series, min_t, max_t);",
    "CREATE TABLE blocks (grp INTEGER NOT NULL, min_t INTEGER NOT NULL, max_t INTEGER NOT NULL,
        data BLOB NOT NULL) STRICT;
     CREATE INDEX blocks_by_group ON blocks (grp, min_t, max_t);",
];
/// Idle reading connections of one day.
const IDLE_READERS_MAX: usize = 4;
/// Pages given back in one transaction: a flush waits no longer than this takes.
const RECLAIM_PAGES: u32 = 2048;

/// A chunk to store.
#[derive(Clone, Copy, Debug)]
pub struct ChunkRow<'a> {
    pub series: u64,
    pub min_t: i64,
    pub max_t: i64,
    pub bytes: &'a [u8],
}

/// A block to store.
#[derive(Clone, Copy, Debug)]
pub struct BlockRow<'a> {
    pub group: u64,
    pub min_t: i64,
    pub max_t: i64,
    pub bytes: &'a [u8],
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub struct RowsOf<'a> {
    /// Whose chunks.
    pub series: &'a [u64],
    /// Whose blocks.
    pub groups: &'a [u64],
    /// Overlapping this, in milliseconds.
    pub from: i64,
    pub to: i64,
}

/// Something read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredRow<'a> {
    Chunk { series: u64, bytes: &'a [u8] },
    Block { group: u64, bytes: &'a [u8] },
}

/// All of a group with the ids of the rows, oldest first: chunks with their series, blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRows {
    /// The file they were read from: one that is begun anew for the same day has another number.
    pub source: u64,
    pub chunks: Vec<(i64, u64, Vec<u8>)>,
    pub blocks: Vec<(i64, Vec<u8>)>,
}

/// Rows to remove by id, and blocks to add.
#[derive(Clone, Debug, Default)]
pub struct SwapRows<'a> {
    pub source: u64,
    pub chunks: &'a [i64],
    pub blocks: &'a [i64],
    pub add: Vec<BlockRow<'a>>,
}

#[derive(Debug)]
pub(super) struct DayFile {
    pub path: PathBuf,
    /// Of this object, in this process.
    number: u64,
    writer: Mutex<Option<Connection>>,
    readers: Mutex<Vec<Connection>>,
    /// Grows with each use; 0 when it is closed.
    pub used: AtomicU64,
}

impl DayFile {
    pub(super) fn new(path: PathBuf, number: u64) -> Self {
        let (writer, readers) = (Mutex::default(), Mutex::default());
        DayFile { path, number, writer, readers, used: AtomicU64::new(0) }
    }

    pub(super) fn close(&self) {
        self.used.store(0, Relaxed);
        *self.writer.lock().expect("no code panics while it writes a day") = None;
        self.readers.lock().expect("no code panics while it holds the readers").clear();
    }

    pub(super) fn open_writer(&self) -> Result<MutexGuard<'_, Option<Connection>>, MetricsError> {
        let mut writer = self.writer.lock().expect("no code panics while it writes a day");
        if writer.is_none() {
            *writer = Some(connect(&self.path, FORMATS)?);
        }
        Ok(writer)
    }

    fn write(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>) -> Result<(), MetricsError> {
        let mut writer = self.open_writer()?;
        let connection = writer.as_mut().expect("the writer was just opened");
        let write = || {
            let transaction = connection.transaction()?;
            work(&transaction)?;
            transaction.commit()
        };
        write().map_err(|e| MetricsError::sqlite(&self.path, e))
    }

    fn with_reader<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, MetricsError> {
        let idle = self.readers.lock().expect("no code panics while it holds the readers").pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, FORMATS)?,
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

    pub(super) fn put(&self, chunks: &[ChunkRow<'_>]) -> Result<(), MetricsError> {
        self.write(|transaction| {
            let mut statement = transaction
                .prepare_cached("INSERT INTO chunks (series, min_t, max_t, data) VALUES (?1, ?2, ?3, ?4)")?;
            for c in chunks {
                statement.execute(params![c.series as i64, c.min_t, c.max_t, c.bytes])?;
            }
            Ok(())
        })
    }

    pub(super) fn read(
        &self,
        rows: &RowsOf<'_>,
        each: &mut dyn FnMut(StoredRow<'_>) -> bool,
    ) -> Result<(), MetricsError> {
        self.with_reader(|transaction| read_rows(transaction, rows, each))
    }

    /// Series that have chunks, and how many.
    pub(super) fn chunk_counts(&self) -> Result<Vec<(u64, u32)>, MetricsError> {
        self.with_reader(|transaction| {
            let mut statement =
                transaction.prepare_cached("SELECT series, count(*) FROM chunks GROUP BY series")?;
            statement.query_map([], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?)))?.collect()
        })
    }

    pub(super) fn read_group(
        &self,
        group: u64,
        series: RangeInclusive<u64>,
    ) -> Result<GroupRows, MetricsError> {
        self.with_reader(|transaction| {
            let mut chunks = transaction.prepare_cached(
                "SELECT rowid, series, data FROM chunks WHERE series BETWEEN ?1 AND ?2 ORDER BY rowid",
            )?;
            let mut blocks =
                transaction.prepare_cached("SELECT rowid, data FROM blocks WHERE grp = ?1 ORDER BY rowid")?;
            let chunks = chunks
                .query_map([*series.start() as i64, *series.end() as i64], |row| {
                    Ok((row.get(0)?, row.get::<_, i64>(1)? as u64, row.get(2)?))
                })?
                .collect::<Result<_, _>>()?;
            let blocks = blocks
                .query_map([group as i64], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            Ok(GroupRows { source: self.number, chunks, blocks })
        })
    }

    pub(super) fn swap(&self, swaps: &[SwapRows<'_>]) -> Result<(), MetricsError> {
        if swaps.iter().any(|swap| swap.source != self.number) {
            return Err(MetricsError::Replaced { path: self.path.clone() });
        }
        self.write(|transaction| {
            let mut add = transaction
                .prepare_cached("INSERT INTO blocks (grp, min_t, max_t, data) VALUES (?1, ?2, ?3, ?4)")?;
            let mut remove_chunk = transaction.prepare_cached("DELETE FROM chunks WHERE rowid = ?1")?;
            let mut remove_block = transaction.prepare_cached("DELETE FROM blocks WHERE rowid = ?1")?;
            for swap in swaps {
                for b in &swap.add {
                    add.execute(params![b.group as i64, b.min_t, b.max_t, b.bytes])?;
                }
                for row in swap.chunks {
                    remove_chunk.execute([row])?;
                }
                for row in swap.blocks {
                    remove_block.execute([row])?;
                }
            }
            Ok(())
        })
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

fn read_rows(
    transaction: &Transaction<'_>,
    rows: &RowsOf<'_>,
    each: &mut dyn FnMut(StoredRow<'_>) -> bool,
) -> rusqlite::Result<()> {
    let mut blocks = transaction.prepare_cached(
        "SELECT data FROM blocks WHERE grp = ?1 AND min_t <= ?2 AND max_t >= ?3 ORDER BY rowid",
    )?;
    for group in rows.groups {
        let mut found = blocks.query(params![*group as i64, rows.to, rows.from])?;
        while let Some(row) = found.next()? {
            if !each(StoredRow::Block { group: *group, bytes: row.get_ref(0)?.as_blob()? }) {
                return Ok(());
            }
        }
    }
    let mut chunks = transaction
        .prepare_cached("SELECT data FROM chunks WHERE series = ?1 AND min_t <= ?2 AND max_t >= ?3")?;
    for series in rows.series {
        let mut found = chunks.query(params![*series as i64, rows.to, rows.from])?;
        while let Some(row) = found.next()? {
            if !each(StoredRow::Chunk { series: *series, bytes: row.get_ref(0)?.as_blob()? }) {
                return Ok(());
            }
        }
    }
    Ok(())
}
