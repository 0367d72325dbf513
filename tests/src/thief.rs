//! A thief with the hub's keys who also took over the collector: speaks to a host's executor over its socket.
//!
//! Invariant: whatever it says is signed as the hub would sign it, unless a test spoils it on purpose.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use watchtower_model::{AgentId, Id, Timestamp};
use watchtower_protocol::{Command, CommandBody, Envelope, Purpose, RunScript, TrustBundle, sign};
use watchtower_testkit::hosts::Host;

const PATIENCE: Duration = Duration::from_secs(20);
const FRAME_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The hub's command key, and a way to the executor of one host.
pub struct Thief {
    key: Ed25519KeyPair,
    pub agent_id: AgentId,
    socket: UnixStream,
}

impl Thief {
    /// `data`: the hub's data directory.
    ///
    /// # Panics
    /// If there is nothing to steal, or no executor.
    pub fn new(data: &Path, host: &Host) -> Thief {
        let pkcs8 = std::fs::read(data.join("keys/signing.key")).expect("the hub keeps its command key");
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).expect("an Ed25519 key");
        let id = host.must("cat /var/lib/watchtower-executor/agent.id");
        // The agent itself would answer in between.
        host.must("systemctl stop watchtower-agent && systemctl restart watchtower-executor.socket");
        let socket = UnixStream::connect(host.inside("/run/watchtower-executor.sock"));
        let socket = socket.expect("the executor's socket listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
        Thief { key, agent_id: id.trim().parse().expect("an agent's id"), socket }
    }

    /// A script as a command would carry it, with an id of its own.
    pub fn script(&self, body: &str) -> RunScript {
        let mut id = [0; 16];
        SystemRandom::new().fill(&mut id).expect("random bytes");
        RunScript {
            execution_id: Id::from_bytes(id).into(),
            script_name: "theft".into(),
            script_sha256: sha256(body),
            interpreter: vec!["/bin/sh".into()],
            body: body.into(),
            environment: Default::default(),
            secrets: Vec::new(),
            timeout_ms: 20_000,
            user: None,
            ad_hoc: false,
            approval: None,
            update: None,
        }
    }

    pub fn signed(&self, run: RunScript) -> Envelope {
        let now = now();
        self.signed_as(Command {
            agent_id: self.agent_id,
            issued_at: now,
            not_after: now.plus_ms(60_000),
            body: CommandBody::Run(run),
        })
    }

    pub fn signed_as(&self, command: Command) -> Envelope {
        sign(Purpose::Command, &serde_json::to_vec(&command).expect("a command is JSON"), &self.key)
    }

    /// What the executor says to it, until it is done with it.
    pub fn ask(&mut self, envelope: &Envelope, offset_ms: i64) -> Vec<Value> {
        self.say(&json!({"ask": "command", "seq": 1, "envelope": envelope, "offset_ms": offset_ms}))
    }

    /// Hands over a trust bundle that it signed itself.
    pub fn bundle(&mut self, bundle: &TrustBundle) -> Vec<Value> {
        let payload = serde_json::to_vec(bundle).expect("a bundle is JSON");
        let envelope = sign(Purpose::Bundle, &payload, &self.key);
        self.say(&json!({"ask": "bundle", "seq": 1, "envelope": envelope}))
    }

    /// Its public key, as bundles name it.
    pub fn public_key(&self) -> Vec<u8> {
        self.key.public_key().as_ref().to_vec()
    }

    fn say(&mut self, ask: &Value) -> Vec<Value> {
        let bytes = ask.to_string().into_bytes();
        self.socket.write_all(&(bytes.len() as u32).to_be_bytes()).expect("the executor reads");
        self.socket.write_all(&bytes).expect("the executor reads");
        let mut says = Vec::new();
        loop {
            let say = self.next();
            if say["say"] == "done" {
                return says;
            }
            says.push(say);
        }
    }

    fn next(&mut self) -> Value {
        let mut length = [0; 4];
        self.socket.read_exact(&mut length).expect("the executor answers");
        let length = u32::from_be_bytes(length) as usize;
        assert!(length <= FRAME_BYTES_MAX, "{length} bytes");
        let mut bytes = vec![0; length];
        self.socket.read_exact(&mut bytes).expect("the executor answers");
        serde_json::from_slice(&bytes).expect("frames are JSON")
    }

    /// The code of the refusal among what was said; that it is told as an event, too.
    ///
    /// # Panics
    /// If it was not refused.
    pub fn refusal(says: &[Value]) -> String {
        let event = says.iter().find(|say| say["say"] == "event");
        let event = event.unwrap_or_else(|| panic!("no event tells of a refusal: {says:?}"));
        assert_eq!(event["event"]["kind"], "command.refused");
        event["event"]["labels"]["code"].as_str().unwrap_or("").to_string()
    }
}

pub fn sha256(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64)
}
