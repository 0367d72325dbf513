//! The connection to the hub: dial, prove, talk.
//!
//! Invariant: nothing is taken from a hub that has not proven the identity in the trust bundle.

mod backoff;
mod connection;
mod dial;
mod handshake;
mod offset;
mod tls;

use std::io;

use tokio_tungstenite::tungstenite;
use watchtower_protocol::{Refusal, TrustBundle};

pub use backoff::{Backoff, random_fraction};
pub use connection::Connection;
pub use dial::secure;
pub use handshake::Welcomed;
pub use offset::Offset;

use crate::identity::Identity;

#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("{0:?} is not a hub's URL: use https://host:port")]
    BadUrl(String),
    #[error("{url} cannot be reached: {source}; check the address, the route and firewalls for this port")]
    Connect { url: String, source: io::Error },
    #[error("the proxy {proxy} does not open a tunnel: {why}")]
    Proxy { proxy: String, why: String },
    #[error(
        "TLS with {url} failed: {why}; something in between ends TLS, or this is another hub, or the hub's keys were changed \
         while this server was away: then make a new installer in the hub (watchtower server enrol NAME) and run it here"
    )]
    Tls { url: String, why: String },
    #[error("{url} does not answer as a hub: {why}")]
    Upgrade { url: String, why: String },
    #[error("no answer from {url} in time ({what})")]
    TimedOut { what: &'static str, url: String },
    #[error(
        "this is not the hub in the trust bundle, or a proxy in between ends TLS: its proof of identity does not match"
    )]
    WrongHub,
    #[error("the hub refused ({:?}): {}", .0.code, .0.message)]
    Refused(Refusal),
    #[error("the hub broke the protocol: {0}")]
    Protocol(String),
    #[error("the connection was closed")]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(#[from] tungstenite::Error),
    #[error("the hub does not read what it is sent")]
    Stalled,
    #[error("the hub has been silent for too long")]
    Silent,
}

impl LinkError {
    /// Whether trying again with the same identity can hardly help.
    pub fn is_final(&self) -> bool {
        matches!(self, LinkError::Refused(refusal) if refusal.code.is_final())
    }
}

/// Dials one URL and proves both sides. `token` enrols.
pub async fn connect(
    url: &str,
    bundle: &TrustBundle,
    identity: &Identity,
    proxy: Option<&str>,
    token: Option<String>,
) -> Result<Welcomed, LinkError> {
    let dialled = dial::dial(url, bundle, proxy).await?;
    handshake::handshake(dialled, identity, bundle, token).await
}
