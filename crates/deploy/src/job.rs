//! What is to be done to one host, and by which right. Plain data; nothing here is looked up.

use std::fmt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::digest::{SHA256, digest};

use crate::Secret;

/// Default port of SSH.
pub const PORT_DEFAULT: u16 = 22;
/// Hosts that one connection may lead through.
pub const JUMPS_MAX: usize = 8;

/// One deployment.
#[derive(Clone, Debug)]
pub struct Job {
    /// Of this deployment, where it may be taken up again: a rollback that was done under it is not done once more.
    pub id: Option<String>,
    pub action: Action,
    /// Name or id of the server's record in the hub.
    pub server: String,
    pub login: Login,
    /// Jump hosts, the first one to connect to first; at most [`JUMPS_MAX`].
    pub jumps: Vec<Login>,
    /// For sudo when it asks; absent, only what needs none is tried.
    pub sudo_password: Option<Secret>,
    /// Leave the other hub that the host belongs to.
    pub takeover: bool,
    /// Stop before anything changes and answer with the plan.
    pub dry_run: bool,
    /// For a host without a policy file; an existing one is never touched.
    pub policy: AgentPolicy,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Also the upgrade, when another version is there.
    Install,
    Uninstall,
    /// To the version that is kept on the host.
    RollBack,
}

/// A host, and how to get into it.
#[derive(Clone, Debug)]
pub struct Login {
    pub target: Target,
    pub auth: Credentials,
    pub host_key: HostKeyCheck,
    /// SHA-1 key exchange, MACs and host keys, for very old servers.
    pub legacy_algorithms: bool,
}

/// `user@host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    pub user: String,
    /// Name or address, without brackets.
    pub host: String,
    pub port: u16,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { user, host, port } = self;
        match (host.contains(':'), *port == PORT_DEFAULT) {
            (_, true) => write!(f, "{user}@{host}"),
            (true, false) => write!(f, "{user}@[{host}]:{port}"),
            (false, false) => write!(f, "{user}@{host}:{port}"),
        }
    }
}

/// What may be offered to prove who we are, in this order: keys, the agent's keys, the password (also as the answer to a
/// single hidden keyboard-interactive prompt).
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    pub keys: Vec<Key>,
    /// Socket of an ssh-agent on this machine.
    pub agent_socket: Option<PathBuf>,
    pub password: Option<Secret>,
}

/// A private key as OpenSSH or PEM text.
#[derive(Clone, Debug)]
pub struct Key {
    /// What to call it in messages: its path, or the name it is saved under.
    pub name: String,
    pub text: Secret,
    pub passphrase: Option<Secret>,
}

impl Key {
    /// Whether it takes a passphrase to use it.
    pub fn is_protected(&self) -> bool {
        crate::transport::is_protected(self.text.reveal())
    }
}

/// How a host's key is judged.
#[derive(Clone, Debug)]
pub struct HostKeyCheck {
    pub policy: HostKeyPolicy,
    /// Confirmed by a person: the only key that is good, and good for a password too.
    pub expected: Option<Fingerprint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKeyPolicy {
    /// The key must be known or expected.
    Strict,
    /// An unknown host's key is remembered, but no password is sent to it; a changed one is refused.
    AcceptNew,
}

/// `SHA256:` and 43 characters of base64, as OpenSSH prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a fingerprint is SHA256: and 43 characters, as `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints it"
)]
pub struct ParseFingerprintError;

impl Fingerprint {
    /// Of a public key's blob.
    pub fn of(blob: &[u8]) -> Fingerprint {
        Fingerprint(format!("SHA256:{}", STANDARD_NO_PAD.encode(digest(&SHA256, blob))))
    }

    pub fn parse(text: &str) -> Result<Fingerprint, ParseFingerprintError> {
        let text = text.trim().trim_end_matches('=');
        let encoded = text.strip_prefix("SHA256:").ok_or(ParseFingerprintError)?;
        match STANDARD_NO_PAD.decode(encoded) {
            Ok(bytes) if bytes.len() == 32 => Ok(Fingerprint(text.to_string())),
            _ => Err(ParseFingerprintError),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The local policy that a fresh host begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentPolicy {
    Monitor,
    Allowlist,
    Full,
}

impl AgentPolicy {
    pub const ALL: [AgentPolicy; 3] = [AgentPolicy::Monitor, AgentPolicy::Allowlist, AgentPolicy::Full];

    pub fn as_str(self) -> &'static str {
        match self {
            AgentPolicy::Monitor => "monitor",
            AgentPolicy::Allowlist => "allowlist",
            AgentPolicy::Full => "full",
        }
    }

    pub fn parse(word: &str) -> Option<AgentPolicy> {
        AgentPolicy::ALL.into_iter().find(|policy| policy.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_openssh_prints_them() {
        let of = Fingerprint::of(b"blob");
        assert_eq!(Fingerprint::parse(of.as_str()), Ok(of.clone()));
        for bad in ["", "SHA256:", "MD5:00:11", "SHA256:abc", &of.as_str()[1..]] {
            assert_eq!(Fingerprint::parse(bad), Err(ParseFingerprintError), "{bad}");
        }
    }

    #[test]
    fn targets_are_shown_as_they_are_typed() {
        let target = |host: &str, port| Target { user: "u".into(), host: host.into(), port }.to_string();
        assert_eq!(target("h", 22), "u@h");
        assert_eq!(target("h", 2222), "u@h:2222");
        assert_eq!(target("fe80::1", 2222), "u@[fe80::1]:2222");
    }
}
