//! The agent's programs: those in a folder first, then those that were built into the hub.
//!
//! Invariant: what is handed out is named by the sha256 of the very bytes.

use std::borrow::Cow;
use std::path::PathBuf;

use ring::digest::{SHA256, digest};
use watchtower_protocol::Envelope;

use crate::error::HubError;
use crate::random;

/// Architectures that an agent may be shipped for.
pub const ARCHITECTURES: [&str; 2] = ["x86_64", "aarch64"];

/// An agent that was built into this program, by the name of its architecture.
pub type BuiltIn = (&'static str, &'static [u8]);

/// Where this hub's agents come from.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    /// Of `watchtower-agent-ARCH`; goes before what is built in.
    pub folder: Option<PathBuf>,
    pub built_in: &'static [BuiltIn],
}

/// The agent's program for one architecture.
pub struct Shipped {
    pub arch: &'static str,
    /// Hub and agent are built and shipped together.
    pub version: &'static str,
    /// Lower-case hex.
    pub sha256: String,
    pub bytes: Cow<'static, [u8]>,
}

impl Programs {
    /// The agent for an architecture, with what a deployment checks it by.
    pub fn shipped(&self, arch: &str) -> Result<Shipped, HubError> {
        let arch = known(arch)?;
        let bytes = self.bytes(arch)?;
        let sha256 = random::hex(digest(&SHA256, &bytes).as_ref());
        Ok(Shipped { arch, version: env!("CARGO_PKG_VERSION"), sha256, bytes })
    }

    /// Every agent that this hub ships.
    pub fn all(&self) -> Vec<Shipped> {
        ARCHITECTURES.iter().filter_map(|arch| self.shipped(arch).ok()).collect()
    }

    /// The agent's binary for an architecture, as shipped.
    pub fn bytes(&self, arch: &str) -> Result<Cow<'static, [u8]>, HubError> {
        let arch = known(arch)?;
        if let Some(bytes) = self.in_folder(arch) {
            return Ok(Cow::Owned(bytes));
        }
        let built_in = self.built_in.iter().find(|(name, _)| *name == arch);
        // A hub need not ship every architecture.
        built_in.map(|(_, bytes)| Cow::Borrowed(*bytes)).ok_or_else(|| unknown(arch))
    }

    /// The signed releases beside the programs in the folder: `watchtower-agent-ARCH.release`. What they are worth, agents decide.
    pub fn releases(&self) -> Result<Vec<Envelope>, HubError> {
        let mut found = Vec::new();
        for path in ARCHITECTURES.iter().filter_map(|arch| self.path(arch)) {
            let path = path.with_extension("release");
            match std::fs::read(&path) {
                Ok(bytes) => found.push(serde_json::from_slice(&bytes).map_err(|e| damaged(&path, e))?),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(damaged(&path, error)),
            }
        }
        Ok(found)
    }

    /// Where the folder has it, if it does.
    pub fn path(&self, arch: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("watchtower-agent-{arch}")))
    }

    fn in_folder(&self, arch: &str) -> Option<Vec<u8>> {
        let path = self.path(arch)?;
        match std::fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::error!(path = %path.display(), "reading the agent: {error}");
                None
            }
        }
    }
}

fn damaged(path: &std::path::Path, error: impl std::fmt::Display) -> HubError {
    HubError::Conflict(format!("{} cannot be read: {error}", path.display()))
}

fn known(arch: &str) -> Result<&'static str, HubError> {
    ARCHITECTURES.into_iter().find(|known| *known == arch).ok_or_else(|| unknown(arch))
}

fn unknown(arch: &str) -> HubError {
    HubError::not_found("agent binary for", arch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_before_what_is_built_in() {
        let folder = tempfile::tempdir().unwrap();
        let built_in: &[BuiltIn] = &[("x86_64", b"within"), ("aarch64", b"arm")];
        let programs = Programs { folder: Some(folder.path().into()), built_in };
        assert_eq!(*programs.bytes("x86_64").unwrap(), *b"within");
        std::fs::write(folder.path().join("watchtower-agent-x86_64"), b"beside").unwrap();
        assert_eq!(*programs.bytes("x86_64").unwrap(), *b"beside");
        let shipped = programs.all();
        let names: Vec<_> = shipped.iter().map(|s| (s.arch, &*s.bytes)).collect();
        assert_eq!(names, [("x86_64", &b"beside"[..]), ("aarch64", b"arm")]);
        assert_eq!(shipped[1].sha256, random::hex(digest(&SHA256, b"arm").as_ref()));
    }

    #[test]
    fn what_is_not_shipped_is_not_found() {
        let programs = Programs { folder: None, built_in: &[("x86_64", b"within")] };
        for arch in ["aarch64", "riscv64", "../keys/ca.key", ""] {
            assert!(matches!(programs.bytes(arch), Err(HubError::NotFound { .. })), "{arch}");
        }
    }
}
