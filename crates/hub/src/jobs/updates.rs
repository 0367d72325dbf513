//! Updates of agents over their own connection: a run like any other, whose work each agent does and judges by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use watchtower_model::{ExecutionId, Id};
use watchtower_protocol::{Envelope, Release, RunScript, Update};

use super::runs;
use crate::error::HubError;
use crate::link::Programs;
use crate::{Hub, random};

/// The agent's own limit: the download, the proof that the new program works, the way back.
const TIMEOUT_MS: i64 = 15 * 60_000;
/// What an agent runs that is too old to know of updates.
const TOO_OLD: &str =
    "echo 'this agent is older than updates over its connection: bring it up to date over SSH' >&2; exit 78";

/// The run's name, and what is sent to agents.
pub fn command(hub: &Hub) -> Result<(String, RunScript), HubError> {
    let releases = hub.config.programs.releases()?;
    let read = |envelope: &Envelope| {
        let payload = STANDARD.decode(&envelope.payload_b64).ok()?;
        Release::parse(&payload).ok()
    };
    let Some(release) = releases.iter().find_map(read) else {
        return Err(HubError::Conflict(
            "this hub has no signed release of the agent: put watchtower-agent-ARCH and watchtower-agent-ARCH.release into the folder of --agents-dir"
                .into(),
        ));
    };
    let old = runs::command_of_argv(&["/bin/sh".into(), "-c".into(), TOO_OLD.into()], TIMEOUT_MS);
    let name = format!("agent {}", release.version);
    let update = Some(Update { releases, token: String::new() });
    Ok((name.clone(), RunScript { script_name: name, update, ..old }))
}

/// What opens the program for one execution; nothing of it is stored.
pub(crate) fn token(hub: &Hub, execution: ExecutionId) -> String {
    hub.keys.sealer.tag("agent-program", execution.to_string().as_bytes())
}

/// The programs as they were read last: a fleet that fetches them shares one copy.
#[derive(Default)]
pub struct Shelf(Mutex<HashMap<String, Kept>>);

struct Kept {
    /// When the file was written and how long it is; nothing for what is built in.
    stamp: Option<(SystemTime, u64)>,
    bytes: Arc<[u8]>,
}

impl Shelf {
    fn bytes(&self, programs: &Programs, arch: &str) -> Result<Arc<[u8]>, HubError> {
        let metadata = programs.path(arch).and_then(|path| std::fs::metadata(path).ok());
        let stamp = metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len())));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(arch).filter(|known| known.stamp == stamp) {
            return Ok(Arc::clone(&known.bytes));
        }
        let bytes: Arc<[u8]> = programs.bytes(arch)?.into();
        kept.insert(arch.to_string(), Kept { stamp, bytes: Arc::clone(&bytes) });
        Ok(bytes)
    }
}

/// The agent's program, for an update that has not ended.
pub async fn program(hub: &Hub, execution: &str, arch: &str, given: &str) -> Result<Arc<[u8]>, HubError> {
    let unknown = || HubError::not_found("update", execution);
    let id = ExecutionId(execution.parse::<Id>().map_err(|_| unknown())?);
    // Digests are compared: how much of a guess was right does not show in the time.
    if random::hash_secret(given) != random::hash_secret(&token(hub, id)) {
        return Err(unknown());
    }
    match hub.store.execution(id).await? {
        Some(row) if row.finished_at.is_none() => hub.shelf.bytes(&hub.config.programs, arch),
        _ => Err(unknown()),
    }
}
