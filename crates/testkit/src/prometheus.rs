//! A private Prometheus on a free port that takes remote_write: what ours is compared with, and a sender as people have it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::tether::{Tether, Tethered};
use crate::{need, port, wait};

const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A running server; stopped on drop.
pub struct Prometheus {
    tether: Option<Tether>,
    port: u16,
    dir: TempDir,
}

impl Prometheus {
    /// One that scrapes nothing.
    pub fn start() -> Option<Prometheus> {
        Prometheus::with_config("global: {}\n")
    }

    /// With a prometheus.yml. `None` if Prometheus is not installed, with the reason told.
    ///
    /// # Panics
    /// With `CI=true` and no Prometheus; or if it does not start within 30 s.
    pub fn with_config(config: &str) -> Option<Prometheus> {
        let mut version = Command::new("prometheus");
        if version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            need::lacks("Prometheus (Debian package prometheus)");
            return None;
        }
        let dir = TempDir::with_prefix("wt-prometheus-").expect("the temporary folder is writable");
        std::fs::write(dir.path().join("prometheus.yml"), config).expect("the folder is writable");
        let (tether, port) = wait::until(START_TIMEOUT, "Prometheus to start", || {
            let port = port::free();
            spawn(port, dir.path()).map(|tether| (tether, port))
        });
        Some(Prometheus { tether: Some(tether), port, dir })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it, until [`Prometheus::restart`].
    pub fn stop(&mut self) {
        self.tether = None;
    }

    /// Starts it again on what it has stored.
    ///
    /// # Panics
    /// If it does not start within 30 s.
    pub fn restart(&mut self) {
        let _ = std::fs::remove_file(self.dir.path().join("prometheus.log"));
        self.tether = spawn(self.port, self.dir.path());
        assert!(self.tether.is_some(), "Prometheus did not start again");
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// `None` if it ended instead of becoming ready.
fn spawn(port: u16, dir: &Path) -> Option<Tether> {
    let log = dir.join("prometheus.log");
    let tether = Tethered {
        program: Path::new("prometheus"),
        args: vec![
            format!("--config.file={}", dir.join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", dir.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-remote-write-receiver".into(),
        ],
        envs: vec![],
        ids: None,
        log: Some(log.clone()),
        stop_signal: "TERM",
    }
    .spawn();
    let ready = wait::until(START_TIMEOUT, "Prometheus to be ready", || {
        if !tether.alive() {
            return Some(false);
        }
        std::fs::read_to_string(&log).unwrap_or_default().contains("ready to receive").then_some(true)
    });
    ready.then_some(tether)
}
