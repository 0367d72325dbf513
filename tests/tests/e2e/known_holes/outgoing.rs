//! Connections that the hub was made to open for others.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};

/// Longer than any answer is quoted, with a secret at both ends.
const SECRET: &str = "AKIAIOSFODNN7EXAMPLEKEY";

/// CVE-2026-46717, CVE-2026-47268 (Nezha): a notification went to whatever address a member wrote down, metadata services included, and
/// the answer was shown. Uptime Kuma had no boundary at all.
#[test]
fn a_webhook_reaches_nothing_local_and_quotes_no_secret() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    for url in [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://0.0.0.0:1/",
        "http://[::1]:1/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://metadata.google.internal/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        // Its own listeners: not even where this machine's loopback is excepted, as it is here.
        &hub.url(),
        &format!("https://{}/", hub.agent_address()),
    ] {
        let (delivered, said) = try_out(&api, url);
        assert!(!delivered, "{url}: {said}");
        assert!(!said.contains("root:") && !said.contains("ami-"), "{url}: {said}");
    }
    // An address that is allowed: what it answers is cut short, in one line, without what looks like a secret.
    let (delivered, said) = try_out(&api, &answering());
    assert!(!delivered && said.contains("500"), "{said}");
    assert!(said.len() < 1_000 && !said.contains(SECRET) && !said.contains("the-end"), "{said}");
}

/// Whether a test message was delivered there, and everything that the hub said of it.
fn try_out(api: &Api, url: &str) -> (bool, String) {
    let config = json!({"kind": "webhook", "url": url, "secret": "0123456789abcdef0123456789abcdef"});
    let channel = json!({"name": "try", "config": config});
    let answer = api.call("POST", "/api/v1/channels", Some(&channel));
    if answer.status >= 300 {
        assert_eq!(answer.status, 422, "{url}: {}", answer.body);
        return (false, answer.body.to_string());
    }
    let test: Value = api.call("POST", "/api/v1/channels/try/test", None).body;
    assert_eq!(api.status("DELETE", "/api/v1/channels/try", None), Some(204));
    (test["delivered"] == true, test.to_string())
}

/// A receiver that answers each call with an error and a long page.
fn answering() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let body = format!("token={SECRET}\r\n{}the-end {SECRET}", "page ".repeat(2_000));
            let answer = format!(
                "HTTP/1.1 500 Internal Server Error\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}/")
}
