//! Whom the executor obeys: its own copy of the agent's id and the trust bundle, beside its journal.
//!
//! Invariant: the copy is written by an enrolment run as root, and replaced only by a newer bundle that the trusted
//! hub's identity signed.

use std::path::Path;

use watchtower_model::AgentId;
use watchtower_protocol::{Envelope, TrustBundle};

use crate::identity::{self, BundleUpdateError, Identity};
use crate::state_dir::{StateDir, StateError};

const AGENT_ID_FILE: &str = "agent.id";

#[derive(Debug)]
pub struct Trust {
    pub agent_id: AgentId,
    pub bundle: TrustBundle,
    state: StateDir,
}

impl Trust {
    /// The copy in the executor's own directory; an executor inside its agent has the agent's own files.
    pub fn load(state: &StateDir) -> Result<Self, StateError> {
        let agent_id = match state.read(AGENT_ID_FILE) {
            Ok(bytes) => parse(state, &bytes)?,
            Err(StateError::NotEnrolled { .. }) => Identity::load(state)?.agent_id,
            Err(error) => return Err(error),
        };
        Ok(Trust { agent_id, bundle: identity::load_bundle(state)?, state: state.clone() })
    }

    pub fn install(dir: &Path, agent_id: AgentId, bundle: &TrustBundle) -> Result<(), StateError> {
        let state = StateDir::open(dir)?;
        state.write(AGENT_ID_FILE, agent_id.to_string().as_bytes())?;
        identity::store_bundle(&state, bundle)
    }

    pub fn update(&mut self, envelope: &Envelope) -> Result<(), BundleUpdateError> {
        if let Some(bundle) = identity::update_bundle(&self.state, &self.bundle, envelope)? {
            crate::log::info("a newer trust bundle is in force", &[("version", &bundle.version)]);
            self.bundle = bundle;
        }
        Ok(())
    }
}

fn parse(state: &StateDir, bytes: &[u8]) -> Result<AgentId, StateError> {
    let text = std::str::from_utf8(bytes).unwrap_or("");
    text.trim().parse().map_err(|_| StateError::Damaged {
        path: state.file(AGENT_ID_FILE).display().to_string(),
        why: "it is not an agent's id".into(),
    })
}
