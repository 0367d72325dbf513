//! Hello, challenge, proof, welcome: both sides prove their keys over this very TLS connection.
//!
//! Invariant: nothing but the public key and a token leaves before the hub has proven its identity.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use watchtower_model::Timestamp;
use watchtower_protocol::limits::{HANDSHAKE_BYTES_MAX, HANDSHAKE_TIMEOUT_MS};
use watchtower_protocol::{
    AgentMessage, Challenge, Encoding, Frame, Hello, HubMessage, Proof, Role, TrustBundle, VERSION, Welcome,
    decode, encode, proof_bytes, verify_proof,
};

use super::LinkError;
use super::dial::{Dialled, Socket};
use crate::clock;
use crate::identity::Identity;

/// A hub that has proven itself and welcomed us.
#[derive(Debug)]
pub struct Welcomed {
    pub socket: Socket,
    pub welcome: Welcome,
    pub encoding: Encoding,
    /// The hub's clock, and ours at that moment: half the round trip is taken off.
    pub hub_t: Timestamp,
    pub at: clock::Moment,
}

pub async fn handshake(
    dialled: Dialled,
    identity: &Identity,
    bundle: &TrustBundle,
    token: Option<String>,
) -> Result<Welcomed, LinkError> {
    let limit = Duration::from_millis(HANDSHAKE_TIMEOUT_MS);
    timeout(limit, exchange(dialled, identity, bundle, token))
        .await
        .map_err(|_| LinkError::TimedOut { what: "handshake", url: bundle.hub_id.clone() })?
}

async fn exchange(
    dialled: Dialled,
    identity: &Identity,
    bundle: &TrustBundle,
    token: Option<String>,
) -> Result<Welcomed, LinkError> {
    let Dialled { mut socket, exporter } = dialled;
    let mut nonce = vec![0; 32];
    SystemRandom::new().fill(&mut nonce).map_err(|_| LinkError::Protocol("no random bytes".into()))?;
    let hello = Hello {
        version: VERSION,
        agent_version: env!("CARGO_PKG_VERSION").to_string(),
        public_key: identity.public_key().to_vec(),
        nonce: nonce.clone(),
        encodings: vec!["zstd".into()],
        token,
    };
    send(&mut socket, AgentMessage::Hello(hello)).await?;
    let challenge = match receive(&mut socket).await? {
        HubMessage::Challenge(challenge) => challenge,
        HubMessage::Refused(refusal) => return Err(LinkError::Refused(refusal)),
        _ => return Err(LinkError::Protocol("a challenge was expected".into())),
    };
    check_hub(&challenge, identity, bundle, &nonce, &exporter)?;
    let own = proof_bytes(Role::Agent, &bundle.hub_id, identity.agent_id, &challenge.nonce, &exporter);
    let sent_at = clock::now();
    send(&mut socket, AgentMessage::Proof(Proof { signature: identity.sign(&own) })).await?;
    let welcome = match receive(&mut socket).await? {
        HubMessage::Welcome(welcome) => *welcome,
        HubMessage::Refused(refusal) => return Err(LinkError::Refused(refusal)),
        _ => return Err(LinkError::Protocol("a welcome was expected".into())),
    };
    if welcome.version.major != VERSION.major || welcome.agent_id != identity.agent_id {
        return Err(LinkError::Protocol("the hub welcomed another version or agent".into()));
    }
    let at = clock::now();
    let round_trip = at.mono_ms.saturating_sub(sent_at.mono_ms);
    let encoding = if welcome.encoding.as_deref() == Some("zstd") { Encoding::Zstd } else { Encoding::Json };
    let hub_t = welcome.hub_t.plus_ms((round_trip / 2) as i64);
    Ok(Welcomed { socket, welcome, encoding, hub_t, at })
}

fn check_hub(
    challenge: &Challenge,
    identity: &Identity,
    bundle: &TrustBundle,
    nonce: &[u8],
    exporter: &[u8],
) -> Result<(), LinkError> {
    if challenge.hub_id != bundle.hub_id {
        return Err(LinkError::WrongHub);
    }
    let expected = proof_bytes(Role::Hub, &bundle.hub_id, identity.agent_id, nonce, exporter);
    verify_proof(&expected, &challenge.signature, &bundle.identity_key).map_err(|_| LinkError::WrongHub)
}

async fn send(socket: &mut Socket, message: AgentMessage) -> Result<(), LinkError> {
    socket.send(to_websocket(encode(&message, Encoding::Json))).await.map_err(LinkError::from)
}

async fn receive(socket: &mut Socket) -> Result<HubMessage, LinkError> {
    loop {
        let message = socket.next().await.ok_or(LinkError::Closed)??;
        if let Some(frame) = to_frame(message)? {
            return decode(&frame, HANDSHAKE_BYTES_MAX).map_err(|e| LinkError::Protocol(e.to_string()));
        }
    }
}

pub fn to_websocket(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::text(text),
        Frame::Binary(bytes) => Message::binary(bytes),
    }
}

/// `None` for control frames, which the WebSocket layer answers itself.
pub fn to_frame(message: Message) -> Result<Option<Frame>, LinkError> {
    match message {
        Message::Text(text) => Ok(Some(Frame::Text(text.as_str().to_string()))),
        Message::Binary(bytes) => Ok(Some(Frame::Binary(bytes.to_vec()))),
        Message::Close(_) => Err(LinkError::Closed),
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
    }
}
