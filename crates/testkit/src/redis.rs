//! A private Redis on a free port, in a folder of its own, without persistence: it may be lost at any time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::tether::{Tether, Tethered};
use crate::{need, port, wait};

const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A running server; stopped on drop.
pub struct Redis {
    tether: Tether,
    port: u16,
    dir: TempDir,
}

impl Redis {
    /// `None` if Redis is not installed, with the reason told.
    ///
    /// # Panics
    /// With `CI=true` and no Redis; or if it does not start within 10 s.
    pub fn start() -> Option<Redis> {
        let found = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        if found.is_err() {
            need::lacks("Redis (Debian package redis-server)");
            return None;
        }
        let dir = TempDir::with_prefix("wt-redis-").expect("the temporary folder is writable");
        let (tether, port) = wait::until(START_TIMEOUT, "Redis to start", || {
            let port = port::free();
            spawn(port, dir.path()).map(|tether| (tether, port))
        });
        Some(Redis { tether, port, dir })
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.tether.kill();
    }

    /// Starts it again, empty, on the same port.
    pub fn restart(&mut self) {
        self.tether = spawn(self.port, self.dir.path()).expect("the same port is still free");
    }

    /// Forgets all that it holds, as `FLUSHALL`.
    ///
    /// # Panics
    /// If it does not do so within 10 s.
    pub fn flush(&self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("Redis listens");
        stream.set_read_timeout(Some(START_TIMEOUT)).expect("a socket has a timeout");
        stream.write_all(b"FLUSHALL\r\n").expect("Redis reads");
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).expect("Redis answers");
        assert_eq!(&answer, b"+OK\r\n");
    }
}

/// `None` if it ended instead of answering.
fn spawn(port: u16, dir: &Path) -> Option<Tether> {
    let port_text = port.to_string();
    let dir_text = dir.to_string_lossy();
    let args =
        ["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", &dir_text];
    let args = args.map(String::from).to_vec();
    let tether = Tethered {
        program: Path::new("redis-server"),
        args,
        envs: vec![],
        ids: None,
        log: None,
        stop_signal: "TERM",
    }
    .spawn();
    let answers = wait::until(START_TIMEOUT, "Redis to answer", || {
        if !tether.alive() {
            return Some(false);
        }
        TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true)
    });
    answers.then_some(tether)
}
