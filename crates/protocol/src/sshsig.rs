//! SSH signatures (`ssh-keygen -Y sign`, OpenSSH's PROTOCOL.sshsig) of Ed25519 keys, those in security tokens included.
//!
//! Invariant: every length is checked against what is there before it is used; what is not fully understood does not
//! verify.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::digest::{SHA256, SHA512, digest};
use ring::signature::{ED25519, UnparsedPublicKey};
use watchtower_model::limits::SIGNATURE_BYTES_MAX;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8] = b"SSHSIG";
const PLAIN: &[u8] = b"ssh-ed25519";
const TOKEN: &[u8] = b"sk-ssh-ed25519@openssh.com";
/// A security token's word that somebody touched it.
const USER_PRESENT: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SshSigError {
    #[error("it is not an armoured SSH signature")]
    NotArmoured,
    #[error("it is cut off or damaged")]
    Damaged,
    #[error("its key is not of a kind that is understood: use ssh-ed25519 or sk-ssh-ed25519")]
    OtherKey,
    #[error("it was made for another purpose (namespace)")]
    OtherNamespace,
    #[error("the security token was not touched")]
    NotTouched,
    #[error("it does not match")]
    Mismatch,
}

/// A public key as in `authorized_keys`: its binary form, which names its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKey(Vec<u8>);

impl SshKey {
    /// `ssh-ed25519 AAAA… comment`
    pub fn from_line(line: &str) -> Result<SshKey, SshSigError> {
        let mut words = line.split_ascii_whitespace();
        let (kind, blob) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let blob = STANDARD.decode(blob).map_err(|_| SshSigError::Damaged)?;
        if Fields(&blob).string()? != kind.as_bytes() {
            return Err(SshSigError::Damaged);
        }
        let key = SshKey(blob);
        key.parts()?;
        Ok(key)
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(digest(&SHA256, &self.0)))
    }

    /// The raw Ed25519 key, and a security token's application.
    fn parts(&self) -> Result<(&[u8], Option<&[u8]>), SshSigError> {
        let mut fields = Fields(&self.0);
        let kind = fields.string()?;
        let raw = fields.string()?;
        let application = if kind == TOKEN { Some(fields.string()?) } else { None };
        if !(kind == PLAIN || kind == TOKEN) || raw.len() != 32 || !fields.0.is_empty() {
            return Err(SshSigError::OtherKey);
        }
        Ok((raw, application))
    }
}

/// The key that signed exactly these bytes for this namespace.
pub fn verify_ssh(armoured: &str, namespace: &str, message: &[u8]) -> Result<SshKey, SshSigError> {
    let blob = dearmour(armoured)?;
    let mut fields = Fields(blob.strip_prefix(MAGIC).ok_or(SshSigError::Damaged)?);
    if fields.u32()? != 1 {
        return Err(SshSigError::Damaged);
    }
    let key = SshKey(fields.string()?.to_vec());
    if fields.string()? != namespace.as_bytes() {
        return Err(SshSigError::OtherNamespace);
    }
    let reserved = fields.string()?;
    let algorithm = fields.string()?;
    let hash = match algorithm {
        b"sha512" => digest(&SHA512, message),
        b"sha256" => digest(&SHA256, message),
        _ => return Err(SshSigError::Damaged),
    };
    let signature = fields.string()?;
    if !fields.0.is_empty() {
        return Err(SshSigError::Damaged);
    }
    let mut signed = MAGIC.to_vec();
    for field in [namespace.as_bytes(), reserved, algorithm, hash.as_ref()] {
        signed.extend_from_slice(&(field.len() as u32).to_be_bytes());
        signed.extend_from_slice(field);
    }
    check(&key, signature, &signed)?;
    Ok(key)
}

fn check(key: &SshKey, signature: &[u8], signed: &[u8]) -> Result<(), SshSigError> {
    let (raw, application) = key.parts()?;
    let mut fields = Fields(signature);
    let kind = fields.string()?;
    let bytes = fields.string()?;
    let signed = match application {
        None if kind == PLAIN => signed.to_vec(),
        Some(application) if kind == TOKEN => {
            let (flags, counter) = (fields.take(1)?[0], fields.take(4)?);
            if flags & USER_PRESENT == 0 {
                return Err(SshSigError::NotTouched);
            }
            let (application, signed) = (digest(&SHA256, application), digest(&SHA256, signed));
            [application.as_ref(), &[flags], counter, signed.as_ref()].concat()
        }
        _ => return Err(SshSigError::Damaged),
    };
    if !fields.0.is_empty() {
        return Err(SshSigError::Damaged);
    }
    UnparsedPublicKey::new(&ED25519, raw).verify(&signed, bytes).map_err(|_| SshSigError::Mismatch)
}

fn dearmour(text: &str) -> Result<Vec<u8>, SshSigError> {
    if text.len() > SIGNATURE_BYTES_MAX {
        return Err(SshSigError::NotArmoured);
    }
    let body = text.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
    let body: String = body.ok_or(SshSigError::NotArmoured)?.split_ascii_whitespace().collect();
    STANDARD.decode(body).map_err(|_| SshSigError::NotArmoured)
}

/// What is left of a byte string of SSH's length-prefixed fields.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], SshSigError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(SshSigError::Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, SshSigError> {
        let bytes = self.take(4)?.try_into().map_err(|_| SshSigError::Damaged)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn string(&mut self) -> Result<&'a [u8], SshSigError> {
        let length = self.u32()? as usize;
        self.take(length)
    }
}

#[cfg(test)]
mod tests;
