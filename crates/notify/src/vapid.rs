//! Who sends a push message: a token for each push service, signed by the hub's own key (RFC 8292).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;

/// Seconds for which a token is good; push services take at most a day, and their clocks differ from ours.
const GOOD_SECONDS: u64 = 12 * 3_600;

/// The hub's key for push services.
pub struct Vapid(EcdsaKeyPair);

impl Vapid {
    /// `pkcs8`: a key of P-256.
    pub fn new(pkcs8: &[u8]) -> Option<Vapid> {
        let random = SystemRandom::new();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random).ok().map(Vapid)
    }

    /// What a browser subscribes for: a point of P-256, uncompressed, base64url.
    pub fn public_key(&self) -> String {
        BASE64URL.encode(self.0.public_key())
    }

    /// The header `Authorization` for one push service.
    pub(crate) fn authorization(
        &self,
        url: &str,
        contact: Option<&str>,
        now: u64,
    ) -> Result<String, &'static str> {
        let origin = origin(url).ok_or("the address of the push service is damaged")?;
        let mut claims = json!({ "aud": origin, "exp": now + GOOD_SECONDS });
        if let Some(contact) = contact {
            claims["sub"] = contact.into();
        }
        let head = BASE64URL.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
        let signed = format!("{head}.{}", BASE64URL.encode(claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.map_err(|_| "the token for the push service could not be signed")?;
        Ok(format!("vapid t={signed}.{}, k={}", BASE64URL.encode(signature), self.public_key()))
    }
}

/// Scheme, host and port, as the push service writes its own.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())?;
    Some(format!("{scheme}://{}", host.to_ascii_lowercase()))
}
