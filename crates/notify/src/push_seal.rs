//! The body of a web push message: RFC 8291, in the one record of RFC 8188 that it allows.

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

pub(crate) const PUBLIC_KEY_BYTES: usize = 65;
pub(crate) const AUTH_BYTES: usize = 16;
const SALT_BYTES: usize = 16;
/// Salt, size of a record, length of the key, the key.
const HEADER_BYTES: usize = SALT_BYTES + 4 + 1 + PUBLIC_KEY_BYTES;
/// What a push service must take.
const BODY_BYTES_MAX: usize = 4_096;
/// Behind the text: its end, and the tag.
const BEHIND_BYTES: usize = 1 + 16;
pub(crate) const PLAINTEXT_BYTES_MAX: usize = BODY_BYTES_MAX - HEADER_BYTES - BEHIND_BYTES;
/// Marks the end of the text in the last record.
const LAST_RECORD: u8 = 2;
const KEY_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;

/// What a browser gave with its subscription.
pub(crate) struct Receiver {
    /// A point of P-256, uncompressed.
    pub key: [u8; PUBLIC_KEY_BYTES],
    pub auth: [u8; AUTH_BYTES],
}

/// Only the browser can open it; each message has a key of its own.
pub(crate) fn seal(receiver: &Receiver, text: &[u8]) -> Result<Vec<u8>, &'static str> {
    const FAILED: &str = "the message could not be sealed for the keys of the subscription";
    let random = SystemRandom::new();
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt).map_err(|_| FAILED)?;
    let own = EphemeralPrivateKey::generate(&ECDH_P256, &random).map_err(|_| FAILED)?;
    let public = own.compute_public_key().map_err(|_| FAILED)?;
    let peer = UnparsedPublicKey::new(&ECDH_P256, &receiver.key);
    let sealed =
        agree_ephemeral(own, &peer, |shared| seal_with(receiver, public.as_ref(), shared, &salt, text));
    sealed.map_err(|_| FAILED)?.ok_or("the message is longer than a push service takes")
}

fn seal_with(receiver: &Receiver, public: &[u8], shared: &[u8], salt: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > PLAINTEXT_BYTES_MAX {
        return None;
    }
    let (key, nonce) = derive(receiver, public, shared, salt);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
    let mut record = [text, &[LAST_RECORD]].concat();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record).ok()?;
    let size = (BODY_BYTES_MAX as u32).to_be_bytes();
    Some([salt, &size, &[PUBLIC_KEY_BYTES as u8], public, &record].concat())
}

/// Key and nonce of the one record.
fn derive(
    receiver: &Receiver,
    public: &[u8],
    shared: &[u8],
    salt: &[u8],
) -> ([u8; KEY_BYTES], [u8; NONCE_BYTES]) {
    let about = [b"WebPush: info\0", receiver.key.as_slice(), public].concat();
    let input = expand(&extract(&receiver.auth, shared), &about);
    let secret = extract(salt, &input);
    let mut key = [0; KEY_BYTES];
    key.copy_from_slice(&expand(&secret, b"Content-Encoding: aes128gcm\0")[..KEY_BYTES]);
    let mut nonce = [0; NONCE_BYTES];
    nonce.copy_from_slice(&expand(&secret, b"Content-Encoding: nonce\0")[..NONCE_BYTES]);
    (key, nonce)
}

/// The two halves of HKDF (RFC 5869), of which one block is enough.
fn extract(salt: &[u8], input: &[u8]) -> [u8; 32] {
    mac(salt, input)
}

fn expand(secret: &[u8; 32], info: &[u8]) -> [u8; 32] {
    mac(secret, &[info, &[1]].concat())
}

fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag.as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        BASE64URL.decode(text).unwrap()
    }

    fn receiver() -> Receiver {
        let key = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        let auth = "BTBZMqHH6r4Tts7J_aSIgg";
        Receiver { key: bytes(key).try_into().unwrap(), auth: bytes(auth).try_into().unwrap() }
    }

    /// RFC 8291, section 5 and appendix A; its shared secret is given, since ring takes no private key from outside.
    #[test]
    fn the_example_of_the_standard_is_sealed_to_the_same_bytes() {
        let public =
            bytes("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8");
        let shared = bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs");
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw");
        let (key, nonce) = derive(&receiver(), &public, &shared, &salt);
        assert_eq!(BASE64URL.encode(key), "oIhVW04MRdy2XN9CiKLxTg");
        assert_eq!(BASE64URL.encode(nonce), "4h_95klXJ5E_qnoN");
        let text = b"When I grow up, I want to be a watermelon";
        let sealed = seal_with(&receiver(), &public, &shared, &salt, text).unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(BASE64URL.encode(sealed), expected);
    }

    #[test]
    fn the_longest_text_fills_a_body_and_one_byte_more_is_refused() {
        assert_eq!(seal(&receiver(), &[b'x'; PLAINTEXT_BYTES_MAX]).unwrap().len(), BODY_BYTES_MAX);
        assert!(seal(&receiver(), &[b'x'; PLAINTEXT_BYTES_MAX + 1]).is_err());
        let nowhere = Receiver { key: [4; PUBLIC_KEY_BYTES], auth: [0; AUTH_BYTES] };
        assert!(seal(&nowhere, b"x").is_err(), "that is no point of the curve");
    }
}
