//! What is offered in the key exchange.
//!
//! Invariant: nothing with SHA-1 unless the login asks for legacy algorithms, and for a host with pinned keys only the
//! algorithms of those: with another type on offer, an impostor's key would merely look unknown.

use std::borrow::Cow;

use russh::keys::{Algorithm, HashAlg};
use russh::{Preferred, kex, mac};

use crate::HostKey;

/// `known`: the keys that the host may show; none for an unknown host.
pub(super) fn preferred(known: &[&HostKey], legacy: bool) -> Preferred {
    let mut preferred = Preferred::DEFAULT;
    let all = Preferred::DEFAULT.key.iter().filter(|algorithm| legacy || !is_sha1(algorithm));
    let pinned =
        |algorithm: &&Algorithm| known.is_empty() || known.iter().any(|key| matches_name(algorithm, key));
    preferred.key = Cow::Owned(all.filter(pinned).cloned().collect());
    if legacy {
        preferred.kex.to_mut().extend([kex::DH_G14_SHA1, kex::DH_GEX_SHA1, kex::DH_G1_SHA1]);
        preferred.mac.to_mut().extend([mac::HMAC_SHA1_ETM, mac::HMAC_SHA1]);
    }
    preferred
}

/// `ssh-rsa` signs with SHA-1.
fn is_sha1(algorithm: &Algorithm) -> bool {
    matches!(algorithm, Algorithm::Rsa { hash: None })
}

/// An RSA key signs by several algorithms; its own name is that of the oldest.
fn matches_name(algorithm: &Algorithm, key: &HostKey) -> bool {
    match algorithm {
        Algorithm::Rsa { .. } => key.algorithm == "ssh-rsa",
        other => other.as_str() == key.algorithm,
    }
}

/// How an RSA key of ours signs, by what the server understands (`None`: it does not say).
pub(super) fn rsa_hash(understood: Option<Option<HashAlg>>, legacy: bool) -> Option<HashAlg> {
    match understood {
        Some(None) | None if legacy => None,
        Some(Some(hash)) => Some(hash),
        _ => Some(HashAlg::Sha512),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HostKeyState;

    fn key(algorithm: &str) -> HostKey {
        HostKey { algorithm: algorithm.into(), blob: vec![1], first_seen: None, state: HostKeyState::Pinned }
    }

    fn names(known: &[&HostKey], legacy: bool) -> Vec<String> {
        preferred(known, legacy).key.iter().map(|algorithm| algorithm.as_str().to_string()).collect()
    }

    #[test]
    fn sha1_is_offered_to_legacy_hosts_alone() {
        assert!(!names(&[], false).contains(&"ssh-rsa".to_string()));
        assert!(names(&[], true).contains(&"ssh-rsa".to_string()));
        let modern = preferred(&[], false);
        assert!(!modern.kex.iter().any(|name| name.as_ref().contains("sha1")));
        assert!(!modern.mac.iter().any(|name| name.as_ref().contains("sha1")));
    }

    #[test]
    fn only_pinned_types_are_offered() {
        assert_eq!(names(&[&key("ssh-ed25519")], false), ["ssh-ed25519"]);
        assert_eq!(names(&[&key("ssh-rsa")], false), ["rsa-sha2-512", "rsa-sha2-256"]);
        assert!(names(&[&key("ssh-dss")], false).is_empty(), "nothing rather than anything");
    }
}
