//! The agent's own directory: identity, trust bundle, small state, journal, spool.
//!
//! Invariant: files are replaced whole (write, sync, rename), readable by the agent's user alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("cannot use {path}: {source}; check its owner and the free space")]
    Io { path: String, source: io::Error },
    #[error("{path} is damaged: {why}; restore it from a backup or enrol this server again")]
    Damaged { path: String, why: String },
    #[error("{path} does not exist: enrol this server first (watchtower-agent enrol)")]
    NotEnrolled { path: String },
}

/// What the agent remembers between two starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    pub boot_id: String,
    /// The epoch of the last start; the next is larger.
    pub epoch: u64,
}

#[derive(Clone, Debug)]
pub struct StateDir {
    path: PathBuf,
}

impl StateDir {
    /// Makes the directory where it is missing: its files are private, but scripts of other users lie below it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        // What is started from here runs elsewhere, and is given paths of files below.
        let path = std::path::absolute(path).map_err(|source| io_error(path, source))?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(&path)
            .map_err(|source| io_error(&path, source))?;
        Ok(StateDir { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Absent or unreadable state only costs the events derived from it.
    pub fn remembered(&self) -> Remembered {
        fs::read(self.file("state.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    pub fn remember(&self, state: &Remembered) -> Result<(), StateError> {
        self.write(
            "state.json",
            &serde_json::to_vec(state).expect("the state holds only strings and numbers"),
        )
    }

    pub fn read(&self, name: &str) -> Result<Vec<u8>, StateError> {
        let path = self.file(name);
        fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StateError::NotEnrolled { path: path.display().to_string() },
            _ => io_error(&path, source),
        })
    }

    /// Replaces a file whole, 0600, durable when this returns. It belongs to the directory's owner: root enrols an
    /// agent that runs as another user. What that user may have laid in the way is not followed.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StateError> {
        let path = self.file(name);
        let temporary = self.file(&format!("{name}.new"));
        let attempt = || -> io::Result<()> {
            match fs::remove_file(&temporary) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
            let owner = fs::metadata(&self.path)?;
            if owner.uid() != rustix::process::geteuid().as_raw() {
                fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
            }
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.path)?.sync_all()
        };
        attempt().map_err(|source| io_error(&path, source))
    }
}

pub(crate) fn io_error(path: &Path, source: io::Error) -> StateError {
    StateError::Io { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn paths_below_it_mean_the_same_wherever_they_are_used() {
        let dir = tempfile::tempdir().unwrap();
        let here = std::env::current_dir().unwrap();
        let up = here.components().skip(1).map(|_| "..").collect::<PathBuf>();
        let relative = up.join(dir.path().strip_prefix("/").unwrap());
        let file = StateDir::open(&relative).unwrap().file("x");
        assert!(file.is_absolute() && relative.is_relative());
        fs::write(file, "there").unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("x")).unwrap(), "there");
    }

    #[test]
    fn files_are_private_and_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(&dir.path().join("a/b")).unwrap();
        assert_eq!(state.remembered(), Remembered::default());
        let remembered = Remembered { boot_id: "x".into(), epoch: 7 };
        state.remember(&remembered).unwrap();
        assert_eq!(state.remembered(), remembered);
        let mode = fs::metadata(state.file("state.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(matches!(state.read("bundle.json"), Err(StateError::NotEnrolled { .. })));
    }
}
