//! The connector against real servers on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use watchtower_egress::{Egress, EgressConfig, EgressError, Forbidden, HttpRequest, RESPONSE_BYTES_MAX};

fn egress(exceptions: &[String]) -> Egress {
    let exceptions = exceptions.iter().map(|e| e.parse().unwrap()).collect();
    Egress::new(EgressConfig { exceptions, ..EgressConfig::default() }).unwrap()
}

fn get(url: String) -> HttpRequest {
    HttpRequest {
        method: Method::GET,
        url,
        headers: vec![("x-test".into(), "1".into())],
        body: Vec::new(),
        timeout: Duration::from_secs(5),
    }
}

/// Reads one request up to its blank line and writes `answer`; hands back what it read.
async fn serve_once(listener: TcpListener, answer: Vec<u8>) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let head = read_head(&mut stream).await;
    // The client may hang up on an answer that is too long.
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
    head
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn an_exception_is_needed_and_enough_for_loopback() {
    let (listener, address) = listen().await;
    let refused = egress(&[]).http(get(format!("http://{address}/hook"))).await.unwrap_err();
    assert!(matches!(refused, EgressError::Refused { why: Forbidden::Loopback, .. }), "{refused}");
    assert!(refused.is_permanent());
    for host in ["localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{}/", address.port());
        let error = egress(&[]).http(get(url)).await.unwrap_err();
        assert!(matches!(error, EgressError::Refused { .. }), "{host} is judged after resolving: {error}");
    }

    let answer = b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nslow".to_vec();
    let server = tokio::spawn(serve_once(listener, answer));
    let response =
        egress(&[address.to_string()]).http(get(format!("http://{address}/hook?k=v"))).await.unwrap();
    assert_eq!((response.status, response.excerpt.as_str()), (429, "slow"));
    assert_eq!(response.retry_after, Some(Duration::from_secs(7)));
    let head = server.await.unwrap();
    assert!(head.starts_with("GET /hook?k=v HTTP/1.1\r\n") && head.contains("x-test: 1\r\n"), "{head}");
    assert!(head.contains(&format!("host: {address}\r\n")), "{head}");
}

#[tokio::test]
async fn own_listeners_stay_out_of_reach_even_with_an_exception() {
    let (_listener, address) = listen().await;
    for own in [address, SocketAddr::new([0, 0, 0, 0].into(), address.port())] {
        let config = EgressConfig {
            exceptions: vec!["127.0.0.0/8".parse().unwrap()],
            own_listeners: vec![own],
            ..EgressConfig::default()
        };
        let error = Egress::new(config).unwrap().tcp("127.0.0.1", address.port()).await.unwrap_err();
        assert!(matches!(error, EgressError::Refused { why: Forbidden::OwnListener, .. }), "{error}");
    }
}

#[tokio::test]
async fn redirects_are_answers_and_long_bodies_are_left_unread() {
    let (listener, address) = listen().await;
    let location = "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n";
    let server = tokio::spawn(serve_once(listener, location.into()));
    let egress = egress(&["127.0.0.0/8".into()]);
    assert_eq!(egress.http(get(format!("http://{address}/"))).await.unwrap().status, 302);
    server.await.unwrap();

    let (listener, address) = listen().await;
    let mut long = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    long.resize(long.len() + 100 * RESPONSE_BYTES_MAX, b'x');
    let server = tokio::spawn(serve_once(listener, long));
    let response = egress.http(get(format!("http://{address}/"))).await.unwrap();
    assert_eq!((response.status, response.excerpt.as_str()), (200, "***"));
    server.await.unwrap();
}

#[tokio::test]
async fn a_silent_server_costs_no_more_than_the_limit() {
    let (_listener, address) = listen().await;
    let request =
        HttpRequest { timeout: Duration::from_millis(150), ..get(format!("http://{address}/secret")) };
    let began = Instant::now();
    let error = egress(&[address.to_string()]).http(request).await.unwrap_err();
    assert!(matches!(error, EgressError::Timeout { .. }) && !error.is_permanent(), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn tls_is_checked_against_the_given_roots() {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    let certificate = key.cert.der().clone();
    let private = rustls_pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], private)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let (listener, address) = listen().await;
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                let _ = stream.shutdown().await;
            }
        }
    });
    let exceptions = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    let config = EgressConfig { exceptions, extra_roots: vec![certificate], ..EgressConfig::default() };
    let url = format!("https://localhost:{}/", address.port());
    let trusted = Egress::new(config.clone()).unwrap();
    assert_eq!(trusted.http(get(url.clone())).await.unwrap().status, 204);
    let wrong_name = trusted.http(get(format!("https://{address}/"))).await.unwrap_err();
    assert!(matches!(wrong_name, EgressError::Tls { .. }), "{wrong_name}");
    let untrusting = Egress::new(EgressConfig { extra_roots: Vec::new(), ..config }).unwrap();
    let unknown_root = untrusting.http(get(url)).await.unwrap_err();
    assert!(matches!(unknown_root, EgressError::Tls { .. }), "{unknown_root}");
    serving.abort();
}
