//! TLS to targets, in the words of Prometheus' `tls_config`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use serde::Deserialize;
use tokio_rustls::TlsConnector;

use super::config::read;

/// Where distributions keep the certificates that they trust.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TlsConfig {
    /// Trusted instead of what the system trusts.
    ca_file: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    /// Whom the certificate must name, where that is not the host of the target.
    server_name: Option<String>,
    insecure_skip_verify: bool,
}

impl TlsConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.cert_file.is_some() != self.key_file.is_some() {
            return Err("tls_config needs both of cert_file and key_file, or neither".into());
        }
        match &self.server_name {
            Some(name) => server_name(name).map(drop),
            None => Ok(()),
        }
    }

    /// With what the files hold now.
    pub(super) fn connector(&self) -> Result<TlsConnector, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = if self.insecure_skip_verify {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        } else {
            builder.with_root_certificates(self.roots()?)
        };
        let config = match (&self.cert_file, &self.key_file) {
            (Some(certificate), Some(key)) => {
                let (chain, key) = (certificates(certificate)?, private_key(key)?);
                builder.with_client_auth_cert(chain, key).map_err(|error| format!("cert_file: {error}"))?
            }
            _ => builder.with_no_client_auth(),
        };
        Ok(TlsConnector::from(Arc::new(config)))
    }

    /// `address` is `host:port`.
    pub(super) fn name(&self, address: &str) -> Result<ServerName<'static>, String> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        server_name(self.server_name.as_deref().unwrap_or(host.trim_matches(['[', ']'])))
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let path = match &self.ca_file {
            Some(path) => path,
            None => SYSTEM_ROOTS
                .iter()
                .map(Path::new)
                .find(|path| path.exists())
                .ok_or("this system has no list of certificates that it trusts: name a ca_file")?,
        };
        let mut store = RootCertStore::empty();
        let (added, _) = store.add_parsable_certificates(certificates(path)?);
        if added == 0 {
            return Err(format!("{}: holds no certificate that can be trusted", path.display()));
        }
        Ok(store)
    }
}

fn server_name(name: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(name.to_string()).map_err(|_| format!("{name:?} is no name that a certificate has"))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(path).map_err(|why| format!("{}: {why}", path.display()))?;
    CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let text = read(path).map_err(|why| format!("{}: {why}", path.display()))?;
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| format!("{}: {error}", path.display()))
}

/// `insecure_skip_verify`: whoever answers has some key, and that is all that is known.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
