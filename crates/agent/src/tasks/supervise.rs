//! The process that watches one script: starts it once, spools what it writes, stops the whole tree, records its end.
//!
//! It outlives agent and executor, and knows nothing of either but the execution's directory.
//!
//! Invariant: when it is gone there is an end record, or nobody knows how the script ended; no process that the script
//! started is left.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until, timeout};
use watchtower_protocol::Stream;
use watchtower_protocol::limits::OUTPUT_CHUNK_BYTES_MAX;

use super::account::Account;
use super::output::Writer;
use super::record::{End, Record, Request};
use super::redact::Redactor;
use super::tree;

/// Between TERM and KILL.
pub const GRACE: Duration = Duration::from_secs(10);
/// After the script's end: what it left behind may still hold its pipes.
const PIPES: Duration = Duration::from_millis(500);
/// Output is told of at most this often, but for the first bytes.
const COALESCE: Duration = Duration::from_millis(100);

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    #[error("{0} was begun before, or is not to begin: nothing is run")]
    NotAgain(String),
    #[error("{path}: {source}; is it an execution's directory?")]
    Record { path: String, source: io::Error },
    #[error("this process cannot be prepared for its children: {0}")]
    Prepare(#[source] io::Error),
}

/// Runs the script of an execution's directory to its end.
pub async fn supervise(dir: &Path) -> Result<(), SuperviseError> {
    let record = Record::at(dir.to_path_buf());
    let wrong = |source| SuperviseError::Record { path: dir.display().to_string(), source };
    // Before anybody can know of this process: from then on TERM means a cancel.
    let mut terminated = signal(SignalKind::terminate()).map_err(SuperviseError::Prepare)?;
    tree::adopt_orphans().map_err(SuperviseError::Prepare)?;
    let Some(_alive) = record.begin().map_err(wrong)? else {
        return Err(SuperviseError::NotAgain(dir.display().to_string()));
    };
    let request = record.request().map_err(wrong)?;
    let end = if record.is_cancelled() {
        End { cancelled: true, ..End::default() }
    } else {
        run(&request, &record, &mut terminated).await.map_err(wrong)?
    };
    record.write_end(&end).map_err(wrong)?;
    wake(&request.wake);
    Ok(())
}

async fn run(
    request: &Request,
    record: &Record,
    terminated: &mut tokio::signal::unix::Signal,
) -> io::Result<End> {
    let mut spool = Spool::open(record, request)?;
    match spawn(request) {
        Ok(child) => {
            record.tell_pid(child.id().unwrap_or_default())?;
            wake(&request.wake);
            Ok(watch(child, request, record, &mut spool, terminated).await)
        }
        Err(error) => Ok(End {
            failed: Some(format!("{} cannot be started: {error}", request.run.interpreter[0])),
            ..End::default()
        }),
    }
}

fn spawn(request: &Request) -> io::Result<Child> {
    let Request { run, account, script, .. } = request;
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
            // A script whose supervisor was killed has nobody to end it. Last: a change of user undoes it.
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))
        });
    }
}

async fn watch(
    mut child: Child,
    request: &Request,
    record: &Record,
    spool: &mut Spool,
    terminated: &mut tokio::signal::unix::Signal,
) -> End {
    let started = Instant::now();
    let group = child.id().and_then(|pid| Pid::from_raw(pid as i32));
    let mut pipes = Pipes::of(&mut child);
    let deadline = started + Duration::from_millis(request.run.timeout_ms);
    let (mut timed_out, mut stop_asked) = (false, false);
    let status = loop {
        if stop_asked || timed_out {
            break stop(&mut child, group, &mut pipes, spool).await;
        }
        tokio::select! {
            biased;
            status = child.wait() => break status.ok(),
            () = sleep_until(deadline) => timed_out = true,
            _ = terminated.recv() => stop_asked = true,
            () = pipes.read(spool) => {}
        }
    };
    let duration_ms = started.elapsed().as_millis() as u64;
    let drained = timeout(Duration::from_millis(1), pipes.drain(spool)).await.is_ok();
    tree::fell();
    if !drained {
        let _ = timeout(PIPES, pipes.drain(spool)).await;
    }
    End {
        exit_code: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        timed_out,
        cancelled: stop_asked && record.is_cancelled(),
        stdout_bytes: spool.stdout.end(),
        stderr_bytes: spool.stderr.end(),
        duration_ms,
        failed: None,
    }
}

/// TERM to the whole group, KILL to its leader when the grace is over; what else is left is felled afterwards.
async fn stop(
    child: &mut Child,
    group: Option<Pid>,
    pipes: &mut Pipes,
    spool: &mut Spool,
) -> Option<ExitStatus> {
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::TERM);
    }
    let deadline = Instant::now() + GRACE;
    loop {
        tokio::select! {
            biased;
            status = child.wait() => return status.ok(),
            () = sleep_until(deadline) => break,
            () = pipes.read(spool) => {}
        }
    }
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    child.wait().await.ok()
}

/// Both pipes of the script, each until its end.
struct Pipes {
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    buffer: Vec<u8>,
    other: Vec<u8>,
}

impl Pipes {
    fn of(child: &mut Child) -> Self {
        let buffer = || vec![0; OUTPUT_CHUNK_BYTES_MAX];
        Pipes { stdout: child.stdout.take(), stderr: child.stderr.take(), buffer: buffer(), other: buffer() }
    }

    /// Spools what comes next, binary as it comes; never returns once both have ended. Safe to cancel.
    async fn read(&mut self, spool: &mut Spool) {
        let told = spool.due;
        tokio::select! {
            read = read(&mut self.stdout, &mut self.buffer) => {
                spool.push(Stream::Stdout, &self.buffer[..read]);
            }
            read = read(&mut self.stderr, &mut self.other) => {
                spool.push(Stream::Stderr, &self.other[..read]);
            }
            () = sleep_until(told.unwrap_or_else(Instant::now)), if told.is_some() => spool.wake(),
        }
    }

    async fn drain(&mut self, spool: &mut Spool) {
        while self.stdout.is_some() || self.stderr.is_some() {
            self.read(spool).await;
        }
    }
}

async fn read(pipe: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    match pipe {
        Some(open) => {
            let read = open.read(buffer).await.unwrap_or(0);
            if read == 0 {
                *pipe = None;
            }
            read
        }
        None => std::future::pending().await,
    }
}

/// One stream on its way to the disk.
struct Filtered {
    writer: Writer,
    redactor: Redactor,
}

impl Filtered {
    fn open(record: &Record, request: &Request, stream: Stream) -> io::Result<Self> {
        let redactor = Redactor::of(&request.run.secrets, &request.run.environment);
        Ok(Filtered { writer: Writer::open(record, stream)?, redactor })
    }

    fn push(&mut self, data: &[u8]) {
        self.writer.push(&self.redactor.push(data));
    }

    /// Of what is passed on, and how much that was in all.
    fn end(&mut self) -> u64 {
        self.writer.push(&self.redactor.end());
        self.writer.total()
    }
}

/// Where output goes, and who is told that there is more.
struct Spool {
    stdout: Filtered,
    stderr: Filtered,
    wake: PathBuf,
    woken_at: Option<Instant>,
    /// When the executor is to be told of what it was not told of yet.
    due: Option<Instant>,
}

impl Spool {
    fn open(record: &Record, request: &Request) -> io::Result<Self> {
        Ok(Spool {
            stdout: Filtered::open(record, request, Stream::Stdout)?,
            stderr: Filtered::open(record, request, Stream::Stderr)?,
            wake: request.wake.clone(),
            woken_at: None,
            due: None,
        })
    }

    fn push(&mut self, stream: Stream, data: &[u8]) {
        match stream {
            Stream::Stdout => self.stdout.push(data),
            Stream::Stderr => self.stderr.push(data),
        }
        if self.due.is_none() && !data.is_empty() {
            let now = Instant::now();
            self.due = Some(self.woken_at.map_or(now, |at| now.max(at + COALESCE)));
        }
    }

    fn wake(&mut self) {
        self.woken_at = Some(Instant::now());
        self.due = None;
        wake(&self.wake);
    }
}

/// Nobody there means that nobody waits: an executor that comes later looks by itself.
fn wake(path: &Path) {
    if let Ok(socket) = UnixDatagram::unbound() {
        let _ = socket.set_nonblocking(true);
        let _ = socket.send_to(&[], path);
    }
}
