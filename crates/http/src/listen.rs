//! Accept loops: TLS, limits on connections and on time to the first byte, graceful stop.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;
use watchtower_hub::Hub;

use crate::certificates::AgentCertificates;

/// Connections of one listener.
const CONNECTIONS_MAX: usize = 12_000;
/// TLS handshakes at the same time. Each costs CPU before anybody is known, but a silent stranger also holds a place until the
/// timeout: few places would let few strangers keep all agents out.
const HANDSHAKES_MAX: usize = 1024;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("cannot listen on {address}: {source}")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("{path}: {reason}")]
    Certificate { path: String, reason: String },
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// A certificate chain and its key.
pub struct Tls(pub(crate) Arc<ServerConfig>);

impl Tls {
    /// From PEM files.
    pub fn from_files(certificates: &Path, key: &Path) -> Result<Tls, ListenError> {
        let bad = |path: &Path, reason: String| ListenError::Certificate {
            path: path.display().to_string(),
            reason,
        };
        let pem = fs::read(certificates).map_err(|e| bad(certificates, e.to_string()))?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|e| bad(certificates, e.to_string()))?;
        let pem = fs::read(key).map_err(|e| bad(key, e.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|e| bad(key, e.to_string()))?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Tls(Arc::new(config)))
    }

    /// The agents' listener: the hub's own chain as it is at each connection, TLS 1.3 only.
    pub(crate) fn for_agents(hub: Hub) -> Result<Tls, ListenError> {
        let certificates = AgentCertificates::new(hub)?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_protocol_versions(&[&rustls::version::TLS13])?
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(certificates));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls(Arc::new(config)))
    }
}

/// Keying material of the TLS session a request came over.
#[derive(Clone)]
pub struct Exporter(pub Option<Vec<u8>>);

/// One bound listener.
pub struct Listener {
    pub socket: TcpListener,
    pub tls: Option<Tls>,
    pub router: Router,
}

pub async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError::Bind { address, source })
}

impl Listener {
    /// Serves until `stop` resolves; open connections then have a few seconds.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
        let acceptor = self.tls.map(|tls| TlsAcceptor::from(tls.0));
        let (draining, drain) = tokio::sync::watch::channel(false);
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = self.socket.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors: wait for some rather than spin.
                    tracing::warn!("accepting a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else { continue };
            let (router, acceptor, handshakes, drain) =
                (self.router.clone(), acceptor.clone(), Arc::clone(&handshakes), drain.clone());
            tokio::spawn(
                async move { connection(stream, peer, router, acceptor, handshakes, drain, slot).await },
            );
        }
        draining.send_replace(true);
        let _ =
            tokio::time::timeout(Duration::from_secs(3), slots.acquire_many(CONNECTIONS_MAX as u32)).await;
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    acceptor: Option<TlsAcceptor>,
    handshakes: Arc<Semaphore>,
    drain: tokio::sync::watch::Receiver<bool>,
    slot: OwnedSemaphorePermit,
) {
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => serve_stream(stream, peer, router, None, drain).await,
        Some(acceptor) => {
            let Ok(turn) = handshakes.acquire().await else { return };
            let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
            drop(turn);
            let Ok(Ok(tls)) = handshake else { return };
            let mut exporter = vec![0; watchtower_protocol::EXPORTER_BYTES];
            let exported = tls.get_ref().1.export_keying_material(
                &mut exporter,
                watchtower_protocol::EXPORTER_LABEL,
                None,
            );
            let exporter = exported.is_ok().then_some(exporter);
            serve_stream(tls, peer, router, exporter, drain).await;
        }
    }
    drop(slot);
}

async fn serve_stream<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    exporter: Option<Vec<u8>>,
    mut drain: tokio::sync::watch::Receiver<bool>,
) {
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(Exporter(exporter.clone()));
        let mut router = router.clone();
        async move { router.call(request).await }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).enable_connect_protocol();
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        result = connection.as_mut() => {
            if let Err(error) = result {
                tracing::trace!(%peer, "connection: {error}");
            }
            return;
        }
        _ = drain.wait_for(|draining| *draining) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
