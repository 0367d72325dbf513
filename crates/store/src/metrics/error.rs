//! What can go wrong below the metric engine; every text names the file.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

/// What SQLite says, without a code of its own, when a file's header or schema is not as it was written.
const SHAPES: [&str; 4] = ["unsupported file format", "no such table", "no such column", "already exists"];

#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    #[error("{}: {action}: {source}", path.display())]
    Io { path: PathBuf, action: &'static str, source: io::Error },
    #[error("{}: no space left: free space in the data directory", path.display())]
    Full { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    #[error("{}: damaged: {reason}; restore it from a backup or move it away", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("{}: written by a newer version (format {found}): upgrade the hub", path.display())]
    Newer { path: PathBuf, found: i64 },
    #[error("{}: set aside and begun anew meanwhile", path.display())]
    Replaced { path: PathBuf },
    #[error("a log record of {bytes} bytes is too long: the limit is {limit}")]
    RecordTooLong { bytes: usize, limit: usize },
}

impl MetricsError {
    pub(super) fn io(path: &Path, action: &'static str, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => MetricsError::Full { path },
            _ => MetricsError::Io { path, action, source },
        }
    }

    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase, ReadOnly};
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            Some(DiskFull) => MetricsError::Full { path },
            Some(DatabaseCorrupt | NotADatabase) => {
                MetricsError::Damaged { path, reason: source.to_string() }
            }
            // A file that can be written, but claims a format of which SQLite only reads.
            Some(ReadOnly) if OpenOptions::new().write(true).open(&path).is_ok() => {
                MetricsError::Damaged { path, reason: source.to_string() }
            }
            _ if SHAPES.iter().any(|text| source.to_string().contains(text)) => {
                MetricsError::Damaged { path, reason: source.to_string() }
            }
            _ => MetricsError::Sqlite { path, source },
        }
    }
}
