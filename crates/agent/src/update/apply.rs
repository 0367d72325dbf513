//! The process that replaces the program: it runs the old one, in a unit of its own, until the new one has proven itself.
//!
//! Invariant: either the new program works by itself (it collects, its executor answers), or the former one is back. Neither
//! depends on a hub. Scripts that run have units of their own and notice nothing.

use std::fs;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, timeout};

use super::works::{self, Works};
use super::{Plan, fetch, kept};

/// The new program has so long to show that it works.
const PROVE: Duration = Duration::from_secs(45);
/// So long it must go on working.
const STEADY: Duration = Duration::from_secs(5);
/// Bytes of the word that a program works.
const WORKS_BYTES_MAX: u64 = 4096;
const LOOK: Duration = Duration::from_millis(500);
const SYSTEMCTL: Duration = Duration::from_secs(30);
const COLLECTOR_UNIT: &str = "watchtower-agent.service";
const EXECUTOR_UNIT: &str = "watchtower-executor.service";
/// Where the installer puts it; an agent elsewhere is not ours to restart.
pub const EXECUTOR_SOCKET: &str = "/run/watchtower-executor.sock";

#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("another update is under way on this server")]
    Busy,
    #[error("the update was cancelled before anything was changed")]
    Cancelled,
    #[error("{0} is no former program")]
    NotFormer(String),
    #[error("the plan is not understood: {0}")]
    Plan(String),
    #[error("the new program cannot be fetched: {0}")]
    Download(String),
    #[error("the program that the hub has is not the one that was signed: {0}")]
    Hash(String),
    #[error("the new program does not start here: {0}")]
    Start(String),
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    #[error("{0}; the former program is back")]
    RolledBack(String),
    #[error("{why}; and the former program could not be brought back ({error}): it is {former}")]
    Stuck { why: String, error: String, former: String },
}

impl ApplyError {
    pub(super) fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        ApplyError::Io { what: what.into(), source }
    }
}

/// The places that an update touches.
struct Places {
    program: PathBuf,
    staged: PathBuf,
    former: PathBuf,
    collector: PathBuf,
    executor: PathBuf,
}

impl Places {
    fn of(program: &Path, collector: &Path, executor: &Path) -> Self {
        Places {
            program: program.to_path_buf(),
            staged: program.with_extension("staged"),
            former: program.with_extension("former"),
            collector: collector.join(works::FILE),
            executor: executor.join(works::FILE),
        }
    }

    fn folder(&self) -> &Path {
        self.program.parent().unwrap_or(Path::new("/"))
    }
}

/// Carries out the plan in this file. Returns what to tell when the new program is in force.
pub async fn apply(
    plan: &Path,
    program: &Path,
    collector: &Path,
    executor: &Path,
) -> Result<String, ApplyError> {
    let text = fs::read(plan).map_err(|error| ApplyError::io(plan.display().to_string(), error))?;
    let plan: Plan = serde_json::from_slice(&text).map_err(|error| ApplyError::Plan(error.to_string()))?;
    let places = Places::of(program, collector, executor);
    let folder =
        fs::File::open(places.folder()).map_err(|error| ApplyError::io("the program's folder", error))?;
    flock(&folder, FlockOperation::NonBlockingLockExclusive).map_err(|_| ApplyError::Busy)?;
    // Heard before anything is changed: from the swap on a cancel is a way back, not an end in the middle.
    let mut cancelled = signal(SignalKind::terminate()).map_err(|error| ApplyError::io("signals", error))?;
    let placed = tokio::select! {
        placed = put_in_place(&plan, &places) => placed,
        _ = cancelled.recv() => Err(ApplyError::Cancelled),
    };
    if let Err(error) = placed {
        let _ = fs::remove_file(&places.staged);
        return Err(error);
    }
    let proven = tokio::select! {
        proven = prove(&plan.release.version, &places) => proven,
        _ = cancelled.recv() => Err("the update was cancelled".to_string()),
    };
    match proven {
        Ok(()) => {
            let works =
                format!("agent {} works: it collects, and its executor answers", plan.release.version);
            Ok(works + &put_away(&places))
        }
        Err(why) => Err(roll_back(why, &places).await),
    }
}

/// The former program is kept for a rollback by hand; one that cannot be kept is no failure, but must not put itself back.
fn put_away(places: &Places) -> String {
    match kept::keep(&places.former, &places.program, Path::new(kept::UNIT_FOLDER)) {
        Ok(()) => "; the former one is kept for a rollback".into(),
        Err(error) => {
            let _ = fs::remove_file(&places.former);
            format!("; the former one could not be kept for a rollback: {error}")
        }
    }
}

/// An error leaves the program as it was.
async fn put_in_place(plan: &Plan, places: &Places) -> Result<(), ApplyError> {
    stage(plan, places).await?;
    swap(places)
}

/// Before each start of the collector, by the former program while there is one: if nobody judges the new one any more (a
/// reboot, a killed process), the former is put back. Returns whether it was.
pub async fn guard(former: &Path) -> Result<bool, ApplyError> {
    let program = former.with_extension("");
    let places = Places::of(&program, Path::new(""), Path::new(""));
    if former != places.former {
        return Err(ApplyError::NotFormer(former.display().to_string()));
    }
    let folder =
        fs::File::open(places.folder()).map_err(|error| ApplyError::io("the program's folder", error))?;
    if flock(&folder, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(false);
    }
    fs::rename(&places.former, &places.program)
        .and_then(|()| sync(&places))
        .map_err(|error| ApplyError::io("bringing the former program back", error))?;
    // This runs inside the start of a unit: it cannot wait for another.
    let _ = run(Command::new("systemctl").args(["stop", "--no-block", EXECUTOR_UNIT])).await;
    Ok(true)
}

/// The new program beside the present one, whole, and able to say who it is.
async fn stage(plan: &Plan, places: &Places) -> Result<(), ApplyError> {
    let shown = places.staged.display().to_string();
    let _ = fs::remove_file(&places.staged);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o755)
        .open(&places.staged)
        .map_err(|error| ApplyError::io(&shown, error))?;
    fetch::fetch(plan, proxy().await.as_deref(), &mut file).await?;
    // The unit's mask may be narrower: the collector's user must be able to run it.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    file.set_permissions(mode).map_err(|error| ApplyError::io(&shown, error))?;
    drop(file);
    let said = run(Command::new(&places.staged).arg("--version")).await.map_err(ApplyError::Start)?;
    let expected = format!("watchtower-agent {}", plan.release.version);
    if said.trim() == expected {
        Ok(())
    } else {
        Err(ApplyError::Start(format!(
            "it says {:?} instead of {expected:?}",
            crate::collect::one_line(said.trim())
        )))
    }
}

/// The proxy of the collector's unit, or the one that systemd gives to all: this process has an environment of its own.
async fn proxy() -> Option<String> {
    for words in [&["show", "-p", "Environment", "--value", COLLECTOR_UNIT][..], &["show-environment"]] {
        let said = run(Command::new("systemctl").args(words)).await.unwrap_or_default();
        if let Some(proxy) = proxy_in(&said) {
            return Some(proxy);
        }
    }
    None
}

fn proxy_in(environment: &str) -> Option<String> {
    let mut pairs = environment.split_whitespace().filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(name, value)| name.eq_ignore_ascii_case("https_proxy") && !value.is_empty());
    found.map(|(_, value)| value.to_string())
}

/// Both names exist at every moment: `former` is the same file as the program until the rename.
fn swap(places: &Places) -> Result<(), ApplyError> {
    let failed = |error| ApplyError::io("putting the new program in place", error);
    let _ = fs::remove_file(&places.former);
    fs::hard_link(&places.program, &places.former).map_err(failed)?;
    forget(places);
    if let Err(error) = fs::rename(&places.staged, &places.program) {
        let _ = fs::remove_file(&places.former);
        return Err(failed(error));
    }
    // From here on the proof decides: what a power cut may undo is the change as a whole.
    let _ = sync(places);
    Ok(())
}

/// What the former program said of itself.
fn forget(places: &Places) {
    let _ = fs::remove_file(&places.collector);
    let _ = fs::remove_file(&places.executor);
}

fn sync(places: &Places) -> std::io::Result<()> {
    fs::File::open(places.folder())?.sync_all()
}

async fn restart() -> Result<(), String> {
    run(Command::new("systemctl").args(["stop", EXECUTOR_UNIT])).await?;
    run(Command::new("systemctl").args(["restart", COLLECTOR_UNIT])).await.map(drop)
}

/// Both parts of the new program have said that they work, and the collector stays the same process.
async fn prove(version: &str, places: &Places) -> Result<(), String> {
    restart().await?;
    let deadline = Instant::now() + PROVE;
    let mut since: Option<(u32, Instant)> = None;
    while Instant::now() < deadline {
        // Whoever connects first starts the executor, and hears from it.
        let knock = timeout(LOOK, UnixStream::connect(EXECUTOR_SOCKET)).await;
        sleep(LOOK).await;
        drop(knock);
        since = match working(version, places).await {
            Some(pid) if since.is_some_and(|(before, _)| before == pid) => since,
            Some(pid) => Some((pid, Instant::now())),
            None => None,
        };
        if since.is_some_and(|(_, at)| at.elapsed() >= STEADY) {
            return Ok(());
        }
    }
    Err(format!("agent {version} did not show within {} s that it works", PROVE.as_secs()))
}

/// The collector's process, if both parts said that they work and it still is the one that did.
async fn working(version: &str, places: &Places) -> Option<u32> {
    let collector = read(&places.collector).filter(|works| works.version == version)?;
    read(&places.executor).filter(|works| works.version == version)?;
    let pid = run(Command::new("systemctl").args(["show", "-p", "MainPID", "--value", COLLECTOR_UNIT])).await;
    (pid.ok()?.trim() == collector.pid.to_string()).then_some(collector.pid)
}

/// The collector's directory is its user's: what lies there may be anything, such as a link to an endless file.
fn read(path: &Path) -> Option<Works> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = fs::OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path).ok()?;
    let mut bytes = Vec::new();
    if file.metadata().ok()?.is_file() {
        file.take(WORKS_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    }
    serde_json::from_slice(&bytes).ok()
}

async fn roll_back(why: String, places: &Places) -> ApplyError {
    let back = fs::rename(&places.former, &places.program).and_then(|()| sync(places));
    forget(places);
    match back {
        Ok(()) => match restart().await {
            Ok(()) => ApplyError::RolledBack(why),
            Err(error) => ApplyError::RolledBack(format!("{why}; {error}")),
        },
        Err(error) => {
            ApplyError::Stuck { why, error: error.to_string(), former: places.former.display().to_string() }
        }
    }
}

/// Standard output of a command that ended well.
async fn run(command: &mut Command) -> Result<String, String> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let shown = command.as_std().get_program().to_string_lossy().into_owned();
    match timeout(SYSTEMCTL, command.output()).await {
        Ok(Ok(output)) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(Ok(output)) => Err(format!(
            "{shown} ended with {}: {}",
            output.status,
            crate::collect::one_line(String::from_utf8_lossy(&output.stderr).trim())
        )),
        Ok(Err(error)) => Err(format!("{shown}: {error}")),
        Err(_) => Err(format!("{shown} did not end within {} s", SYSTEMCTL.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state_dir::StateDir;

    #[test]
    fn the_word_of_a_program_is_a_plain_file_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        works::tell(&state);
        let told = read(&state.file(works::FILE)).unwrap();
        assert_eq!((told.version.as_str(), told.pid), (crate::update::VERSION, std::process::id()));
        for (name, target) in [("endless", "/dev/zero"), ("elsewhere", works::FILE)] {
            std::os::unix::fs::symlink(target, dir.path().join(name)).unwrap();
            assert_eq!(read(&dir.path().join(name)), None, "{name}");
        }
        assert_eq!(read(dir.path()), None);
    }

    #[test]
    fn the_proxy_is_the_one_that_services_have() {
        assert_eq!(proxy_in("A=1 https_proxy=http://p:3128 B=2").as_deref(), Some("http://p:3128"));
        assert_eq!(proxy_in("LANG=C\nHTTPS_PROXY=http://q:1\n").as_deref(), Some("http://q:1"));
        assert_eq!(proxy_in("https_proxy= http_proxy=http://p:1"), None);
    }

    #[test]
    fn the_former_program_is_there_until_the_new_one_is() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("agent");
        let places = Places::of(&program, dir.path(), dir.path());
        fs::write(&program, "old").unwrap();
        assert!(swap(&places).is_err(), "nothing was staged");
        assert!(!places.former.exists() && fs::read(&program).unwrap() == b"old");
        fs::write(&places.staged, "new").unwrap();
        swap(&places).unwrap();
        assert_eq!(fs::read(&program).unwrap(), b"new");
        assert_eq!(fs::read(&places.former).unwrap(), b"old");
        assert!(!places.staged.exists());
    }
}
