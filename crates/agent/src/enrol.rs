//! Enrolment: a one-time token and a trust bundle make this machine a server of a hub.
//!
//! Invariant: the bundle comes with the token, never from the hub; repeating an enrolment with the same key is safe.

use std::path::Path;

use watchtower_protocol::{BundleError, TrustBundle, Welcome};

use crate::executor::trust::Trust;
use crate::identity::{Identity, load_bundle, store_bundle};
use crate::link::{self, LinkError};
use crate::state_dir::{StateDir, StateError};

/// Bytes of a token.
const TOKEN_BYTES_MAX: usize = 128;

#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    #[error("the first line must be the enrolment token (at most {TOKEN_BYTES_MAX} bytes)")]
    BadToken,
    #[error("the second line must be the trust bundle: {0}")]
    BadBundle(#[from] BundleError),
    #[error("this server belongs to hub {0}; use --takeover to give it to another")]
    OtherHub(String),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// `input`: the token and the bundle, one line each. Tries the bundle's URLs in order. An executor with a directory
/// of its own gets its own copy of what it is to trust, which the agent cannot write.
pub async fn enrol(
    state_dir: &Path,
    executor_dir: &Path,
    input: &str,
    takeover: bool,
    proxy: Option<&str>,
) -> Result<Welcome, EnrolError> {
    let mut lines = input.lines();
    let token = lines.next().map(str::trim).filter(|t| !t.is_empty() && t.len() <= TOKEN_BYTES_MAX);
    let token = token.ok_or(EnrolError::BadToken)?.to_string();
    let bundle = TrustBundle::from_line(lines.next().unwrap_or(""))?;
    let state = StateDir::open(state_dir)?;
    let pending = is_taken_over(&state, executor_dir, &bundle, takeover)?;
    let identity = if pending { Identity::make_pending(&state)? } else { Identity::load_or_make(&state)? };
    let mut last = None;
    for url in &bundle.urls {
        match link::connect(url, &bundle, &identity, proxy, Some(token.clone())).await {
            Ok(mut welcomed) => {
                if pending {
                    Identity::promote_pending(&state)?;
                }
                store_bundle(&state, &bundle)?;
                if executor_dir != state_dir {
                    Trust::install(executor_dir, identity.agent_id, &bundle)?;
                }
                let _ = futures_util::SinkExt::close(&mut welcomed.socket).await;
                return Ok(welcomed.welcome);
            }
            // Another address of the same hub would refuse as well.
            Err(error @ LinkError::Refused(_)) => return Err(error.into()),
            Err(error) => {
                crate::log::warn("enrolment failed", &[("url", url), ("error", &error)]);
                last = Some(error);
            }
        }
    }
    Err(last.map_or(EnrolError::BadBundle(BundleError::Missing("urls")), EnrolError::Link))
}

/// Whether the server leaves another hub: it then gets a new key, and keeps the old one until welcomed.
fn is_taken_over(
    state: &StateDir,
    executor_dir: &Path,
    bundle: &TrustBundle,
    takeover: bool,
) -> Result<bool, EnrolError> {
    // The copy that only root can write is asked first.
    let known = match load_bundle(&StateDir::open(executor_dir)?) {
        Err(StateError::NotEnrolled { .. }) => load_bundle(state),
        known => known,
    };
    match known {
        Ok(old) if old.hub_id != bundle.hub_id || old.identity_key != bundle.identity_key => {
            if takeover {
                Ok(true)
            } else {
                Err(EnrolError::OtherHub(old.hub_id))
            }
        }
        Ok(_) | Err(StateError::NotEnrolled { .. }) => Ok(false),
        // Damaged: enrolling again is the remedy, with the key that is there.
        Err(StateError::Damaged { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
