//! `statvfs` with a time limit, for file systems that may never answer.
//!
//! Invariant: at most one thread asks; a thread that hangs is set aside with its path, and that path is not
//! asked again until the thread came back.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use rustix::fs::StatVfs;

/// Time for one answer; a healthy server answers in a few.
const ANSWER_MS: u64 = 250;
/// Threads that may hang at once; beyond it, other remote mounts count as failed without being asked.
const HANGING_MAX: usize = 8;
/// Stack of an asking thread.
const STACK_BYTES: usize = 64 * 1024;

type Answer = Option<StatVfs>;

#[derive(Debug)]
struct Worker {
    ask: SyncSender<PathBuf>,
    answers: Receiver<Answer>,
}

#[derive(Debug, Default)]
pub struct MountProbe {
    worker: Option<Worker>,
    hanging: Vec<(PathBuf, Receiver<Answer>)>,
}

impl MountProbe {
    /// `None` when the file system fails, or does not answer in time.
    pub fn statvfs(&mut self, path: PathBuf) -> Answer {
        self.ask_with(path, |path| rustix::fs::statvfs(path).ok())
    }

    fn ask_with(&mut self, path: PathBuf, ask: fn(&Path) -> Answer) -> Answer {
        if let Some(at) = self.hanging.iter().position(|(stuck, _)| *stuck == path) {
            let answer = self.hanging[at].1.try_recv().ok()?;
            self.hanging.swap_remove(at);
            return answer;
        }
        if self.hanging.len() >= HANGING_MAX {
            return None;
        }
        let worker = self.worker.take().or_else(|| spawn(ask))?;
        worker.ask.try_send(path.clone()).ok()?;
        match worker.answers.recv_timeout(Duration::from_millis(ANSWER_MS)) {
            Ok(answer) => {
                self.worker = Some(worker);
                answer
            }
            Err(RecvTimeoutError::Timeout) => {
                self.hanging.push((path, worker.answers));
                None
            }
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }
}

fn spawn(ask: fn(&Path) -> Answer) -> Option<Worker> {
    let (ask_sender, questions) = sync_channel::<PathBuf>(1);
    let (answer_sender, answers) = sync_channel(1);
    std::thread::Builder::new()
        .name("mount-probe".into())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            while let Ok(path) = questions.recv() {
                if answer_sender.send(ask(&path)).is_err() {
                    return;
                }
            }
        })
        .ok()?;
    Some(Worker { ask: ask_sender, answers })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static ASKED: AtomicUsize = AtomicUsize::new(0);

    fn slow_for_dead_mounts(path: &Path) -> Answer {
        if path.ends_with("dead") {
            ASKED.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(ANSWER_MS * 3));
        }
        rustix::fs::statvfs("/").ok()
    }

    #[test]
    fn a_hanging_mount_is_asked_once_and_comes_back() {
        let mut probe = MountProbe::default();
        assert!(probe.ask_with("/dead".into(), slow_for_dead_mounts).is_none());
        for _ in 0..5 {
            assert!(probe.ask_with("/dead".into(), slow_for_dead_mounts).is_none());
            assert!(probe.ask_with("/alive".into(), slow_for_dead_mounts).is_some());
        }
        assert_eq!(ASKED.load(Ordering::SeqCst), 1);
        std::thread::sleep(Duration::from_millis(ANSWER_MS * 4));
        assert!(probe.ask_with("/dead".into(), slow_for_dead_mounts).is_some());
    }
}
