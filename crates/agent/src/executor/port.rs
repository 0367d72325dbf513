//! The collector's side of the executor's socket: asks go out in order, what is said comes back, whoever restarts.
//!
//! Invariant: the agent's loop never waits for the executor; a command or bundle is asked until it was dealt with (a
//! command runs once, however often it is asked).

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use watchtower_protocol::Envelope;

use super::frame::{FrameError, FrameReader, write};
use super::serve::Executor;
use super::{Ask, Say, Status};
use crate::state_dir::{StateDir, StateError};
use crate::tasks::Launcher;

/// Asks and answers that wait for the other side; more than a hub's windows of all executions together.
const QUEUE_MAX: usize = 256;
/// Commands that wait for an executor; the hub sends what is refused here again when it connects.
const PENDING_MAX: usize = 64;
/// Time for the executor's socket to answer, which may start it.
const CONNECT: Duration = Duration::from_secs(5);
/// Between two tries.
const AGAIN: Duration = Duration::from_secs(1);

/// Where the executor is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A process of its own behind this socket.
    Socket(PathBuf),
    /// Inside this process, with its state in the agent's directory; scripts are started by this program.
    Inside { program: PathBuf },
}

#[derive(Debug)]
pub struct Port {
    asks: mpsc::Sender<Ask>,
    says: mpsc::Receiver<Say>,
    status: Status,
    /// What the executor said last of its bundle: one that cannot be reached still has it.
    bundle_version: u64,
    next_seq: u64,
    task: JoinHandle<()>,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Port {
    /// Needs a tokio runtime.
    pub fn open(place: &Place, state: &StateDir, policy: PathBuf) -> Result<Self, StateError> {
        let (asks, asked) = mpsc::channel(QUEUE_MAX);
        let (saying, says) = mpsc::channel(QUEUE_MAX);
        let task = match place {
            Place::Socket(path) => tokio::spawn(drive(path.clone(), asked, saying)),
            Place::Inside { program } => {
                let executor = Executor::open(state, policy, Launcher::detect(program.clone()))?;
                tokio::spawn(inside(executor, asked, saying))
            }
        };
        Ok(Port { asks, says, status: Status::default(), bundle_version: 0, next_seq: 0, task })
    }

    pub fn status(&self) -> &Status {
        &self.status
    }

    /// The version of the executor's trust bundle, 0 before the executor was heard.
    pub fn bundle_version(&self) -> u64 {
        self.bundle_version
    }

    /// What the executor says next; its status is kept, too. Safe to cancel.
    pub async fn next(&mut self) -> Say {
        let Some(say) = self.says.recv().await else { return std::future::pending().await };
        if let Say::Status(status) = &say {
            self.bundle_version = self.bundle_version.max(status.bundle_version);
            self.status = status.clone();
        }
        say
    }

    pub fn command(&mut self, envelope: Envelope, offset_ms: i64) {
        let seq = self.seq();
        self.ask(Ask::Command { seq, envelope, offset_ms });
    }

    pub fn bundle(&mut self, envelope: Envelope) {
        let seq = self.seq();
        self.ask(Ask::Bundle { seq, envelope });
    }

    fn seq(&mut self) -> u64 {
        self.next_seq += 1;
        self.next_seq
    }

    pub fn ask(&mut self, ask: Ask) {
        if self.asks.try_send(ask).is_err() {
            crate::log::warn("the executor does not keep up: a message for it was dropped", &[]);
        }
    }

    /// Ends the executor inside, whose journal another may open then. Scripts go on.
    pub async fn close(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

async fn inside(mut executor: Executor, mut asked: mpsc::Receiver<Ask>, saying: mpsc::Sender<Say>) {
    let wire = Wire::default();
    loop {
        let Ok((near, far)) = UnixStream::pair() else { return };
        let error = tokio::select! {
            ended = executor.converse(far, false) => ended.err(),
            ended = wire.exchange(near, &mut asked, &saying) => ended.err(),
        };
        match error {
            None => return,
            Some(error) => crate::log::warn("the executor starts again", &[("error", &error)]),
        }
        sleep(AGAIN).await;
    }
}

/// Connects when there is something to ask, and again while something is under way.
async fn drive(path: PathBuf, mut asked: mpsc::Receiver<Ask>, saying: mpsc::Sender<Say>) {
    let wire = Wire::default();
    loop {
        if wire.is_quiet() {
            match asked.recv().await {
                Some(ask) => wire.keep(&ask),
                None => return,
            }
        }
        let ended = match timeout(CONNECT, UnixStream::connect(&path)).await {
            Ok(Ok(stream)) => wire.exchange(stream, &mut asked, &saying).await,
            Ok(Err(error)) => unreachable(error.into(), &saying).await,
            Err(_) => unreachable(FrameError::Stalled, &saying).await,
        };
        match ended {
            Ok(()) => return,
            // An executor with nothing to do ends; the next ask starts it again.
            Err(FrameError::Closed) if wire.is_quiet() => {}
            Err(error) => {
                crate::log::warn("no connection to the executor", &[("error", &error)]);
                sleep(AGAIN).await;
            }
        }
    }
}

async fn unreachable(error: FrameError, saying: &mpsc::Sender<Say>) -> Result<(), FrameError> {
    let refuses = Some("executor_unreachable".to_string());
    let _ = saying.send(Say::Status(Status { refuses, ..Status::default() })).await;
    Err(error)
}

/// What outlives one connection.
#[derive(Default)]
struct Wire {
    /// Asked until they were dealt with.
    pending: Mutex<VecDeque<Ask>>,
    /// The executor said that it has something to do.
    busy: AtomicBool,
}

impl Wire {
    fn pending(&self) -> MutexGuard<'_, VecDeque<Ask>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_quiet(&self) -> bool {
        self.pending().is_empty() && !self.busy.load(Ordering::Relaxed)
    }

    /// Acknowledgements need no memory: what they were about is told again.
    fn keep(&self, ask: &Ask) {
        if !matches!(ask, Ask::Command { .. } | Ask::Bundle { .. }) {
            return;
        }
        let mut pending = self.pending();
        if pending.len() < PENDING_MAX {
            pending.push_back(ask.clone());
        } else {
            crate::log::warn("too many commands wait for the executor: one was dropped", &[]);
        }
    }

    /// One connection; ends well only when the agent does. Both ways at once: each side may be busy writing.
    async fn exchange(
        &self,
        stream: UnixStream,
        asked: &mut mpsc::Receiver<Ask>,
        saying: &mpsc::Sender<Say>,
    ) -> Result<(), FrameError> {
        let (reading, mut writing) = stream.into_split();
        let asking = async {
            write(&mut writing, &Ask::Connected).await?;
            let again: Vec<Ask> = self.pending().iter().cloned().collect();
            for ask in &again {
                write(&mut writing, ask).await?;
            }
            while let Some(ask) = asked.recv().await {
                self.keep(&ask);
                write(&mut writing, &ask).await?;
            }
            Ok(())
        };
        tokio::select! {
            ended = asking => ended,
            ended = self.listen(FrameReader::new(reading), saying) => ended,
        }
    }

    async fn listen(&self, mut reader: FrameReader, saying: &mpsc::Sender<Say>) -> Result<(), FrameError> {
        loop {
            let say = reader.next().await?;
            match &say {
                Say::Done { seq } => self.pending().retain(|ask| !is_about(ask, *seq)),
                Say::Status(status) => self.busy.store(!status.idle, Ordering::Relaxed),
                _ => {}
            }
            if !matches!(say, Say::Done { .. }) && saying.send(say).await.is_err() {
                return Ok(());
            }
        }
    }
}

fn is_about(ask: &Ask, done: u64) -> bool {
    matches!(ask, Ask::Command { seq, .. } | Ask::Bundle { seq, .. } if *seq == done)
}
