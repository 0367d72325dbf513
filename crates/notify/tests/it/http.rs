//! Webhook and Slack.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use watchtower_notify::{
    ChannelConfig, FailureKind, Message, SlackConfig, WebhookConfig, Words, deliver, sign,
};

use crate::{ACKNOWLEDGE_URL, egress, message};

pub struct Request {
    head: String,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        let found =
            self.head.lines().find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)));
        found.unwrap_or_else(|| panic!("no {name} in {}", self.head)).1
    }
}

/// Answers one request per given answer, and hands back what it was asked.
pub async fn server(answers: Vec<&'static str>) -> (String, tokio::task::JoinHandle<Vec<Request>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook/secret-path", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let mut request = Request { head: String::from_utf8(head).unwrap(), body: Vec::new() };
            request.body.resize(request.header("content-length").parse().unwrap(), 0);
            stream.read_exact(&mut request.body).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            requests.push(request);
        }
        requests
    });
    (url, task)
}

pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const BUSY: &str = "HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n";
pub const GONE: &str = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";
const MOVED: &str = "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_webhook_is_signed_and_keeps_its_key_over_retries() {
    let (url, server) = server(vec![BUSY, OK]).await;
    let channel = ChannelConfig::Webhook(WebhookConfig { url, secret: "0123456789abcdef".into() });
    let egress = egress(Vec::new());
    let key = "0199-3-0-1-user-x";
    let busy = deliver(&egress, &channel, &message(), key).await.unwrap_err();
    assert_eq!((busy.kind, busy.retry_after), (FailureKind::Temporary, Some(Duration::from_secs(9))));
    let receipt = deliver(&egress, &channel, &message(), key).await.unwrap();
    assert_eq!(receipt.detail, "the receiver answered 200 ok");

    let requests = server.await.unwrap();
    assert_eq!(requests[0].body, requests[1].body, "a retry says the same");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for request in &requests {
        assert_eq!(request.header("x-watchtower-delivery"), key);
        let timestamp: u64 = request.header("x-watchtower-timestamp").parse().unwrap();
        assert!(now.abs_diff(timestamp) < 60);
        assert_eq!(
            request.header("x-watchtower-signature"),
            sign("0123456789abcdef", timestamp, &request.body)
        );
    }
    let body: serde_json::Value = serde_json::from_slice(&requests[1].body).unwrap();
    assert_eq!(body["event"], "incident.triggered");
    assert_eq!(body["incident"]["number"], 142);
    assert_eq!(body["incident"]["severity"], "critical");
    assert_eq!(body["output"], "no space left on device");
    assert_eq!(body["acknowledge_url"], ACKNOWLEDGE_URL);
}

#[tokio::test]
async fn a_document_of_its_own_is_sent_as_it_is_and_signed() {
    let (url, server) = server(vec![OK]).await;
    let channel = ChannelConfig::Webhook(WebhookConfig { url, secret: "0123456789abcdef".into() });
    let document = "{\n\t\"text\": \"a \\\"b\\\" é\"\n}\n";
    let words = Words { body: Some(document.into()), title: None };
    deliver(&egress(Vec::new()), &channel, &Message { words, ..message() }, "k").await.unwrap();
    let requests = server.await.unwrap();
    assert_eq!(String::from_utf8_lossy(&requests[0].body), document);
    assert_eq!(requests[0].header("content-type"), "application/json");
    let timestamp: u64 = requests[0].header("x-watchtower-timestamp").parse().unwrap();
    let signature = sign("0123456789abcdef", timestamp, document.as_bytes());
    assert_eq!(requests[0].header("x-watchtower-signature"), signature);
}

#[tokio::test]
async fn answers_tell_whether_to_try_again() {
    let (url, server) = server(vec![GONE, MOVED]).await;
    let channel = ChannelConfig::Slack(SlackConfig::new(url));
    let egress = egress(Vec::new());
    for _ in 0..2 {
        let error = deliver(&egress, &channel, &message(), "k").await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Permanent, "{error}");
        assert!(!error.to_string().contains("secret-path"), "{error}");
    }
    server.await.unwrap();
    let gone = deliver(&egress, &channel, &message(), "k").await.unwrap_err();
    assert_eq!(gone.kind, FailureKind::Temporary, "nobody listens any more: {gone}");
    assert!(!gone.to_string().contains("secret-path"), "{gone}");
    let metadata = ChannelConfig::Slack(SlackConfig::new("http://169.254.169.254/latest"));
    let refused = deliver(&egress, &metadata, &message(), "k").await.unwrap_err();
    assert_eq!(refused.kind, FailureKind::Permanent, "{refused}");
}

#[tokio::test]
async fn slack_gets_text_and_blocks() {
    let (url, server) = server(vec![OK]).await;
    let channel = ChannelConfig::Slack(SlackConfig::new(url));
    deliver(&egress(Vec::new()), &channel, &message(), "a key / with\nodd bytes").await.unwrap();
    let requests = server.await.unwrap();
    assert_eq!(requests[0].header("x-watchtower-delivery").len(), 64, "an odd key is hashed");
    let body: serde_json::Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(body["text"], "#142 triggered, critical: disk is full");
    assert_eq!(body["blocks"][0]["text"]["text"], body["text"]);
    assert!(body["blocks"][1]["text"]["text"].as_str().unwrap().contains("db on web-1"), "{body}");
    assert_eq!(body["blocks"][2]["text"]["text"], "```no space left on device```");
    let button = &body["blocks"][3]["elements"][0];
    assert_eq!((&button["type"], &button["url"]), (&"button".into(), &ACKNOWLEDGE_URL.into()));
    assert_eq!(body["blocks"][4]["text"]["text"], "<https://hub.example/i/142|Open>");
}
