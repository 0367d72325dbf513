//! A private PostgreSQL: own data, own port, own user, real fsync.
//!
//! `initdb` takes over a second, so its result is kept per version and copied.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::tether::{Tether, Tethered};
use crate::{need, port, wait};

const START_TIMEOUT: Duration = Duration::from_secs(30);
const USER: &str = "watchtower";

/// A running server; stopped on drop.
pub struct Postgres {
    tether: Tether,
    programs: PathBuf,
    ids: Option<(u32, u32)>,
    dir: TempDir,
    port: u16,
    databases: AtomicU32,
}

impl Postgres {
    /// `None` if PostgreSQL is not installed, with the reason told.
    ///
    /// # Panics
    /// With `CI=true` and no PostgreSQL; or if it does not start within 30 s.
    pub fn start() -> Option<Postgres> {
        let Some(programs) = newest_version() else {
            need::lacks("PostgreSQL (Debian package postgresql)");
            return None;
        };
        let ids = unprivileged();
        let template = template(&programs, ids);
        let dir = TempDir::with_prefix("wt-postgres-").expect("the temporary folder is writable");
        give(dir.path(), ids);
        let data = dir.path().join("data");
        run(ids, "cp", &["-a".into(), path_text(&template), path_text(&data)]);
        let (tether, port) = launch(&programs, ids, dir.path());
        Some(Postgres { tether, programs, ids, dir, port, databases: AtomicU32::new(0) })
    }

    /// The URL of a new, empty database.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let args = ["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", USER, &name];
        run(self.ids, &path_text(&self.programs.join("createdb")), &args.map(String::from));
        format!("postgres://{USER}@127.0.0.1:{}/{name}", self.port)
    }

    /// kill -9 of the postmaster; its children end when they notice.
    pub fn kill(&mut self) {
        self.tether.kill();
    }

    /// Starts it again on the same data and port.
    pub fn restart(&mut self) {
        let _ = fs::remove_file(self.dir.path().join("data/postmaster.pid"));
        self.tether = wait::until(START_TIMEOUT, "PostgreSQL to start again", || {
            let tether = spawn(&self.programs, self.ids, self.dir.path(), self.port);
            ready(&self.programs, &tether, self.port).then_some(tether)
        });
    }
}

fn launch(programs: &Path, ids: Option<(u32, u32)>, dir: &Path) -> (Tether, u16) {
    wait::until(START_TIMEOUT, "PostgreSQL to start", || {
        let port = port::free();
        let tether = spawn(programs, ids, dir, port);
        ready(programs, &tether, port).then_some((tether, port))
    })
}

fn spawn(programs: &Path, ids: Option<(u32, u32)>, dir: &Path, port: u16) -> Tether {
    let sockets = format!("unix_socket_directories={}", dir.display());
    let settings = [
        "listen_addresses=127.0.0.1",
        &sockets,
        "fsync=on",
        "synchronous_commit=on",
        "max_connections=120",
        "shared_buffers=32MB",
        "autovacuum=off",
        "logging_collector=off",
    ];
    let mut args = vec!["-D".to_string(), path_text(&dir.join("data")), "-p".into(), port.to_string()];
    args.extend(settings.iter().flat_map(|setting| ["-c".to_string(), setting.to_string()]));
    let program = programs.join("postgres");
    // An immediate shutdown: nobody reads this data again, so there is no checkpoint to wait for.
    Tethered { program: &program, args, envs: vec![], ids, log: None, stop_signal: "QUIT" }.spawn()
}

/// Whether it answers; false once it has ended.
fn ready(programs: &Path, tether: &Tether, port: u16) -> bool {
    wait::until(START_TIMEOUT, "PostgreSQL to answer", || {
        if !tether.alive() {
            return Some(false);
        }
        let asked = Command::new(programs.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
            .status();
        asked.is_ok_and(|status| status.success()).then_some(true)
    })
}

/// Debian keeps each major version in a folder of its own.
fn newest_version() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let newest = versions
        .flatten()
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, programs)| programs.join("postgres").exists())
        .max()?;
    Some(newest.1)
}

/// PostgreSQL refuses to run as root: then it runs as the user its package made, or as nobody.
fn unprivileged() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").expect("there is a /proc").uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = ["postgres", "nobody"].iter().find_map(|name| {
        let line = users.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    Some(ids.unwrap_or((65_534, 65_534)))
}

/// The result of `initdb` for this version, made once per machine.
fn template(programs: &Path, ids: Option<(u32, u32)>) -> PathBuf {
    let version =
        programs.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let user = ids.map_or_else(|| "own".to_string(), |(user, _)| user.to_string());
    let kept = std::env::temp_dir().join(format!("watchtower-initdb-{version}-{user}-v1"));
    if kept.exists() {
        return kept;
    }
    let making = TempDir::with_prefix("wt-initdb-").expect("the temporary folder is writable");
    give(making.path(), ids);
    let data = making.path().join("data");
    let args = [
        "-U",
        USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
        "--wal-segsize=4",
        "-D",
        &path_text(&data),
    ];
    run(ids, &path_text(&programs.join("initdb")), &args.map(String::from));
    // Another test may have been faster: then its result is as good.
    if fs::rename(&data, &kept).is_err() {
        assert!(kept.exists(), "{}: cannot be kept", kept.display());
    }
    kept
}

fn give(folder: &Path, ids: Option<(u32, u32)>) {
    if let Some((user, group)) = ids {
        chown(folder, Some(user), Some(group)).expect("root may give folders away");
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("it is ours");
}

fn run(ids: Option<(u32, u32)>, program: &str, args: &[String]) {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).current_dir("/");
    if let Some((user, group)) = ids {
        command.uid(user).gid(group);
    }
    let output = command.output().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
