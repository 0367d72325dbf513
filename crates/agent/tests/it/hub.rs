//! A hub that speaks the protocol's other half, message by message, as a test tells it to.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose, PublicKeyData,
};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use watchtower_agent::agent::Settings;
use watchtower_agent::executor::port::Place;
use watchtower_agent::identity::{Identity, store_bundle};
use watchtower_agent::spool::Quotas;
use watchtower_agent::state_dir::StateDir;
use watchtower_model::{AgentId, Id, Timestamp};
use watchtower_protocol::limits::FRAME_BYTES_MAX;
use watchtower_protocol::*;

const PATIENCE: Duration = Duration::from_secs(20);

pub fn signing_key() -> Ed25519KeyPair {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap()
}

/// A hub with a CA, an identity and a listener of its own.
pub struct Hub {
    pub identity: Ed25519KeyPair,
    pub commands: Ed25519KeyPair,
    pub bundle: TrustBundle,
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Hub {
    pub async fn start() -> Hub {
        Self::start_with(leaf(TLS_SERVER_NAME)).await
    }

    /// With this leaf certificate.
    pub async fn start_with(leaf: CertificateParams) -> Hub {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let (config, pin) = tls(leaf);
        let (identity, commands) = (signing_key(), signing_key());
        let bundle = TrustBundle {
            version: 1,
            hub_id: "hub-1".into(),
            urls: vec![url],
            roots: vec![pin],
            identity_key: identity.public_key().as_ref().to_vec(),
            signing_keys: vec![SigningKey {
                purpose: Purpose::Command,
                public_key: commands.public_key().as_ref().to_vec(),
            }],
        };
        Hub { identity, commands, bundle, listener, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    /// The next agent, through the whole handshake.
    pub async fn welcome(&self, durable: Option<Progress>) -> Peer {
        let mut peer = self.accept().await.expect("TLS with an agent that trusts this hub");
        let hello = peer.hello().await;
        peer.agent_id = agent_id_of(&hello.public_key);
        self.challenge(&mut peer, &hello).await;
        let AgentMessage::Proof(proof) = peer.next().await else { panic!("a proof was expected") };
        let nonce = [7; 32];
        let bytes = proof_bytes(Role::Agent, &self.bundle.hub_id, peer.agent_id, &nonce, &peer.exporter);
        verify_proof(&bytes, &proof.signature, &hello.public_key).unwrap();
        let welcome = self.welcome_message(&peer, durable);
        peer.send(&HubMessage::Welcome(Box::new(welcome))).await;
        peer.encoding = Encoding::Zstd;
        peer
    }

    pub fn welcome_message(&self, peer: &Peer, durable: Option<Progress>) -> Welcome {
        Welcome {
            version: VERSION,
            agent_id: peer.agent_id,
            server_id: Id::NIL.into(),
            server_name: "web-1".into(),
            hub_version: "test".into(),
            interval_ms: 1_000,
            backfill_credits: 64,
            encoding: Some("zstd".into()),
            hub_t: watchtower_agent::clock::now().wall,
            durable,
        }
    }

    pub async fn challenge(&self, peer: &mut Peer, hello: &Hello) {
        let bytes = proof_bytes(
            Role::Hub,
            &self.bundle.hub_id,
            agent_id_of(&hello.public_key),
            &hello.nonce,
            &peer.exporter,
        );
        let signature = self.identity.sign(&bytes).as_ref().to_vec();
        let challenge = Challenge { hub_id: self.bundle.hub_id.clone(), nonce: vec![7; 32], signature };
        peer.send(&HubMessage::Challenge(challenge)).await;
    }

    /// TCP, TLS and upgrade; `None` when the agent hangs up.
    pub async fn accept(&self) -> Option<Peer> {
        let (tcp, _) = timeout(PATIENCE, self.listener.accept()).await.expect("an agent dials").unwrap();
        let stream = self.acceptor.accept(tcp).await.ok()?;
        assert_eq!(stream.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
        let mut exporter = [0; EXPORTER_BYTES];
        stream.get_ref().1.export_keying_material(&mut exporter, EXPORTER_LABEL, None).unwrap();
        let socket = tokio_tungstenite::accept_async(stream).await.ok()?;
        let agent_id = AgentId(Id::NIL);
        Some(Peer { socket, exporter, encoding: Encoding::Json, agent_id })
    }
}

pub fn leaf(server_name: &str) -> CertificateParams {
    CertificateParams::new(vec![server_name.to_string()]).unwrap()
}

fn tls(leaf: CertificateParams) -> (ServerConfig, Pin) {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let pin = Pin(STANDARD.encode(digest(&SHA256, &ca.key().subject_public_key_info())));
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = leaf.signed_by(&leaf_key, &ca).unwrap();
    let chain = vec![leaf.der().clone(), ca.der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    (config, pin)
}

/// An agent's connection as the hub sees it.
pub struct Peer {
    socket: WebSocketStream<TlsStream<TcpStream>>,
    exporter: [u8; EXPORTER_BYTES],
    encoding: Encoding,
    pub agent_id: AgentId,
}

impl Peer {
    pub async fn send(&mut self, message: &HubMessage) {
        let message = match encode(message, self.encoding) {
            Frame::Text(text) => Message::text(text),
            Frame::Binary(bytes) => Message::binary(bytes),
        };
        self.socket.send(message).await.unwrap();
    }

    /// The next message, checked as a hub would; `None` once the agent has closed.
    pub async fn next_or_end(&mut self) -> Option<AgentMessage> {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("the agent says something")?;
            let frame = match message.ok()? {
                Message::Text(text) => Frame::Text(text.as_str().to_string()),
                Message::Binary(bytes) => Frame::Binary(bytes.to_vec()),
                Message::Close(_) => return None,
                _ => continue,
            };
            let message: AgentMessage = decode(&frame, FRAME_BYTES_MAX).unwrap();
            message.check().unwrap();
            return Some(message);
        }
    }

    pub async fn next(&mut self) -> AgentMessage {
        self.next_or_end().await.expect("the agent is still there")
    }

    pub async fn hello(&mut self) -> Hello {
        match self.next().await {
            AgentMessage::Hello(hello) => hello,
            other => panic!("a hello was expected: {other:?}"),
        }
    }

    /// The next report; what else comes is skipped.
    pub async fn report(&mut self) -> Report {
        loop {
            if let AgentMessage::Report(report) = self.next().await {
                return *report;
            }
        }
    }

    pub async fn ack(&mut self, report: &Report) {
        self.send(&HubMessage::Ack(Progress { epoch: report.epoch, seq: report.seq })).await;
    }
}

/// An enrolled agent's directory, and its settings.
pub struct Enrolled {
    pub dir: tempfile::TempDir,
    pub settings: Settings,
}

impl Enrolled {
    pub fn new(bundle: &TrustBundle, policy: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(&dir.path().join("state")).unwrap();
        Identity::load_or_make(&state).unwrap();
        store_bundle(&state, bundle).unwrap();
        let policy_file = dir.path().join("policy.toml");
        std::fs::write(&policy_file, policy).unwrap();
        let settings = Settings {
            state_dir: state.path().to_path_buf(),
            policy: policy_file,
            executor_dir: state.path().to_path_buf(),
            executor: Place::Inside { program: env!("CARGO_BIN_EXE_watchtower-agent").into() },
            root: "/".into(),
            quotas: Quotas { events_bytes: 256 * 1024, metrics_bytes: 1024 * 1024 },
            proxy: None,
        };
        Enrolled { dir, settings }
    }

    /// Runs the agent until the sender says why to stop.
    pub fn run(&self) -> (tokio::sync::oneshot::Sender<GoodbyeReason>, tokio::task::JoinHandle<()>) {
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let settings = self.settings.clone();
        let task = tokio::spawn(async move {
            let shutdown = async { stopped.await.unwrap_or(GoodbyeReason::Other) };
            watchtower_agent::agent::run(settings, shutdown).await.unwrap();
        });
        (stop, task)
    }
}

pub const LATER: Timestamp = Timestamp(4_000_000_000_000);
