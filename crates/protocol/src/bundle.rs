//! What an agent trusts: travels with the enrolment token, never in an answer to it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::envelope::Purpose;
use crate::message::base64_bytes;

/// SHA-256 over a certificate's SubjectPublicKeyInfo (DER), base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pin(pub String);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    pub purpose: Purpose,
    /// Raw Ed25519 public key.
    #[serde(with = "base64_bytes")]
    pub public_key: Vec<u8>,
}

/// Versioned: an agent replaces its bundle only by a higher version signed by the identity it already trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustBundle {
    pub version: u64,
    pub hub_id: String,
    /// Where to dial, in order of preference: `https://hub.example:8401`.
    pub urls: Vec<String>,
    /// The present and the next root of the hub's own CA.
    pub roots: Vec<Pin>,
    /// Raw Ed25519 public key that the hub proves in the handshake.
    #[serde(with = "base64_bytes")]
    pub identity_key: Vec<u8>,
    pub signing_keys: Vec<SigningKey>,
}

#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("the trust bundle is not valid base64")]
    BadBase64,
    #[error("the trust bundle is not valid: {0}")]
    BadJson(#[from] serde_json::Error),
    #[error("the trust bundle names no {0}")]
    Missing(&'static str),
}

impl TrustBundle {
    /// One line for installers and standard input.
    pub fn to_line(&self) -> String {
        STANDARD.encode(serde_json::to_vec(self).expect("a bundle holds only strings and numbers"))
    }

    pub fn from_line(line: &str) -> Result<Self, BundleError> {
        let json = STANDARD.decode(line.trim()).map_err(|_| BundleError::BadBase64)?;
        let bundle: TrustBundle = serde_json::from_slice(&json)?;
        bundle.check()?;
        Ok(bundle)
    }

    pub fn check(&self) -> Result<(), BundleError> {
        if self.urls.is_empty() {
            return Err(BundleError::Missing("urls"));
        }
        if self.roots.is_empty() {
            return Err(BundleError::Missing("roots"));
        }
        if self.identity_key.len() != 32 {
            return Err(BundleError::Missing("identity_key of 32 bytes"));
        }
        Ok(())
    }

    /// Raw public keys for one purpose.
    pub fn keys_for(&self, purpose: Purpose) -> impl Iterator<Item = &[u8]> {
        self.signing_keys
            .iter()
            .filter(move |key| key.purpose == purpose)
            .map(|key| key.public_key.as_slice())
    }
}
