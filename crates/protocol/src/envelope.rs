//! Signed bytes: exactly what was transmitted is verified, before it is parsed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use watchtower_model::{AgentId, Id};

/// One key, one purpose: the prefix keeps a signature from being used for anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Commands from the hub to one agent.
    Command,
    /// Trust bundles.
    Bundle,
    /// Releases of the agent: by a key that was never on a hub.
    Release,
}

impl Purpose {
    fn prefix(self) -> &'static [u8] {
        match self {
            Purpose::Command => b"watchtower-command-v1\0",
            Purpose::Bundle => b"watchtower-bundle-v1\0",
            Purpose::Release => b"watchtower-release-v1\0",
        }
    }
}

/// `{"payload_b64": "...", "key_id": "9f86d081884c7d65", "sig": "..."}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    pub payload_b64: String,
    pub key_id: String,
    pub sig: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    #[error("the envelope is not valid base64")]
    BadBase64,
    #[error("the signing key is not in the trust bundle")]
    UnknownKey,
    #[error("the signature does not match")]
    BadSignature,
}

/// The first 16 hex digits of SHA-256 over the raw public key.
pub fn key_id_of(public_key: &[u8]) -> String {
    digest(&SHA256, public_key).as_ref()[..8].iter().map(|b| format!("{b:02x}")).collect()
}

/// An agent is its key: the id is derived from it, so that neither side can claim another's.
pub fn agent_id_of(public_key: &[u8]) -> AgentId {
    AgentId(Id::from_digest(digest(&SHA256, public_key).as_ref()))
}

fn signed_bytes(purpose: Purpose, payload: &[u8]) -> Vec<u8> {
    [purpose.prefix(), payload].concat()
}

pub fn sign(purpose: Purpose, payload: &[u8], key: &Ed25519KeyPair) -> Envelope {
    use ring::signature::KeyPair;
    Envelope {
        payload_b64: STANDARD.encode(payload),
        key_id: key_id_of(key.public_key().as_ref()),
        sig: STANDARD.encode(key.sign(&signed_bytes(purpose, payload))),
    }
}

/// The payload, if it was signed for this purpose by one of `keys` (raw public keys).
pub fn verify<'k>(
    purpose: Purpose,
    envelope: &Envelope,
    keys: impl IntoIterator<Item = &'k [u8]>,
) -> Result<Vec<u8>, EnvelopeError> {
    let payload = STANDARD.decode(&envelope.payload_b64).map_err(|_| EnvelopeError::BadBase64)?;
    let signature = STANDARD.decode(&envelope.sig).map_err(|_| EnvelopeError::BadBase64)?;
    let key =
        keys.into_iter().find(|key| key_id_of(key) == envelope.key_id).ok_or(EnvelopeError::UnknownKey)?;
    UnparsedPublicKey::new(&ED25519, key)
        .verify(&signed_bytes(purpose, &payload), &signature)
        .map_err(|_| EnvelopeError::BadSignature)?;
    Ok(payload)
}
