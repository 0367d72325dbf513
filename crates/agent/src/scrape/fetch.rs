//! One GET by HTTP/1.1, over TLS or plain, within bounds of time and size.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::config::{Job, Scheme, read};
use super::target::Target;
use super::tls::TlsConfig;
use crate::exposition::Format;

/// Bytes of an answer, head and all; and of its text once it is unpacked.
const BYTES_MAX: usize = 8 * 1024 * 1024;
const ACCEPT: &str =
    "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// How a scrape ended.
#[derive(Debug)]
pub(super) struct Outcome {
    pub answer: Result<(String, Format), String>,
    pub took: Duration,
}

/// Asks the targets of a job.
pub(super) struct Client {
    job: Arc<Job>,
    /// Until a scrape fails: its certificates may have been changed.
    tls: Option<TlsConnector>,
}

impl Client {
    pub(super) fn new(job: Arc<Job>) -> Client {
        Client { job, tls: None }
    }

    pub(super) async fn fetch(&mut self, target: &Target) -> Outcome {
        let started = Instant::now();
        let seconds = self.job.timeout_seconds;
        let answer = match timeout(Duration::from_secs(seconds), self.get(target)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {seconds} s")),
        };
        if answer.is_err() {
            self.tls = None;
        }
        Outcome { answer, took: started.elapsed() }
    }

    async fn get(&mut self, target: &Target) -> Result<(String, Format), String> {
        let request = request(&self.job, target)?;
        let stream = TcpStream::connect(&target.address).await.map_err(|error| error.to_string())?;
        if self.job.scheme == Scheme::Http {
            return exchange(stream, &request).await;
        }
        let default = TlsConfig::default();
        let config = self.job.tls_config.as_ref().unwrap_or(&default);
        let connector = match self.tls.take() {
            Some(connector) => connector,
            None => config.connector()?,
        };
        let stream = connector.connect(config.name(&target.address)?, stream).await;
        self.tls = Some(connector);
        exchange(stream.map_err(|error| error.to_string())?, &request).await
    }
}

fn request(job: &Job, target: &Target) -> Result<String, String> {
    let authorization = authorization(job)?;
    Ok(format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nAccept: {ACCEPT}\r\nAccept-Encoding: gzip\r\nUser-Agent: watchtower-agent/{}\r\n\
         X-Prometheus-Scrape-Timeout-Seconds: {}\r\n{authorization}Connection: close\r\n\r\n",
        target.path,
        target.address,
        env!("CARGO_PKG_VERSION"),
        job.timeout_seconds,
    ))
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
) -> Result<(String, Format), String> {
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    loop {
        let Some(length) = whole(&bytes) else {
            if bytes.len() > BYTES_MAX {
                return Err(format!("the answer is larger than {BYTES_MAX} bytes"));
            }
            match stream.read_buf(&mut bytes).await {
                Ok(0) => break,
                Ok(_) => continue,
                Err(error) => return Err(error.to_string()),
            }
        };
        bytes.truncate(length);
        break;
    }
    parse(&bytes)
}

/// A line of the request's head, or nothing.
fn authorization(job: &Job) -> Result<String, String> {
    let secret = |path: &std::path::Path| -> Result<String, String> {
        let text = read(path).map_err(|why| format!("{}: {why}", path.display()))?;
        let text = text.trim().to_string();
        if text.chars().any(char::is_control) {
            Err("a secret is more than one line".into())
        } else {
            Ok(text)
        }
    };
    if let Some(path) = &job.bearer_token_file {
        return Ok(format!("Authorization: Bearer {}\r\n", secret(path)?));
    }
    let Some(basic) = &job.basic_auth else { return Ok(String::new()) };
    let pair = format!("{}:{}", basic.username, secret(&basic.password_file)?);
    Ok(format!("Authorization: Basic {}\r\n", STANDARD.encode(pair)))
}

/// Where the head ends.
fn head_of(bytes: &[u8]) -> Option<(&str, usize)> {
    let end = bytes.windows(4).take(64 * 1024).position(|four| four == b"\r\n\r\n")?;
    Some((std::str::from_utf8(&bytes[..end]).unwrap_or(""), end + 4))
}

fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim())
    })
}

/// The length of the whole answer, once a length that was said is there; else it ends with the connection.
fn whole(bytes: &[u8]) -> Option<usize> {
    let (head, body) = head_of(bytes)?;
    if is_chunked(head) {
        return bytes.ends_with(b"0\r\n\r\n").then_some(bytes.len());
    }
    let length: usize = header(head, "content-length")?.parse().ok()?;
    body.checked_add(length).filter(|end| bytes.len() >= *end)
}

fn is_chunked(head: &str) -> bool {
    header(head, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
}

fn parse(bytes: &[u8]) -> Result<(String, Format), String> {
    let (head, at) = head_of(bytes).ok_or("that is no HTTP answer")?;
    let status = head.split(' ').nth(1).unwrap_or("");
    if status != "200" {
        return Err(format!(
            "the target answers {}",
            crate::collect::one_line(&status.chars().take(20).collect::<String>())
        ));
    }
    let packed = match header(head, "content-encoding") {
        None | Some("identity") => false,
        Some(encoding) if encoding.eq_ignore_ascii_case("gzip") => true,
        Some(_) => return Err("the answer is compressed by what was not asked for".into()),
    };
    let body = if is_chunked(head) {
        chunks(&bytes[at..])?
    } else {
        let missing = header(head, "content-length")
            .and_then(|text| text.parse().ok())
            .is_some_and(|n: usize| bytes.len() - at < n);
        if missing {
            return Err("the answer ends early".into());
        }
        bytes[at..].to_vec()
    };
    let body = if packed { unpacked(&body)? } else { body };
    let format = Format::of_content_type(header(head, "content-type").unwrap_or(""));
    Ok((String::from_utf8(body).map_err(|_| "the answer is not UTF-8")?, format))
}

/// As much as a plain answer may be, and no more.
fn unpacked(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let mut bounded = MultiGzDecoder::new(body).take(BYTES_MAX as u64 + 1);
    bounded.read_to_end(&mut text).map_err(|error| format!("the answer is no gzip: {error}"))?;
    if text.len() > BYTES_MAX {
        return Err(format!("the answer is larger than {BYTES_MAX} bytes"));
    }
    Ok(text)
}

fn chunks(mut rest: &[u8]) -> Result<Vec<u8>, String> {
    let mut body = Vec::with_capacity(rest.len());
    loop {
        let end = rest.windows(2).take(64).position(|two| two == b"\r\n").ok_or("a chunk has no length")?;
        let text = std::str::from_utf8(&rest[..end]).unwrap_or("");
        let length = usize::from_str_radix(text.split(';').next().unwrap_or("").trim(), 16);
        let length = length.map_err(|_| "a chunk has no length")?;
        rest = &rest[end + 2..];
        if length == 0 {
            return Ok(body);
        }
        let (chunk, behind) = rest.split_at_checked(length).ok_or("the answer ends early")?;
        body.extend_from_slice(chunk);
        rest = behind.strip_prefix(b"\r\n").ok_or("a chunk does not end")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_whole_chunked_and_broken() {
        let text = |answer: &str| parse(answer.as_bytes()).map(|(text, _)| text);
        assert_eq!(text("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na 1").unwrap(), "a 1");
        assert_eq!(text("HTTP/1.0 200 OK\r\n\r\na 1").unwrap(), "a 1");
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\na \r\n1\r\n1\r\n0\r\n\r\n";
        assert_eq!(text(chunked).unwrap(), "a 1");
        assert_eq!(whole(chunked.as_bytes()), Some(chunked.len()));
        assert_eq!(whole(&chunked.as_bytes()[..chunked.len() - 3]), None);
        for (answer, why) in [
            ("HTTP/1.1 503 Busy\r\n\r\nx", "answers 503"),
            ("HTTP/1.1 301 Moved\r\nLocation: http://169.254.169.254/\r\n\r\n", "answers 301"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na 1", "ends early"),
            ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\na 1", "no gzip"),
            ("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\na 1", "compressed"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\na", "ends early"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "no length"),
            ("SSH-2.0-OpenSSH\r\n", "no HTTP answer"),
        ] {
            assert!(text(answer).unwrap_err().contains(why), "{answer}");
        }
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, text).unwrap();
        encoder.finish().unwrap()
    }

    /// Answers one request with a body that is packed; what was asked, and what was made of it.
    async fn asked(body: Vec<u8>) -> (String, Result<String, String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0);
            }
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
            String::from_utf8(request).unwrap()
        });
        let job: Job = toml::from_str("job = 'a'\ntargets = ['b:1']").unwrap();
        let target = Target { address, path: "/metrics".into(), labels: Vec::new() };
        let outcome = Client::new(Arc::new(job)).fetch(&target).await;
        (answering.await.unwrap(), outcome.answer.map(|(text, _)| text))
    }

    #[tokio::test]
    async fn packed_answers_are_asked_for_and_unpacked_within_the_bound() {
        let text = "# TYPE a gauge\na 1\n".repeat(1000);
        let (request, answer) = asked(gzip(text.as_bytes())).await;
        assert!(request.contains("\r\nAccept-Encoding: gzip\r\n"), "{request}");
        assert_eq!(answer.unwrap(), text);
        let most = "#".repeat(BYTES_MAX);
        assert_eq!(asked(gzip(most.as_bytes())).await.1.unwrap().len(), BYTES_MAX);
        let bomb = gzip(format!("{most}#").as_bytes());
        assert!(bomb.len() < 20_000, "{}", bomb.len());
        assert!(asked(bomb).await.1.unwrap_err().contains("larger than"));
        let mut cut = gzip(text.as_bytes());
        cut.truncate(cut.len() / 2);
        assert!(asked(cut).await.1.unwrap_err().contains("no gzip"));
    }
}
