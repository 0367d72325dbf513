//! Reads the kernel's files below a root directory, so that a fixture can stand in for a machine.
//!
//! Invariant: one buffer is reused for every file; no read grows the heap beyond the largest file seen.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

/// Bytes of one file; `/proc` files of a large machine stay far below.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    #[error("cannot read {path}: {source}")]
    Read { path: String, source: io::Error },
    #[error("{path} does not look as expected: {what}")]
    Format { path: &'static str, what: &'static str },
    #[error("no answer within {ms} ms")]
    TimedOut { ms: u64 },
    #[error("{program} failed: {why}")]
    Child { program: &'static str, why: String },
    #[error("a file of metrics: {why}")]
    Textfile { why: String },
}

impl CollectError {
    /// The kernel or machine lacks the thing: nothing to report rather than a failure.
    pub fn is_absent(&self) -> bool {
        matches!(self, CollectError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

#[derive(Debug)]
pub struct Source {
    root: PathBuf,
    buffer: Vec<u8>,
}

impl Source {
    /// `root` is `/` on a real machine.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Source { root: root.into(), buffer: Vec::with_capacity(16 * 1024) }
    }

    /// `path` is relative: `proc/stat`.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub fn read_bytes(&mut self, path: &str) -> Result<&[u8], CollectError> {
        self.buffer.clear();
        File::open(self.root.join(path))
            .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut self.buffer))
            .map_err(|source| CollectError::Read { path: path.to_string(), source })?;
        Ok(&self.buffer)
    }

    /// The file as text; what is not UTF-8 is cut off there.
    pub fn read(&mut self, path: &str) -> Result<&str, CollectError> {
        let bytes = self.read_bytes(path)?;
        Ok(match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()])
                .expect("the bytes up to there are valid by the error's definition"),
        })
    }

    /// The trimmed first line of a small file such as those of `/sys`.
    pub fn line(&mut self, path: &str) -> Result<String, CollectError> {
        Ok(self.read(path)?.lines().next().unwrap_or("").trim().to_string())
    }

    /// Names in a directory, sorted so that series keep their order.
    pub fn list(&self, path: &str) -> Result<Vec<String>, CollectError> {
        let wrap = |source| CollectError::Read { path: path.to_string(), source };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.root.join(path)).map_err(wrap)? {
            if let Ok(name) = entry.map_err(wrap)?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}
