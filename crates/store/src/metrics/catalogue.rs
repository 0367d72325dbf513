//! `series.db`: which series exist, how far every agent is, how far chunks reach.
//!
//! Invariants: `next_series` never falls, also when series are removed; rows of series lie in packs, each of which is rewritten as a
//! whole; a pack that cannot be read costs its series, never the start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::file::{Formats, connect, file_bytes};
use super::{MetricsError, pack};

const FORMATS: Formats = &[
    "CREATE TABLE series (series INTEGER PRIMARY KEY, key BLOB NOT NULL, last_day INTEGER NOT NULL) STRICT;
     CREATE TABLE progress (agent BLOB PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
     CREATE TABLE bounds (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;",
    // Rows of the first format stay in `series` until they are packed, right after the file was opened.
    "CREATE TABLE packs (pack INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesRow {
    pub series: u64,
    pub key: Vec<u8>,
    /// Days since 1970-01-01.
    pub last_day: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressRow {
    pub agent: [u8; 16],
    pub epoch: u64,
    pub seq: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueRows {
    pub series: Vec<SeriesRow>,
    pub progress: Vec<ProgressRow>,
    /// Above every series number ever put.
    pub next_series: u64,
    /// The last value given to `update_catalogue`; `i64::MIN` before the first.
    pub flushed_to: i64,
}

#[derive(Debug)]
pub(super) struct CatalogueFile {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl CatalogueFile {
    pub(super) fn open(path: &Path) -> Result<Self, MetricsError> {
        let mut connection = connect(path, FORMATS)?;
        take_over(&mut connection).map_err(|e| MetricsError::sqlite(path, e))?;
        Ok(CatalogueFile { path: path.to_path_buf(), connection: Mutex::new(connection) })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().expect("no code panics while it holds the catalogue")
    }

    pub(super) fn read(&self) -> Result<CatalogueRows, MetricsError> {
        read_all(&self.lock()).map_err(|e| MetricsError::sqlite(&self.path, e))
    }

    pub(super) fn update(
        &self,
        series: &[SeriesRow],
        progress: &[ProgressRow],
        flushed_to: i64,
    ) -> Result<(), MetricsError> {
        let written = write_all(&mut self.lock(), series, progress, flushed_to);
        written.map_err(|e| MetricsError::sqlite(&self.path, e))
    }

    pub(super) fn remove(&self, series: &[u64]) -> Result<(), MetricsError> {
        if series.is_empty() {
            return Ok(());
        }
        let mut connection = self.lock();
        let mut delete = || {
            let transaction = connection.transaction()?;
            let mut sorted = series.to_vec();
            sorted.sort_unstable();
            for part in sorted.chunk_by(|a, b| a / pack::SERIES == b / pack::SERIES) {
                change(&transaction, part[0] / pack::SERIES, |rows| {
                    part.iter().for_each(|number| drop(rows.remove(number)));
                })?;
            }
            transaction.commit()
        };
        delete().map_err(|e| MetricsError::sqlite(&self.path, e))
    }

    /// Lets go of what the write-ahead log holds beyond what it needs.
    pub(super) fn reclaim(&self) -> Result<(), MetricsError> {
        let done = self.lock().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        done.map_err(|e| MetricsError::sqlite(&self.path, e))
    }

    pub(super) fn bytes(&self) -> u64 {
        file_bytes(&self.path)
    }
}

/// Packs what an older version left as rows.
fn take_over(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let mut statement = transaction.prepare("SELECT series, key, last_day FROM series")?;
    let rows: Vec<SeriesRow> = statement
        .query_map([], |r| {
            Ok(SeriesRow { series: r.get::<_, i64>(0)? as u64, key: r.get(1)?, last_day: r.get(2)? })
        })?
        .collect::<Result<_, _>>()?;
    drop(statement);
    if !rows.is_empty() {
        put_series(&transaction, &rows)?;
        transaction.execute("DELETE FROM series", [])?;
    }
    transaction.commit()
}

fn put_series(transaction: &Transaction<'_>, series: &[SeriesRow]) -> rusqlite::Result<()> {
    let mut packs: BTreeMap<u64, Vec<&SeriesRow>> = BTreeMap::new();
    for row in series {
        packs.entry(row.series / pack::SERIES).or_default().push(row);
    }
    for (number, new) in packs {
        change(transaction, number, |rows| {
            new.iter().for_each(|row| drop(rows.insert(row.series, (*row).clone())));
        })?;
    }
    Ok(())
}

/// Rewrites a pack.
fn change(
    transaction: &Transaction<'_>,
    number: u64,
    change: impl FnOnce(&mut BTreeMap<u64, SeriesRow>),
) -> rusqlite::Result<()> {
    let mut select = transaction.prepare_cached("SELECT data FROM packs WHERE pack = ?1")?;
    let found: Option<Vec<u8>> = select.query_row([number as i64], |row| row.get(0)).optional()?;
    let rows = found.map(|bytes| unpack(number, &bytes)).unwrap_or_default();
    let mut rows: BTreeMap<u64, SeriesRow> = rows.into_iter().map(|row| (row.series, row)).collect();
    change(&mut rows);
    if rows.is_empty() {
        transaction.prepare_cached("DELETE FROM packs WHERE pack = ?1")?.execute([number as i64])?;
        return Ok(());
    }
    let rows: Vec<SeriesRow> = rows.into_values().collect();
    let bytes = pack::encode(&rows).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    transaction
        .prepare_cached("INSERT OR REPLACE INTO packs (pack, data) VALUES (?1, ?2)")?
        .execute(params![number as i64, bytes])?;
    Ok(())
}

fn unpack(number: u64, bytes: &[u8]) -> Vec<SeriesRow> {
    pack::decode(bytes).unwrap_or_else(|| {
        tracing::error!(pack = number, "a part of the catalogue is damaged: its series are forgotten");
        Vec::new()
    })
}

fn read_all(connection: &Connection) -> rusqlite::Result<CatalogueRows> {
    let mut series = Vec::new();
    let mut statement = connection.prepare("SELECT pack, data FROM packs ORDER BY pack")?;
    let mut packs = statement.query([])?;
    while let Some(row) = packs.next()? {
        series.append(&mut unpack(row.get::<_, i64>(0)? as u64, row.get_ref(1)?.as_blob()?));
    }
    let mut statement = connection.prepare("SELECT agent, epoch, seq FROM progress")?;
    let progress = statement
        .query_map([], |r| {
            let (epoch, seq) = (r.get::<_, i64>(1)? as u64, r.get::<_, i64>(2)? as u64);
            Ok(ProgressRow { agent: r.get(0)?, epoch, seq })
        })?
        .collect::<Result<_, _>>()?;
    let mut rows = CatalogueRows { series, progress, next_series: 0, flushed_to: i64::MIN };
    let mut statement = connection.prepare("SELECT name, value FROM bounds")?;
    let mut bounds = statement.query([])?;
    while let Some(row) = bounds.next()? {
        match row.get::<_, String>(0)?.as_str() {
            "next_series" => rows.next_series = row.get::<_, i64>(1)? as u64,
            "flushed_to" => rows.flushed_to = row.get(1)?,
            _ => {}
        }
    }
    Ok(rows)
}

fn write_all(
    connection: &mut Connection,
    series: &[SeriesRow],
    progress: &[ProgressRow],
    flushed_to: i64,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    {
        put_series(&transaction, series)?;
        let mut put = transaction.prepare_cached(
            "INSERT INTO progress (agent, epoch, seq) VALUES (?1, ?2, ?3)
             ON CONFLICT (agent) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq",
        )?;
        for row in progress {
            put.execute(params![row.agent, row.epoch as i64, row.seq as i64])?;
        }
        let next = series.iter().map(|s| s.series + 1).max().unwrap_or(0);
        transaction.execute(
            "INSERT INTO bounds (name, value) VALUES ('next_series', ?1)
             ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
            [next as i64],
        )?;
        transaction.execute(
            "INSERT INTO bounds (name, value) VALUES ('flushed_to', ?1)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [flushed_to],
        )?;
    }
    transaction.commit()
}
