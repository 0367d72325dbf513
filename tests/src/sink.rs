//! A receiver of signed webhooks, as somebody outside would write it from the documentation.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::hmac;
use serde_json::Value;
use watchtower_testkit::wait;

use crate::call::Call;

/// Shared with the hub when the channel is made.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
const TAKEN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const BUSY: &[u8] = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
const GONE: &[u8] = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";

/// How a call is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Takes,
    Busy,
    Gone,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Received {
    /// Milliseconds since the epoch.
    pub at_ms: i64,
    pub delivery: String,
    pub signature_valid: bool,
    pub body: Value,
}

impl Received {
    /// `incident.triggered`, ...
    pub fn event(&self) -> &str {
        self.body["event"].as_str().unwrap_or("")
    }

    pub fn incident(&self) -> i64 {
        self.body["incident"]["number"].as_i64().unwrap_or(0)
    }
}

/// Listens for as long as the process lives.
pub struct Sink {
    port: u16,
    calls: Arc<Mutex<Vec<Received>>>,
    mood: Arc<Mutex<Mood>>,
}

impl Sink {
    pub fn start() -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let mood = Arc::new(Mutex::new(Mood::Takes));
        let (into, answers) = (Arc::clone(&calls), Arc::clone(&mood));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (into, answers) = (Arc::clone(&into), Arc::clone(&answers));
                std::thread::spawn(move || serve(stream, &into, &answers));
            }
        });
        Sink { port, calls, mood }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Whether it answers 503 and takes nothing.
    pub fn set_busy(&self, busy: bool) {
        self.set(if busy { Mood::Busy } else { Mood::Takes });
    }

    /// From now on it answers 410, which no later try will change.
    pub fn set_gone(&self) {
        self.set(Mood::Gone);
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().expect("no holder panics") = mood;
    }

    /// Everything received so far, in order.
    pub fn calls(&self) -> Vec<Received> {
        self.calls.lock().expect("no test panics while it holds the calls").clone()
    }

    /// The first call that matches.
    ///
    /// # Panics
    /// If none comes in time, with what came.
    pub fn wait(&self, timeout: Duration, what: &str, matches: impl Fn(&Received) -> bool) -> Received {
        let what = format!("the webhook {what}");
        wait::until(timeout, &what, || self.calls().into_iter().find(|call| matches(call)))
    }
}

fn serve(mut stream: TcpStream, into: &Mutex<Vec<Received>>, mood: &Mutex<Mood>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
    let Ok(copy) = stream.try_clone() else { return };
    let mut reader = BufReader::new(copy);
    while let Some(call) = Call::read(&mut reader) {
        let mood = *mood.lock().expect("no holder panics");
        let answer: &[u8] = match mood {
            Mood::Takes => TAKEN,
            Mood::Busy => BUSY,
            Mood::Gone => GONE,
        };
        if mood == Mood::Takes {
            into.lock().expect("no test panics while it holds the calls").push(received(&call));
        }
        if stream.write_all(answer).is_err() {
            return;
        }
    }
}

fn received(call: &Call) -> Received {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Received {
        at_ms: now.as_millis() as i64,
        delivery: call.header("x-watchtower-delivery").into(),
        signature_valid: signed(call),
        body: serde_json::from_slice(&call.body).unwrap_or(Value::Null),
    }
}

/// Whether the call's signature is that of [`SECRET`]: `v1=` and the hex HMAC-SHA256 of `<timestamp>.<body>`; timestamps more than
/// five minutes off are refused.
pub fn signed(call: &Call) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let timestamp = call.header("x-watchtower-timestamp");
    let fresh = timestamp.parse::<u64>().is_ok_and(|at| at.abs_diff(now) <= 300);
    let Some(hex) = call.header("x-watchtower-signature").strip_prefix("v1=") else { return false };
    let bytes: Option<Vec<u8>> =
        (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok()).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let text = [timestamp.as_bytes(), b".", &call.body].concat();
    fresh && bytes.is_some_and(|bytes| hmac::verify(&key, &text, &bytes).is_ok())
}
