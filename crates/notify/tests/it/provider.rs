//! A provider that follows a script: it answers the calls that it expects, in their order, and remembers every other as a fault.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Clone, Debug)]
pub struct Request {
    /// `POST /path`
    pub line: String,
    pub head: String,
    /// JSON, or a form as an object of texts.
    pub body: Value,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// What the provider expects, and what it says to that; `None`: nothing, for ever.
pub type Step = (String, Option<String>);

#[derive(Default)]
struct Seen {
    expected: Vec<Request>,
    faults: Vec<String>,
}

pub struct Provider {
    pub url: String,
    seen: Arc<Mutex<Seen>>,
    script: Arc<Mutex<Vec<Step>>>,
    task: JoinHandle<()>,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (seen, script) = (Arc::default(), Arc::default());
        let task = tokio::spawn(serve(listener, Arc::clone(&seen), Arc::clone(&script)));
        Provider { url, seen, script, task }
    }

    pub fn expect(&self, steps: Vec<Step>) {
        let mut script = self.script.lock().unwrap();
        assert!(script.is_empty(), "never called: {script:?}");
        *script = steps.into_iter().rev().collect();
    }

    /// The calls since the last time; fails if one was not expected, or one that was did not come.
    pub fn calls(&self) -> Vec<Request> {
        let mut seen = self.seen.lock().unwrap();
        assert!(seen.faults.is_empty(), "{:?}", seen.faults);
        let script = self.script.lock().unwrap();
        assert!(script.is_empty(), "never called: {script:?}");
        std::mem::take(&mut seen.expected)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, seen: Arc<Mutex<Seen>>, script: Arc<Mutex<Vec<Step>>>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read(&mut stream).await;
        let step = script.lock().unwrap().pop();
        let answer = match step {
            Some((line, answer)) if line == request.line => {
                seen.lock().unwrap().expected.push(request);
                answer
            }
            expected => {
                let fault = format!("{} where {expected:?} was expected", request.line);
                seen.lock().unwrap().faults.push(fault);
                Some(answer(404, "", "what is this?"))
            }
        };
        let Some(answer) = answer else {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(60)).await;
                drop(stream);
            });
            continue;
        };
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    }
}

async fn read(stream: &mut TcpStream) -> Request {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_string();
    let mut request = Request { line, head, body: Value::Null };
    let mut body = vec![0; request.header("content-length").map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    let body = String::from_utf8(body).unwrap();
    request.body = match request.header("content-type") {
        Some("application/json" | "application/json; charset=utf-8") => serde_json::from_str(&body).unwrap(),
        Some("application/x-www-form-urlencoded") => form(&body),
        other => panic!("content type {other:?}"),
    };
    request
}

fn form(body: &str) -> Value {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().to_string();
    let pairs = body.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs
        .map(|(name, value)| (name.to_string(), Value::from(decode(value))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

pub fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} Said\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}
