//! Agents installed over SSH from the hub: asked for in batches, ten at once, each step written down as it happens.
//!
//! Invariants: a secret is in memory, or sealed because somebody saved it, and nowhere else: not in a row, a log or the
//! audit. A deployment ends once, and none stays `running` behind a hub that is gone. One host's failure is its own.

mod lists;
mod request;
mod access;
mod batch;
mod work;
mod recorder;
mod port;
mod resume;
mod rights;

pub mod credentials;
pub mod host_keys;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use watchtower_model::{BatchId, DeploymentId};

use access::Access;

pub use batch::{cancel, create, retry};
pub use lists::read_targets;
pub use request::{Options, Wanted, wanted};
pub(crate) use resume::resume;
pub use rights::{covers, sees};

/// Hosts of one batch.
pub const TARGETS_MAX: usize = 500;
/// Deployments of all batches that have not ended.
pub const OPEN_MAX: usize = 2_000;
/// Deployments that are worked on at the same time.
const PARALLEL: usize = 10;
/// What takes longer hangs, whatever its own steps' limits say.
const DEPLOYMENT_MAX: Duration = Duration::from_secs(15 * 60);
/// How long the secrets of a batch that has ended are kept for a retry.
const RETRY_WINDOW: Duration = Duration::from_secs(15 * 60);

/// What of the deployments is only in memory.
pub struct Deployments {
    slots: Semaphore,
    /// Of batches under way, and of those that ended lately.
    secrets: Mutex<HashMap<BatchId, Access>>,
    /// Cancels the deployment when `true` is sent.
    cancels: Mutex<HashMap<DeploymentId, watch::Sender<bool>>>,
}

impl Default for Deployments {
    fn default() -> Self {
        Deployments { slots: Semaphore::new(PARALLEL), secrets: Mutex::default(), cancels: Mutex::default() }
    }
}

impl Deployments {
    fn secrets(&self) -> std::sync::MutexGuard<'_, HashMap<BatchId, Access>> {
        self.secrets.lock().expect("no code panics while it holds the secrets")
    }

    fn cancels(&self) -> std::sync::MutexGuard<'_, HashMap<DeploymentId, watch::Sender<bool>>> {
        self.cancels.lock().expect("no code panics while it holds the cancels")
    }
}
