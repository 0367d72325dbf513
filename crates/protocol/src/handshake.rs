//! Proof of identity over the TLS session itself.
//!
//! Each side signs `"watchtower-auth-v1" ‖ role ‖ hub id ‖ agent id ‖ nonce of the other ‖ TLS exporter`. The exporter ties
//! the proof to this very TLS connection: a proxy that ends TLS cannot relay it.

use ring::signature::{ED25519, UnparsedPublicKey};
use watchtower_model::AgentId;

/// Label of the TLS exporter (RFC 8446 section 7.5), 32 bytes, no context.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-watchtower-auth-v1";
pub const EXPORTER_BYTES: usize = 32;

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Hub,
    Agent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the proof of identity does not match; a proxy that terminates TLS in front of the agents' listener causes this"
)]
pub struct ProofError;

/// The bytes to sign. Variable parts are length-prefixed, so that no two inputs give the same bytes.
pub fn proof_bytes(role: Role, hub_id: &str, agent_id: AgentId, nonce: &[u8], exporter: &[u8]) -> Vec<u8> {
    let mut out = b"watchtower-auth-v1".to_vec();
    out.push(match role {
        Role::Hub => b'H',
        Role::Agent => b'A',
    });
    for part in [hub_id.as_bytes(), agent_id.0.as_bytes(), nonce, exporter] {
        out.extend_from_slice(&(part.len() as u32).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

pub fn verify_proof(bytes: &[u8], signature: &[u8], public_key: &[u8]) -> Result<(), ProofError> {
    UnparsedPublicKey::new(&ED25519, public_key).verify(bytes, signature).map_err(|_| ProofError)
}
