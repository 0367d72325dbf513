//! Commands of the hub: admitted, journalled, run, reported until the hub has the end. The executor's core.
//!
//! Invariant: an execution id is started at most once, whatever the hub sends and whenever the agent dies; that it was
//! accepted, and how it ended, is in the journal before it is told.

pub mod account;
mod admit;
mod deliver;
mod journal;
mod launch;
mod news;
mod output;
mod record;
mod redact;
mod scratch;
mod supervise;
mod tree;

use std::collections::HashMap;

use tokio::sync::mpsc;
use watchtower_model::{AgentId, EventKind, ExecutionId, Labels, Severity, Timestamp};
use watchtower_protocol::limits::EXECUTIONS_MAX;
use watchtower_protocol::{
    AgentEvent, AgentMessage, CommandBody, Envelope, ExecutionState, ExecutionUpdate, RunScript, TrustBundle,
    Update,
};

use crate::collect::one_line;
use crate::halt;
use crate::policy::{Mode, Policy};
use crate::state_dir::StateDir;
use crate::update;
use admit::Refused;
use deliver::Execution;
use journal::{Journal, JournalError, is_end};
use record::{Record, Request};
use scratch::Scratch;

pub use launch::Launcher;
pub use news::{Launched, News};
pub use supervise::{SuperviseError, supervise};

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
pub struct Tasks {
    agent_id: AgentId,
    state: StateDir,
    scratch: Scratch,
    launcher: Launcher,
    journal: Result<Journal, JournalError>,
    executions: HashMap<ExecutionId, Execution>,
    launched: mpsc::Sender<Launched>,
}

impl Tasks {
    /// Opens the journal and takes up what still runs, or ended, since a former life. The news feed
    /// [`Tasks::on_news`]. Needs a tokio runtime.
    pub fn open(agent_id: AgentId, state: &StateDir, launcher: Launcher) -> (Self, News) {
        let journal = Journal::open(&state.file("journal"));
        if let Err(error) = &journal {
            crate::log::warn("no command can be run", &[("error", error)]);
        }
        let scratch = Scratch::of(state);
        let (launched, news) = News::open(&scratch.wake());
        let executions = HashMap::new();
        let mut tasks =
            Tasks { agent_id, state: state.clone(), scratch, launcher, journal, executions, launched };
        tasks.take_up();
        (tasks, news)
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
        self.executions.values().filter(|execution| execution.is_running()).count()
    }

    /// Nothing runs, and the hub has everything.
    pub fn is_idle(&self) -> bool {
        self.executions.is_empty() && self.unacked_ends().is_empty()
    }

    /// A signed command. Runs on the tokio runtime that this is called on.
    pub fn on_command(&mut self, envelope: &Envelope, context: Context) -> Outcome {
        let command = match admit::admit(envelope, context.bundle, self.agent_id, context.now) {
            Ok(command) => command,
            Err(refused) => return self.refuse(refused, context.now),
        };
        let (id, not_after) = (command.body.execution_id(), command.not_after);
        let refused = |code, reason| Refused { execution_id: Some(id), not_after, code, reason };
        let result = match command.body {
            CommandBody::Run(run) => {
                self.start(run, not_after, context).map_err(|(code, why)| refused(code, why))
            }
            CommandBody::Cancel { .. } => Ok(self.cancel(id, not_after, context.now)),
            CommandBody::Status { .. } => Ok(self.status(id, not_after, context.now)),
        };
        match result {
            Ok(messages) => Outcome { messages, event: None },
            Err(refused) => self.refuse(refused, context.now),
        }
    }

    fn start(
        &mut self,
        mut run: RunScript,
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
        let run = match run.update.take() {
            Some(update) => self.update(id, &update, context)?,
            None => {
                self.permit(&run, context)?;
                run
            }
        };
        let timeout_ms = run.timeout_ms;
        let record = self.prepare(run)?;
        let accepted = ExecutionUpdate { execution_id: id, state: ExecutionState::Accepted, t: context.now };
        let execution = Execution::new(record.clone()).map_err(|e| ("journal_unwritable", e.to_string()))?;
        let journal = self.journal.as_mut().map_err(|error| ("journal_unwritable", error.to_string()))?;
        if let Err(error) = journal.record(accepted.clone(), not_after, context.now) {
            self.scratch.remove(id);
            return Err(unwritable(error));
        }
        self.executions.insert(id, execution);
        let (launcher, launched) = (self.launcher.clone(), self.launched.clone());
        tokio::spawn(async move {
            let result = launcher.launch(id, record.path(), timeout_ms).await;
            let _ = launched.send(Launched { id, result }).await;
        });
        Ok(vec![AgentMessage::Execution(accepted)])
    }

    /// The execution that replaces this program, if the release may. Which release that is, no policy decides and no hub.
    fn update(
        &self,
        id: ExecutionId,
        update: &Update,
        context: Context,
    ) -> Result<RunScript, (&'static str, String)> {
        self.not_halted()?;
        if context.policy.mode == Mode::Monitor {
            return Err(("policy", "the local policy is monitor: nothing is run on this server".into()));
        }
        if !self.launcher.is_service() {
            let why = "this agent is not the pair of systemd services that an update restarts: bring it up to date over SSH";
            return Err(("update_unsupported", why.into()));
        }
        self.not_busy()?;
        let program = self.launcher.program().to_string_lossy();
        update::execution(id, update, context.bundle, &program, context.now)
            .map_err(|error| (error.code(), error.to_string()))
    }

    fn not_halted(&self) -> Result<(), (&'static str, String)> {
        if halt::is_set(&self.state) {
            return Err((
                "halted",
                "commands are halted on the server; `watchtower-agent halt --clear` there".into(),
            ));
        }
        Ok(())
    }

    fn not_busy(&self) -> Result<(), (&'static str, String)> {
        if self.running() >= EXECUTIONS_MAX {
            return Err(("busy", format!("{EXECUTIONS_MAX} executions run already")));
        }
        Ok(())
    }

    /// What this server's own administrator says to it.
    fn permit(&self, run: &RunScript, context: Context) -> Result<(), (&'static str, String)> {
        self.not_halted()?;
        let account = account::find(run.user.as_deref()).map_err(|why| ("bad_command", why))?;
        context.policy.allows(run, &account.name, context.now).map_err(|why| ("policy", why))?;
        let own = rustix::process::geteuid().as_raw();
        if account.uid != own && own != 0 {
            return Err(("policy", format!("the agent is not root and cannot run as {:?}", account.name)));
        }
        self.not_busy()
    }

    /// Everything on the disk that the start and the end of this execution need.
    fn prepare(&self, run: RunScript) -> Result<Record, (&'static str, String)> {
        let id = run.execution_id;
        let account = account::find(run.user.as_deref()).map_err(|why| ("bad_command", why))?;
        let made = self.scratch.write_script(&run, &account).and_then(|script| {
            let record = self.scratch.record(id);
            record.make(&Request { run, account, script, wake: self.scratch.wake() })?;
            Ok(record)
        });
        made.map_err(|error| {
            self.scratch.remove(id);
            let place = self.state.path().display();
            // What is not on the disk beforehand could not be told of afterwards.
            ("journal_unwritable", format!("{place} cannot be written: {error}; check its disk"))
        })
    }

    /// Before the start it leaves a tombstone: a later `run` of the same id finds its end in the journal.
    fn cancel(&mut self, id: ExecutionId, not_after: Timestamp, now: Timestamp) -> Vec<AgentMessage> {
        if let Some(execution) = self.executions.get(&id)
            && execution.is_running()
        {
            if let Err(error) = execution.record.cancel() {
                crate::log::warn("a cancel did not get through", &[("execution", &id), ("error", &error)]);
            }
            return Vec::new();
        }
        match self.known(id) {
            Some(update) => vec![AgentMessage::Execution(update)],
            None => {
                let reason = "cancelled before it was started".to_string();
                self.tell(id, ExecutionState::Rejected { code: "cancelled".into(), reason }, not_after, now)
            }
        }
    }

    /// A hub that was restored from a backup has forgotten what it was told; this server may have forgotten what it was told to do.
    fn status(&mut self, id: ExecutionId, not_after: Timestamp, now: Timestamp) -> Vec<AgentMessage> {
        match self.known(id) {
            Some(update) => vec![AgentMessage::Execution(update)],
            None => {
                let reason = "the server's journal does not have it; it may have run".to_string();
                self.tell(id, ExecutionState::Lost { reason }, not_after, now)
            }
        }
    }

    fn known(&self, id: ExecutionId) -> Option<ExecutionUpdate> {
        self.journal.as_ref().ok()?.entry(id).ok().flatten().map(|entry| entry.update)
    }

    fn refuse(&mut self, refused: Refused, now: Timestamp) -> Outcome {
        let event = refused_event(&refused, now);
        let Refused { execution_id, not_after, code, reason } = refused;
        // A cross-agent command names an execution of another: it must not get an end from here.
        let messages = execution_id.filter(|_| code != "wrong_agent").map_or_else(Vec::new, |id| {
            // What has begun goes on, whatever else about it was refused.
            if let Some(update) = self.known(id) {
                return vec![AgentMessage::Execution(update)];
            }
            let reason = one_line(&reason);
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
            // The hub still hears it once; after a restart it is found again in the execution's directory.
            crate::log::warn("a state could not be journalled", &[("execution", &id), ("error", &error)]);
        }
        vec![AgentMessage::Execution(update)]
    }
}

fn refused_event(refused: &Refused, now: Timestamp) -> AgentEvent {
    let reason = one_line(&refused.reason);
    crate::log::warn("a command was refused", &[("code", &refused.code), ("reason", &reason)]);
    let mut labels = vec![("code", refused.code.to_string())];
    labels.extend(refused.execution_id.map(|id| ("execution_id", id.to_string())));
    let severity = if refused.code == "bad_signature" { Severity::Critical } else { Severity::Warning };
    let (kind, labels) = (EventKind::new("command.refused"), Labels::from_pairs(labels));
    AgentEvent { kind, severity, message: reason, labels, t: now }
}

/// The answer of a server on which nothing can run: its policy is `monitor` and there is no executor. What may have run
/// before that is not for this side to say.
pub fn refuse_all(envelope: &Envelope, agent_id: AgentId, context: Context) -> Outcome {
    let refused = match admit::admit(envelope, context.bundle, agent_id, context.now) {
        Ok(command) if !matches!(command.body, CommandBody::Run(_)) => return Outcome::default(),
        Ok(command) => Refused {
            execution_id: Some(command.body.execution_id()),
            not_after: command.not_after,
            code: "policy",
            reason: "the local policy is monitor: nothing is run on this server".into(),
        },
        Err(refused) => refused,
    };
    let event = Some(refused_event(&refused, context.now));
    let id = refused.execution_id.filter(|_| refused.code != "wrong_agent");
    let messages = id.into_iter().map(|execution_id| {
        let state = ExecutionState::Rejected { code: refused.code.into(), reason: one_line(&refused.reason) };
        AgentMessage::Execution(ExecutionUpdate { execution_id, state, t: context.now })
    });
    Outcome { messages: messages.collect(), event }
}
