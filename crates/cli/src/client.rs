//! One HTTP request to the hub, its answer or its problem.
//!
//! Invariant: every call has a time limit and a size limit, follows no redirect, and a problem keeps the hub's own
//! code, hint and request id.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::http::Response;
use ureq::tls::{PemItem, RootCerts, TlsConfig};
use ureq::{Agent, Body};
use watchtower_api_types::Problem;
use watchtower_api_types::endpoints::{Endpoint, Method, find};

use crate::failure::{Exit, Failure};
use crate::settings::Settings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest the hub itself waits (a fresh report) fits in it.
const CALL_TIMEOUT: Duration = Duration::from_secs(40);
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Characters of an answer that is not the hub's, quoted in an error.
const FOREIGN_CHARS_MAX: usize = 200;
/// What may stand in a path segment or a query value as it is (RFC 3986, unreserved).
const KEEP: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[derive(Clone)]
pub struct Hub {
    agent: Agent,
    pub url: String,
    token: Option<String>,
}

/// Query parameters, in order.
pub type Query<'a> = [(&'a str, String)];

pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, KEEP).to_string()
}

/// The endpoint of the one table; an id that is not there is a fault of this program.
pub fn endpoint(id: &str) -> &'static Endpoint {
    find(id).expect("commands name endpoints of the table; a test walks them all")
}

/// The endpoint's path with its parameters filled in, below the hub's URL.
pub fn path_of(endpoint: &Endpoint, args: &[&str]) -> String {
    let mut args = args.iter();
    let part = |part: &str| match part.starts_with('{') {
        true => encode(args.next().copied().unwrap_or_default()),
        false => part.to_string(),
    };
    format!("/api/v1{}", endpoint.path.split('/').map(part).collect::<Vec<_>>().join("/"))
}

impl Hub {
    pub fn new(settings: &Settings) -> Result<Hub, Failure> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(CALL_TIMEOUT))
            .user_agent(concat!("watchtower-cli/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&settings.url) {
            config = config.proxy(None);
        }
        if let Some(path) = &settings.ca_file {
            config = config.tls_config(tls(path)?);
        }
        Ok(Hub { agent: config.build().into(), url: settings.url.clone(), token: settings.token.clone() })
    }

    /// The same hub with another token.
    pub fn with_token(&self, token: &str) -> Hub {
        Hub { agent: self.agent.clone(), url: self.url.clone(), token: Some(token.into()) }
    }

    /// The same hub, as nobody.
    pub fn without_token(&self) -> Hub {
        Hub { agent: self.agent.clone(), url: self.url.clone(), token: None }
    }

    /// Calls an endpoint of the table. No body is `null`.
    pub fn call(
        &self,
        id: &str,
        args: &[&str],
        query: &Query,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let endpoint = endpoint(id);
        let path = with_query(path_of(endpoint, args), query);
        self.send(endpoint.method, &path, body, &[]).map(|answer| answer.value)
    }

    pub fn get(&self, id: &str, args: &[&str]) -> Result<Value, Failure> {
        self.call(id, args, &[], None)
    }

    /// Below `/prometheus/api/v1`: the `data` of the answer, and its warnings.
    pub fn prometheus(&self, path: &str, query: &Query) -> Result<(Value, Vec<String>), Failure> {
        let path = with_query(format!("/prometheus/api/v1/{path}"), query);
        let mut answer = self.send(Method::Get, &path, None, &[])?.value;
        let warnings = serde_json::from_value(answer["warnings"].take()).unwrap_or_default();
        Ok((answer["data"].take(), warnings))
    }

    /// Any request of the hub, with the answer's headers in reach.
    pub fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let url = format!("{}{path}", self.url);
        let mut request = ureq::http::Request::builder().method(word(method)).uri(&url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let bad = |e: ureq::http::Error| Failure::usage(format!("cannot ask {url}: {e}"));
        let response = match body {
            Some(body) => {
                let request =
                    request.header("content-type", "application/json").body(body.to_string()).map_err(bad)?;
                self.agent.run(request)
            }
            // A POST without any body would go out chunked, which not everything between here and a hub reads.
            None if method == Method::Post => self.agent.run(request.body("").map_err(bad)?),
            None => self.agent.run(request.body(()).map_err(bad)?),
        };
        self.read(response.map_err(|e| self.unreachable(e))?)
    }

    fn read(&self, mut response: Response<Body>) -> Result<Answer, Failure> {
        let status = response.status().as_u16();
        let header =
            |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(String::from);
        let (date, cookie) = (header("date"), header("set-cookie"));
        let text =
            response.body_mut().with_config().limit(ANSWER_BYTES_MAX).lossy_utf8(true).read_to_string();
        let text = text.map_err(|e| self.unreachable(e))?;
        if !(200..300).contains(&status) {
            return Err(self.refused(status, &text));
        }
        let value = match text.is_empty() {
            true => Value::Null,
            false => serde_json::from_str(&text).map_err(|_| self.foreign(status, &text))?,
        };
        Ok(Answer { value, date, cookie })
    }

    fn unreachable(&self, error: ureq::Error) -> Failure {
        let (exit, code) = match &error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                (Exit::Unreachable, "unreachable")
            }
            ureq::Error::Timeout(_) => (Exit::TimedOut, "timeout"),
            _ => (Exit::Unreachable, "unreachable"),
        };
        Failure::new(exit, code, format!("cannot reach the hub at {}: {error}", self.url))
            .hint("start it with `watchtower serve`, or point --url or WATCHTOWER_URL at it")
    }

    fn refused(&self, status: u16, text: &str) -> Failure {
        if let Ok(problem) = serde_json::from_str::<Problem>(text) {
            let exit = Exit::of_problem(&problem.code, status);
            let hint = match problem.code.as_str() {
                "unauthenticated" => Some("watchtower login, or set WATCHTOWER_TOKEN".into()),
                _ => problem.hint,
            };
            let message = if problem.detail.is_empty() { problem.title } else { problem.detail };
            return Failure { exit, code: problem.code, message, hint, request_id: Some(problem.request_id) };
        }
        if let Ok(error) = serde_json::from_str::<Value>(text)
            && let (Some(kind), Some(message)) = (error["errorType"].as_str(), error["error"].as_str())
        {
            return Failure::new(Exit::of_problem(kind, status), kind, message);
        }
        self.foreign(status, text)
    }

    /// An answer that no hub gives: a proxy in between, or another program on the port.
    fn foreign(&self, status: u16, text: &str) -> Failure {
        let exit = match status {
            502..=504 => Exit::Unreachable,
            _ => Exit::of_problem("", status),
        };
        let quote: String = text.chars().filter(|c| !c.is_control()).take(FOREIGN_CHARS_MAX).collect();
        let message = format!("{} answered {status} but not as a hub does: {quote}", self.url);
        Failure::new(exit, "not_a_hub", message).hint("check the URL, and any proxy in front of the hub")
    }
}

pub struct Answer {
    pub value: Value,
    pub date: Option<String>,
    pub cookie: Option<String>,
}

pub fn word(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

fn with_query(path: String, query: &Query) -> String {
    let pairs: Vec<_> =
        query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) }
}

/// A proxy of the environment is never meant for this machine itself.
fn is_loopback(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or("");
    ["127.", "localhost", "[::1]"].iter().any(|own| host.starts_with(own))
}

fn tls(path: &std::path::Path) -> Result<TlsConfig, Failure> {
    let fail = |e: String| Failure::new(Exit::Usage, "config", format!("ca_file {}: {e}", path.display()));
    let pem = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
    let mut roots = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|e| fail(e.to_string()))? {
            roots.push(certificate);
        }
    }
    if roots.is_empty() {
        return Err(fail("has no certificate in PEM".into()));
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::Specific(std::sync::Arc::new(roots))).build())
}
