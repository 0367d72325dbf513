//! Commands of the hub: admitted, journalled, run, reported until the hub has the end.
//!
//! Invariant: an execution id is started at most once, whatever the hub sends and whenever the agent dies; each
//! state is in the journal before it is told.

mod account;
mod admit;
mod journal;
mod output;
mod runner;

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot};
use watchtower_model::{AgentId, EventKind, ExecutionId, Labels, Severity, Timestamp};
use watchtower_protocol::limits::EXECUTIONS_MAX;
use watchtower_protocol::{
    AgentEvent, AgentMessage, CommandBody, Envelope, ExecutionState, ExecutionUpdate, OutputChunk, RunScript,
    Stream, TrustBundle,
};

use crate::collect::one_line;
use crate::halt;
use crate::policy::Policy;
use crate::state_dir::StateDir;
use admit::Refused;
use journal::{Journal, JournalError, is_end};
use output::Output;
pub use runner::{End, TaskEvent};

/// Events of runners that wait for the loop; a runner that gets ahead waits, its script's pipe fills up.
const EVENTS_MAX: usize = 64;
/// Ended executions whose output the hub does not have yet; the oldest give their output up.
const UNDELIVERED_MAX: usize = 8;

/// What an executed command's life needs to know of the moment.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub bundle: &'a TrustBundle,
    pub policy: &'a Policy,
    /// On the hub's clock as far as it is known.
    pub now: Timestamp,
}

/// What came of a command: messages for the hub, and an event when it was refused.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    pub messages: Vec<AgentMessage>,
    pub event: Option<AgentEvent>,
}

#[derive(Debug)]
struct Execution {
    /// Gone once the end is known.
    cancel: Option<oneshot::Sender<()>>,
    running: bool,
    output: [Output; 2],
    ended_at: Option<Timestamp>,
}

#[derive(Debug)]
pub struct Tasks {
    agent_id: AgentId,
    state: StateDir,
    journal: Result<Journal, JournalError>,
    executions: HashMap<ExecutionId, Execution>,
    events: mpsc::Sender<TaskEvent>,
}

impl Tasks {
    /// Opens the journal and clears what scripts of a former life left. The receiver feeds [`Tasks::on_event`].
    pub fn open(agent_id: AgentId, state: &StateDir, now: Timestamp) -> (Self, mpsc::Receiver<TaskEvent>) {
        let journal = Journal::open(&state.file("journal"), now);
        if let Err(error) = &journal {
            crate::log::warn("no command can be run", &[("error", error)]);
        }
        let _ = fs::remove_dir_all(scratch(state));
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let state = state.clone();
        (Tasks { agent_id, state, journal, executions: HashMap::new(), events }, receiver)
    }

    /// Why every command would be refused, if it would.
    pub fn refuses(&self) -> Option<&'static str> {
        if halt::is_set(&self.state) {
            Some("halted")
        } else if self.journal.is_err() {
            Some("journal_unwritable")
        } else {
            None
        }
    }

    pub fn running(&self) -> usize {
        self.executions.values().filter(|execution| execution.running).count()
    }

    /// A signed command. Runs on the tokio runtime that this is called on.
    pub fn on_command(&mut self, envelope: &Envelope, context: Context) -> Outcome {
        let command = match admit::admit(envelope, context.bundle, self.agent_id, context.now) {
            Ok(command) => command,
            Err(refused) => return self.refuse(refused, context.now),
        };
        let (id, not_after) = match &command.body {
            CommandBody::Run(run) => (run.execution_id, command.not_after),
            CommandBody::Cancel { execution_id } => (*execution_id, command.not_after),
        };
        let refused = |code, reason| Refused { execution_id: Some(id), not_after, code, reason };
        let result = match command.body {
            CommandBody::Run(run) => {
                self.start(run, not_after, context).map_err(|(code, why)| refused(code, why))
            }
            CommandBody::Cancel { .. } => Ok(self.cancel(id, not_after, context.now)),
        };
        match result {
            Ok(messages) => Outcome { messages, event: None },
            Err(refused) => self.refuse(refused, context.now),
        }
    }

    fn start(
        &mut self,
        run: RunScript,
        not_after: Timestamp,
        context: Context,
    ) -> Result<Vec<AgentMessage>, (&'static str, String)> {
        let id = run.execution_id;
        let unwritable = |error: JournalError| ("journal_unwritable", error.to_string());
        let journal = match &mut self.journal {
            Ok(journal) => journal,
            Err(error) => return Err(("journal_unwritable", error.to_string())),
        };
        if let Some(entry) = journal.entry(id).map_err(unwritable)? {
            // Delivered again: the answer is what became of it, never a second run.
            return Ok(vec![AgentMessage::Execution(entry.update)]);
        }
        if halt::is_set(&self.state) {
            return Err((
                "halted",
                "commands are halted on the server; `watchtower-agent halt --clear` there".into(),
            ));
        }
        let account = account::find(run.user.as_deref()).map_err(|why| ("bad_command", why))?;
        context.policy.allows(&run, &account.name).map_err(|why| ("policy", why))?;
        let own = rustix::process::geteuid().as_raw();
        if account.uid != own && own != 0 {
            return Err(("policy", format!("the agent is not root and cannot run as {:?}", account.name)));
        }
        if self.running() >= EXECUTIONS_MAX {
            return Err(("busy", format!("{EXECUTIONS_MAX} executions run already")));
        }
        let scratch = make_scratch(&self.state).map_err(|why| ("spawn_failed", why))?;
        let journal = self.journal.as_mut().map_err(|error| ("journal_unwritable", error.to_string()))?;
        let accepted = ExecutionUpdate { execution_id: id, state: ExecutionState::Accepted, t: context.now };
        journal.record(accepted.clone(), not_after, context.now).map_err(unwritable)?;
        let (cancel, cancelled) = oneshot::channel();
        let output = [Output::default(), Output::default()];
        self.executions.insert(id, Execution { cancel: Some(cancel), running: true, output, ended_at: None });
        tokio::spawn(runner::run(run, account, scratch, self.events.clone(), cancelled));
        Ok(vec![AgentMessage::Execution(accepted)])
    }

    /// Stops everything that runs: the agent is about to end, and a known end is better than a lost one.
    pub fn cancel_all(&mut self) {
        for execution in self.executions.values_mut() {
            if let Some(cancel) = execution.cancel.take() {
                let _ = cancel.send(());
            }
        }
    }

    /// Before the start it leaves a tombstone: a later `run` of the same id finds its end in the journal.
    fn cancel(&mut self, id: ExecutionId, not_after: Timestamp, now: Timestamp) -> Vec<AgentMessage> {
        if let Some(execution) = self.executions.get_mut(&id)
            && execution.running
        {
            if let Some(cancel) = execution.cancel.take() {
                let _ = cancel.send(());
            }
            return Vec::new();
        }
        let known = self.journal.as_ref().ok().and_then(|journal| journal.entry(id).ok().flatten());
        match known {
            Some(entry) => vec![AgentMessage::Execution(entry.update)],
            None => {
                let reason = "cancelled before it was started".to_string();
                self.tell(id, ExecutionState::Rejected { code: "cancelled".into(), reason }, not_after, now)
            }
        }
    }

    fn refuse(&mut self, refused: Refused, now: Timestamp) -> Outcome {
        let Refused { execution_id, not_after, code, reason } = refused;
        let reason = one_line(&reason);
        crate::log::warn("a command was refused", &[("code", &code), ("reason", &reason)]);
        let mut labels = vec![("code", code.to_string())];
        labels.extend(execution_id.map(|id| ("execution_id", id.to_string())));
        let event = AgentEvent {
            kind: EventKind::new("command.refused"),
            severity: if code == "bad_signature" { Severity::Critical } else { Severity::Warning },
            message: reason.clone(),
            labels: Labels::from_pairs(labels),
            t: now,
        };
        // A cross-agent command names an execution of another: it must not get an end from here.
        let messages = execution_id.filter(|_| code != "wrong_agent").map_or_else(Vec::new, |id| {
            self.tell(id, ExecutionState::Rejected { code: code.into(), reason }, not_after, now)
        });
        Outcome { messages, event: Some(event) }
    }

    /// Journals a state and returns its message. An execution that has an end keeps it.
    fn tell(
        &mut self,
        id: ExecutionId,
        state: ExecutionState,
        not_after: Timestamp,
        now: Timestamp,
    ) -> Vec<AgentMessage> {
        let update = ExecutionUpdate { execution_id: id, state, t: now };
        let Ok(journal) = &mut self.journal else { return vec![AgentMessage::Execution(update)] };
        if let Ok(Some(entry)) = journal.entry(id)
            && is_end(&entry.update.state)
        {
            return vec![AgentMessage::Execution(entry.update)];
        }
        if let Err(error) = journal.record(update.clone(), not_after, now) {
            // The hub still hears it once; after a restart the journal says `lost` where something had begun.
            crate::log::warn("a state could not be journalled", &[("execution", &id), ("error", &error)]);
        }
        vec![AgentMessage::Execution(update)]
    }

    /// News of a runner.
    pub fn on_event(&mut self, event: TaskEvent, now: Timestamp) -> Vec<AgentMessage> {
        match event {
            TaskEvent::Started { execution_id, pid } => {
                self.tell(execution_id, ExecutionState::Running { pid }, now, now)
            }
            TaskEvent::Output { execution_id, stream, data } => {
                if let Some(execution) = self.executions.get_mut(&execution_id) {
                    execution.output[stream as usize].push(&data);
                }
                self.next_output(execution_id)
            }
            TaskEvent::SpawnFailed { execution_id, reason } => {
                self.executions.remove(&execution_id);
                let reason = one_line(&reason);
                self.tell(
                    execution_id,
                    ExecutionState::Rejected { code: "spawn_failed".into(), reason },
                    now,
                    now,
                )
            }
            TaskEvent::Ended { execution_id, end } => {
                let totals = self.close(execution_id, now);
                let state = ExecutionState::Finished {
                    exit_code: end.exit_code,
                    signal: end.signal,
                    timed_out: end.timed_out,
                    cancelled: end.cancelled,
                    stdout_bytes: totals[0],
                    stderr_bytes: totals[1],
                    duration_ms: end.duration_ms,
                };
                let mut messages = self.next_output(execution_id);
                messages.extend(self.tell(execution_id, state, now, now));
                self.forget_delivered();
                messages
            }
        }
    }

    fn close(&mut self, id: ExecutionId, now: Timestamp) -> [u64; 2] {
        let Some(execution) = self.executions.get_mut(&id) else { return [0, 0] };
        execution.running = false;
        execution.cancel = None;
        execution.ended_at = Some(now);
        execution.output.iter_mut().for_each(Output::end);
        [execution.output[0].total(), execution.output[1].total()]
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
    pub fn on_connected(&mut self) -> Vec<AgentMessage> {
        let ids: Vec<ExecutionId> = self.executions.keys().copied().collect();
        let mut messages = Vec::new();
        for id in ids {
            let running = self.journal.as_ref().ok().and_then(|journal| journal.entry(id).ok().flatten());
            messages.extend(
                running.filter(|e| !is_end(&e.update.state)).map(|e| AgentMessage::Execution(e.update)),
            );
            if let Some(execution) = self.executions.get_mut(&id) {
                execution.output.iter_mut().for_each(Output::rewind);
            }
            messages.extend(self.next_output(id));
        }
        messages.extend(self.unacked_ends());
        messages
    }

    /// Ends that are repeated until acknowledged.
    pub fn unacked_ends(&self) -> Vec<AgentMessage> {
        let ends = self.journal.as_ref().map(Journal::unacked_ends).unwrap_or_default();
        ends.into_iter().map(AgentMessage::Execution).collect()
    }

    fn forget_delivered(&mut self) {
        self.executions.retain(|_, e| e.running || !e.output.iter().all(Output::is_delivered));
        let mut ended: Vec<_> =
            self.executions.iter().filter_map(|(id, e)| Some((e.ended_at?, *id))).collect();
        ended.sort_unstable();
        let surplus = ended.len().saturating_sub(UNDELIVERED_MAX);
        for (_, id) in &ended[..surplus] {
            self.executions.remove(id);
        }
    }
}

fn scratch(state: &StateDir) -> PathBuf {
    state.file("executions")
}

/// Traversable, like the state directory above it: scripts of other users lie below, each in a directory of its own
/// that is private to its user. Everything else in the state directory is private by its own mode.
fn make_scratch(state: &StateDir) -> Result<PathBuf, String> {
    let path = scratch(state);
    let made = fs::DirBuilder::new().recursive(true).mode(0o711).create(&path);
    let passable = || -> std::io::Result<()> {
        let mode = fs::metadata(state.path())?.permissions().mode();
        if mode & 0o011 != 0o011 {
            fs::set_permissions(state.path(), fs::Permissions::from_mode((mode & 0o7777) | 0o011))?;
        }
        Ok(())
    };
    made.and_then(|()| passable()).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests;
