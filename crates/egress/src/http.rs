//! One HTTP/1.1 request over a guarded connection. No redirects, no reuse, no cookies.

use std::time::{Duration, SystemTime};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::connect::within;
use crate::{Egress, EgressError, retry_after};

/// Bytes of a request's body.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of an answer that are read; the rest is left unread.
pub const RESPONSE_BYTES_MAX: usize = 16 * 1024;
/// Characters of an answer that may be shown.
pub const EXCERPT_CHARS_MAX: usize = 160;
/// A run of this many characters of a token's alphabet is taken for a secret.
const SECRET_CHARS_MIN: usize = 20;

#[derive(Clone)]
pub struct HttpRequest {
    pub method: Method,
    /// `http://` or `https://`, without a user name.
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// From the first look-up to the last byte read.
    pub timeout: Duration,
}

/// What may be known of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// One masked line of at most [`EXCERPT_CHARS_MAX`] characters.
    pub excerpt: String,
    /// The first [`RESPONSE_BYTES_MAX`] bytes, to look for what one knows of: it may hold secrets and is never shown.
    pub body: Vec<u8>,
}

struct Destination {
    tls: bool,
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Egress {
    /// Sends one request. Any status is an answer; only a failure to get one is an error.
    pub async fn http(&self, request: HttpRequest) -> Result<HttpResponse, EgressError> {
        let destination = destination(&request.url)?;
        let timeout = request.timeout;
        let outgoing = build(request, &destination)?;
        let host = destination.host.clone();
        within(timeout, &host, "the request", self.exchange(destination, outgoing)).await?
    }

    async fn exchange(
        &self,
        destination: Destination,
        outgoing: Request<Full<Bytes>>,
    ) -> Result<HttpResponse, EgressError> {
        let (host, port) = (destination.host.as_str(), destination.port);
        let answer = if destination.tls {
            talk(self.tls(host, port).await?, outgoing).await
        } else {
            talk(self.tcp(host, port).await?, outgoing).await
        };
        answer.map_err(|source| EgressError::Http { host: destination.host, source })
    }
}

fn destination(url: &str) -> Result<Destination, EgressError> {
    let uri: Uri = url.parse().map_err(|_| EgressError::BadUrl("it cannot be read"))?;
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(EgressError::BadUrl("it must begin with https:// or http://")),
    };
    let authority = uri.authority().ok_or(EgressError::BadUrl("it has no host"))?;
    if authority.as_str().contains('@') {
        return Err(EgressError::BadUrl("it must not hold a user name or password"));
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_string();
    if host.is_empty() {
        return Err(EgressError::BadUrl("it has no host"));
    }
    let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let path = uri.path_and_query().map_or("/", |p| p.as_str()).to_string();
    Ok(Destination { tls, host, port, authority: authority.to_string(), path })
}

fn build(request: HttpRequest, destination: &Destination) -> Result<Request<Full<Bytes>>, EgressError> {
    if request.body.len() > REQUEST_BYTES_MAX {
        return Err(EgressError::RequestTooLarge { bytes: request.body.len(), max: REQUEST_BYTES_MAX });
    }
    let mut outgoing = Request::new(Full::new(Bytes::from(request.body)));
    *outgoing.method_mut() = request.method;
    *outgoing.uri_mut() =
        destination.path.parse().map_err(|_| EgressError::BadUrl("its path cannot be read"))?;
    let headers = outgoing.headers_mut();
    let host = HeaderValue::from_str(&destination.authority);
    headers.insert(HOST, host.map_err(|_| EgressError::BadUrl("its host cannot be read"))?);
    headers.insert(USER_AGENT, HeaderValue::from_static("watchtower"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in request.headers {
        let pair = name.parse::<HeaderName>().ok().zip(HeaderValue::from_str(&value).ok());
        let (parsed, value) = pair.ok_or(EgressError::BadHeader(name))?;
        headers.insert(parsed, value);
    }
    Ok(outgoing)
}

async fn talk<S>(stream: S, outgoing: Request<Full<Bytes>>) -> Result<HttpResponse, hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = AbortOnDrop(tokio::spawn(async move {
        // Its error is the request's error, which the sender reports.
        let _ = connection.await;
    }));
    let response = sender.send_request(outgoing).await?;
    let answer = read(response).await;
    drop(driver);
    answer
}

/// The connection lives as long as its request, also when the request is dropped by its time limit.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn read(response: Response<Incoming>) -> Result<HttpResponse, hyper::Error> {
    let status = response.status().as_u16();
    let header = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok());
    let retry_after = header.and_then(|v| retry_after::parse(v, SystemTime::now()));
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while bytes.len() < RESPONSE_BYTES_MAX {
        match body.frame().await {
            None => break,
            // The status is the answer; a body that breaks off does not turn a delivered page into a failed one.
            Some(Err(_)) => break,
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |d| d)),
        }
    }
    bytes.truncate(RESPONSE_BYTES_MAX);
    let excerpt = mask_excerpt(&String::from_utf8_lossy(&bytes));
    Ok(HttpResponse { status, retry_after, excerpt, body: bytes })
}

/// One short line of what a peer said, with everything that looks like a token blotted out.
pub fn mask_excerpt(text: &str) -> String {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "_-+/=.:".contains(c);
    let mut out = String::new();
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut String| {
        out.push_str(if word.chars().count() >= SECRET_CHARS_MIN { "***" } else { word });
        word.clear();
    };
    for c in text.chars().take(RESPONSE_BYTES_MAX) {
        if is_token(c) {
            word.push(c);
            continue;
        }
        flush(&mut word, &mut out);
        let shown = if c.is_control() || c.is_whitespace() { ' ' } else { c };
        if !(shown == ' ' && (out.is_empty() || out.ends_with(' '))) {
            out.push(shown);
        }
        if out.chars().count() >= EXCERPT_CHARS_MAX {
            break;
        }
    }
    flush(&mut word, &mut out);
    out.chars().take(EXCERPT_CHARS_MAX).collect::<String>().trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_one_short_line_without_secrets() {
        let cases = [
            ("invalid_payload", "invalid_payload"),
            ("a\r\nb\t\u{1b}[31mc", "a b [31mc"),
            ("token=xoxb-123456789012-abcdefghij no", "*** no"),
            ("{\"key\":\"AKIAIOSFODNN7EXAMPLEKEY\"}", "{\"key\":\"***\"}"),
        ];
        for (text, shown) in cases {
            assert_eq!(mask_excerpt(text), shown);
        }
        assert_eq!(mask_excerpt(&"ab ".repeat(1_000)).chars().count(), EXCERPT_CHARS_MAX);
    }

    #[test]
    fn urls_are_checked_before_anything_is_sent() {
        for bad in ["", "ftp://a/", "//a/b", "https:///x", "http://user:pw@host/", "/path", "http://a b/"] {
            assert!(matches!(destination(bad), Err(EgressError::BadUrl(_))), "{bad}");
        }
        let d = destination("https://[2001:db8::1]:8443/a?b=c").unwrap();
        assert_eq!((d.host.as_str(), d.port, d.path.as_str(), d.tls), ("2001:db8::1", 8443, "/a?b=c", true));
        assert_eq!(destination("http://a").unwrap().port, 80);
    }
}
