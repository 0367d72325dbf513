//! Who this agent is (its Ed25519 key) and whom it trusts (the bundle).
//!
//! Invariant: the key is made here and never leaves; a bundle is replaced only by a newer one that the trusted
//! hub's identity signed.

use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use watchtower_model::AgentId;
use watchtower_protocol::{Envelope, Purpose, TrustBundle, agent_id_of, verify};

use crate::state_dir::{StateDir, StateError, io_error};

const KEY_FILE: &str = "identity.key";
const PENDING_KEY_FILE: &str = "identity.pending.key";
const BUNDLE_FILE: &str = "bundle.json";

#[derive(Debug)]
pub struct Identity {
    key: Ed25519KeyPair,
    pub agent_id: AgentId,
}

#[derive(Debug, thiserror::Error)]
pub enum BundleUpdateError {
    #[error("the new trust bundle is not signed by the hub that is trusted: {0}")]
    Signature(#[from] watchtower_protocol::EnvelopeError),
    #[error("the new trust bundle is not acceptable: {0}")]
    Bad(#[from] watchtower_protocol::BundleError),
    #[error("the new trust bundle belongs to another hub")]
    OtherHub,
    #[error(transparent)]
    State(#[from] StateError),
}

impl Identity {
    pub fn load(state: &StateDir) -> Result<Self, StateError> {
        Self::load_from(state, KEY_FILE)
    }

    fn load_from(state: &StateDir, file: &str) -> Result<Self, StateError> {
        let bytes = state.read(file)?;
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes).map_err(|error| {
            StateError::Damaged { path: state.file(file).display().to_string(), why: error.to_string() }
        })?;
        Ok(Self::of(key))
    }

    /// The key that is there, else a new one.
    pub fn load_or_make(state: &StateDir) -> Result<Self, StateError> {
        Self::load_or_make_in(state, KEY_FILE)
    }

    /// A key beside the one in use: for another hub, until that hub has welcomed it.
    pub fn make_pending(state: &StateDir) -> Result<Self, StateError> {
        Self::load_or_make_in(state, PENDING_KEY_FILE)
    }

    /// The pending key takes the place of the one in use.
    pub fn promote_pending(state: &StateDir) -> Result<(), StateError> {
        let from = state.file(PENDING_KEY_FILE);
        std::fs::rename(&from, state.file(KEY_FILE)).map_err(|source| io_error(&from, source))
    }

    fn load_or_make_in(state: &StateDir, file: &str) -> Result<Self, StateError> {
        match Self::load_from(state, file) {
            Err(StateError::NotEnrolled { .. }) => {
                let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
                    .expect("the system's random source works once the machine has booted");
                state.write(file, pkcs8.as_ref())?;
                Self::load_from(state, file)
            }
            other => other,
        }
    }

    pub fn of(key: Ed25519KeyPair) -> Self {
        let agent_id = agent_id_of(key.public_key().as_ref());
        Identity { key, agent_id }
    }

    pub fn public_key(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }

    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.key.sign(bytes).as_ref().to_vec()
    }
}

pub fn load_bundle(state: &StateDir) -> Result<TrustBundle, StateError> {
    let bytes = state.read(BUNDLE_FILE)?;
    let damaged =
        |why: String| StateError::Damaged { path: state.file(BUNDLE_FILE).display().to_string(), why };
    let bundle: TrustBundle = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    bundle.check().map_err(|error| damaged(error.to_string()))?;
    Ok(bundle)
}

pub fn store_bundle(state: &StateDir, bundle: &TrustBundle) -> Result<(), StateError> {
    state.write(BUNDLE_FILE, &serde_json::to_vec(bundle).expect("a bundle holds only strings and numbers"))
}

/// Takes a signed bundle over when it is newer; `None` when it is not.
pub fn update_bundle(
    state: &StateDir,
    trusted: &TrustBundle,
    envelope: &Envelope,
) -> Result<Option<TrustBundle>, BundleUpdateError> {
    let payload = verify(Purpose::Bundle, envelope, [trusted.identity_key.as_slice()])?;
    let bundle: TrustBundle =
        serde_json::from_slice(&payload).map_err(watchtower_protocol::BundleError::from)?;
    bundle.check()?;
    if bundle.hub_id != trusted.hub_id {
        return Err(BundleUpdateError::OtherHub);
    }
    if bundle.version <= trusted.version {
        return Ok(None);
    }
    store_bundle(state, &bundle)?;
    Ok(Some(bundle))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Ed25519KeyPair {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap()
    }

    #[test]
    fn the_key_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        assert!(matches!(Identity::load(&state), Err(StateError::NotEnrolled { .. })));
        let made = Identity::load_or_make(&state).unwrap().agent_id;
        assert_eq!(Identity::load_or_make(&state).unwrap().agent_id, made);
        state.write(KEY_FILE, b"junk").unwrap();
        assert!(matches!(Identity::load_or_make(&state), Err(StateError::Damaged { .. })));
    }

    #[test]
    fn only_a_newer_bundle_of_the_trusted_hub_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        let hub = key();
        let bundle = |version, hub_id: &str| TrustBundle {
            version,
            hub_id: hub_id.into(),
            urls: vec!["https://hub:8401".into()],
            roots: vec![watchtower_protocol::Pin("x".into())],
            identity_key: hub.public_key().as_ref().to_vec(),
            signing_keys: Vec::new(),
        };
        let signed = |bundle: &TrustBundle, key: &Ed25519KeyPair| {
            watchtower_protocol::sign(Purpose::Bundle, &serde_json::to_vec(bundle).unwrap(), key)
        };
        let trusted = bundle(2, "h");
        assert!(update_bundle(&state, &trusted, &signed(&bundle(2, "h"), &hub)).unwrap().is_none());
        assert!(update_bundle(&state, &trusted, &signed(&bundle(3, "h"), &key())).is_err());
        assert!(update_bundle(&state, &trusted, &signed(&bundle(3, "other"), &hub)).is_err());
        assert!(!state.file(BUNDLE_FILE).exists());
        assert_eq!(
            update_bundle(&state, &trusted, &signed(&bundle(3, "h"), &hub)).unwrap().unwrap().version,
            3
        );
        assert_eq!(load_bundle(&state).unwrap().version, 3);
    }
}
