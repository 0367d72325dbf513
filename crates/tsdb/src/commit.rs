//! Group commit: many threads append, one writes and syncs for all that wait.
//!
//! Invariants: bytes reach the log in the order in which they entered the head; bytes whose write failed stay
//! in front of the queue, so the log never has a gap; progress becomes visible only when it is durable.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard};

use watchtower_model::Id;

use crate::ingest::Progress;
use crate::store::{ChunkStore, StoreError};

/// Stands for everything that was queued up to one append.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ticket(u64);

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    progress: Vec<Progress>,
    durable_progress: HashMap<Id, (u64, u64)>,
    queued: u64,
    durable: u64,
    /// A thread is writing.
    writing: bool,
    /// Tickets up to here were part of a write that failed.
    failed: Option<(u64, StoreError)>,
}

#[derive(Debug, Default)]
pub(crate) struct Commit {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Commit {
    pub(crate) fn new(durable_progress: HashMap<Id, (u64, u64)>) -> Self {
        let queue = Queue { durable_progress, ..Queue::default() };
        Commit { queue: Mutex::new(queue), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no code panics while it holds the commit queue")
    }

    /// Queues what `write` adds. Callers hold the head's lock, so that log and head agree on the order.
    pub(crate) fn queue(&self, progress: &[Progress], write: impl FnOnce(&mut Vec<u8>)) -> Ticket {
        let mut queue = self.lock();
        write(&mut queue.bytes);
        queue.progress.extend_from_slice(progress);
        queue.queued += 1;
        Ticket(queue.queued)
    }

    pub(crate) fn backlog(&self) -> usize {
        self.lock().bytes.len()
    }

    pub(crate) fn progress(&self, agent: Id) -> Option<(u64, u64)> {
        self.lock().durable_progress.get(&agent).copied()
    }

    pub(crate) fn all_progress(&self) -> HashMap<Id, (u64, u64)> {
        self.lock().durable_progress.clone()
    }

    /// Returns when everything up to `ticket` is durable; the first waiter writes for all.
    pub(crate) fn wait(&self, ticket: Ticket, store: &dyn ChunkStore) -> Result<(), StoreError> {
        let mut queue = self.lock();
        loop {
            if queue.durable >= ticket.0 {
                return Ok(());
            }
            if let Some((upto, error)) = &queue.failed
                && *upto >= ticket.0
            {
                return Err(error.clone());
            }
            if queue.writing {
                queue = self.changed.wait(queue).expect("no code panics while it holds the commit queue");
                continue;
            }
            queue.writing = true;
            queue.failed = None;
            drop(queue);
            self.write(store);
            queue = self.lock();
        }
    }

    fn write(&self, store: &dyn ChunkStore) {
        let mut queue = self.lock();
        let upto = queue.queued;
        let bytes = std::mem::take(&mut queue.bytes);
        let progress = std::mem::take(&mut queue.progress);
        drop(queue);
        // Tickets without bytes (a batch of duplicates) wait for the bytes before them only.
        let result = if bytes.is_empty() { Ok(()) } else { store.log_append(&bytes).map(drop) };
        let mut queue = self.lock();
        queue.writing = false;
        match result {
            Ok(()) => {
                queue.durable = upto;
                for p in progress {
                    let at = queue.durable_progress.entry(p.agent.0).or_default();
                    *at = (*at).max((p.epoch, p.seq));
                }
            }
            Err(error) => {
                put_back(&mut queue.bytes, bytes);
                put_back(&mut queue.progress, progress);
                queue.failed = Some((upto, error));
            }
        }
        drop(queue);
        self.changed.notify_all();
    }
}

fn put_back<T>(queue: &mut Vec<T>, mut first: Vec<T>) {
    first.append(queue);
    *queue = first;
}
