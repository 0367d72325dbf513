//! `metadata.json`: what is said of metrics' names, small, written whole.
//!
//! Invariant: a crash leaves the file as it was or as it is to be.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::{MetricsError, sync_dir};

#[derive(Debug)]
pub(super) struct MetadataFile {
    path: PathBuf,
    writing: Mutex<()>,
}

impl MetadataFile {
    pub(super) fn new(dir: &Path) -> Self {
        MetadataFile { path: dir.join("metadata.json"), writing: Mutex::default() }
    }

    pub(super) fn read(&self) -> Result<Option<Vec<u8>>, MetricsError> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(MetricsError::io(&self.path, "reading", error)),
        }
    }

    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), MetricsError> {
        let _writing = self.writing.lock().expect("no code panics while it writes the file");
        let new = self.path.with_extension("json.new");
        let failed = |error| MetricsError::io(&new, "writing", error);
        let mut file = fs::File::create(&new).map_err(failed)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&new, &self.path).map_err(|e| MetricsError::io(&self.path, "renaming", e))?;
        sync_dir(self.path.parent().unwrap_or(&self.path))
    }
}
