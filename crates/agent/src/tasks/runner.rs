//! One script as a child process: started once, read to its end, stopped as a whole.
//!
//! Invariant: the child leads a session and process group of its own, and no signal goes anywhere else. A process
//! that leaves the group on purpose (a daemon) is not followed.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use watchtower_model::ExecutionId;
use watchtower_protocol::limits::OUTPUT_CHUNK_BYTES_MAX;
use watchtower_protocol::{RunScript, Stream};

use super::account::Account;

/// Between TERM and KILL.
const GRACE: Duration = Duration::from_secs(10);
/// After the script's end: what it left behind may still hold its pipes.
const PIPES: Duration = Duration::from_millis(500);
/// Output is gathered for so long, but for the first bytes.
const COALESCE: Duration = Duration::from_millis(100);

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the runner tells the agent's loop.
#[derive(Debug, PartialEq, Eq)]
pub enum TaskEvent {
    Started { execution_id: ExecutionId, pid: u32 },
    Output { execution_id: ExecutionId, stream: Stream, data: Vec<u8> },
    SpawnFailed { execution_id: ExecutionId, reason: String },
    Ended { execution_id: ExecutionId, end: End },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub timed_out: bool,
    pub cancelled: bool,
    pub duration_ms: u64,
}

/// Runs the script to its end; a message (or the loss of the sender's twin) on `cancel` stops it.
pub async fn run(
    run: RunScript,
    account: Account,
    scratch: PathBuf,
    events: mpsc::Sender<TaskEvent>,
    cancel: oneshot::Receiver<()>,
) {
    let execution_id = run.execution_id;
    let dir = scratch.join(execution_id.to_string());
    let spawned = write_script(&dir, &run, &account).and_then(|script| spawn(&run, &account, &script));
    let outcome = match spawned {
        Ok(child) => TaskEvent::Ended { execution_id, end: watch(child, &run, &events, cancel).await },
        Err(error) => TaskEvent::SpawnFailed {
            execution_id,
            reason: format!("{} cannot be started: {error}", run.interpreter[0]),
        },
    };
    // Left behind it is removed at the agent's next start.
    let _ = fs::remove_dir_all(&dir);
    let _ = events.send(outcome).await;
}

/// A directory (0700) and a file that only the script's user can read.
fn write_script(dir: &Path, run: &RunScript, account: &Account) -> io::Result<PathBuf> {
    DirBuilder::new().mode(0o700).create(dir)?;
    let path = dir.join("script");
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o500).open(&path)?;
    file.write_all(run.body.as_bytes())?;
    if account.uid != rustix::process::geteuid().as_raw() {
        chown(&path, Some(account.uid), Some(account.gid))?;
        chown(dir, Some(account.uid), Some(account.gid))?;
    }
    Ok(path)
}

fn spawn(run: &RunScript, account: &Account, script: &Path) -> io::Result<Child> {
    let mut command = Command::new(&run.interpreter[0]);
    command
        .args(&run.interpreter[1..])
        .arg(script)
        .current_dir("/")
        .env_clear()
        .env("PATH", PATH)
        .env("HOME", &account.home)
        .env("USER", &account.name)
        .env("LANG", "C.UTF-8")
        .env("WATCHTOWER_EXECUTION_ID", run.execution_id.to_string())
        .env("WATCHTOWER_SCRIPT", &run.script_name)
        .envs(&run.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    become_account(&mut command, account);
    command.spawn()
}

#[expect(
    unsafe_code,
    reason = "a session of its own and the user's groups can only be set between fork and exec"
)]
fn become_account(command: &mut Command, account: &Account) {
    let switch = account.uid != rustix::process::geteuid().as_raw();
    let (uid, gid, groups) = (account.uid, account.gid, account.groups.clone());
    let check = |result: libc::c_int| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    // SAFETY: only async-signal-safe system calls, no allocation; `groups` was made before the fork.
    unsafe {
        command.pre_exec(move || {
            if libc::setsid() < 0 {
                return Err(io::Error::last_os_error());
            }
            if switch {
                check(libc::setgroups(groups.len(), groups.as_ptr()))?;
                check(libc::setresgid(gid, gid, gid))?;
                check(libc::setresuid(uid, uid, uid))?;
            }
            Ok(())
        });
    }
}

async fn watch(
    mut child: Child,
    run: &RunScript,
    events: &mpsc::Sender<TaskEvent>,
    mut cancel: oneshot::Receiver<()>,
) -> End {
    let started = Instant::now();
    let pid = child.id().expect("a child that was not waited for has an id");
    let group = Pid::from_raw(pid as i32).expect("a child's id is not zero");
    let id = run.execution_id;
    let _ = events.send(TaskEvent::Started { execution_id: id, pid }).await;
    let stdout = child.stdout.take().expect("standard output was asked to be a pipe");
    let stderr = child.stderr.take().expect("standard error was asked to be a pipe");
    let readers = [
        tokio::spawn(forward(stdout, id, Stream::Stdout, events.clone())),
        tokio::spawn(forward(stderr, id, Stream::Stderr, events.clone())),
    ];
    let deadline = started + Duration::from_millis(run.timeout_ms);
    let (mut timed_out, mut cancelled) = (false, false);
    let status = tokio::select! {
        status = child.wait() => status,
        () = sleep_until(deadline) => {
            timed_out = true;
            stop(&mut child, group).await
        }
        _ = &mut cancel => {
            cancelled = true;
            stop(&mut child, group).await
        }
    };
    let duration_ms = started.elapsed().as_millis() as u64;
    finish_reading(readers).await;
    let status = status.ok();
    End {
        exit_code: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        timed_out,
        cancelled,
        duration_ms,
    }
}

/// TERM to the whole group, KILL to what is left of it when the leader is gone or the grace is over.
async fn stop(child: &mut Child, group: Pid) -> io::Result<ExitStatus> {
    let _ = kill_process_group(group, Signal::TERM);
    let gone = timeout(GRACE, child.wait()).await;
    if gone.is_ok() {
        // Its children got the same TERM at the same time; a moment to obey is fair.
        sleep(Duration::from_millis(100)).await;
    }
    let _ = kill_process_group(group, Signal::KILL);
    match gone {
        Ok(status) => status,
        Err(_) => child.wait().await,
    }
}

async fn finish_reading(readers: [JoinHandle<()>; 2]) {
    let deadline = Instant::now() + PIPES;
    for mut reader in readers {
        if tokio::time::timeout_at(deadline, &mut reader).await.is_err() {
            reader.abort();
        }
    }
}

/// First bytes at once, then gathered; binary as it comes.
async fn forward(
    mut pipe: impl AsyncRead + Unpin,
    execution_id: ExecutionId,
    stream: Stream,
    events: mpsc::Sender<TaskEvent>,
) {
    let mut gathered = Vec::new();
    let mut flush_at = Instant::now();
    loop {
        let mut buffer = [0; 8 * 1024];
        let read = tokio::select! {
            read = pipe.read(&mut buffer) => read.unwrap_or(0),
            () = sleep_until(flush_at), if !gathered.is_empty() => {
                send(&events, execution_id, stream, &mut gathered).await;
                flush_at = Instant::now() + COALESCE;
                continue;
            }
        };
        gathered.extend_from_slice(&buffer[..read]);
        let due = Instant::now() >= flush_at || gathered.len() + buffer.len() > OUTPUT_CHUNK_BYTES_MAX;
        if !gathered.is_empty() && (read == 0 || due) {
            send(&events, execution_id, stream, &mut gathered).await;
            flush_at = Instant::now() + COALESCE;
        }
        if read == 0 {
            return;
        }
    }
}

async fn send(
    events: &mpsc::Sender<TaskEvent>,
    execution_id: ExecutionId,
    stream: Stream,
    gathered: &mut Vec<u8>,
) {
    let data = std::mem::take(gathered);
    let _ = events.send(TaskEvent::Output { execution_id, stream, data }).await;
}
