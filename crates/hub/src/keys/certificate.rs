//! The certificate of the agents' listener, minted from a root's key and a leaf's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData,
};
use ring::digest::{SHA256, digest};
use watchtower_protocol::{Pin, TLS_SERVER_NAME};

use super::KeyError;

pub struct Certificate {
    /// DER: leaf, then root.
    pub chain: Vec<Vec<u8>>,
    /// The leaf's key, PKCS#8 DER.
    pub key: Vec<u8>,
    /// curl's `--pinnedpubkey` of the leaf: base64 of SHA-256 over its SubjectPublicKeyInfo.
    pub leaf_pin: String,
}

pub fn pin(key: &KeyPair) -> Pin {
    Pin(STANDARD.encode(digest(&SHA256, &key.subject_public_key_info())))
}

impl Certificate {
    pub(super) fn new(root: &KeyPair, leaf: &KeyPair) -> Result<Certificate, KeyError> {
        let chain = mint(root, leaf).map_err(|e| KeyError::Certificate(e.to_string()))?;
        Ok(Certificate { chain, key: leaf.serialize_der(), leaf_pin: pin(leaf).0 })
    }
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
