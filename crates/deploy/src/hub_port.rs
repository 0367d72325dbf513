//! What a deployment asks of the hub it works for. The hub answers from its store, the CLI over HTTP.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use watchtower_model::Timestamp;

use crate::{Fingerprint, Secret};

/// A boxed future, so that the port is one type for both sides.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, PortError>> + Send + 'a>>;

/// Why the hub could not answer: becomes `E_HUB`, or the code it names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct PortError {
    pub cause: String,
    pub fix: String,
}

/// A key that a host showed before, as in a line of known_hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, ...
    pub algorithm: String,
    /// The public key's blob: what base64 stands for in a line of known_hosts.
    pub blob: Vec<u8>,
    pub first_seen: Option<Timestamp>,
    pub state: HostKeyState,
}

impl HostKey {
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.blob)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKeyState {
    /// Good, for passwords too.
    Pinned,
    /// Must never be accepted again.
    Revoked,
}

/// What an agent of this hub trusts, and where it dials. No secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    pub hub_id: String,
    /// As the hosts reach it, in order of preference: `https://hub.example:8401`.
    pub urls: Vec<String>,
    /// Base64 SHA-256 of the hub's roots, as `watchtower-agent probe --pin` takes them.
    pub pins: Vec<String>,
    /// One line of base64.
    pub bundle: String,
}

/// The agent's program for an architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentBinary {
    pub version: String,
    /// Lower-case hex.
    pub sha256: String,
    pub bytes: Arc<Vec<u8>>,
}

/// A server's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub id: String,
    pub name: String,
}

/// The hub, as a deployment sees it. Every call has its own time limit on the implementor's side.
pub trait HubPort: Send + Sync {
    /// Keys of this host that were seen before, pinned or revoked.
    fn host_keys<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a, Vec<HostKey>>;

    /// A key that was accepted: the host is known from now on.
    fn remember_host_key<'a>(&'a self, host: &'a str, port: u16, key: HostKey) -> Answer<'a, ()>;

    /// What goes with every enrolment.
    fn trust(&self) -> Answer<'_, Trust>;

    /// The agent for `x86_64` or `aarch64`; `None` when this hub does not ship it.
    fn agent_binary<'a>(&'a self, arch: &'a str) -> Answer<'a, Option<AgentBinary>>;

    /// A fresh one-time token for the server; makes its record if it is new.
    fn invite<'a>(&'a self, server: &'a str) -> Answer<'a, Secret>;

    /// The server whose present agent has this id (as `watchtower-agent id` prints it); `None` when it is no server's.
    fn server_of<'a>(&'a self, agent: &'a str) -> Answer<'a, Option<Owner>>;

    /// The hub's time of the server's newest report, if later than `after` (any, when absent): waits for it, at most
    /// `wait`; `None` when there is none by then. A server without a record has none. A
    /// time that is derived anew with every answer may differ by some milliseconds for one and the same report: that is
    /// the implementor's to even out.
    fn report_after<'a>(
        &'a self,
        server: &'a str,
        after: Option<Timestamp>,
        wait: Duration,
    ) -> Answer<'a, Option<Timestamp>>;
}
