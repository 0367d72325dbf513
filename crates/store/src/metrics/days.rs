//! One SQLite file of chunks per UTC day.
//!
//! Invariants: one damaged file costs its day and nothing else, and never a start; writers and readers of a day
//! have connections of their own, so that a query does not wait for a flush.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rusqlite::{Connection, params};
use watchtower_model::Timestamp;

use super::{MetricsError, sync_dir};

const SCHEMA: &str = "
    CREATE TABLE chunks (series INTEGER NOT NULL, min_t INTEGER NOT NULL, max_t INTEGER NOT NULL,
        data BLOB NOT NULL) STRICT;
    CREATE INDEX chunks_by_series ON chunks (series, min_t, max_t);
";
const FORMAT: i64 = 1;
const DAY_MS: i64 = 86_400_000;
/// Day files with open connections.
const OPEN_DAYS_MAX: usize = 8;
/// Idle reading connections of one day.
const IDLE_READERS_MAX: usize = 4;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const SIDE_FILES: [&str; 3] = ["", "-wal", "-shm"];

/// A chunk to store.
#[derive(Clone, Copy, Debug)]
pub struct ChunkRow<'a> {
    pub series: u64,
    pub min_t: i64,
    pub max_t: i64,
    pub bytes: &'a [u8],
}

/// A day file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    pub day: i32,
    /// Where it is now.
    pub path: PathBuf,
    pub reason: String,
}

#[derive(Debug)]
struct DayFile {
    path: PathBuf,
    writer: Mutex<Option<Connection>>,
    readers: Mutex<Vec<Connection>>,
    used: AtomicU64,
}

#[derive(Debug)]
pub(super) struct DayFiles {
    dir: PathBuf,
    days: Mutex<BTreeMap<i32, Arc<DayFile>>>,
    set_aside: Mutex<Vec<SetAside>>,
    clock: AtomicU64,
}

impl DayFiles {
    pub(super) fn open(dir: &Path) -> Result<Self, MetricsError> {
        let mut days = BTreeMap::new();
        let failed = |e| MetricsError::io(dir, "listing the day files", e);
        for entry in fs::read_dir(dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_suffix(".db"));
            let start = name.and_then(|n| Timestamp::parse_rfc3339(&format!("{n}T00:00:00Z")).ok());
            if let Some(start) = start {
                days.insert(start.0.div_euclid(DAY_MS) as i32, Arc::new(DayFile::new(path)));
            }
        }
        let (days, set_aside, clock) = (Mutex::new(days), Mutex::default(), AtomicU64::new(0));
        Ok(DayFiles { dir: dir.to_path_buf(), days, set_aside, clock })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Arc<DayFile>>> {
        self.days.lock().expect("no code panics while it holds the list of days")
    }

    pub(super) fn list(&self) -> Vec<i32> {
        self.lock().keys().copied().collect()
    }

    pub(super) fn set_aside(&self) -> Vec<SetAside> {
        self.set_aside.lock().expect("no code panics while it holds the list").clone()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.lock().values().map(|d| file_bytes(&d.path)).sum()
    }

    pub(super) fn put(&self, day: i32, chunks: &[ChunkRow<'_>]) -> Result<(), MetricsError> {
        match self.get_or_make(day)?.put(chunks) {
            Err(MetricsError::Damaged { reason, .. }) => {
                self.quarantine(day, &reason)?;
                self.get_or_make(day)?.put(chunks)
            }
            other => other,
        }
    }

    pub(super) fn read(
        &self,
        day: i32,
        series: &[u64],
        from: i64,
        to: i64,
        each: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), MetricsError> {
        let Some(file) = self.get(day) else { return Ok(()) };
        match file.read(series, from, to, each) {
            Err(MetricsError::Damaged { reason, .. }) => self.quarantine(day, &reason),
            other => other,
        }
    }

    pub(super) fn remove(&self, day: i32) -> Result<(), MetricsError> {
        let Some(file) = self.lock().remove(&day) else { return Ok(()) };
        file.close();
        for suffix in SIDE_FILES {
            let path = with_suffix(&file.path, suffix);
            match fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(MetricsError::io(&path, "removing a day", e));
                }
                _ => {}
            }
        }
        sync_dir(&self.dir)
    }

    fn get(&self, day: i32) -> Option<Arc<DayFile>> {
        let days = self.lock();
        let file = Arc::clone(days.get(&day)?);
        file.used.store(self.clock.fetch_add(1, Relaxed) + 1, Relaxed);
        let mut open: Vec<_> = days.values().filter(|d| d.used.load(Relaxed) > 0).cloned().collect();
        drop(days);
        if open.len() > OPEN_DAYS_MAX {
            open.sort_by_key(|d| d.used.load(Relaxed));
            open[0].close();
        }
        Some(file)
    }

    fn get_or_make(&self, day: i32) -> Result<Arc<DayFile>, MetricsError> {
        if let Some(file) = self.get(day) {
            return Ok(file);
        }
        let name = Timestamp(i64::from(day) * DAY_MS).day();
        let file = Arc::new(DayFile::new(self.dir.join(format!("{name}.db"))));
        self.lock().entry(day).or_insert(file);
        let file = self.get(day).ok_or_else(|| MetricsError::Damaged {
            path: self.dir.join(format!("{name}.db")),
            reason: "the day was dropped while it was being written".into(),
        })?;
        drop(file.open_writer()?);
        sync_dir(&self.dir)?;
        Ok(file)
    }

    /// Moves a damaged day out of the way and remembers it.
    fn quarantine(&self, day: i32, reason: &str) -> Result<(), MetricsError> {
        let Some(file) = self.lock().remove(&day) else { return Ok(()) };
        file.close();
        let free = |n: &u32| !with_suffix(&file.path, &format!(".damaged-{n}")).exists();
        let suffix = format!(".damaged-{}", (1..u32::MAX).find(free).unwrap_or(u32::MAX));
        for side in SIDE_FILES {
            let from = with_suffix(&file.path, side);
            let to = with_suffix(&file.path, &format!("{suffix}{side}"));
            match fs::rename(&from, &to) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(MetricsError::io(&from, "setting a damaged day aside", e));
                }
                _ => {}
            }
        }
        sync_dir(&self.dir)?;
        let path = with_suffix(&file.path, &suffix);
        tracing::error!(path = %path.display(), reason, "a day of metrics is damaged and was set aside");
        let mut list = self.set_aside.lock().expect("no code panics while it holds the list");
        list.push(SetAside { day, path, reason: reason.to_string() });
        Ok(())
    }
}

impl DayFile {
    fn new(path: PathBuf) -> Self {
        DayFile { path, writer: Mutex::default(), readers: Mutex::default(), used: AtomicU64::new(0) }
    }

    fn close(&self) {
        self.used.store(0, Relaxed);
        *self.writer.lock().expect("no code panics while it writes a day") = None;
        self.readers.lock().expect("no code panics while it holds the readers").clear();
    }

    fn open_writer(&self) -> Result<MutexGuard<'_, Option<Connection>>, MetricsError> {
        let mut writer = self.writer.lock().expect("no code panics while it writes a day");
        if writer.is_none() {
            *writer = Some(connect(&self.path, SCHEMA)?);
        }
        Ok(writer)
    }

    fn put(&self, chunks: &[ChunkRow<'_>]) -> Result<(), MetricsError> {
        let mut writer = self.open_writer()?;
        let connection = writer.as_mut().expect("the writer was just opened");
        let mut write = || {
            let transaction = connection.transaction()?;
            {
                let mut statement = transaction.prepare_cached(
                    "INSERT INTO chunks (series, min_t, max_t, data) VALUES (?1, ?2, ?3, ?4)",
                )?;
                for c in chunks {
                    statement.execute(params![c.series as i64, c.min_t, c.max_t, c.bytes])?;
                }
            }
            transaction.commit()
        };
        write().map_err(|e| MetricsError::sqlite(&self.path, e))
    }

    fn read(
        &self,
        series: &[u64],
        from: i64,
        to: i64,
        each: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), MetricsError> {
        let idle = self.readers.lock().expect("no code panics while it holds the readers").pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, SCHEMA)?,
        };
        let read = read_series(&connection, series, from, to, each);
        let mut readers = self.readers.lock().expect("no code panics while it holds the readers");
        if readers.len() < IDLE_READERS_MAX {
            readers.push(connection);
        }
        drop(readers);
        read.map_err(|e| MetricsError::sqlite(&self.path, e))
    }
}

fn read_series(
    connection: &Connection,
    series: &[u64],
    from: i64,
    to: i64,
    each: &mut dyn FnMut(u64, &[u8]) -> bool,
) -> rusqlite::Result<()> {
    // One read transaction: without it every series would take and release the file's locks again.
    let transaction = connection.unchecked_transaction()?;
    let mut statement = transaction
        .prepare_cached("SELECT data FROM chunks WHERE series = ?1 AND min_t <= ?2 AND max_t >= ?3")?;
    for number in series {
        let mut rows = statement.query(params![*number as i64, to, from])?;
        while let Some(row) = rows.next()? {
            if !each(*number, row.get_ref(0)?.as_blob()?) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Opens or makes a file of this module: every commit is synced, readers do not block the writer.
pub(super) fn connect(path: &Path, schema: &str) -> Result<Connection, MetricsError> {
    let failed = |e| MetricsError::sqlite(path, e);
    let mut connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let settings = "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        PRAGMA cache_size = -2048; PRAGMA journal_size_limit = 16777216;";
    connection.execute_batch(settings).map_err(failed)?;
    let version = |c: &Connection| c.query_row("PRAGMA user_version", [], |r| r.get::<_, i64>(0));
    match version(&connection).map_err(failed)? {
        FORMAT => Ok(connection),
        0 => {
            let make = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate);
            let transaction = make.map_err(failed)?;
            // Another connection may have made the tables since the look above.
            if version(&transaction).map_err(failed)? == 0 {
                let sql = format!("{schema} PRAGMA user_version = {FORMAT};");
                transaction.execute_batch(&sql).map_err(failed)?;
            }
            transaction.commit().map_err(failed)?;
            Ok(connection)
        }
        found => Err(MetricsError::Newer { path: path.to_path_buf(), found }),
    }
}

/// The size of a database with its side files.
pub(super) fn file_bytes(path: &Path) -> u64 {
    let len = |suffix: &str| fs::metadata(with_suffix(path, suffix)).map_or(0, |m| m.len());
    SIDE_FILES.into_iter().map(len).sum()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
