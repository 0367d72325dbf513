//! From what lies on the disk to messages for the hub: states, output, ends, until the hub has them.
//!
//! Invariant: what is told of an execution comes from its record or from the journal, never from memory alone; a record
//! is removed only when the hub has all of it, or gave way to newer ones.

use std::io;
use std::time::Duration;

use tokio::time::Instant;
use watchtower_model::{ExecutionId, Timestamp};
use watchtower_protocol::{AgentMessage, ExecutionState, ExecutionUpdate, OutputChunk, Stream};

use super::journal::{Journal, is_end};
use super::news::Launched;
use super::output::Output;
use super::record::{End, Record, Standing};
use super::{Tasks, tree};
use crate::collect::one_line;

/// Ended executions whose output the hub does not have yet; the oldest give their output up.
const UNDELIVERED_MAX: usize = 8;
/// A supervisor that has not begun by then never will.
const BEGIN: Duration = Duration::from_secs(30);
/// The same for one that a former life launched: what launches it died with that life, or had done its part. As long as it may still
/// come, it takes the place of another.
const BEGIN_LEFT: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Execution {
    pub record: Record,
    output: [Output; 2],
    begin_by: Instant,
    told_running: bool,
    ended_at: Option<Timestamp>,
}

impl Execution {
    pub fn new(record: Record) -> io::Result<Self> {
        Execution::open(record, BEGIN)
    }

    fn open(record: Record, begin: Duration) -> io::Result<Self> {
        let output = [Output::open(&record, Stream::Stdout)?, Output::open(&record, Stream::Stderr)?];
        let begin_by = Instant::now() + begin;
        Ok(Execution { record, output, begin_by, told_running: false, ended_at: None })
    }

    pub fn is_running(&self) -> bool {
        self.ended_at.is_none()
    }
}

impl Tasks {
    /// After a start: what has a record is watched again, what has none is lost; nothing is ever begun here.
    pub(super) fn take_up(&mut self) {
        let Ok(journal) = &self.journal else { return };
        let begun: Vec<ExecutionId> = journal.begun().iter().map(|update| update.execution_id).collect();
        for id in self.scratch.ids() {
            let known = begun.contains(&id) || journal.knows(id);
            match Execution::open(self.scratch.record(id), BEGIN_LEFT) {
                Ok(execution) if known => drop(self.executions.insert(id, execution)),
                // Not in the journal: it was never accepted, and nothing was started.
                _ => self.scratch.remove(id),
            }
        }
        let now = crate::clock::now().wall;
        for id in begun.into_iter().filter(|id| !self.executions.contains_key(id)).collect::<Vec<_>>() {
            self.tell_lost(id, now);
        }
    }

    fn tell_lost(&mut self, id: ExecutionId, now: Timestamp) -> Vec<AgentMessage> {
        let reason = "it was stopped from outside, or the machine went down, while it ran; it may have run wholly or in part";
        self.tell(id, ExecutionState::Lost { reason: reason.into() }, now, now)
    }

    /// A launch that came out, or a sign that some execution has moved.
    pub fn on_news(&mut self, launched: Option<Launched>, now: Timestamp) -> Vec<AgentMessage> {
        let mut messages = Vec::new();
        if let Some(Launched { id, result: Err(reason) }) = launched {
            messages.extend(self.give_up_launch(id, &reason, now));
        }
        let running: Vec<ExecutionId> =
            self.executions.iter().filter(|(_, e)| e.is_running()).map(|(id, _)| *id).collect();
        for id in running {
            messages.extend(self.look_at(id, now));
        }
        self.forget_delivered();
        messages
    }

    /// What may have begun all the same is left alone: its record will tell.
    fn give_up_launch(&mut self, id: ExecutionId, reason: &str, now: Timestamp) -> Vec<AgentMessage> {
        let Some(execution) = self.executions.get(&id) else { return Vec::new() };
        if !matches!(execution.record.seal(), Ok(true)) {
            return Vec::new();
        }
        self.executions.remove(&id);
        self.scratch.remove(id);
        self.tell_spawn_failed(id, reason, now)
    }

    fn tell_spawn_failed(&mut self, id: ExecutionId, reason: &str, now: Timestamp) -> Vec<AgentMessage> {
        let state = ExecutionState::Rejected { code: "spawn_failed".into(), reason: one_line(reason) };
        self.tell(id, state, now, now)
    }

    fn look_at(&mut self, id: ExecutionId, now: Timestamp) -> Vec<AgentMessage> {
        let Some(execution) = self.executions.get_mut(&id) else { return Vec::new() };
        let mut messages = Vec::new();
        let standing = execution.record.standing();
        if let Some(pid) = execution.record.pid()
            && !execution.told_running
        {
            execution.told_running = true;
            messages.push(running(id, pid, now));
        }
        match standing {
            Ok(Standing::Waiting) if Instant::now() > execution.begin_by => {
                messages.extend(self.give_up_launch(
                    id,
                    "its supervisor did not begin in time; it did not run",
                    now,
                ));
            }
            Ok(Standing::Waiting) => {}
            Ok(Standing::Running) => messages.extend(self.next_output(id)),
            Ok(Standing::Ended(end)) => messages.extend(self.close(id, end, now)),
            Ok(Standing::Gone) => {
                tree::fell_marked(id);
                messages.extend(self.tell_lost(id, now));
                self.executions.remove(&id);
                self.scratch.remove(id);
            }
            Err(error) => {
                crate::log::warn("a record cannot be read", &[("execution", &id), ("error", &error)]);
                // A former life died while it removed this: what is left tells nothing, and goes too.
                if error.kind() == io::ErrorKind::NotFound {
                    self.executions.remove(&id);
                    self.scratch.remove(id);
                    messages.extend(self.tell_lost(id, now));
                }
            }
        }
        messages
    }

    fn close(&mut self, id: ExecutionId, end: End, now: Timestamp) -> Vec<AgentMessage> {
        self.scratch.remove_script(id);
        if let Some(reason) = &end.failed {
            self.executions.remove(&id);
            self.scratch.record(id).remove();
            return self.tell_spawn_failed(id, reason, now);
        }
        if let Some(execution) = self.executions.get_mut(&id) {
            execution.ended_at = Some(now);
            execution.output[0].end(end.stdout_bytes);
            execution.output[1].end(end.stderr_bytes);
        }
        let mut messages = self.next_output(id);
        let state = ExecutionState::Finished {
            exit_code: end.exit_code,
            signal: end.signal,
            timed_out: end.timed_out,
            cancelled: end.cancelled,
            stdout_bytes: end.stdout_bytes,
            stderr_bytes: end.stderr_bytes,
            duration_ms: end.duration_ms,
        };
        messages.extend(self.tell(id, state, now, now));
        messages
    }

    /// Chunks that the window lets through now.
    fn next_output(&mut self, id: ExecutionId) -> Vec<AgentMessage> {
        let Some(execution) = self.executions.get_mut(&id) else { return Vec::new() };
        let mut messages = Vec::new();
        for stream in [Stream::Stdout, Stream::Stderr] {
            while let Some((offset, data)) = execution.output[stream as usize].next_chunk() {
                messages.push(AgentMessage::Output(OutputChunk { execution_id: id, stream, offset, data }));
            }
        }
        messages
    }

    pub fn on_output_ack(&mut self, id: ExecutionId, stream: Stream, offset: u64) -> Vec<AgentMessage> {
        if let Some(execution) = self.executions.get_mut(&id) {
            execution.output[stream as usize].ack(offset);
        }
        let messages = self.next_output(id);
        self.forget_delivered();
        messages
    }

    pub fn on_execution_ack(&mut self, id: ExecutionId, now: Timestamp) {
        if let Ok(journal) = &mut self.journal
            && let Err(error) = journal.ack(id, now)
        {
            crate::log::warn("an acknowledgement could not be journalled", &[("error", &error)]);
        }
    }

    /// A new connection: ends that the hub lacks, states of what runs, and output from where it has it.
    pub fn on_connected(&mut self, now: Timestamp) -> Vec<AgentMessage> {
        let mut messages = Vec::new();
        for (id, execution) in &mut self.executions {
            let pid = execution.record.pid().filter(|_| execution.is_running());
            execution.output.iter_mut().for_each(Output::rewind);
            messages.extend(match (pid, execution.is_running()) {
                (Some(pid), _) => Some(running(*id, pid, now)),
                (None, true) => {
                    let update =
                        ExecutionUpdate { execution_id: *id, state: ExecutionState::Accepted, t: now };
                    Some(AgentMessage::Execution(update))
                }
                (None, false) => None,
            });
        }
        for id in self.executions.keys().copied().collect::<Vec<_>>() {
            messages.extend(self.next_output(id));
        }
        messages.extend(self.unacked_ends());
        messages
    }

    /// Ends that are repeated until acknowledged.
    pub fn unacked_ends(&self) -> Vec<AgentMessage> {
        let ends = self.journal.as_ref().map(Journal::unacked_ends).unwrap_or_default();
        ends.into_iter().filter(|update| is_end(&update.state)).map(AgentMessage::Execution).collect()
    }

    fn forget_delivered(&mut self) {
        let delivered = |e: &Execution| !e.is_running() && e.output.iter().all(Output::is_delivered);
        let mut gone: Vec<ExecutionId> =
            self.executions.iter().filter(|(_, e)| delivered(e)).map(|(id, _)| *id).collect();
        let mut ended: Vec<_> =
            self.executions.iter().filter_map(|(id, e)| Some((e.ended_at?, *id))).collect();
        ended.sort_unstable();
        let surplus = ended.len().saturating_sub(UNDELIVERED_MAX);
        gone.extend(ended[..surplus].iter().map(|(_, id)| *id));
        for id in gone {
            self.executions.remove(&id);
            self.scratch.remove(id);
        }
    }
}

fn running(id: ExecutionId, pid: u32, now: Timestamp) -> AgentMessage {
    let state = ExecutionState::Running { pid };
    AgentMessage::Execution(ExecutionUpdate { execution_id: id, state, t: now })
}
