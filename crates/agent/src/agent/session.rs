//! One welcomed connection of the loop, and what the hub says on it.

use std::time::Duration;

use tokio::time::Instant;
use watchtower_protocol::{AgentMessage, Envelope, ExecutionState, HubMessage, Metadata, TrustHeld};

use super::{Agent, Link};
use crate::clock;
use crate::executor::Ask;
use crate::identity;
use crate::link::{Connection, LinkError, Welcomed};
use crate::tasks::{Context, refuse_all};

/// A dictionary that was asked for again within this time is under way already.
const DICTIONARY_AGAIN_MS: u64 = 2_000;

pub struct Session {
    connection: Connection,
    /// The hub may have lost them, or never had them.
    pub facts_due: bool,
    /// The executor knows of this connection. What it says of output before would leave a gap that the hub takes for one in the stream.
    pub rewound: bool,
    /// The hub does not know a message: the newest kinds are not for it.
    older: bool,
    dictionary_sent: Option<(String, u64)>,
    trust_told: Option<TrustHeld>,
}

impl Session {
    pub fn new(welcomed: Welcomed) -> Self {
        Session {
            connection: Connection::new(welcomed.socket, welcomed.encoding),
            facts_due: true,
            rewound: false,
            older: false,
            dictionary_sent: None,
            trust_told: None,
        }
    }

    pub async fn receive(&mut self) -> Result<HubMessage, LinkError> {
        self.connection.receive().await
    }

    pub fn send(&self, message: &AgentMessage) -> Result<(), LinkError> {
        self.connection.send(message)
    }

    pub fn check_alive(&mut self, mono_ms: u64) -> Result<(), LinkError> {
        self.connection.check_alive(mono_ms)
    }

    pub async fn close_with(self, message: &AgentMessage) {
        let _ = self.connection.send(message);
        self.connection.close().await;
    }

    /// Whether this dictionary is not on its way already; notes that it now is.
    fn must_send_dictionary(&mut self, hash: &str, mono_ms: u64) -> bool {
        let recent = self
            .dictionary_sent
            .as_ref()
            .is_some_and(|(sent, at)| sent == hash && mono_ms.saturating_sub(*at) < DICTIONARY_AGAIN_MS);
        if !recent {
            self.dictionary_sent = Some((hash.to_string(), mono_ms));
        }
        !recent
    }
}

impl Agent {
    pub(super) fn on_message(&mut self, message: HubMessage) {
        let now = clock::now();
        match message {
            HubMessage::Ack(progress) => {
                self.spool.ack(progress);
                self.backfill();
            }
            HubMessage::Credit { reports } => {
                self.spool.add_credits(reports);
                self.backfill();
            }
            HubMessage::NeedDictionary { hash } => self.send_dictionary(&hash),
            HubMessage::Interval { interval_ms, lease_ms } => {
                self.interval.lease(interval_ms, lease_ms, now.mono_ms);
                let soon = Duration::from_millis(u64::from(self.interval.at(now.mono_ms).0));
                self.next_report = self.next_report.min(Instant::now() + soon);
            }
            HubMessage::Collect => self.report_now(),
            HubMessage::Command(envelope) => self.on_command(envelope),
            HubMessage::OutputAck { execution_id, stream, offset } => {
                self.port.ask(Ask::OutputAck { execution_id, stream, offset });
            }
            HubMessage::ExecutionAck { execution_id } => self.port.ask(Ask::ExecutionAck { execution_id }),
            HubMessage::Ping { id, hub_t } => {
                self.offset.sample(hub_t, now);
                self.send_all(vec![AgentMessage::Pong { id, hub_t, agent_t: now.wall }]);
            }
            other => self.on_rare_message(other),
        }
    }

    /// The executor decides; where none is to be, because nothing may run, this side says so.
    fn on_command(&mut self, envelope: Envelope) {
        let now = clock::now();
        if self.is_without_executor() {
            let context = Context { bundle: &self.bundle, policy: &self.policy, now: self.hub_now(now) };
            let outcome = refuse_all(&envelope, self.identity.agent_id, context);
            outcome.event.into_iter().for_each(|event| self.push_urgent(event));
            self.send_all(outcome.messages);
        } else {
            self.port.command(envelope, self.offset.ms(now).unwrap_or(0));
        }
    }

    fn on_rare_message(&mut self, message: HubMessage) {
        match message {
            HubMessage::Bundle(envelope) => self.on_bundle(&envelope),
            HubMessage::Refused(refusal) => self.lost(&LinkError::Refused(refusal)),
            HubMessage::Error { code, message } => {
                crate::log::warn("the hub refused a message", &[("code", &code), ("message", &message)]);
            }
            HubMessage::Unsupported { what } => {
                crate::log::warn("the hub does not know a message of ours", &[("what", &what)]);
                if let Link::Up(session) = &mut self.link {
                    session.older = true;
                }
            }
            HubMessage::Unknown => {
                self.send_all(vec![AgentMessage::Unsupported { what: "message".into() }]);
            }
            // A second welcome changes nothing, and everything else was dealt with before.
            _ => {}
        }
    }

    /// The executor has a copy of its own and checks for itself.
    fn on_bundle(&mut self, envelope: &Envelope) {
        if !self.is_without_executor() {
            self.port.bundle(envelope.clone());
        }
        match identity::update_bundle(&self.state, &self.bundle, envelope) {
            Ok(Some(bundle)) => {
                crate::log::info("a newer trust bundle is in force", &[("version", &bundle.version)]);
                self.bundle = bundle.into();
            }
            Ok(None) => {}
            Err(error) => crate::log::warn("a trust bundle was not taken over", &[("error", &error)]),
        }
        self.tell_trust();
    }

    /// Tells the hub which bundles are in force here, unless this connection has heard it.
    pub(super) fn tell_trust(&mut self) {
        let executor = (!self.is_without_executor()).then(|| self.port.bundle_version());
        let held = TrustHeld { version: self.bundle.version, executor };
        let Link::Up(session) = &mut self.link else { return };
        if session.trust_told != Some(held) {
            session.trust_told = Some(held);
            self.send_all(vec![AgentMessage::Trust(held)]);
        }
    }

    /// What targets say of their metrics, once on each connection.
    pub(super) fn tell_metadata(&mut self, first: bool) {
        let mut metrics = self.reporter.described(first);
        while !metrics.is_empty() {
            if matches!(&self.link, Link::Up(session) if !session.older) {
                self.send_all(vec![AgentMessage::Metadata(Metadata { metrics })]);
            }
            metrics = self.reporter.described(false);
        }
    }

    /// The dictionary, then the reports after the last acknowledgement once more.
    fn send_dictionary(&mut self, hash: &str) {
        let now = clock::now();
        let Link::Up(session) = &mut self.link else { return };
        if !session.must_send_dictionary(hash, now.mono_ms) {
            return;
        }
        let (current, dictionary) = self.reporter.dictionary();
        let dictionary = if current == hash { Some(dictionary.clone()) } else { self.spool.dictionary(hash) };
        let Some(dictionary) = dictionary else {
            crate::log::warn("the hub asks for a dictionary that is gone", &[("hash", &hash)]);
            return;
        };
        let mut messages = vec![AgentMessage::Dictionary(dictionary)];
        let again = self.spool.under_way_again(now, hash);
        messages.extend(again.into_iter().map(|report| AgentMessage::Report(Box::new(report))));
        self.send_all(messages);
    }
}

/// Output, and the ends that must not be ahead of it: the executor says them again on each connection.
pub(super) fn is_said_again(message: &AgentMessage) -> bool {
    match message {
        AgentMessage::Output(_) => true,
        AgentMessage::Execution(update) => matches!(update.state, ExecutionState::Finished { .. }),
        _ => false,
    }
}
