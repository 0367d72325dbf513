//! Releases of the agent, signed with the key that debug builds of it know.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};
use ring::signature::Ed25519KeyPair;
use tempfile::TempDir;
use watchtower_model::Timestamp;
use watchtower_protocol::{Purpose, RELEASE_FORMAT, Release, sign};

use crate::operator::{AGENT, small_agents};

/// The private half of the agent's test key.
const SEED: [u8; 32] = [0x77; 32];

/// A folder for `--agents-dir` whose programs and releases change.
pub struct Shelf {
    folder: TempDir,
    /// The agent as it was built.
    built: Vec<u8>,
}

impl Default for Shelf {
    fn default() -> Self {
        let folder = small_agents();
        let built = fs::read(folder.path().join(AGENT)).expect("the agent was built");
        Shelf { folder, built }
    }
}

impl Shelf {
    pub fn path(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    /// The agent as it was built, calling itself by another version.
    pub fn newer(&self, version: &str) -> Vec<u8> {
        called(&self.built, version)
    }

    /// Offers a program under a release that the test key signed, after `change`.
    pub fn offer(&self, program: &[u8], version: &str, change: impl FnOnce(&mut Release)) {
        self.offer_by(&SEED, program, version, change);
    }

    /// The same with another key.
    ///
    /// # Panics
    /// If the folder cannot be written.
    pub fn offer_by(
        &self,
        seed: &[u8; 32],
        program: &[u8],
        version: &str,
        change: impl FnOnce(&mut Release),
    ) {
        let mut release = Release {
            format: RELEASE_FORMAT,
            version: version.into(),
            arch: "x86_64".into(),
            sha256: digest(&SHA256, program).as_ref().iter().map(|b| format!("{b:02x}")).collect(),
            size: program.len() as u64,
            not_after: Timestamp(i64::MAX),
        };
        change(&mut release);
        let key = Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed");
        let payload = serde_json::to_vec(&release).expect("a release is JSON");
        let envelope = serde_json::to_vec(&sign(Purpose::Release, &payload, &key)).expect("JSON");
        put(&self.path().join(AGENT), program);
        put(&self.path().join(format!("{AGENT}.release")), &envelope);
    }
}

/// An agent's program that calls itself by another version of the same length.
///
/// # Panics
/// If its own version is not in it.
pub fn called(program: &[u8], version: &str) -> Vec<u8> {
    let own = env!("CARGO_PKG_VERSION").as_bytes();
    assert_eq!(own.len(), version.len(), "the program stays as long as it was");
    let mut program = program.to_vec();
    let places: Vec<usize> =
        (0..program.len() - own.len()).filter(|at| program[*at..].starts_with(own)).collect();
    assert!(!places.is_empty(), "the agent knows its version");
    for at in places {
        program[at..at + own.len()].copy_from_slice(version.as_bytes());
    }
    program
}

fn put(path: &Path, bytes: &[u8]) {
    let new = path.with_extension("new");
    fs::write(&new, bytes).expect("the folder is writable");
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).expect("it is ours");
    fs::rename(new, path).expect("the folder is writable");
}
