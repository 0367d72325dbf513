//! Secrets at rest: sealed with the master key, which lives in a file of its own.
//!
//! Form: `v1:<key id>:<base64 of salt 32 ‖ ciphertext ‖ tag 16>`. Each secret has its own key, HKDF-SHA256 of the master key with a
//! random salt, so a fixed nonce is never used twice with one key. The context (`channel:<id>`) is authenticated.

use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac::HMAC_SHA256;
use ring::rand::{SecureRandom, SystemRandom};

const SALT_BYTES: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("a sealed secret is damaged")]
    Damaged,
    #[error("a secret was sealed with key {0}, which this hub does not have")]
    OtherKey(String),
    #[error("the system has no randomness")]
    NoRandomness,
}

/// What a master key is called in what it sealed: 8 hex digits.
pub fn master_key_id(master: &[u8; 32]) -> String {
    let digest = ring::digest::digest(
        &ring::digest::SHA256,
        &[b"watchtower-master-key-id".as_slice(), master].concat(),
    );
    digest.as_ref()[..4].iter().map(|b| format!("{b:02x}")).collect()
}

/// Seals with the present master key, opens with it and with those that are being replaced.
pub struct Sealer {
    /// The first seals.
    masters: RwLock<Vec<[u8; 32]>>,
    tag_key: [u8; 32],
}

impl Sealer {
    /// `tag_key` is for [`Sealer::tag`] alone: tags outlive a change of the master key.
    pub fn new(master: [u8; 32], tag_key: [u8; 32]) -> Self {
        Sealer { masters: RwLock::new(vec![master]), tag_key }
    }

    /// From now on: `present` seals, all of these open.
    pub fn set_masters(&self, present: [u8; 32], others: &[[u8; 32]]) {
        let masters = [&[present], others].concat();
        *self.masters.write().unwrap_or_else(PoisonError::into_inner) = masters;
    }

    pub(crate) fn masters(&self) -> Vec<[u8; 32]> {
        self.masters.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn seal(&self, context: &str, secret: &[u8]) -> Result<String, SealError> {
        let mut salt = [0; SALT_BYTES];
        SystemRandom::new().fill(&mut salt).map_err(|_| SealError::NoRandomness)?;
        let mut bytes = secret.to_vec();
        let master = self.masters()[0];
        key(&master, &salt)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key([0; 12]),
                Aad::from(context.as_bytes()),
                &mut bytes,
            )
            .map_err(|_| SealError::Damaged)?;
        Ok(format!("v1:{}:{}", master_key_id(&master), STANDARD.encode([salt.as_slice(), &bytes].concat())))
    }

    pub fn open(&self, context: &str, sealed: &str) -> Result<Vec<u8>, SealError> {
        let (key_id, body) =
            sealed.strip_prefix("v1:").and_then(|rest| rest.split_once(':')).ok_or(SealError::Damaged)?;
        let masters = self.masters();
        let master = masters
            .iter()
            .find(|master| master_key_id(master) == key_id)
            .ok_or_else(|| SealError::OtherKey(key_id.chars().take(16).collect()))?;
        let bytes = STANDARD.decode(body).map_err(|_| SealError::Damaged)?;
        let (salt, ciphertext) = bytes.split_at_checked(SALT_BYTES).ok_or(SealError::Damaged)?;
        let mut ciphertext = ciphertext.to_vec();
        let plain = key(master, salt)
            .open_in_place(
                Nonce::assume_unique_for_key([0; 12]),
                Aad::from(context.as_bytes()),
                &mut ciphertext,
            )
            .map_err(|_| SealError::Damaged)?;
        Ok(plain.to_vec())
    }

    /// Tells whether bytes are the same as before without telling what they are: keyed, so that a stolen database does not
    /// let the short secrets among them be guessed.
    pub fn tag(&self, context: &str, bytes: &[u8]) -> String {
        let derived = Salt::new(HKDF_SHA256, b"watchtower-tag-v1").extract(&self.tag_key);
        let info = [context.as_bytes()];
        let key = derived.expand(&info, HMAC_SHA256).expect("32 bytes is a valid HKDF length");
        let signed = ring::hmac::sign(&ring::hmac::Key::from(key), bytes);
        signed.as_ref().iter().map(|b| format!("{b:02x}")).collect()
    }
}

fn key(master: &[u8; 32], salt: &[u8]) -> LessSafeKey {
    let pseudorandom = Salt::new(HKDF_SHA256, salt).extract(master);
    let okm = pseudorandom
        .expand(&[b"watchtower-seal-v1"], &CHACHA20_POLY1305)
        .expect("32 bytes is a valid HKDF length");
    LessSafeKey::new(UnboundKey::from(okm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_need_the_key() {
        let (one, other) = (Sealer::new([1; 32], [7; 32]), Sealer::new([1; 32], [8; 32]));
        assert_eq!(one.tag("body", b"hunter2"), one.tag("body", b"hunter2"));
        for different in
            [one.tag("body", b"hunter3"), one.tag("other", b"hunter2"), other.tag("body", b"hunter2")]
        {
            assert_ne!(one.tag("body", b"hunter2"), different);
        }
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let sealer = Sealer::new([7; 32], [1; 32]);
        let sealed = sealer.seal("channel:1", b"secret").unwrap();
        assert_eq!(sealer.open("channel:1", &sealed).unwrap(), b"secret");
        assert_ne!(sealer.seal("channel:1", b"secret").unwrap(), sealed);
        assert_eq!(sealer.open("channel:2", &sealed), Err(SealError::Damaged));
        assert!(matches!(
            Sealer::new([8; 32], [1; 32]).open("channel:1", &sealed),
            Err(SealError::OtherKey(_))
        ));
        for damaged in ["", "v1:", "v1:x:y", &sealed[..sealed.len() - 4]] {
            assert!(sealer.open("channel:1", damaged).is_err());
        }
    }

    #[test]
    fn a_new_key_seals_while_the_old_one_still_opens() {
        let sealer = Sealer::new([7; 32], [1; 32]);
        let (old, tag) = (sealer.seal("channel:1", b"secret").unwrap(), sealer.tag("body", b"x"));
        sealer.set_masters([8; 32], &[[7; 32]]);
        let new = sealer.seal("channel:1", b"secret").unwrap();
        assert!(old.starts_with(&format!("v1:{}:", master_key_id(&[7; 32]))));
        assert!(new.starts_with(&format!("v1:{}:", master_key_id(&[8; 32]))));
        assert_eq!(sealer.open("channel:1", &old).unwrap(), b"secret");
        assert_eq!(sealer.open("channel:1", &new).unwrap(), b"secret");
        sealer.set_masters([8; 32], &[]);
        assert_eq!(sealer.open("channel:1", &old), Err(SealError::OtherKey(master_key_id(&[7; 32]))));
        assert_eq!(sealer.tag("body", b"x"), tag, "tags do not depend on the master key");
    }
}
