//! What changes rarely about a machine.

use serde::{Deserialize, Serialize};
use watchtower_model::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    pub hostname: String,
    /// `PRETTY_NAME` of `/etc/os-release`.
    pub os: String,
    pub kernel: String,
    /// `x86_64` or `aarch64`.
    pub arch: String,
    pub cpu_model: String,
    pub cpus: u32,
    pub memory_bytes: u64,
    pub swap_bytes: u64,
    pub boot_id: String,
    pub booted_at: Timestamp,
    /// `systemd`, or the name of process 1.
    pub init: String,
    /// `kvm`, `container`, `none`, ... as far as the agent can tell.
    pub virtualization: String,
    pub agent_version: String,
    /// `monitor`, `allowlist` or `full`: the local policy, which only the server itself can change.
    pub policy: String,
    /// Why the agent would refuse every command, if it would (`halted`, `journal_unwritable`).
    pub refuses: Option<String>,
    pub addresses: Vec<NetworkAddress>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAddress {
    pub device: String,
    pub address: String,
}
