//! The libraries that users of other tools have, as `scripts/setup.sh test` installs them, against a hub of the test.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use watchtower_testkit::need;

use crate::hub::Hub;

/// One call with all its pauses and repetitions.
const CALL_SECONDS: &str = "120";
const REQUIREMENTS: &str = include_str!("../clients/requirements.txt");

/// A Python with the clients of PagerDuty and Opsgenie.
pub struct Clients {
    python: PathBuf,
    calls: PathBuf,
    /// What a proxy with TLS shows.
    certificate: TempDir,
}

impl Clients {
    /// `None` if they are not installed as they are pinned, with the reason told.
    ///
    /// # Panics
    /// With `CI=true` and a lack.
    pub fn find() -> Option<Clients> {
        let folder = folder();
        let installed = std::fs::read_to_string(folder.join("requirements.txt"));
        if installed.as_deref().unwrap_or_default() != REQUIREMENTS {
            need::lacks("the clients of other tools (scripts/setup.sh test)");
            return None;
        }
        let calls = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
        let certificate = TempDir::with_prefix("wt-clients-").expect("the temporary folder is writable");
        let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).expect("the name is one");
        for (file, text) in [("certificate", made.cert.pem()), ("key", made.signing_key.serialize_pem())] {
            std::fs::write(certificate.path().join(file), text).expect("the temporary folder is writable");
        }
        Some(Clients { python: folder.join("bin/python"), calls, certificate })
    }

    /// Does one call of `NAME_calls.py`; what the library returned, or what it raised.
    ///
    /// # Panics
    /// If it says nothing in time.
    pub fn call(&self, name: &str, hub: &Hub, words: &[&str]) -> Value {
        let output = Command::new("timeout")
            .arg(CALL_SECONDS)
            .arg(&self.python)
            .arg(self.calls.join(format!("{name}_calls.py")))
            .arg(hub.url())
            .args(words)
            .env("CERTIFICATE", self.certificate.path().join("certificate"))
            .env("PRIVATE_KEY", self.certificate.path().join("key"))
            .env("NO_PROXY", "127.0.0.1,localhost")
            .output()
            .expect("timeout is installed wherever bash is");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{words:?}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// As `scripts/setup.sh` has it.
fn folder() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    cache.unwrap_or_else(home).join("watchtower-tests/clients")
}
