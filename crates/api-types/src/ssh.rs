//! What the hub knows of SSH: keys of hosts, and saved credentials. Secrets go in and never come out.

use watchtower_model::{CredentialId, HostKeyId};

use crate::derive::{inputs, shapes, words};
use crate::{SshAccess, Time};

words! {
    pub enum HostKeyState {
        /// Good, for passwords too.
        Pinned = "pinned",
        /// Never accepted again.
        Revoked = "revoked",
    }

    pub enum HostKeyMatch {
        /// No key of this host is known.
        Unknown = "unknown",
        Pinned = "pinned",
        /// Another key of this host is known.
        Changed = "changed",
        Revoked = "revoked",
    }

    pub enum CredentialKind {
        Key = "key",
        Password = "password",
    }
}

shapes! {
    pub struct HostKey {
        pub id: HostKeyId,
        pub host: String,
        pub port: u16,
        /// `ssh-ed25519`, `ecdsa-sha2-nistp256`, ...
        pub algorithm: String,
        /// `SHA256:…`, as `ssh-keygen -lf` prints it.
        pub fingerprint: String,
        pub state: HostKeyState,
        pub added_by: String,
        pub first_seen_at: Time,
        pub revoked_at: Option<Time>,
    }

    /// The key that a host shows right now.
    pub struct OfferedHostKey {
        pub host: String,
        pub port: u16,
        pub algorithm: String,
        pub fingerprint: String,
        pub known: HostKeyMatch,
        /// Of the key that is known instead.
        pub known_fingerprint: Option<String>,
        pub known_since: Option<Time>,
    }

    pub struct Credential {
        pub id: CredentialId,
        pub name: String,
        pub kind: CredentialKind,
        pub user: String,
        pub created_by: String,
        pub created_at: Time,
        pub last_used_at: Option<Time>,
    }
}

inputs! {
    /// Asks a host for its key. Nothing that proves who we are is sent to it; `ssh` is for the jump hosts on the way.
    pub struct HostKeyQuery {
        pub host: String,
        #[serde(default)]
        pub port: Option<u16>,
        #[serde(default)]
        pub ssh: SshAccess,
    }

    /// A person compared this fingerprint with the host's own. The hub asks the host once more and keeps the key only if it is this one.
    pub struct HostKeyInput {
        pub host: String,
        #[serde(default)]
        pub port: Option<u16>,
        /// `SHA256:…`
        pub fingerprint: String,
        /// The host was rebuilt: its other keys are revoked.
        #[serde(default)]
        pub replace: bool,
        #[serde(default)]
        pub ssh: SshAccess,
    }

    /// Sealed with the hub's master key. Whoever steals the hub with its keys gets into every host that takes this.
    pub struct CredentialInput {
        pub name: String,
        pub user: String,
        /// Either a private key or a password.
        #[serde(default)]
        pub private_key: Option<String>,
        /// Of the private key.
        #[serde(default)]
        pub passphrase: Option<String>,
        #[serde(default)]
        pub password: Option<String>,
        #[serde(default)]
        pub sudo_password: Option<String>,
    }
}
