//! From a name to an encrypted connection with a host whose key was accepted.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::PublicKeyOrCertificate;
use russh::{AlgorithmKind, ChannelOpenFailure};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::algorithms::preferred;
use super::host_key::{self, Standing};
use crate::{Code, Failure, HostKey, HostKeyState, Login, Step, Target};

/// Name lookup and TCP, over all addresses of the name.
const TCP_TIMEOUT: Duration = Duration::from_secs(10);
/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 4;
const KEX_TIMEOUT: Duration = Duration::from_secs(20);
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVES_MISSED_MAX: usize = 3;
/// How long a farewell may take.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// An encrypted connection; signed in after [`Connection::sign_in`].
pub(crate) struct Connection {
    pub(super) handle: Handle<Verifier>,
    pub(crate) target: Target,
    pub(crate) host_key: HostKey,
    pub(crate) standing: Standing,
    /// The connection this one is tunnelled through, kept open as long.
    _via: Option<Arc<Connection>>,
}

/// Judges the key during the exchange and keeps what it was.
pub(super) struct Verifier {
    place: String,
    login: Login,
    known: Vec<HostKey>,
    shown: Arc<Mutex<Option<(HostKey, Standing)>>>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum SshError {
    #[error(transparent)]
    Library(#[from] russh::Error),
    #[error("{0}")]
    Refused(Box<Failure>),
}

impl client::Handler for Verifier {
    type Error = SshError;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, SshError> {
        // Certificates are not offered, so that a host cannot choose one.
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        let blob = key.to_bytes().map_err(russh::Error::from)?;
        let algorithm = key.algorithm().as_str().to_string();
        let shown = HostKey { algorithm, blob, first_seen: None, state: HostKeyState::Pinned };
        let standing = host_key::judge(&self.place, &self.login.host_key, &self.known, &shown)
            .map_err(|failure| SshError::Refused(Box::new(failure)))?;
        *self.shown.lock().expect("no holder panics") = Some((shown, standing));
        Ok(true)
    }

    async fn disconnected(&mut self, _: client::DisconnectReason<SshError>) -> Result<(), SshError> {
        // Whoever waits for something learns it from there.
        Ok(())
    }
}

/// Lookup and TCP to a host.
pub(crate) async fn dial(target: &Target) -> Result<TcpStream, Failure> {
    match timeout(TCP_TIMEOUT, dial_any(target)).await {
        Ok(result) => result,
        Err(_) => Err(tcp_timeout(target)),
    }
}

fn tcp_timeout(target: &Target) -> Failure {
    Failure::new(
        Step::Connect,
        Code::TcpTimeout,
        format!("no answer from {}:{} in {} s", target.host, target.port, TCP_TIMEOUT.as_secs()),
        format!("check that the host is up and that no firewall drops port {}", target.port),
    )
}

async fn dial_any(target: &Target) -> Result<TcpStream, Failure> {
    let Target { host, port, .. } = target;
    let none = |why: String| {
        Failure::new(
            Step::Connect,
            Code::Dns,
            format!("the name {host} has no address: {why}"),
            "check the spelling, or give the host's address instead of its name",
        )
    };
    let found = tokio::net::lookup_host((host.as_str(), *port)).await.map_err(|e| none(e.to_string()))?;
    let addresses: Vec<SocketAddr> = found.take(ADDRESSES_MAX).collect();
    let mut last = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Latency is what a deployment consists of; a socket without the option only costs some.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = Some((address, error)),
        }
    }
    Err(match last {
        Some((address, error)) => tcp_failed(target, address, &error),
        None => none("the answer is empty".into()),
    })
}

fn tcp_failed(target: &Target, address: SocketAddr, error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::ConnectionRefused => Failure::new(
            Step::Connect,
            Code::TcpRefused,
            format!("{address} refuses connections"),
            format!(
                "check that sshd runs and listens at port {}, or give another with HOST:PORT",
                target.port
            ),
        ),
        ErrorKind::TimedOut => tcp_timeout(target),
        _ => Failure::new(
            Step::Connect,
            Code::TcpUnreachable,
            format!("{address} cannot be reached: {error}"),
            "check the address and the route to it; a host behind another one needs --jump",
        ),
    }
}

impl Connection {
    /// A tunnel to `target` through this host.
    pub(crate) async fn tunnel(
        self: &Arc<Self>,
        target: &Target,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, Failure> {
        let opening =
            self.handle.channel_open_direct_tcpip(target.host.as_str(), target.port.into(), "127.0.0.1", 0);
        let why = match timeout(TCP_TIMEOUT, opening).await {
            Ok(Ok(channel)) => return Ok(channel.into_stream()),
            Ok(Err(russh::Error::ChannelOpenFailure(ChannelOpenFailure::AdministrativelyProhibited))) => {
                "it forbids forwarding (AllowTcpForwarding, PermitOpen)".to_string()
            }
            Ok(Err(russh::Error::ChannelOpenFailure(ChannelOpenFailure::ConnectFailed))) => {
                "it cannot connect there".to_string()
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer in {} s", TCP_TIMEOUT.as_secs()),
        };
        Err(Failure::new(
            Step::Connect,
            Code::Jump,
            format!("the jump host {} gives no way to {}:{}: {why}", self.target, target.host, target.port),
            "check name and port as the jump host sees them, and its sshd's forwarding settings",
        ))
    }

    /// Key exchange over a stream that leads to the login's target.
    pub(crate) async fn secure(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        login: &Login,
        known: Vec<HostKey>,
        via: Option<Arc<Connection>>,
    ) -> Result<Connection, Failure> {
        let place = format!("{}:{}", login.target.host, login.target.port);
        let offered = host_key::acceptable(&login.host_key, &known);
        let config = client::Config {
            preferred: preferred(&offered, login.legacy_algorithms),
            keepalive_interval: Some(KEEPALIVE),
            keepalive_max: KEEPALIVES_MISSED_MAX,
            nodelay: true,
            ..client::Config::default()
        };
        let shown = Arc::new(Mutex::new(None));
        let verifier = Verifier {
            place: place.clone(),
            login: login.clone(),
            known: known.clone(),
            shown: Arc::clone(&shown),
        };
        let exchange = client::connect_stream(Arc::new(config), stream, verifier);
        let handle = match timeout(KEX_TIMEOUT, exchange).await {
            Ok(Ok(handle)) => handle,
            Ok(Err(SshError::Refused(failure))) => return Err(*failure),
            Ok(Err(SshError::Library(error))) => return Err(kex_failed(&place, &offered, error)),
            Err(_) => return Err(not_ssh(&place, &format!("no answer in {} s", KEX_TIMEOUT.as_secs()))),
        };
        let shown = shown.lock().expect("no holder panics").take();
        let Some((host_key, standing)) = shown else {
            return Err(kex_failed(&place, &offered, russh::Error::Kex));
        };
        Ok(Connection { handle, target: login.target.clone(), host_key, standing, _via: via })
    }

    /// Whether the connection has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Says goodbye; dropping the connection would do, less politely.
    pub(crate) async fn close(&self) {
        let goodbye = self.handle.disconnect(russh::Disconnect::ByApplication, "", "");
        let _ = timeout(GOODBYE_TIMEOUT, goodbye).await;
    }
}

fn not_ssh(place: &str, why: &str) -> Failure {
    Failure::new(
        Step::HostKey,
        Code::NotSsh,
        format!("what answers at {place} does not speak SSH: {why}"),
        "check the port; sshd may also be turning connections away (MaxStartups, fail2ban, hosts.deny)",
    )
}

fn kex_failed(place: &str, offered: &[&HostKey], error: russh::Error) -> Failure {
    match error {
        russh::Error::NoCommonAlgo { kind: AlgorithmKind::Key, theirs, .. } if !offered.is_empty() => {
            host_key::other_type(place, offered, &theirs)
        }
        russh::Error::NoCommonAlgo { kind, theirs, .. } => Failure::new(
            Step::HostKey,
            Code::Kex,
            format!("{place} offers no {kind:?} algorithm that is still safe: {}", theirs.join(", ")),
            "upgrade its sshd, or allow legacy algorithms for this host (--legacy-algorithms)",
        ),
        russh::Error::IO(error) => not_ssh(place, &error.to_string()),
        error @ (russh::Error::Version | russh::Error::HUP | russh::Error::Disconnect) => {
            not_ssh(place, &error.to_string())
        }
        error => Failure::new(
            Step::HostKey,
            Code::Kex,
            format!("the key exchange with {place} failed: {error}"),
            "try again; if it stays, the host's sshd log says more (journalctl -u ssh)",
        ),
    }
}
