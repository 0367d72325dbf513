//! Where executions lie: their records, which only the executor can read, and the scripts, each readable by its user.
//!
//! Invariant: a script's user can write nothing that the executor believes.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::PathBuf;

use watchtower_model::ExecutionId;
use watchtower_protocol::RunScript;

use super::account::Account;
use super::record::Record;
use crate::state_dir::StateDir;

#[derive(Clone, Debug)]
pub struct Scratch {
    state: StateDir,
}

impl Scratch {
    pub fn of(state: &StateDir) -> Self {
        Scratch { state: state.clone() }
    }

    /// The socket that supervisors knock at.
    pub fn wake(&self) -> PathBuf {
        self.state.file("wake")
    }

    fn records(&self) -> PathBuf {
        self.state.file("executions")
    }

    fn scripts(&self) -> PathBuf {
        self.state.file("scripts")
    }

    pub fn record(&self, id: ExecutionId) -> Record {
        Record::at(self.records().join(id.to_string()))
    }

    /// Executions that have a directory.
    pub fn ids(&self) -> Vec<ExecutionId> {
        let entries = fs::read_dir(self.records()).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
    }

    /// A directory (0700) and a file that only the script's user can read. The directories above can be passed
    /// through: everything else in them is private by its own mode.
    pub fn write_script(&self, run: &RunScript, account: &Account) -> io::Result<PathBuf> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.records())?;
        DirBuilder::new().recursive(true).mode(0o711).create(self.scripts())?;
        let mode = fs::metadata(self.state.path())?.permissions().mode();
        if mode & 0o011 != 0o011 {
            fs::set_permissions(self.state.path(), fs::Permissions::from_mode((mode & 0o7777) | 0o011))?;
        }
        let dir = self.scripts().join(run.execution_id.to_string());
        DirBuilder::new().mode(0o700).create(&dir)?;
        let path = dir.join("script");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o500).open(&path)?;
        file.write_all(run.body.as_bytes())?;
        if account.uid != rustix::process::geteuid().as_raw() {
            chown(&path, Some(account.uid), Some(account.gid))?;
            chown(&dir, Some(account.uid), Some(account.gid))?;
        }
        Ok(path)
    }

    pub fn remove_script(&self, id: ExecutionId) {
        let _ = fs::remove_dir_all(self.scripts().join(id.to_string()));
    }

    pub fn remove(&self, id: ExecutionId) {
        self.remove_script(id);
        self.record(id).remove();
    }
}
