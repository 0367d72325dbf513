//! TLS 1.3 to a hub whose CA is pinned: no public authority can vouch for a wrong one.
//!
//! Invariant: accepted is only a chain with a CA certificate whose key is in the trust bundle, and a leaf that
//! this very CA signed for the fixed server name.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use watchtower_protocol::Pin;

/// A client configuration that trusts these CA keys and nothing else.
pub fn client_config(pins: &[Pin]) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = PinnedRoots { pins: pins.to_vec(), provider: Arc::clone(&provider) };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider speaks TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    // One connection lives for weeks: remembered sessions would only cost memory.
    config.resumption = rustls::client::Resumption::disabled();
    config
}

#[derive(Debug)]
struct PinnedRoots {
    pins: Vec<Pin>,
    provider: Arc<CryptoProvider>,
}

impl PinnedRoots {
    /// A store of the one presented CA certificate that is pinned.
    fn pinned_root(&self, presented: &[CertificateDer<'_>]) -> Option<RootCertStore> {
        presented.iter().find_map(|certificate| {
            let mut store = RootCertStore::empty();
            store.add(certificate.clone().into_owned()).ok()?;
            let pin = pin_of(store.roots.first()?);
            self.pins.contains(&pin).then_some(store)
        })
    }
}

/// SHA-256 over the whole SubjectPublicKeyInfo; the anchor holds what is inside its outer SEQUENCE.
fn pin_of(anchor: &TrustAnchor<'_>) -> Pin {
    let inner = anchor.subject_public_key_info.as_ref();
    let mut der = vec![0x30];
    match inner.len() {
        short @ ..128 => der.push(short as u8),
        middle @ 128..256 => der.extend([0x81, middle as u8]),
        long => der.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    der.extend_from_slice(inner);
    Pin(STANDARD.encode(digest(&SHA256, &der)))
}

impl ServerCertVerifier for PinnedRoots {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let root = self
            .pinned_root(intermediates)
            .ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(root), Arc::clone(&self.provider))
                .build()
                .map_err(|error| Error::General(error.to_string()))?;
        let verify = |at| verifier.verify_server_cert(end_entity, intermediates, server_name, &[], at);
        // A server whose clock is wrong must still be able to say so. What a date would protect is protected by the
        // hub's proof of identity over this very session.
        match verify(now) {
            Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
                verify(not_before)
            }
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
                verify(not_after)
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 is spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
