//! Twilio's API as its documentation has it, for one account, and the calls that it makes when people answer.

use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::hmac;
use serde_json::{Value, json};
use watchtower_testkit::wait;

use crate::api::encode;
use crate::call::Call;

pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "12345678901234567890123456789012";
/// Who is paged.
pub const PHONE: &str = "+4930123456";
const FROM: &str = "+15005550006";

/// Listens for as long as the process lives.
pub struct Twilio {
    port: u16,
    /// The forms of calls and messages, with the resource that they were sent to.
    taken: Arc<Mutex<Vec<BTreeMap<String, String>>>>,
}

impl Twilio {
    pub fn start() -> Twilio {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let into = Arc::clone(&into);
                std::thread::spawn(move || serve(stream, &into));
            }
        });
        Twilio { port, taken }
    }

    pub fn config(&self, voice: bool) -> Value {
        let url = format!("http://127.0.0.1:{}", self.port);
        json!({"kind": "twilio", "account": ACCOUNT, "token": TOKEN, "from": FROM, "phone": PHONE, "voice": voice, "api_url": url})
    }

    /// The form of this number, from 1, once it is there.
    pub fn form(&self, number: usize, timeout: Duration) -> BTreeMap<String, String> {
        wait::until(timeout, "the page by Twilio", || lock(&self.taken).get(number - 1).cloned())
    }
}

/// A form and its signature for the address that it is sent to, as Twilio makes them.
pub fn signed(url: &str, fields: &[(&str, &str)]) -> (String, String) {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let text = sorted.iter().fold(url.to_string(), |text, (name, value)| text + name + value);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, TOKEN.as_bytes());
    let signature = BASE64.encode(hmac::sign(&key, text.as_bytes()));
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    (pairs.join("&"), signature)
}

type Forms = Mutex<Vec<BTreeMap<String, String>>>;

fn lock(taken: &Forms) -> MutexGuard<'_, Vec<BTreeMap<String, String>>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: TcpStream, taken: &Forms) {
    let Ok(copy) = stream.try_clone() else { return };
    let Some(call) = Call::read(&mut BufReader::new(copy)) else { return };
    let login = format!("Basic {}", BASE64.encode(format!("{ACCOUNT}:{TOKEN}")));
    let known = ["Calls", "Messages"].map(|name| format!("/2010-04-01/Accounts/{ACCOUNT}/{name}.json"));
    let good = known.contains(&call.path) && call.header("authorization") == login;
    if good {
        let text = String::from_utf8_lossy(&call.body).into_owned();
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        lock(taken).push(pairs.map(|(name, value)| (name.to_string(), decode(value))).collect());
    }
    let (status, body) = if good { (201, r#"{"status":"queued"}"#) } else { (404, "{}") };
    let answer = format!(
        "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes());
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let value = hex.filter(|_| byte == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        rest = if value.is_some() { &after[2..] } else { after };
        bytes.push(value.unwrap_or(byte));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
