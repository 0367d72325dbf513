//! TLS over a checked connection: ring, the system's roots, and the operator's own.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::EgressError;

pub type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

pub(crate) fn connector(extra_roots: &[CertificateDer<'static>]) -> Result<TlsConnector, EgressError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "a system root certificate was not read");
    }
    let (added, _ignored) = roots.add_parsable_certificates(native.certs);
    if added == 0 && extra_roots.is_empty() {
        tracing::warn!(
            "no root certificates: every TLS connection will fail until ca-certificates is installed"
        );
    }
    for root in extra_roots {
        roots.add(root.clone()).map_err(EgressError::BadRoot)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(EgressError::TlsSetup)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, EgressError> {
    ServerName::try_from(host.to_string()).map_err(|_| EgressError::BadServerName { host: host.to_string() })
}
