//! Somebody with an SSH key of their own, who signs scripts by the command line.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::cli::Cli;
use crate::hub::Hub;

/// A key in a folder of its own.
pub struct Approver {
    folder: TempDir,
}

impl Approver {
    /// # Panics
    /// If ssh-keygen is missing.
    pub fn new() -> Approver {
        let approver =
            Approver { folder: TempDir::with_prefix("wt-approver-").expect("the folder is writable") };
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(approver.key());
        assert!(keygen.status().is_ok_and(|status| status.success()), "ssh-keygen");
        approver
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// The line that a local policy names them by.
    ///
    /// # Panics
    /// If the key is gone.
    pub fn public(&self) -> String {
        let public: &Path = &self.key().with_extension("pub");
        std::fs::read_to_string(public).expect("the key was made").trim().to_string()
    }

    /// The private half, as a file holds it.
    ///
    /// # Panics
    /// If the key is gone.
    pub fn private(&self) -> String {
        std::fs::read_to_string(self.key()).expect("the key was made")
    }

    /// `watchtower script sign`.
    ///
    /// # Panics
    /// If the hub does not take it.
    pub fn sign(&self, hub: &Hub, script: &str) {
        let key = self.key().display().to_string();
        Cli::new(&hub.url()).good(&["script", "sign", script, "--yes", "-o", "json", "--key", &key], "");
    }
}

impl Default for Approver {
    fn default() -> Self {
        Approver::new()
    }
}
