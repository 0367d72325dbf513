//! One agent's connection, step by step, so that a test can do any step wrong.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use watchtower_protocol::limits::FRAME_BYTES_MAX;
use watchtower_protocol::{
    AgentMessage, CONNECT_PATH, Challenge, EXPORTER_BYTES, EXPORTER_LABEL, Encoding, Frame, Hello,
    HubMessage, Proof, Refusal, Role, TLS_SERVER_NAME, VERSION, Welcome, agent_id_of, decode, encode,
    proof_bytes,
};

/// No answer of the hub takes longer in a test.
pub const ANSWER: Duration = Duration::from_secs(20);

/// An agent's Ed25519 key.
pub struct Key {
    pair: Ed25519KeyPair,
}

impl Key {
    pub fn make() -> Key {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("there is randomness");
        Key { pair: Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("it was just made") }
    }

    pub fn public(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.pair.sign(bytes).as_ref().to_vec()
    }
}

/// A WebSocket to the hub, and the keying material of its TLS session.
pub struct Link {
    socket: WebSocketStream<TlsStream<TcpStream>>,
    pub exporter: [u8; EXPORTER_BYTES],
    pub encoding: Encoding,
}

/// What the hub says to a handshake.
#[derive(Debug)]
pub enum Verdict {
    Welcome(Box<Welcome>),
    Refused(Refusal),
}

impl Link {
    /// TLS and upgrade.
    ///
    /// # Panics
    /// Never: a broken connection is an error with its step.
    pub async fn dial(address: &str) -> Result<Link, String> {
        let stream = TcpStream::connect(address).await.map_err(|e| format!("tcp: {e}"))?;
        let _ = stream.set_nodelay(true);
        let name = ServerName::try_from(TLS_SERVER_NAME).expect("the fixed name is a DNS name");
        let connector = TlsConnector::from(Arc::new(config()));
        let stream = connector.connect(name, stream).await.map_err(|e| format!("tls: {e}"))?;
        let mut exporter = [0; EXPORTER_BYTES];
        let session = stream.get_ref().1;
        session
            .export_keying_material(&mut exporter, EXPORTER_LABEL, None)
            .map_err(|e| format!("exporter: {e}"))?;
        let request = format!("ws://{TLS_SERVER_NAME}{CONNECT_PATH}");
        let (socket, _) =
            tokio_tungstenite::client_async(request, stream).await.map_err(|e| format!("upgrade: {e}"))?;
        Ok(Link { socket, exporter, encoding: Encoding::Json })
    }

    /// The whole handshake, as an agent does it.
    pub async fn handshake(&mut self, key: &Key, token: Option<&str>) -> Result<Verdict, String> {
        let hello = hello(key, token);
        self.send(&AgentMessage::Hello(hello.clone())).await?;
        let challenge = match self.next().await? {
            HubMessage::Challenge(challenge) => challenge,
            HubMessage::Refused(refusal) => return Ok(Verdict::Refused(refusal)),
            other => return Err(format!("{other:?} in place of a challenge")),
        };
        self.send(&AgentMessage::Proof(Proof { signature: self.proof(key, &challenge) })).await?;
        self.verdict().await
    }

    /// What an agent signs.
    pub fn proof(&self, key: &Key, challenge: &Challenge) -> Vec<u8> {
        let agent = agent_id_of(&key.public());
        key.sign(&proof_bytes(Role::Agent, &challenge.hub_id, agent, &challenge.nonce, &self.exporter))
    }

    /// Welcome or refusal.
    pub async fn verdict(&mut self) -> Result<Verdict, String> {
        match self.next().await? {
            HubMessage::Welcome(welcome) => {
                if welcome.encoding.as_deref() == Some("zstd") {
                    self.encoding = Encoding::Zstd;
                }
                Ok(Verdict::Welcome(welcome))
            }
            HubMessage::Refused(refusal) => Ok(Verdict::Refused(refusal)),
            other => Err(format!("{other:?} in place of welcome or refusal")),
        }
    }

    pub async fn send(&mut self, message: &AgentMessage) -> Result<(), String> {
        let frame = encode(message, self.encoding);
        self.send_frame(frame).await
    }

    pub async fn send_frame(&mut self, frame: Frame) -> Result<(), String> {
        let message = match frame {
            Frame::Text(text) => Message::Text(text.into()),
            Frame::Binary(bytes) => Message::Binary(bytes.into()),
        };
        self.socket.send(message).await.map_err(|e| format!("send: {e}"))
    }

    /// The hub's next message.
    pub async fn next(&mut self) -> Result<HubMessage, String> {
        loop {
            let next =
                tokio::time::timeout(ANSWER, self.socket.next()).await.map_err(|_| "no answer in time")?;
            let frame = match next {
                Some(Ok(Message::Text(text))) => Frame::Text(text.to_string()),
                Some(Ok(Message::Binary(bytes))) => Frame::Binary(bytes.to_vec()),
                Some(Ok(Message::Close(_))) | None => return Err("closed".into()),
                Some(Ok(_)) => continue,
                Some(Err(e)) => return Err(format!("receive: {e}")),
            };
            return decode(&frame, FRAME_BYTES_MAX).map_err(|e| e.to_string());
        }
    }
}

/// What an agent says first.
pub fn hello(key: &Key, token: Option<&str>) -> Hello {
    let mut nonce = vec![0; 32];
    SystemRandom::new().fill(&mut nonce).expect("there is randomness");
    Hello {
        version: VERSION,
        agent_version: "0.0.0-simulated".into(),
        public_key: key.public(),
        nonce,
        encodings: vec!["zstd".into()],
        token: token.map(Into::into),
    }
}

/// Bytes as the protocol writes them.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn config() -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider speaks TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth()
}

/// Pinning is the agent's affair and tested there: here it would only hide what the hub does.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("only TLS 1.3 is spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
