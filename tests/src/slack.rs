//! Slack's Web API as its documentation has it, for one app, and the calls that Slack makes when somebody presses a button.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::hmac;
use serde_json::{Value, json};
use watchtower_testkit::wait;

use crate::api::encode;
use crate::call::Call;

/// Of the app's bot.
const TOKEN: &str = "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzbqgy";
/// Signs what Slack sends.
pub const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
/// The conversation that the app is in.
pub const CONVERSATION: &str = "C024BE91L";

#[derive(Default)]
struct State {
    posted: Vec<Value>,
    changed: Vec<Value>,
    answers: Vec<Value>,
    faults: Vec<String>,
}

/// Listens for as long as the process lives.
pub struct Slack {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Slack {
    pub fn start() -> Slack {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let state = Arc::new(Mutex::new(State::default()));
        let into = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&into);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Slack { port, state }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A channel of the app.
    pub fn config(&self) -> Value {
        json!({"kind": "slack_app", "token": TOKEN, "signing_secret": SIGNING_SECRET, "channel": CONVERSATION, "api_url": self.url()})
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The message of this number, from 1, once it is there.
    pub fn message(&self, number: usize, timeout: Duration) -> Value {
        wait::until(timeout, "the message in Slack", || self.state().posted.get(number - 1).cloned())
    }

    pub fn posted(&self) -> usize {
        self.state().posted.len()
    }

    /// The first change of a message whose text has this in it.
    pub fn change(&self, part: &str, timeout: Duration) -> Value {
        wait::until(timeout, &format!("a message in Slack to say {part}"), || {
            let state = self.state();
            state
                .changed
                .iter()
                .find(|one| one["text"].as_str().is_some_and(|text| text.contains(part)))
                .cloned()
        })
    }

    /// What the nth press was answered with, from 1.
    pub fn answer(&self, number: usize, timeout: Duration) -> String {
        wait::until(timeout, "the press to be answered", || {
            self.state().answers.get(number - 1).and_then(|one| one["text"].as_str()).map(String::from)
        })
    }

    pub fn faults(&self) -> Vec<String> {
        self.state().faults.clone()
    }

    /// The form that Slack sends when somebody presses the button of a message.
    pub fn press(&self, message: &Value, conversation: &str, by: &str) -> String {
        let blocks = message["blocks"].as_array().cloned().unwrap_or_default();
        let buttons = blocks.iter().find(|block| block["type"] == "actions").cloned().unwrap_or_default();
        let button = &buttons["elements"][0];
        let action = json!({"type": "button", "action_id": button["action_id"], "block_id": "b", "value": button["value"]});
        let payload = json!({
            "type": "block_actions",
            "user": {"id": "U1", "username": by, "team_id": "T1"},
            "channel": {"id": conversation, "name": "ops"},
            "message": {"ts": "1.1", "text": message["text"], "blocks": blocks},
            "response_url": format!("{}/actions/T1/1/x", self.url()),
            "actions": [action],
        });
        format!("payload={}", encode(&payload.to_string()))
    }
}

/// The time, and the signature of it and a body, as Slack makes them.
pub fn signature(body: &str, age_seconds: u64) -> (String, String) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let timestamp = (now - age_seconds).to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SIGNING_SECRET.as_bytes());
    let tag = hmac::sign(&key, format!("v0:{timestamp}:{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    (timestamp, format!("v0={hex}"))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Ok(copy) = stream.try_clone() else { return };
    let Some(call) = Call::read(&mut BufReader::new(copy)) else { return };
    let body = answer(&call, state).to_string();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

fn answer(call: &Call, state: &Mutex<State>) -> Value {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let mut state = lock(state);
    let ours = call.header("authorization") == format!("Bearer {TOKEN}") && body["channel"] == CONVERSATION;
    let said = body["text"].is_string() && body["blocks"].as_array().is_some_and(|blocks| blocks.len() <= 50);
    match call.path.as_str() {
        "/chat.postMessage" if ours && said => {
            state.posted.push(body);
            let ts = format!("1503435956.{:06}", state.posted.len());
            json!({"ok": true, "channel": CONVERSATION, "ts": ts})
        }
        "/chat.update" if ours && said && known(&body["ts"], state.posted.len()) => {
            let ts = body["ts"].clone();
            state.changed.push(body);
            json!({"ok": true, "channel": CONVERSATION, "ts": ts})
        }
        "/actions/T1/1/x" if body["response_type"] == "ephemeral" => {
            state.answers.push(body);
            json!({"ok": true})
        }
        _ => {
            state.faults.push(format!("{} {body}", call.path));
            json!({"ok": false, "error": "invalid_arguments"})
        }
    }
}

fn known(ts: &Value, posted: usize) -> bool {
    (1..=posted).any(|number| *ts == format!("1503435956.{number:06}"))
}
