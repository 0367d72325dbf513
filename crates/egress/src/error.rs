//! What goes wrong on the way out. No variant carries a URL's path or query: they hold webhook secrets.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use crate::Forbidden;

#[derive(Debug, Error)]
pub enum EgressError {
    #[error("url: {0}")]
    BadUrl(&'static str),
    #[error("{host}: {address} is {why}; the operator may list it as an exception")]
    Refused { host: String, address: SocketAddr, why: Forbidden },
    #[error("{host}: the name was not resolved: {source}")]
    Resolve { host: String, source: io::Error },
    #[error("{host}: the name has no address")]
    NoAddress { host: String },
    #[error("{address}: connecting failed: {source}")]
    Connect { address: SocketAddr, source: io::Error },
    #[error("{host}: TLS failed: {source}")]
    Tls { host: String, source: io::Error },
    #[error("{host} is not a name that a certificate can be checked against")]
    BadServerName { host: String },
    #[error("{host}: {phase} took longer than {limit_ms} ms")]
    Timeout { host: String, phase: &'static str, limit_ms: u64 },
    #[error("{host}: HTTP failed: {source}")]
    Http { host: String, source: hyper::Error },
    #[error("request: the body has {bytes} bytes, more than {max}")]
    RequestTooLarge { bytes: usize, max: usize },
    #[error("request: header {0:?} is not valid")]
    BadHeader(String),
    #[error("extra TLS roots: {0}")]
    BadRoot(rustls::Error),
    #[error("TLS has no usable protocol version: {0}")]
    TlsSetup(rustls::Error),
}

impl EgressError {
    /// Whether trying again without changing anything is useless.
    pub fn is_permanent(&self) -> bool {
        matches!(
            self,
            EgressError::BadUrl(_)
                | EgressError::Refused { .. }
                | EgressError::BadServerName { .. }
                | EgressError::RequestTooLarge { .. }
                | EgressError::BadHeader(_)
                | EgressError::BadRoot(_)
                | EgressError::TlsSetup(_)
        )
    }
}
