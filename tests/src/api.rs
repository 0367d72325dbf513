//! The hub's HTTP API as a client sees it: JSON in, status and JSON out.

use std::time::Duration;

use serde_json::Value;
use ureq::http::Request;

const TIMEOUT: Duration = Duration::from_secs(30);

/// One caller.
#[derive(Clone)]
pub struct Api {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
    scheme: &'static str,
    /// A session in place of a token.
    cookie: Option<String>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// The content type without parameters.
    pub kind: String,
    /// Seconds that the caller should wait.
    pub retry_after: Option<u64>,
    /// Null when the body is empty; a string when it is not JSON.
    pub body: Value,
}

impl Api {
    pub fn new(base: &str, token: Option<&str>) -> Api {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            // A server may close after an answer that came before the body was read: a kept connection would then fail.
            .max_idle_connections(0)
            .build();
        Api {
            agent: config.into(),
            base: base.into(),
            token: token.map(Into::into),
            scheme: "Bearer",
            cookie: None,
        }
    }

    /// The same hub by a key of another scheme.
    pub fn with_key(&self, scheme: &'static str, key: &str) -> Api {
        Api { token: Some(key.into()), scheme, cookie: None, ..self.clone() }
    }

    /// The same hub as somebody else.
    pub fn with_token(&self, token: Option<&str>) -> Api {
        Api { token: token.map(Into::into), cookie: None, ..self.clone() }
    }

    /// The same hub as a person who has just signed in, as a browser would.
    ///
    /// # Panics
    /// If the hub does not let them in.
    pub fn signed_in(&self, name: &str, password: &str) -> Api {
        let body = serde_json::json!({"name": name, "password": password}).to_string();
        let request = Request::builder()
            .method("POST")
            .uri(format!("{}/api/v1/login", self.base))
            .header("Content-Type", "application/json")
            .header("Origin", &self.base)
            .body(body.into_bytes())
            .expect("the request is well formed");
        let response = self.agent.run(request).expect("the hub answers");
        let cookie = response.headers().get("set-cookie").and_then(|value| value.to_str().ok());
        let cookie = cookie.and_then(|text| text.split(';').next()).expect("a session begins").to_string();
        Api { token: None, cookie: Some(cookie), ..self.clone() }
    }

    /// The same hub with another session's cookie.
    pub fn with_cookie(&self, cookie: &str) -> Api {
        Api { token: None, cookie: Some(cookie.into()), ..self.clone() }
    }

    /// The session's cookie, for requests that are made by hand.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// One call with raw bytes. An error is a broken connection.
    pub fn raw(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("{} {token}", self.scheme));
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("Cookie", cookie).header("Origin", &self.base);
        }
        if !kind.is_empty() {
            request = request.header("Content-Type", kind);
        }
        let request = request.body(body.to_vec()).map_err(|e| e.to_string())?;
        let mut response = self.agent.run(request).map_err(|e| e.to_string())?;
        let kind = response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("");
        let kind = kind.split(';').next().unwrap_or("").to_string();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.parse().ok());
        let text =
            response.body_mut().with_config().limit(64 << 20).read_to_string().map_err(|e| e.to_string())?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        Ok(Answer { status: response.status().as_u16(), kind, retry_after, body })
    }

    /// One call below `/api/v1` (or elsewhere: paths that begin with `/api` or `/prometheus` are whole).
    ///
    /// # Panics
    /// If there is no answer at all.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.try_call(method, path, body).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    fn try_call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, String> {
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let kind = if body.is_some() { "application/json" } else { "" };
        self.raw(method, path, kind, bytes.as_bytes())
    }

    /// The status alone; `None` when there is no answer.
    pub fn status(&self, method: &str, path: &str, body: Option<&Value>) -> Option<u16> {
        self.try_call(method, path, body).ok().map(|answer| answer.status)
    }

    /// # Panics
    /// Unless the answer is 2xx.
    pub fn get(&self, path: &str) -> Value {
        self.good("GET", path, None)
    }

    /// # Panics
    /// Unless the answer is 2xx.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.good("POST", path, Some(body))
    }

    /// # Panics
    /// Unless the answer is 2xx.
    pub fn put(&self, path: &str, body: &Value) -> Value {
        self.good("PUT", path, Some(body))
    }

    fn good(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let path = format!("/api/v1{path}");
        let answer = self.call(method, &path, body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.body);
        answer.body
    }

    /// `items` of a list.
    pub fn list(&self, path: &str) -> Vec<Value> {
        self.get(path)["items"].as_array().cloned().unwrap_or_default()
    }

    /// An instant query of the PromQL API: the result's vector or matrix.
    ///
    /// # Panics
    /// If the query fails.
    pub fn promql(&self, query: &str) -> Vec<Value> {
        let path = format!("/prometheus/api/v1/query?query={}", encode(query));
        let answer = self.call("GET", &path, None);
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        answer.body["data"]["result"].as_array().cloned().unwrap_or_default()
    }
}

/// Percent-encodes all but unreserved characters.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => (byte as char).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
