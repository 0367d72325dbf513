//! Randomness for ids, tokens and nonces: the only place that asks the system for it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use watchtower_model::{Id, Timestamp};

/// Random bytes. A system without randomness cannot run a hub.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    SystemRandom::new().fill(&mut out).expect("the kernel gives random bytes once it has booted");
    out
}

/// A new UUIDv7.
pub fn id(now: Timestamp) -> Id {
    Id::v7(now, bytes())
}

/// A secret of 256 bits with a prefix that tells what it is: `wt_…`.
pub fn secret(prefix: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes::<32>()))
}

/// What is stored of a secret: enough of one with 256 bits of randomness needs no slow hash.
pub fn hash_secret(secret: &str) -> String {
    hex(digest(&SHA256, secret.as_bytes()).as_ref())
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
