//! One agent's connection, from its first byte to its last.
//!
//! Invariant: nothing an agent says is acted on before both sides have proved their keys over this TLS session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use watchtower_model::{AgentId, ServerId, Severity};
use watchtower_protocol::limits::{
    BACKFILL_CREDITS, FRAME_BYTES_MAX, HANDSHAKE_BYTES_MAX, HANDSHAKE_TIMEOUT_MS,
};
use watchtower_protocol::{
    AgentMessage, Challenge, Encoding, Frame, GoodbyeReason, Hello, HubMessage, Lane, Progress, Refusal,
    RefusalCode, Report, Role, VERSION, Welcome, agent_id_of, decode, decode_from_agent, encode, proof_bytes,
    verify_proof,
};
use watchtower_store::Store;

use super::enrol::enrol;
use super::executions;
use super::registry::LinkEnds;
use super::trust;
use crate::ingest::{Accepted, Raise, accept, learn_dictionary, raise};
use crate::servers::Server;
use crate::{Hub, random};

/// Frames between the socket and the session, each way.
pub struct Inbound {
    pub frames: mpsc::Receiver<Frame>,
    pub out: mpsc::Sender<Frame>,
    /// Keying material of the TLS session, 32 bytes.
    pub exporter: Vec<u8>,
}

/// How often the hub pings: measures the clock, and finds dead connections.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A connection that said nothing for this long is dead.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// An agent that breaks the protocol this often in one connection is cut off.
const FAULTS_MAX: u32 = 20;

/// `agent.refused` events about keys nobody knows: at once, and then per second.
const REFUSED_BURST: u32 = 20;
const REFUSED_PER_SECOND: f64 = 0.1;
/// One `agent.duplicate` event per agent in this time: both copies try again for ever.
const DUPLICATE_EVERY: Duration = Duration::from_secs(600);

/// Serves a connection until it ends.
pub async fn serve(hub: Hub, mut io: Inbound) {
    let handshake =
        tokio::time::timeout(Duration::from_millis(HANDSHAKE_TIMEOUT_MS), handshake(&hub, &mut io)).await;
    match handshake {
        Ok(Ok(peer)) => Session::new(hub, io, peer).run().await,
        Ok(Err(refusal)) => {
            tracing::info!(code = ?refusal.code, "agent refused: {}", refusal.message);
            hub.meters.refused_agents.add(1);
            let _ = io.out.send(encode(&HubMessage::Refused(refusal), Encoding::Json)).await;
        }
        Err(_) => tracing::debug!("an agent's connection did not finish its handshake in time"),
    }
}

struct Peer {
    agent: AgentId,
    server: Arc<Server>,
    encoding: Encoding,
}

fn refusal(code: RefusalCode, message: impl Into<String>) -> Refusal {
    Refusal { code, message: message.into() }
}

async fn next_handshake_message(io: &mut Inbound) -> Result<AgentMessage, Refusal> {
    let frame =
        io.frames.recv().await.ok_or_else(|| refusal(RefusalCode::BadHandshake, "the connection ended"))?;
    let message: AgentMessage =
        decode(&frame, HANDSHAKE_BYTES_MAX).map_err(|e| refusal(RefusalCode::BadHandshake, e.to_string()))?;
    message.check().map_err(|e| refusal(RefusalCode::BadHandshake, e.to_string()))?;
    Ok(message)
}

async fn handshake(hub: &Hub, io: &mut Inbound) -> Result<Peer, Refusal> {
    let AgentMessage::Hello(hello) = next_handshake_message(io).await? else {
        return Err(refusal(RefusalCode::BadHandshake, "the first message must be hello"));
    };
    if hello.version.major != VERSION.major {
        let text = format!(
            "this hub speaks protocol {}, the agent {}: upgrade the older one",
            VERSION.major, hello.version.major
        );
        return Err(refusal(RefusalCode::UnsupportedVersion, text));
    }
    let agent = agent_id_of(&hello.public_key);
    let hub_id = hub.keys.hub_id();
    let nonce = random::bytes::<32>();
    let signature =
        hub.keys.sign_identity(&proof_bytes(Role::Hub, &hub_id, agent, &hello.nonce, &io.exporter));
    let challenge =
        HubMessage::Challenge(Challenge { hub_id: hub_id.clone(), nonce: nonce.to_vec(), signature });
    io.out
        .send(encode(&challenge, Encoding::Json))
        .await
        .map_err(|_| refusal(RefusalCode::BadHandshake, "gone"))?;
    let AgentMessage::Proof(proof) = next_handshake_message(io).await? else {
        return Err(refusal(RefusalCode::BadHandshake, "the second message must be proof"));
    };
    let bytes = proof_bytes(Role::Agent, &hub_id, agent, &nonce, &io.exporter);
    if let Err(error) = verify_proof(&bytes, &proof.signature, &hello.public_key) {
        tell_refused(hub, agent, "sent a wrong proof of identity").await;
        return Err(refusal(RefusalCode::BadProof, error.to_string()));
    }
    let server_id = identify(hub, &hello, agent).await?;
    let server = hub.servers.get(server_id).ok_or_else(|| {
        refusal(RefusalCode::Revoked, "the server was removed from the hub; uninstall this agent")
    })?;
    refuse_duplicate(hub, agent, &server).await?;
    let encoding = if hello.encodings.iter().any(|e| e == "zstd") { Encoding::Zstd } else { Encoding::Json };
    let welcome = welcome(hub, agent, &server, encoding);
    io.out
        .send(encode(&HubMessage::Welcome(Box::new(welcome)), Encoding::Json))
        .await
        .map_err(|_| refusal(RefusalCode::BadHandshake, "gone"))?;
    Ok(Peer { agent, server, encoding })
}

async fn identify(hub: &Hub, hello: &Hello, agent: AgentId) -> Result<ServerId, Refusal> {
    if let Some(token) = &hello.token {
        return enrol(hub, token, agent, &hello.public_key).await;
    }
    match hub.store.agent(agent).await {
        Err(_) => Err(refusal(RefusalCode::Busy, "the hub's database is not available")),
        Ok(Some(row)) if row.revoked_at.is_none() && row.public_key == hello.public_key => Ok(row.server_id),
        Ok(Some(row)) => {
            tell_refused(hub, agent, &format!("was revoked (server {})", row.server_id)).await;
            Err(refusal(RefusalCode::Revoked, "this agent's key was revoked; enrol it again"))
        }
        Ok(None) => {
            tell_refused(hub, agent, "has a key that was never enrolled").await;
            Err(refusal(RefusalCode::UnknownAgent, "this agent's key is not known to the hub; enrol it"))
        }
    }
}

async fn tell_refused(hub: &Hub, agent: AgentId, why: &str) {
    // A refused agent tries again for ever: one event per agent and hour tells it.
    // Keys cost a stranger nothing: beyond some they are only counted.
    if !hub.bus.dedup(&format!("refused/{agent}"), Duration::from_secs(3600)).await
        || !hub.bus.take("refused-events", REFUSED_PER_SECOND, REFUSED_BURST).await
    {
        return;
    }
    let text = format!("agent {agent} {why} and was refused");
    if let Err(error) = raise(hub, Raise::hub("agent.refused", None, Severity::Warning, text)).await {
        tracing::error!("raising agent.refused: {error}");
    }
}

/// A dead connection is replaced silently; a living one means that a machine was copied.
async fn refuse_duplicate(hub: &Hub, agent: AgentId, server: &Server) -> Result<(), Refusal> {
    let Some(old) = hub.links.get(agent) else { return Ok(()) };
    if !old.is_alive(ping(hub)).await {
        return Ok(());
    }
    let name = server.with(|state| state.name.clone());
    let text = format!("two machines connect with the key of {name}: one is a copy; enrol the copy again");
    if hub.bus.dedup(&format!("duplicate/{agent}"), DUPLICATE_EVERY).await
        && let Err(error) =
            raise(hub, Raise::hub("agent.duplicate", Some(server.id), Severity::Error, text.clone())).await
    {
        tracing::error!("raising agent.duplicate: {error}");
    }
    Err(refusal(RefusalCode::Duplicate, text))
}

fn ping(hub: &Hub) -> HubMessage {
    let now = hub.now();
    HubMessage::Ping { id: now.0 as u64, hub_t: now }
}

fn welcome(hub: &Hub, agent: AgentId, server: &Server, encoding: Encoding) -> Welcome {
    Welcome {
        version: VERSION,
        agent_id: agent,
        server_id: server.id,
        server_name: server.with(|state| state.name.clone()),
        hub_version: env!("CARGO_PKG_VERSION").into(),
        interval_ms: hub.config.timing.interval_ms,
        backfill_credits: BACKFILL_CREDITS,
        encoding: (encoding == Encoding::Zstd).then(|| "zstd".to_string()),
        hub_t: hub.now(),
        durable: hub.tsdb.progress(agent).map(|(epoch, seq)| Progress { epoch, seq }),
    }
}

struct Session {
    hub: Hub,
    io: Inbound,
    peer: Peer,
    link: LinkEnds,
    heard: u64,
    faults: u32,
    last_heard: Instant,
}

impl Session {
    fn new(hub: Hub, io: Inbound, peer: Peer) -> Session {
        let link = hub.links.register(peer.agent);
        Session { hub, io, peer, link, heard: 0, faults: 0, last_heard: Instant::now() }
    }

    async fn run(mut self) {
        if !self.still_welcome().await {
            self.hub.links.unregister(self.peer.agent, self.link.number);
            return;
        }
        tracing::info!(agent = %self.peer.agent, server = %self.peer.server.id, "agent connected");
        if let Some(bundle) = trust::greeting(&self.hub, self.peer.agent) {
            self.send(&bundle).await;
        }
        executions::dispatch_open(&self.hub, self.peer.agent).await;
        self.hub.watching.renew(&self.hub, self.peer.server.id);
        let mut pings = tokio::time::interval(PING_EVERY);
        loop {
            let go_on = tokio::select! {
                frame = self.io.frames.recv() => match frame {
                    Some(frame) => self.take(frame).await,
                    None => false,
                },
                message = self.link.messages.recv() => match message {
                    Some(message) => self.send(&message).await,
                    None => false,
                },
                _ = self.link.stop.changed() => false,
                _ = pings.tick() => self.last_heard.elapsed() < SILENCE_MAX && self.send(&ping(&self.hub)).await,
            };
            if !go_on || !self.hub.running() {
                break;
            }
        }
        self.hub.links.unregister(self.peer.agent, self.link.number);
        tracing::info!(agent = %self.peer.agent, server = %self.peer.server.id, "agent disconnected");
    }

    /// Whoever was revoked or removed while the handshake went on found no connection to close: asked once more now that there is one.
    async fn still_welcome(&self) -> bool {
        let known = self.hub.store.agent(self.peer.agent).await;
        let valid = matches!(known, Ok(Some(row)) if row.revoked_at.is_none());
        let present = self.hub.servers.get(self.peer.server.id).is_some();
        if valid && present {
            let agent = self.peer.agent;
            self.peer.server.with(|state| state.agent_id = Some(agent));
        }
        valid && present
    }

    async fn send(&mut self, message: &HubMessage) -> bool {
        self.io.out.send(encode(message, self.peer.encoding)).await.is_ok()
    }

    /// `false` ends the connection.
    async fn take(&mut self, frame: Frame) -> bool {
        self.heard += 1;
        self.last_heard = Instant::now();
        let _ = self.link.heard.send(self.heard);
        let message = match decode_from_agent(&frame, FRAME_BYTES_MAX) {
            Ok(message) => message,
            Err(error) => return self.fault("bad_message", error.to_string()).await,
        };
        if let Err(error) = message.check() {
            return self.fault("bad_message", error.to_string()).await;
        }
        match message {
            AgentMessage::Report(report) => self.report(*report).await,
            AgentMessage::Dictionary(dictionary) => {
                learn_dictionary(&self.hub.tsdb, &self.peer.server, &dictionary);
                true
            }
            AgentMessage::Execution(update) => {
                match executions::take_update(&self.hub, self.peer.agent, update).await {
                    Ok(reply) => self.reply(reply).await,
                    Err(error) => self.fault("execution", error.to_string()).await,
                }
            }
            AgentMessage::Output(chunk) => {
                match executions::take_output(&self.hub, self.peer.agent, chunk).await {
                    Ok(reply) => self.reply(Some(reply)).await,
                    Err(error) => self.fault("output", error.to_string()).await,
                }
            }
            AgentMessage::Trust(held) => match trust::take(&self.hub, self.peer.agent, held).await {
                Ok(reply) => self.reply(reply).await,
                Err(error) => self.fault("trust", error.to_string()).await,
            },
            AgentMessage::Metadata(metadata) => {
                self.hub.metadata.hear_agent(metadata);
                true
            }
            AgentMessage::Goodbye(goodbye) => self.goodbye(goodbye.reason).await,
            AgentMessage::Pong { hub_t, agent_t, .. } => {
                let now = self.hub.now();
                let middle = hub_t.plus_ms(now.since(hub_t) / 2);
                self.peer.server.with(|state| state.clock_offset_ms = middle.since(agent_t));
                true
            }
            AgentMessage::Hello(_) | AgentMessage::Proof(_) => {
                self.fault("bad_message", "the handshake is over".into()).await
            }
            AgentMessage::Unknown => self.send(&HubMessage::Unsupported { what: "message".into() }).await,
            AgentMessage::Unsupported { what } => {
                tracing::info!(server = %self.peer.server.id, "the agent does not support {what}");
                true
            }
        }
    }

    async fn reply(&mut self, message: Option<HubMessage>) -> bool {
        match message {
            Some(message) => self.send(&message).await,
            None => true,
        }
    }

    /// Tells what was wrong; an agent that goes on like that is cut off.
    async fn fault(&mut self, code: &str, message: String) -> bool {
        self.faults += 1;
        self.hub.meters.bad_messages.add(1);
        tracing::warn!(server = %self.peer.server.id, code, "agent's message refused: {message}");
        self.send(&HubMessage::Error { code: code.into(), message }).await && self.faults < FAULTS_MAX
    }

    async fn report(&mut self, report: Report) -> bool {
        let progress = Progress { epoch: report.epoch, seq: report.seq };
        let (hash, lane) = (report.dictionary.clone(), report.lane);
        match accept(&self.hub, &self.peer.server, self.peer.agent, report).await {
            Ok(Accepted::Durable) => {
                let credit = lane != Lane::Backfill || self.send(&HubMessage::Credit { reports: 1 }).await;
                credit && self.send(&HubMessage::Ack(progress)).await
            }
            Ok(Accepted::NeedDictionary) => self.send(&HubMessage::NeedDictionary { hash }).await,
            // Not acknowledged: the agent keeps it and sends it again.
            Err(error) => {
                // Of a full disk the guard tells once; a line for each report would fill it further.
                if self.hub.disk.takes_metrics().is_ok() {
                    tracing::error!(server = %self.peer.server.id, "report not stored: {error}");
                }
                self.send(&HubMessage::Error {
                    code: "not_stored".into(),
                    message: "the hub could not store the report".into(),
                })
                .await
            }
        }
    }

    async fn goodbye(&mut self, reason: GoodbyeReason) -> bool {
        let reason = match reason {
            GoodbyeReason::Reboot => "reboot",
            GoodbyeReason::Shutdown => "shutdown",
            GoodbyeReason::Uninstall => "uninstall",
            GoodbyeReason::Restart | GoodbyeReason::Other => "restart",
        };
        let now = self.hub.now();
        let server = self.peer.server.id;
        self.peer.server.with(|state| state.goodbye = Some((reason.into(), now)));
        let statements =
            vec![Store::set_goodbye(server, reason, now), Store::insert_change("server", server, now)];
        if let Err(error) = self.hub.store.commit(statements).await {
            tracing::warn!(%server, "storing goodbye: {error}");
        }
        true
    }
}
