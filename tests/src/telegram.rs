//! Telegram's Bot API as its documentation has it, for one bot: what it does not know is a fault.
//!
//! Updates stay until one asks for a later one; of two that ask at once the first is told 409.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use watchtower_testkit::wait;

use crate::call::Call;

/// The bot's token.
pub const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
/// It may answer earlier than it is asked to.
const LONGEST_POLL: Duration = Duration::from_secs(2);

#[derive(Default)]
struct State {
    /// Messages that it was given, by their number from 1.
    sent: Vec<Value>,
    updates: Vec<Value>,
    next_update: i64,
    /// Who asks now; a later one takes the place.
    asking: u64,
    offsets: Vec<i64>,
    conflicts: u32,
    answers: Vec<Value>,
    edits: Vec<Value>,
    faults: Vec<String>,
}

/// Listens for as long as the process lives.
pub struct Telegram {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Telegram {
    pub fn start() -> Telegram {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let state = Arc::new(Mutex::new(State { next_update: 500, ..State::default() }));
        let into = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&into);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Telegram { port, state }
    }

    /// A channel to this chat.
    pub fn config(&self, chat: &str) -> Value {
        let url = format!("http://127.0.0.1:{}", self.port);
        json!({"kind": "telegram", "token": TOKEN, "chat": chat, "api_url": url})
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The message of this number, from 1, once it is there.
    pub fn message(&self, number: usize, timeout: Duration) -> Value {
        wait::until(timeout, "the message in Telegram", || self.state().sent.get(number - 1).cloned())
    }

    /// Somebody presses the first button below a message; `chat` is where Telegram says it was.
    pub fn press(&self, number: usize, chat: &Value, by: &str) {
        let mut state = self.state();
        let message = state.sent[number - 1].clone();
        let keyboard = &message["reply_markup"];
        let data = keyboard["inline_keyboard"][0][0]["callback_data"].clone();
        state.next_update += 1;
        let id = state.next_update;
        let below = json!({"message_id": number, "date": 1, "chat": chat, "text": message["text"], "reply_markup": keyboard});
        let from = json!({"id": 1, "is_bot": false, "first_name": "Ada", "username": by});
        let query =
            json!({"id": id.to_string(), "from": from, "message": below, "chat_instance": "1", "data": data});
        state.updates.push(json!({"update_id": id, "callback_query": query}));
    }

    /// The texts that presses were answered with.
    pub fn answers(&self) -> Vec<String> {
        self.state().answers.iter().filter_map(|one| one["text"].as_str().map(String::from)).collect()
    }

    /// The keyboards that took the place of others, with their messages.
    pub fn edits(&self) -> Vec<Value> {
        self.state().edits.clone()
    }

    /// What the bot was asked for, in order.
    pub fn offsets(&self) -> Vec<i64> {
        self.state().offsets.clone()
    }

    /// How often two asked at once.
    pub fn conflicts(&self) -> u32 {
        self.state().conflicts
    }

    /// Calls that Telegram would have refused.
    pub fn faults(&self) -> Vec<String> {
        self.state().faults.clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Ok(copy) = stream.try_clone() else { return };
    let Some(call) = Call::read(&mut BufReader::new(copy)) else { return };
    let (status, body) = answer(&call, state);
    let body = body.to_string();
    let head =
        format!("HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

fn answer(call: &Call, state: &Mutex<State>) -> (u16, Value) {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let method = call.path.strip_prefix(&format!("/bot{TOKEN}/")).unwrap_or("nothing");
    match method {
        "getUpdates" => return updates(&body, state),
        "sendMessage" => {
            let mut state = lock(state);
            state.sent.push(body);
            return good(json!({"message_id": state.sent.len()}));
        }
        "answerCallbackQuery" if body["callback_query_id"].is_string() && short(&body["text"], 200) => {
            lock(state).answers.push(body);
            return good(json!(true));
        }
        "editMessageReplyMarkup" if keyboard_is_good(&body) => {
            lock(state).edits.push(body);
            return good(json!(true));
        }
        _ => {}
    }
    lock(state).faults.push(format!("{} {body}", call.path));
    (400, json!({"ok": false, "error_code": 400, "description": "Bad Request"}))
}

fn good(result: Value) -> (u16, Value) {
    (200, json!({"ok": true, "result": result}))
}

fn short(text: &Value, max: usize) -> bool {
    text.as_str().is_some_and(|text| text.chars().count() <= max)
}

/// Each button has a text and either data of at most 64 bytes or an address.
fn keyboard_is_good(body: &Value) -> bool {
    let rows = body["reply_markup"]["inline_keyboard"].as_array();
    let button = |one: &Value| {
        let data = one["callback_data"].as_str().is_some_and(|data| (1..=64).contains(&data.len()));
        one["text"].is_string() && data != one["url"].is_string()
    };
    let good = |row: &Value| row.as_array().is_some_and(|row| row.iter().all(button));
    body["message_id"].is_i64() && body["chat_id"].is_i64() && rows.is_some_and(|rows| rows.iter().all(good))
}

fn updates(body: &Value, state: &Mutex<State>) -> (u16, Value) {
    let (offset, seconds) = (body["offset"].as_i64().unwrap_or(0), body["timeout"].as_u64().unwrap_or(0));
    let end = Instant::now() + Duration::from_secs(seconds).min(LONGEST_POLL);
    let me = {
        let mut state = lock(state);
        state.offsets.push(offset);
        state.updates.retain(|update| update["update_id"].as_i64() >= Some(offset));
        state.asking += 1;
        state.asking
    };
    loop {
        {
            let mut state = lock(state);
            if state.asking != me {
                state.conflicts += 1;
                return (
                    409,
                    json!({"ok": false, "error_code": 409, "description": "Conflict: terminated by other getUpdates request"}),
                );
            }
            if !state.updates.is_empty() || Instant::now() >= end {
                let limit = body["limit"].as_u64().unwrap_or(100) as usize;
                let found: Vec<Value> = state.updates.iter().take(limit).cloned().collect();
                // An answered question is no longer open.
                state.asking += 1;
                return good(json!(found));
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
