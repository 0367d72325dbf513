//! From a URL to a WebSocket: address, TCP (or a proxy's tunnel), pinned TLS, upgrade.
//!
//! Invariant: every step has a time limit and an error that says which step it was.

use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use watchtower_protocol::limits::FRAME_BYTES_MAX;
use watchtower_protocol::{CONNECT_PATH, EXPORTER_BYTES, EXPORTER_LABEL, TLS_SERVER_NAME, TrustBundle};

use super::LinkError;
use super::tls;

/// Time for each step of a connection.
const STEP: Duration = Duration::from_secs(10);
/// Bytes of a proxy's answer to CONNECT.
const PROXY_ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Buffers of the WebSocket: frames are larger at times, and then the buffers grow and shrink.
const BUFFER_BYTES: usize = 8 * 1024;

pub type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// A connection that is encrypted and pinned, but not yet proven.
#[derive(Debug)]
pub struct Dialled {
    pub socket: Socket,
    pub exporter: [u8; EXPORTER_BYTES],
}

/// `https://host:port` to host and port (default 8401).
pub fn host_and_port(url: &str) -> Result<(String, u16), LinkError> {
    let bad = || LinkError::BadUrl(url.chars().take(200).collect());
    let authority = url.strip_prefix("https://").ok_or_else(bad)?.trim_end_matches('/');
    if authority.is_empty() || authority.contains(['/', '@', '?', '#', ' ']) {
        return Err(bad());
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') && (!host.contains(':') || host.ends_with(']')) => {
            (host, port.parse().map_err(|_| bad())?)
        }
        _ => (authority, 8401),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() { Err(bad()) } else { Ok((host.to_string(), port)) }
}

/// `proxy`: `http://host:port` of an HTTP proxy that tunnels by CONNECT.
pub async fn dial(url: &str, bundle: &TrustBundle, proxy: Option<&str>) -> Result<Dialled, LinkError> {
    let stream = secure(url, bundle, proxy).await?;
    let mut exporter = [0; EXPORTER_BYTES];
    stream
        .get_ref()
        .1
        .export_keying_material(&mut exporter, EXPORTER_LABEL, None)
        .map_err(|error| LinkError::Tls { url: url.to_string(), why: error.to_string() })?;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * FRAME_BYTES_MAX)
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX));
    let request = format!("ws://{TLS_SERVER_NAME}{CONNECT_PATH}");
    let upgrade = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
    let (socket, _) = step("upgrade", url, upgrade)
        .await?
        .map_err(|error| LinkError::Upgrade { url: url.to_string(), why: error.to_string() })?;
    Ok(Dialled { socket, exporter })
}

/// TCP and TLS only: what `probe` tries.
pub async fn secure(
    url: &str,
    bundle: &TrustBundle,
    proxy: Option<&str>,
) -> Result<TlsStream<TcpStream>, LinkError> {
    let (host, port) = host_and_port(url)?;
    let tcp = match proxy {
        Some(proxy) => tunnel(proxy, &host, port, url).await?,
        None => connect(&host, port, url).await?,
    };
    // Small messages must not wait for the acknowledgement of the ones before.
    let _ = tcp.set_nodelay(true);
    let name = ServerName::try_from(TLS_SERVER_NAME).expect("the fixed name is a DNS name");
    let connector = TlsConnector::from(Arc::new(tls::client_config(&bundle.roots)));
    step("TLS", url, connector.connect(name, tcp))
        .await?
        .map_err(|error| LinkError::Tls { url: url.to_string(), why: error.to_string() })
}

async fn connect(host: &str, port: u16, url: &str) -> Result<TcpStream, LinkError> {
    step("TCP", url, TcpStream::connect((host, port)))
        .await?
        .map_err(|source| LinkError::Connect { url: url.to_string(), source })
}

async fn tunnel(proxy: &str, host: &str, port: u16, url: &str) -> Result<TcpStream, LinkError> {
    let address = proxy.strip_prefix("http://").unwrap_or(proxy);
    let (proxy_host, proxy_port) = host_and_port(&format!("https://{address}"))?;
    let refused = |why: String| LinkError::Proxy { proxy: proxy.to_string(), why };
    let mut stream = connect(&proxy_host, proxy_port, proxy).await?;
    let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let exchange = async {
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        // Byte by byte: what follows the empty line belongs to TLS.
        while !answer.ends_with(b"\r\n\r\n") && answer.len() < PROXY_ANSWER_BYTES_MAX {
            answer.push(stream.read_u8().await?);
        }
        Ok::<_, std::io::Error>(answer)
    };
    let answer = step("proxy", url, exchange).await?.map_err(|error| refused(error.to_string()))?;
    let status = String::from_utf8_lossy(&answer).lines().next().unwrap_or("").to_string();
    if status.split(' ').nth(1) == Some("200") { Ok(stream) } else { Err(refused(status)) }
}

async fn step<T>(what: &'static str, url: &str, future: impl Future<Output = T>) -> Result<T, LinkError> {
    timeout(STEP, future).await.map_err(|_| LinkError::TimedOut { what, url: url.to_string() })
}

#[cfg(test)]
mod tests {
    use super::host_and_port;

    #[test]
    fn urls_are_read() {
        for (url, host, port) in [
            ("https://hub.example:9000", "hub.example", 9000),
            ("https://hub.example", "hub.example", 8401),
            ("https://10.0.0.1:1/", "10.0.0.1", 1),
            ("https://[::1]:8401", "::1", 8401),
            ("https://[2001:db8::1]", "2001:db8::1", 8401),
        ] {
            assert_eq!(host_and_port(url).unwrap(), (host.to_string(), port), "{url}");
        }
        for url in
            ["http://hub", "https://", "https://a:b", "https://u@h", "https://h/x", "hub:1", "https://:1"]
        {
            assert!(host_and_port(url).is_err(), "{url}");
        }
    }
}
