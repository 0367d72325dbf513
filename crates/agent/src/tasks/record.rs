//! One execution on disk: what is to be run, whether it was begun, what it wrote, how it ended.
//!
//! The executor makes the directory, the supervisor of the script fills it; either may die at any time. All that the
//! end of a script needs is allocated before its start, so that a disk that fills up meanwhile costs output at most.
//!
//! Invariant: the marker `begun` is made once, by the supervisor that runs the script or by an executor that declares
//! it will never run; the lock is held exactly as long as the supervisor lives.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use watchtower_model::truncate;
use watchtower_protocol::{RunScript, Stream};

use super::account::Account;
use super::output::{HEAD_BYTES, TAIL_BYTES};
use crate::collect::one_line;

/// One disk sector: a record within it is there whole or not at all.
const END_BYTES: u64 = 512;
/// Bytes of a reason in the end record: quotes and backslashes may double them.
const REASON_BYTES_MAX: usize = 120;
/// How often a supervisor asks for the lock that others only look at.
const LOCK_TRIES: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// What the supervisor is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub run: RunScript,
    pub account: Account,
    /// The file with the body, readable by the account.
    pub script: PathBuf,
    /// Told by an empty datagram whenever there is something to read.
    pub wake: PathBuf,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub timed_out: bool,
    pub cancelled: bool,
    pub stdout_bytes: u64,
    pub stderr_bytes: u64,
    pub duration_ms: u64,
    /// Why it could not be started, when it could not.
    pub failed: Option<String>,
}

/// Where an execution stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not begun yet, and it may be any moment.
    Waiting,
    Running,
    Ended(End),
    /// Begun and gone without a record: killed from outside, or the machine went down.
    Gone,
}

/// The directory of one execution.
#[derive(Clone, Debug)]
pub struct Record {
    dir: PathBuf,
}

/// Held while the supervisor lives.
#[derive(Debug)]
pub struct Alive(#[expect(dead_code, reason = "the lock is the open file")] File);

impl Record {
    pub fn at(dir: PathBuf) -> Self {
        Record { dir }
    }

    /// Makes the directory with room for everything that must be written later.
    pub fn make(&self, request: &Request) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(&self.dir)?;
        let create = |name: &str| {
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.dir.join(name))
        };
        create("request")?.write_all(&serde_json::to_vec(request)?)?;
        create("lock")?;
        create("end")?.write_all(&[0; END_BYTES as usize])?;
        for stream in [Stream::Stdout, Stream::Stderr] {
            reserve(&create(head_name(stream))?, HEAD_BYTES)?;
            reserve(&create(tail_name(stream))?, TAIL_BYTES)?;
        }
        File::open(&self.dir)?.sync_all()
    }

    pub fn remove(&self) {
        let _ = fs::remove_dir_all(&self.dir);
    }

    pub fn request(&self) -> io::Result<Request> {
        Ok(serde_json::from_slice(&fs::read(self.dir.join("request"))?)?)
    }

    /// For the supervisor: `None` when the script was begun before, or never will be.
    pub fn begin(&self) -> io::Result<Option<Alive>> {
        let mut lock = OpenOptions::new().read(true).write(true).open(self.dir.join("lock"))?;
        // Whoever looks whether a supervisor lives holds the lock for a moment, too.
        for _ in 0..LOCK_TRIES {
            if try_lock(&lock)? {
                lock.write_all(std::process::id().to_string().as_bytes())?;
                return Ok(self.mark_begun()?.then_some(Alive(lock)));
            }
            if self.is_begun() {
                return Ok(None);
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        Ok(None)
    }

    fn is_begun(&self) -> bool {
        self.dir.join("begun").exists()
    }

    /// Whether the marker was made just now.
    fn mark_begun(&self) -> io::Result<bool> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.dir.join("begun"));
        match made {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes sure that it never begins; `false` when it has.
    pub fn seal(&self) -> io::Result<bool> {
        self.mark_begun()
    }

    pub fn standing(&self) -> io::Result<Standing> {
        if let Some(end) = self.end()? {
            return Ok(Standing::Ended(end));
        }
        // Asked before the lock: what begins between the two looks is not taken for gone.
        let begun = self.is_begun();
        if self.is_alive()? {
            return Ok(Standing::Running);
        }
        // It may have ended between the two looks.
        match self.end()? {
            Some(end) => Ok(Standing::Ended(end)),
            None if begun => Ok(Standing::Gone),
            None => Ok(Standing::Waiting),
        }
    }

    fn is_alive(&self) -> io::Result<bool> {
        let lock = OpenOptions::new().read(true).open(self.dir.join("lock"))?;
        Ok(!try_lock(&lock)?)
    }

    fn number(&self, name: &str) -> Option<u32> {
        fs::read_to_string(self.dir.join(name)).ok()?.trim().parse().ok()
    }

    /// The script's process, once it was started.
    pub fn pid(&self) -> Option<u32> {
        self.number("pid")
    }

    pub fn tell_pid(&self, pid: u32) -> io::Result<()> {
        let new = self.dir.join("pid.new");
        fs::write(&new, pid.to_string())?;
        fs::rename(new, self.dir.join("pid"))
    }

    /// Asks the supervisor to stop the script; asking again is safe.
    pub fn cancel(&self) -> io::Result<()> {
        OpenOptions::new().write(true).create(true).truncate(false).open(self.dir.join("cancel"))?;
        if self.is_alive()?
            && let Some(pid) = self.number("lock").and_then(|pid| Pid::from_raw(pid as i32))
        {
            kill_process(pid, Signal::TERM)?;
        }
        Ok(())
    }

    pub fn is_cancelled(&self) -> bool {
        self.dir.join("cancel").exists()
    }

    /// Durable when this returns.
    pub fn write_end(&self, end: &End) -> io::Result<()> {
        let failed = end.failed.as_deref().map(|why| truncate(&one_line(why), REASON_BYTES_MAX).to_string());
        let mut line = serde_json::to_vec(&End { failed, ..end.clone() })?;
        line.push(b'\n');
        assert!(line.len() as u64 <= END_BYTES, "numbers and a bounded reason fit");
        line.resize(END_BYTES as usize, 0);
        let file = OpenOptions::new().write(true).open(self.dir.join("end"))?;
        file.write_all_at(&line, 0)?;
        file.sync_data()
    }

    fn end(&self) -> io::Result<Option<End>> {
        let mut bytes = Vec::new();
        File::open(self.dir.join("end"))?.take(END_BYTES).read_to_end(&mut bytes)?;
        let Some(length) = bytes.iter().position(|b| *b == b'\n') else { return Ok(None) };
        Ok(serde_json::from_slice(&bytes[..length]).ok())
    }

    pub fn head(&self, stream: Stream) -> PathBuf {
        self.dir.join(head_name(stream))
    }

    pub fn tail(&self, stream: Stream) -> PathBuf {
        self.dir.join(tail_name(stream))
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }
}

fn head_name(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout.head",
        Stream::Stderr => "stderr.head",
    }
}

fn tail_name(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout.tail",
        Stream::Stderr => "stderr.tail",
    }
}

/// Blocks on the disk, the length as it was. A file system without this still works until it is full.
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
        other => Ok(other?),
    }
}

fn try_lock(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> (tempfile::TempDir, Record) {
        let dir = tempfile::tempdir().unwrap();
        let record = Record::at(dir.path().join("x"));
        let run = RunScript {
            execution_id: watchtower_model::Id::NIL.into(),
            script_name: "x".into(),
            script_sha256: String::new(),
            interpreter: vec!["/bin/sh".into()],
            body: "true".into(),
            environment: Default::default(),
            secrets: Vec::new(),
            timeout_ms: 1,
            user: None,
            ad_hoc: false,
            approval: None,
            update: None,
        };
        let account = super::super::account::find(None).unwrap();
        record.make(&Request { run, account, script: "/s".into(), wake: "/w".into() }).unwrap();
        (dir, record)
    }

    #[test]
    fn it_is_begun_once_and_its_standing_tells_what_became_of_it() {
        let (_dir, record) = record();
        assert_eq!(record.standing().unwrap(), Standing::Waiting);
        let alive = record.begin().unwrap().unwrap();
        assert!(record.begin().unwrap().is_none() && !record.seal().unwrap());
        record.tell_pid(7).unwrap();
        assert_eq!(record.standing().unwrap(), Standing::Running);
        assert_eq!(record.pid(), Some(7));
        drop(alive);
        assert_eq!(record.standing().unwrap(), Standing::Gone);
        let end = End {
            exit_code: Some(i32::MIN),
            signal: Some(i32::MIN),
            stdout_bytes: u64::MAX,
            stderr_bytes: u64::MAX,
            duration_ms: u64::MAX,
            failed: Some("\"".repeat(REASON_BYTES_MAX)),
            ..End::default()
        };
        record.write_end(&end).unwrap();
        assert_eq!(record.standing().unwrap(), Standing::Ended(end));
    }

    #[test]
    fn what_was_sealed_never_begins() {
        let (_dir, record) = record();
        assert!(record.seal().unwrap());
        assert!(record.begin().unwrap().is_none());
    }

    /// Once a look that fell into the beginning took a script that had just begun for one that was gone; and the look itself could
    /// keep the supervisor from the lock, so that nothing began.
    #[test]
    fn who_looks_while_it_begins_sees_it_wait_or_run() {
        for _ in 0..200 {
            let (_dir, record) = record();
            let ended = End::default();
            let supervisor = || {
                let alive = record.begin().unwrap();
                assert!(alive.is_some(), "a look kept it from beginning");
                record.write_end(&ended).unwrap();
            };
            std::thread::scope(|scope| {
                let begins = scope.spawn(supervisor);
                loop {
                    match record.standing().unwrap() {
                        Standing::Ended(_) => break,
                        Standing::Gone => panic!("it has just begun"),
                        Standing::Waiting | Standing::Running if begins.is_finished() => break,
                        Standing::Waiting | Standing::Running => {}
                    }
                }
                begins.join().unwrap();
            });
            assert_eq!(record.standing().unwrap(), Standing::Ended(ended));
        }
    }
}
