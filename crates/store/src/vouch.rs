//! Short words that only who has the master key can say: they vouch for what the hub handed out, without a row to look it up in.
//!
//! Each purpose has a key of its own: HKDF-SHA256 of the master key under the purpose's name. The word is HMAC-SHA256, cut to
//! 16 bytes (RFC 2104, section 5, allows half of the digest).

use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac::{self, HMAC_SHA256};

use crate::Sealer;

/// Bytes of a voucher.
pub const VOUCHER_BYTES: usize = 16;

impl Sealer {
    /// Vouches for bytes by the present master key. `purpose` says what for, and is no other caller's.
    pub fn vouch(&self, purpose: &str, bytes: &[u8]) -> [u8; VOUCHER_BYTES] {
        word(&self.masters()[0], purpose, bytes)
    }

    /// Whether the present master key vouched for these bytes, or one that is being replaced. How long it takes says nothing of how
    /// much of it is right.
    pub fn vouched(&self, purpose: &str, bytes: &[u8], voucher: &[u8]) -> bool {
        self.masters().iter().any(|master| {
            // Compared by what a key makes of both: ring compares whole tags in constant time, and nothing else.
            let key = key(master, purpose);
            let wanted = hmac::sign(&key, &word(master, purpose, bytes));
            hmac::verify(&key, voucher, wanted.as_ref()).is_ok()
        })
    }
}

fn key(master: &[u8; 32], purpose: &str) -> hmac::Key {
    let derived = Salt::new(HKDF_SHA256, b"watchtower-vouch-v1").extract(master);
    let info = [purpose.as_bytes()];
    hmac::Key::from(derived.expand(&info, HMAC_SHA256).expect("32 bytes is a valid HKDF length"))
}

fn word(master: &[u8; 32], purpose: &str, bytes: &[u8]) -> [u8; VOUCHER_BYTES] {
    let tag = hmac::sign(&key(master, purpose), bytes);
    let mut word = [0; VOUCHER_BYTES];
    word.copy_from_slice(&tag.as_ref()[..VOUCHER_BYTES]);
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voucher_is_good_for_its_bytes_its_purpose_and_its_key() {
        let sealer = Sealer::new([7; 32], [1; 32]);
        let voucher = sealer.vouch("link", b"incident 142");
        assert!(sealer.vouched("link", b"incident 142", &voucher));
        assert!(!sealer.vouched("link", b"incident 143", &voucher));
        assert!(!sealer.vouched("other", b"incident 142", &voucher));
        assert!(!Sealer::new([8; 32], [1; 32]).vouched("link", b"incident 142", &voucher));
        for bit in 0..8 * VOUCHER_BYTES {
            let mut other = voucher;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!sealer.vouched("link", b"incident 142", &other), "bit {bit}");
        }
        for wrong in [&voucher[..15], &[], &[voucher.as_slice(), &[0]].concat()] {
            assert!(!sealer.vouched("link", b"incident 142", wrong));
        }
    }

    #[test]
    fn vouchers_end_with_the_key_that_made_them() {
        let sealer = Sealer::new([7; 32], [1; 32]);
        let old = sealer.vouch("link", b"x");
        sealer.set_masters([8; 32], &[[7; 32]]);
        assert!(sealer.vouched("link", b"x", &old) && sealer.vouch("link", b"x") != old);
        sealer.set_masters([8; 32], &[]);
        assert!(!sealer.vouched("link", b"x", &old));
    }
}
