//! Hostile requests to the API: each gets a clear error and changes nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_tests::api::{Answer, Api};
use watchtower_tests::hub::{Hub, Setup};

/// Names of everything there is.
fn everything(api: &Api) -> Value {
    let mut all = json!({});
    for noun in [
        "servers",
        "rules",
        "services",
        "teams",
        "routes",
        "policies",
        "channels",
        "scripts",
        "automations",
        "users",
        "tokens",
        "incidents",
        "runs",
        "deployments",
        "host-keys",
        "credentials",
        "events",
    ] {
        all[noun] = api
            .list(&format!("/{noun}?limit=500"))
            .iter()
            .map(|item| json!([item["id"], item["name"]]))
            .collect();
    }
    all
}

/// A problem of RFC 9457 that says what is wrong.
fn is_clear(answer: &Answer) -> bool {
    (400..500).contains(&answer.status)
        && answer.kind == "application/problem+json"
        && answer.body["status"] == answer.status
        && ["code", "detail", "request_id"]
            .iter()
            .all(|field| answer.body[*field].as_str().is_some_and(|t| !t.is_empty()))
}

/// Method, path and body of each request.
type Request = (&'static str, &'static str, Vec<u8>);

fn requests() -> Vec<Request> {
    let long = "x".repeat(100_000);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    vec![
        ("POST", "/servers", b"{".to_vec()),
        ("POST", "/servers", b"null".to_vec()),
        ("POST", "/servers", b"[]".to_vec()),
        ("POST", "/servers", vec![0xff, 0xfe, b'{', b'}']),
        ("POST", "/servers", deep.into_bytes()),
        ("POST", "/servers", br#"{"name": "a", "unheard_of": 1}"#.to_vec()),
        ("POST", "/servers", br#"{"name": "a", "name": "b"}"#.to_vec()),
        ("POST", "/servers", br#"{"name": ""}"#.to_vec()),
        ("POST", "/servers", br#"{"name": "a\u0000b"}"#.to_vec()),
        ("POST", "/servers", br#"{"name": "a\nb"}"#.to_vec()),
        ("POST", "/servers", br#"{"name": "<script>alert(1)</script>/../x"}"#.to_vec()),
        ("POST", "/servers", json!({"name": &long}).to_string().into_bytes()),
        ("POST", "/servers", br#"{"name": "a", "labels": {"job": "x"}}"#.to_vec()),
        ("POST", "/servers", br#"{"name": "a", "labels": {"__name__": "x"}}"#.to_vec()),
        ("POST", "/servers", br#"{"name": "a", "labels": {"bad name": "x"}}"#.to_vec()),
        ("POST", "/rules", br#"{"name": "r", "kind": "metric", "expr": "sum("}"#.to_vec()),
        ("POST", "/rules", json!({"name": "r", "kind": "metric", "expr": "(".repeat(50_000)}).to_string().into_bytes()),
        ("POST", "/rules", br#"{"name": "r", "kind": "metric", "expr": "up", "for_seconds": -1}"#.to_vec()),
        ("POST", "/rules", br#"{"name": "r", "kind": "metric", "expr": "up", "for_seconds": 1e300}"#.to_vec()),
        ("POST", "/rules", br#"{"name": "r", "kind": "quantum"}"#.to_vec()),
        ("POST", "/rules", br#"{"name": "r", "kind": "metric", "expr": "up", "annotations": {"summary": "{{ range"}}"#.to_vec()),
        ("POST", "/events", br#"{"kind": "Not A Kind", "message": "x"}"#.to_vec()),
        ("POST", "/events", br#"{"kind": "a.b", "message": "line\nline"}"#.to_vec()),
        ("POST", "/events", br#"{"kind": "a.b", "message": "x", "server": "nobody"}"#.to_vec()),
        ("POST", "/channels", br#"{"name": "c", "config": {"kind": "webhook", "url": "file:///etc/passwd"}}"#.to_vec()),
        ("POST", "/channels", br#"{"name": "c", "config": {"kind": "webhook", "url": "http://a b/"}}"#.to_vec()),
        ("POST", "/channels", br#"{"name": "c", "config": {"kind": "email", "to": ["a@b\r\nBcc: x@y"], "from": "a@b", "host": "h", "port": 25, "security": "plain"}}"#.to_vec()),
        ("POST", "/routes", br#"{"matchers": "env=~\"(\"", "service_id": "0199b2f0-7d3c-7a10-8c5e-2f1d6a9b4c11"}"#.to_vec()),
        ("POST", "/services", br#"{"name": "s", "policy_id": "not-an-id"}"#.to_vec()),
        ("POST", "/policies", br#"{"name": "p", "steps": []}"#.to_vec()),
        ("POST", "/scripts", br#"{"name": "s", "body": "true", "parameters": [{"name": "LD_PRELOAD", "kind": "text"}]}"#.to_vec()),
        ("POST", "/scripts", br#"{"name": "s", "body": "true", "parameters": [{"name": "a b", "kind": "text"}]}"#.to_vec()),
        ("POST", "/scripts", json!({"name": "s", "body": "x".repeat(3 << 20)}).to_string().into_bytes()),
        ("POST", "/runs", br#"{"script": "nobody", "on": "env=\"a\""}"#.to_vec()),
        ("POST", "/runs/exec", br#"{"command": ["true"], "on": ""}"#.to_vec()),
        ("POST", "/runs/exec", br#"{"command": [], "on": "name=~\".+\""}"#.to_vec()),
        ("POST", "/incidents", br#"{"title": "a\u001bb"}"#.to_vec()),
        ("POST", "/users", br#"{"name": "u", "password": "short", "role": "admin"}"#.to_vec()),
        ("POST", "/users", br#"{"name": "u", "password": "correct horse battery", "role": "god"}"#.to_vec()),
        ("POST", "/tokens", br#"{"name": "t", "role": "viewer", "servers": "env=~\"(\""}"#.to_vec()),
        ("GET", "/servers/%00", vec![]),
        ("GET", "/servers/..%2f..%2fetc%2fpasswd", vec![]),
        ("GET", "/servers?limit=999999", vec![]),
        ("GET", "/servers?unheard=1", vec![]),
        ("GET", "/events?kind=%5C", vec![]),
        ("GET", "/incidents/99999999999999999999", vec![]),
        ("GET", "/nowhere", vec![]),
        ("PATCH", "/me", b"{}".to_vec()),
    ]
}

/// What would make the hub connect somewhere, or keep a secret that is none.
fn ssh_requests() -> Vec<Request> {
    let long = "x".repeat(100_000);
    vec![
        ("POST", "/deployments", br#"{"targets": [], "ssh": {"password": "x"}}"#.to_vec()),
        ("POST", "/deployments", br#"{"targets": [{"host": "h"}]}"#.to_vec()),
        (
            "POST",
            "/deployments",
            br#"{"targets": [{"host": "-oProxyCommand=id"}], "ssh": {"password": "x"}}"#.to_vec(),
        ),
        (
            "POST",
            "/deployments",
            br#"{"targets": [{"host": "h", "user": "-x"}], "ssh": {"password": "x"}}"#.to_vec(),
        ),
        (
            "POST",
            "/deployments",
            br#"{"targets": [{"host": "h"}, {"host": "H"}], "ssh": {"password": "x"}}"#.to_vec(),
        ),
        (
            "POST",
            "/deployments",
            br#"{"targets": [{"host": "h", "port": 0}], "ssh": {"password": "x"}}"#.to_vec(),
        ),
        ("POST", "/deployments", br#"{"targets": [{"host": "h"}], "ssh": {"password": "a\nb"}}"#.to_vec()),
        (
            "POST",
            "/deployments",
            br#"{"targets": [{"host": "h"}], "ssh": {"password": "x", "jump": ["g-[1..3]"]}}"#.to_vec(),
        ),
        (
            "POST",
            "/deployments",
            br#"{"targets": [{"host": "h"}], "ssh": {"credential": "nobody"}}"#.to_vec(),
        ),
        (
            "POST",
            "/deployments",
            json!({"targets": vec![json!({"host": "h"}); 501], "ssh": {"password": "x"}})
                .to_string()
                .into_bytes(),
        ),
        (
            "POST",
            "/deployments",
            json!({"targets": [{"host": "h"}], "ssh": {"private_key": &long}}).to_string().into_bytes(),
        ),
        ("POST", "/deployments/targets", json!({"text": "x".repeat(300_000)}).to_string().into_bytes()),
        ("POST", "/deployments/host-key", br#"{"host": "127.0.0.1", "port": 9}"#.to_vec()),
        ("POST", "/host-keys", br#"{"host": "h", "fingerprint": "MD5:00"}"#.to_vec()),
        ("POST", "/host-keys/nobody/revoke", b"{}".to_vec()),
        ("POST", "/credentials", br#"{"name": "c", "user": "u"}"#.to_vec()),
        (
            "POST",
            "/credentials",
            br#"{"name": "c", "user": "u", "password": "a", "private_key": "b"}"#.to_vec(),
        ),
    ]
}

#[test]
fn hostile_json_gets_a_clear_error_and_changes_nothing() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let before = everything(&api);
    let mut wrong = Vec::new();
    for (method, path, body) in requests().iter().chain(&ssh_requests()) {
        let kind = if body.is_empty() { "" } else { "application/json" };
        let sent = String::from_utf8_lossy(&body[..body.len().min(120)]).into_owned();
        match api.raw(method, &format!("/api/v1{path}"), kind, body) {
            // Nothing has this kind; asking for it is no mistake.
            Ok(answer) if *path == "/events?kind=%5C" && answer.body["items"] == json!([]) => {}
            Ok(answer) if is_clear(&answer) => {}
            Ok(answer) => wrong
                .push(format!("{method} {path} {sent}: {} {} {}", answer.status, answer.kind, answer.body)),
            Err(error) => wrong.push(format!("{method} {path} {sent}: {error}")),
        }
    }
    let form = api.raw("POST", "/api/v1/servers", "text/plain", br#"{"name": "a"}"#).unwrap();
    assert!(is_clear(&form), "a form of another site was taken: {form:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(everything(&api), before, "something was changed");
}

#[test]
fn queries_that_would_take_everything_are_refused() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    for (path, expected) in [
        ("query?query=sum(", 400),
        ("query?query=", 400),
        ("query_range?query=up&start=0&end=9999999999&step=0.001", 400),
        ("query_range?query=up&start=10&end=0&step=1", 400),
        ("query_range?query=up&start=0&end=10&step=0", 400),
        ("query?query=up&time=NaN", 400),
        ("series", 400),
    ] {
        let answer = api.call("GET", &format!("/prometheus/api/v1/{path}"), None);
        assert_eq!(answer.status, expected, "{path}: {}", answer.body);
        assert_eq!(answer.body["status"], "error", "{path}: {}", answer.body);
        assert!(
            answer.body["errorType"].is_string() && answer.body["error"].is_string(),
            "{path}: {}",
            answer.body
        );
    }
}

/// Bytes that are no HTTP at all, and a request that never ends: the hub goes on for everybody else.
#[test]
fn broken_http_harms_nobody_else() {
    let hub = Hub::start(Setup::default());
    let address = hub.url().trim_start_matches("http://").to_string();
    let mut open = Vec::new();
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00".to_vec(),
        b"GET /".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(1 << 20)).into_bytes(),
        b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n".to_vec(),
        b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
    ] {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        // The hub may close while we are still talking.
        let _ = stream.write_all(&bytes);
        let mut answer = [0; 64];
        let n = stream.read(&mut answer).unwrap_or(0);
        assert!(!answer[..n].starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer[..n]));
        open.push(stream);
    }
    assert_eq!(hub.api().call("GET", "/readyz", None).status, 200);
}
