//! The executor's loop: one collector at a time, executions in between, an end when there is nothing left to do.
//!
//! Invariant: a collector that hangs, lies or dies holds up its own answers, never a script.

use std::path::PathBuf;
use std::time::Duration;

use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use watchtower_model::Timestamp;
use watchtower_protocol::AgentMessage;
use watchtower_protocol::limits::COMMAND_SKEW_MS;

use super::frame::{FrameError, FrameReader, write};
use super::trust::Trust;
use super::{Ask, Say, Status};
use crate::clock;
use crate::policy::Policy;
use crate::state_dir::{StateDir, StateError};
use crate::tasks::account;
use crate::tasks::{Context, Launched, Launcher, News, Tasks};
use crate::update::works;

/// The user that the collector runs as where it is a service of its own.
pub const COLLECTOR: &str = "watchtower";
/// How often ends of executions are repeated until the hub has them.
const ENDS_EVERY: Duration = Duration::from_secs(30);
/// With nothing to do and nobody asking, the process ends after so long; its socket starts it again.
const IDLE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub struct Executor {
    tasks: Tasks,
    news: News,
    trust: Trust,
    policy: PathBuf,
    state: StateDir,
    /// Whoever replaced the program waits for the word that it works.
    told_works: bool,
    /// On the hub's clock as far as it is known and believed.
    offset_ms: i64,
    asked_at: Instant,
}

impl Executor {
    /// Everything it believes lies in `state` and `policy`. Needs a tokio runtime.
    pub fn open(state: &StateDir, policy: PathBuf, launcher: Launcher) -> Result<Self, StateError> {
        let trust = Trust::load(state)?;
        let (tasks, news) = Tasks::open(trust.agent_id, state, launcher);
        Ok(Executor {
            tasks,
            news,
            trust,
            policy,
            state: state.clone(),
            told_works: false,
            offset_ms: 0,
            asked_at: Instant::now(),
        })
    }

    /// Serves collectors one after the other until there is nothing left to do.
    pub async fn serve(mut self, listener: &UnixListener) -> std::io::Result<()> {
        loop {
            let idle_at = self.idle_at();
            tokio::select! {
                accepted = listener.accept() => {
                    let (stream, _) = accepted?;
                    if let Some(error) = self.converse_with(stream).await {
                        crate::log::warn("the collector is gone", &[("error", &error)]);
                    }
                }
                launched = self.news.next(self.tasks.running() > 0) => {
                    // Nobody to tell: it is told again on the next connection.
                    self.tasks.on_news(launched, self.now());
                }
                () = sleep_until(idle_at), if self.tasks.is_idle() => return Ok(()),
            }
            if self.tasks.is_idle() && Instant::now() >= self.idle_at() {
                return Ok(());
            }
        }
    }

    async fn converse_with(&mut self, stream: UnixStream) -> Option<FrameError> {
        let peer = stream.peer_cred().map(|credentials| credentials.uid());
        match peer {
            Ok(uid) if may_ask(uid) => self.converse(stream, true).await.err(),
            Ok(uid) => {
                crate::log::warn("a process that may not ask was turned away", &[("uid", &uid)]);
                None
            }
            Err(error) => Some(error.into()),
        }
    }

    /// Talks with one collector until it hangs up, or (`may_idle`) there is nothing left to do.
    pub async fn converse(&mut self, stream: UnixStream, may_idle: bool) -> Result<(), FrameError> {
        let (reading, mut writing) = stream.into_split();
        let mut reader = FrameReader::new(reading);
        let mut ends = interval_at(Instant::now() + ENDS_EVERY, ENDS_EVERY);
        ends.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.asked_at = Instant::now();
        let (mut told, mut heard) = (None, false);
        loop {
            self.tell_status(&mut writing, &mut told).await?;
            if !std::mem::replace(&mut self.told_works, true) {
                works::tell(&self.state);
            }
            let idle_at = self.idle_at();
            let says = tokio::select! {
                ask = reader.next() => {
                    let ask = ask?;
                    heard |= ask == Ask::Connected;
                    self.answer(ask)
                }
                launched = self.news.next(self.tasks.running() > 0) => {
                    let says = self.look(launched);
                    // Until then it is as if there were nobody to tell.
                    if heard { says } else { Vec::new() }
                }
                _ = ends.tick() => messages(self.tasks.unacked_ends()),
                () = sleep_until(idle_at), if may_idle && self.tasks.is_idle() => return Ok(()),
            };
            for say in says {
                write(&mut writing, &say).await?;
            }
        }
    }

    async fn tell_status(
        &self,
        writing: &mut OwnedWriteHalf,
        told: &mut Option<Status>,
    ) -> Result<(), FrameError> {
        let refuses = self.tasks.refuses().map(str::to_string);
        let status = Status {
            refuses,
            running: self.tasks.running(),
            idle: self.tasks.is_idle(),
            bundle_version: self.trust.bundle.version,
        };
        if told.as_ref() != Some(&status) {
            write(writing, &Say::Status(status.clone())).await?;
            *told = Some(status);
        }
        Ok(())
    }

    fn idle_at(&self) -> Instant {
        self.asked_at + IDLE
    }

    fn now(&self) -> Timestamp {
        clock::now().wall.plus_ms(self.offset_ms)
    }

    fn look(&mut self, launched: Option<Launched>) -> Vec<Say> {
        let now = self.now();
        messages(self.tasks.on_news(launched, now))
    }

    fn answer(&mut self, ask: Ask) -> Vec<Say> {
        self.asked_at = Instant::now();
        match ask {
            Ask::Command { seq, envelope, offset_ms } => {
                // A collector that lies about the clock gains no more than clocks may differ anyway.
                self.offset_ms = offset_ms.clamp(-COMMAND_SKEW_MS, COMMAND_SKEW_MS);
                let policy = Policy::load(&self.policy);
                let context = Context { bundle: &self.trust.bundle, policy: &policy, now: self.now() };
                let outcome = self.tasks.on_command(&envelope, context);
                let mut says = messages(outcome.messages);
                says.extend(outcome.event.map(|event| Say::Event { event }));
                says.push(Say::Done { seq });
                says
            }
            Ask::Bundle { seq, envelope } => {
                if let Err(error) = self.trust.update(&envelope) {
                    crate::log::warn("a trust bundle was not taken over", &[("error", &error)]);
                }
                vec![Say::Done { seq }]
            }
            Ask::OutputAck { execution_id, stream, offset } => {
                messages(self.tasks.on_output_ack(execution_id, stream, offset))
            }
            Ask::ExecutionAck { execution_id } => {
                let now = self.now();
                self.tasks.on_execution_ack(execution_id, now);
                Vec::new()
            }
            Ask::Connected => {
                let now = self.now();
                let mut says = vec![Say::Rewound];
                says.extend(messages(self.tasks.on_connected(now)));
                says
            }
        }
    }
}

fn messages(messages: Vec<AgentMessage>) -> Vec<Say> {
    messages.into_iter().map(|message| Say::Message { message }).collect()
}

/// The collector's user, and those who can do everything here already.
fn may_ask(uid: u32) -> bool {
    let own = rustix::process::geteuid().as_raw();
    uid == 0 || uid == own || account::find(Some(COLLECTOR)).is_ok_and(|account| account.uid == uid)
}
