//! The hub's keys: files of their own, outside the database, readable by the hub alone.
//!
//! `ca.key` and `ca-next.key` (roots of the agents' TLS), `tls.key` (leaf), `identity.key`, `signing.key` (Ed25519), `master.key`
//! (seals secrets at rest). Certificates are minted from the keys at each start: only keys need to be kept.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData,
};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use watchtower_protocol::{Pin, Purpose, SigningKey, TLS_SERVER_NAME, TrustBundle};
use watchtower_store::Sealer;

use crate::random;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{path}: {reason}")]
    File { path: String, reason: String },
    #[error("{path} is readable by others: run chmod 600 on it")]
    TooOpen { path: String },
    #[error("{path} is not a key of the expected kind")]
    Bad { path: String },
    #[error("cannot make the agents' certificate: {0}")]
    Certificate(String),
}

pub struct Keys {
    /// Certificate chain of the agents' listener, DER: leaf, then root.
    pub agent_chain: Vec<Vec<u8>>,
    /// The leaf's key, PKCS#8 DER.
    pub agent_key: Vec<u8>,
    /// curl's `--pinnedpubkey` of the leaf: base64 of SHA-256 over its SubjectPublicKeyInfo.
    pub leaf_pin: String,
    roots: Vec<Pin>,
    identity: Ed25519KeyPair,
    signing: Ed25519KeyPair,
    pub sealer: Sealer,
}

impl Keys {
    /// Reads the keys, making those that do not exist yet.
    pub fn open(dir: &Path) -> Result<Keys, KeyError> {
        fs::create_dir_all(dir).map_err(|e| file_error(dir, e))?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|e| file_error(dir, e))?;
        let root = ecdsa(&dir.join("ca.key"))?;
        let next = ecdsa(&dir.join("ca-next.key"))?;
        let leaf = ecdsa(&dir.join("tls.key"))?;
        let roots = vec![pin(&root), pin(&next)];
        let leaf_pin = pin(&leaf).0;
        let agent_key = leaf.serialize_der();
        let agent_chain = mint(&root, &leaf).map_err(|e| KeyError::Certificate(e.to_string()))?;
        let master = read_or_make(&dir.join("master.key"), || random::bytes::<32>().to_vec())?;
        let master = master
            .try_into()
            .map_err(|_| KeyError::Bad { path: dir.join("master.key").display().to_string() })?;
        Ok(Keys {
            agent_chain,
            agent_key,
            leaf_pin,
            roots,
            identity: ed25519(&dir.join("identity.key"))?,
            signing: ed25519(&dir.join("signing.key"))?,
            sealer: Sealer::new(master),
        })
    }

    /// The hub's own id: the digest of its identity key.
    pub fn hub_id(&self) -> String {
        random::hex(&digest(&SHA256, self.identity.public_key().as_ref()).as_ref()[..16])
    }

    pub fn sign_identity(&self, bytes: &[u8]) -> Vec<u8> {
        self.identity.sign(bytes).as_ref().to_vec()
    }

    /// The key that commands to agents are signed with, and with nothing else.
    pub fn signing(&self) -> &Ed25519KeyPair {
        &self.signing
    }

    /// What agents trust.
    pub fn bundle(&self, urls: Vec<String>) -> TrustBundle {
        let key = |purpose, pair: &Ed25519KeyPair| SigningKey {
            purpose,
            public_key: pair.public_key().as_ref().to_vec(),
        };
        TrustBundle {
            version: 1,
            hub_id: self.hub_id(),
            urls,
            roots: self.roots.clone(),
            identity_key: self.identity.public_key().as_ref().to_vec(),
            signing_keys: vec![key(Purpose::Command, &self.signing), key(Purpose::Bundle, &self.identity)],
        }
    }
}

fn file_error(path: &Path, error: std::io::Error) -> KeyError {
    KeyError::File { path: path.display().to_string(), reason: error.to_string() }
}

/// Never overwrites: a key that is lost cannot be made again.
fn read_or_make(path: &Path, make: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, KeyError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            return Err(KeyError::TooOpen { path: path.display().to_string() });
        }
        Ok(_) => return fs::read(path).map_err(|e| file_error(path, e)),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(file_error(path, error)),
        Err(_) => {}
    }
    let bytes = make();
    let temporary = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(|e| file_error(&temporary, e))?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(|e| file_error(&temporary, e))?;
    fs::rename(&temporary, path).map_err(|e| file_error(path, e))?;
    Ok(bytes)
}

fn ecdsa(path: &Path) -> Result<KeyPair, KeyError> {
    let bytes =
        read_or_make(path, || KeyPair::generate().expect("P-256 keys need only randomness").serialize_der())?;
    KeyPair::try_from(bytes).map_err(|_| KeyError::Bad { path: path.display().to_string() })
}

fn ed25519(path: &Path) -> Result<Ed25519KeyPair, KeyError> {
    let bytes = read_or_make(path, || {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        document.expect("Ed25519 keys need only randomness").as_ref().to_vec()
    })?;
    Ed25519KeyPair::from_pkcs8(&bytes).map_err(|_| KeyError::Bad { path: path.display().to_string() })
}

fn pin(key: &KeyPair) -> Pin {
    Pin(STANDARD.encode(digest(&SHA256, &key.subject_public_key_info())))
}

/// Leaf and root. The leaf says CA:FALSE: webpki rejects a CA certificate as a leaf.
fn mint(root: &KeyPair, leaf: &KeyPair) -> Result<Vec<Vec<u8>>, rcgen::Error> {
    let mut root_params = CertificateParams::new(Vec::new())?;
    root_params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root_params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    root_params.distinguished_name.push(DnType::CommonName, "Watchtower agents' root");
    let root_certificate = root_params.self_signed(root)?;
    let mut leaf_params = CertificateParams::new(vec![TLS_SERVER_NAME.to_string()])?;
    leaf_params.is_ca = IsCa::ExplicitNoCa;
    leaf_params.distinguished_name.push(DnType::CommonName, TLS_SERVER_NAME);
    let leaf_certificate = leaf_params.signed_by(leaf, &Issuer::from_params(&root_params, root))?;
    Ok(vec![leaf_certificate.der().to_vec(), root_certificate.der().to_vec()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_kept_private() {
        let dir =
            std::env::temp_dir().join(format!("watchtower-keys-{}", random::hex(&random::bytes::<8>())));
        let first = Keys::open(&dir).unwrap();
        let second = Keys::open(&dir).unwrap();
        assert_eq!(first.hub_id(), second.hub_id());
        assert_eq!(first.leaf_pin, second.leaf_pin);
        assert_eq!(first.bundle(vec!["https://h".into()]), second.bundle(vec!["https://h".into()]));
        let master = dir.join("master.key");
        assert_eq!(fs::metadata(&master).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&master, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Keys::open(&dir), Err(KeyError::TooOpen { .. })));
        fs::remove_dir_all(&dir).unwrap();
    }
}
