//! The agent's own replacement by a newer release, offered by the hub and vouched for by nobody on it.
//!
//! Invariant: what may take this program's place is decided by keys that were compiled into it; whether the new one stays, by
//! what it does on this server, never by a hub.

mod apply;
mod kept;
mod fetch;
pub mod works;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use watchtower_model::{ExecutionId, Timestamp};
use watchtower_protocol::{Release, ReleaseError, RunScript, TrustBundle, Update};

pub use apply::{ApplyError, EXECUTOR_SOCKET, apply, guard};

/// Raw Ed25519 public keys in base64, by comma: `WATCHTOWER_RELEASE_KEYS` at the build. None: this agent replaces itself by nothing.
const RELEASE_KEYS: Option<&str> = option_env!("WATCHTOWER_RELEASE_KEYS");
/// Known to debug builds alone; its private half is in the tests.
const TEST_KEY: &str = "yFOtDwzSthmuqSzuxP1Wok1kmdWEznklfkXP2BObYKc=";
/// For all of it: the download, the proof that the new program works, the way back.
const TIME_MS: u64 = 15 * 60_000;

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the process that replaces the program is given, as the file that is its argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub release: Release,
    pub execution_id: ExecutionId,
    pub token: String,
    pub bundle: TrustBundle,
}

fn keys() -> Vec<Vec<u8>> {
    let test = cfg!(debug_assertions).then_some(TEST_KEY);
    let texts = RELEASE_KEYS.into_iter().flat_map(|keys| keys.split(',')).chain(test);
    texts.filter_map(|text| STANDARD.decode(text.trim()).ok()).filter(|key| key.len() == 32).collect()
}

/// The execution that carries this update out, if the release may be installed here. Nothing of what the hub said of how is kept.
pub fn execution(
    id: ExecutionId,
    update: &Update,
    bundle: &TrustBundle,
    program: &str,
    now: Timestamp,
) -> Result<RunScript, ReleaseError> {
    let release = Release::accept(&update.releases, &keys(), VERSION, std::env::consts::ARCH, now)?;
    let plan = Plan { release, execution_id: id, token: update.token.clone(), bundle: bundle.clone() };
    let body = serde_json::to_string(&plan).map_err(|e| ReleaseError::Unreadable(e.to_string()))?;
    Ok(RunScript {
        execution_id: id,
        script_name: format!("agent {}", plan.release.version),
        script_sha256: String::new(),
        interpreter: vec![program.to_string(), "apply-update".into()],
        body,
        environment: Default::default(),
        secrets: Vec::new(),
        timeout_ms: TIME_MS,
        user: None,
        ad_hoc: false,
        approval: None,
        update: None,
    })
}
