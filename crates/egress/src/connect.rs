//! Resolve, judge, connect to what was judged.

use std::future::Future;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use crate::{EgressError, Exception, Forbidden, TlsStream, judge, tls};

/// Addresses of one name that are tried before giving up.
pub const ADDRESSES_TRIED_MAX: usize = 4;

/// How the connector is set up, once per process.
#[derive(Clone, Debug)]
pub struct EgressConfig {
    pub exceptions: Vec<Exception>,
    /// Addresses that the hub listens on; with an unspecified IP, that port on any of the host's addresses.
    pub own_listeners: Vec<SocketAddr>,
    /// Roots beside the system's (an internal CA).
    pub extra_roots: Vec<CertificateDer<'static>>,
    pub resolve_timeout: Duration,
    /// Per address.
    pub connect_timeout: Duration,
    pub tls_timeout: Duration,
}

impl Default for EgressConfig {
    fn default() -> Self {
        EgressConfig {
            exceptions: Vec::new(),
            own_listeners: Vec::new(),
            extra_roots: Vec::new(),
            resolve_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(4),
            tls_timeout: Duration::from_secs(5),
        }
    }
}

/// The connector. Cheap to clone.
#[derive(Clone)]
pub struct Egress {
    config: Arc<EgressConfig>,
    tls: TlsConnector,
}

impl Egress {
    /// Reads the system's root certificates: call it once, not per connection.
    pub fn new(config: EgressConfig) -> Result<Self, EgressError> {
        let tls = tls::connector(&config.extra_roots)?;
        Ok(Egress { config: Arc::new(config), tls })
    }

    /// A plain connection to `host` (a name, or a literal address without brackets).
    pub async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream, EgressError> {
        let addresses = self.resolve(host, port).await?;
        let mut refused = None;
        let mut failed = None;
        let mut tried = 0;
        for address in addresses {
            if let Some(why) = self.forbids(host, address) {
                refused.get_or_insert(EgressError::Refused { host: host.into(), address, why });
                continue;
            }
            if tried == ADDRESSES_TRIED_MAX {
                break;
            }
            tried += 1;
            let connecting = TcpStream::connect(address);
            match within(self.config.connect_timeout, host, "connecting", connecting).await {
                Ok(Ok(stream)) => {
                    // Small request, small answer: waiting to fill a segment only adds latency to a page.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(source)) => failed = Some(EgressError::Connect { address, source }),
                Err(timeout) => failed = Some(timeout),
            }
        }
        Err(failed.or(refused).unwrap_or(EgressError::NoAddress { host: host.into() }))
    }

    /// A TLS connection, the certificate checked against `host`.
    pub async fn tls(&self, host: &str, port: u16) -> Result<TlsStream, EgressError> {
        let stream = self.tcp(host, port).await?;
        self.upgrade(stream, host).await
    }

    /// TLS over a connection that this connector made (STARTTLS).
    pub async fn upgrade(&self, stream: TcpStream, host: &str) -> Result<TlsStream, EgressError> {
        let name = tls::server_name(host)?;
        let handshake = self.tls.connect(name, stream);
        within(self.config.tls_timeout, host, "the TLS handshake", handshake)
            .await?
            .map_err(|source| EgressError::Tls { host: host.into(), source })
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, EgressError> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let looking = lookup_host((host, port));
        let found = within(self.config.resolve_timeout, host, "resolving the name", looking)
            .await?
            .map_err(|source| EgressError::Resolve { host: host.into(), source })?;
        Ok(found.collect())
    }

    fn forbids(&self, host: &str, address: SocketAddr) -> Option<Forbidden> {
        if self.config.own_listeners.iter().any(|own| is_listener(*own, address)) {
            return Some(Forbidden::OwnListener);
        }
        let why = judge(address.ip())?;
        let excepted = self.config.exceptions.iter().any(|e| e.allows(host, address.ip(), address.port()));
        (!excepted).then_some(why)
    }
}

fn is_listener(own: SocketAddr, address: SocketAddr) -> bool {
    own.port() == address.port()
        && (own.ip() == address.ip().to_canonical()
            || (own.ip().is_unspecified() && is_local(address.ip().to_canonical())))
}

/// An address can be bound exactly if it is one of this host's own.
fn is_local(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

pub(crate) async fn within<T>(
    limit: Duration,
    host: &str,
    phase: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, EgressError> {
    tokio::time::timeout(limit, work).await.map_err(|_| EgressError::Timeout {
        host: host.into(),
        phase,
        limit_ms: limit.as_millis() as u64,
    })
}
