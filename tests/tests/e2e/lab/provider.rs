//! A strict provider of messages: it checks and remembers each call, is busy at times, and at times goes away after it has taken one.

use std::collections::BTreeSet;
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use watchtower_tests::call::Call;
use watchtower_tests::random::Random;
use watchtower_tests::sink::signed;

use super::story::key_of;

/// Of a thousand calls so many are answered by 503, and so many not at all.
const BUSY_PER_MILLE: usize = 20;
const CUT_PER_MILLE: usize = 10;
/// The slowest answer, in milliseconds: what is under way when a hub dies.
const SLOWEST_MS: usize = 200;

/// What the sender heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Taken,
    /// 503: it is to come again.
    Busy,
    /// Taken, but the connection ended without a word.
    Cut,
}

/// One whole call.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// When its first line was read.
    pub at: Instant,
    pub answer: Answer,
    /// Which channel: the steps of the policy from 0, then the catch-all.
    pub place: usize,
    /// Its idempotency key.
    pub key: String,
    pub event: String,
    /// The key of its story.
    pub story: String,
    pub number: i64,
}

impl Arrival {
    pub fn is_page(&self) -> bool {
        self.event == "incident.triggered"
    }
}

#[derive(Default)]
struct Seen {
    arrivals: Vec<Arrival>,
    /// What no sender of ours may send.
    wrong: Vec<String>,
}

/// Listens for as long as the process lives.
#[derive(Clone)]
pub struct Provider {
    port: u16,
    seen: Arc<Mutex<Seen>>,
    random: Arc<Mutex<Random>>,
}

impl Provider {
    pub fn start(seed: u64) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let random = Arc::new(Mutex::new(Random(seed.max(1))));
        let provider = Provider { port, seen: Arc::default(), random };
        let own = provider.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = own.clone();
                std::thread::spawn(move || own.serve(stream));
            }
        });
        provider
    }

    /// Of the channel at this place.
    pub fn url(&self, place: usize) -> String {
        format!("http://127.0.0.1:{}/{place}", self.port)
    }

    pub fn arrivals(&self) -> Vec<Arrival> {
        self.seen.lock().expect("no holder panics").arrivals.clone()
    }

    /// At how many places somebody was paged for this incident; with `since`, by messages of which nothing was heard before.
    pub fn places_heard(&self, story: &str, since: Option<&Instant>) -> usize {
        let seen = self.seen.lock().expect("no holder panics");
        let of: Vec<&Arrival> = seen.arrivals.iter().filter(|a| a.story == story && a.is_page()).collect();
        let before = |key: &str| of.iter().any(|a| a.key == key && since.is_some_and(|since| a.at < *since));
        let heard = of.iter().filter(|a| a.answer != Answer::Busy && !before(&a.key));
        heard.map(|a| a.place).collect::<BTreeSet<usize>>().len()
    }

    /// The incident's number, once a message named it.
    pub fn number_of(&self, story: &str) -> Option<i64> {
        let seen = self.seen.lock().expect("no holder panics");
        seen.arrivals.iter().find(|a| a.story == story).map(|a| a.number)
    }

    /// What was wrong with calls, in words.
    pub fn wrong(&self) -> Vec<String> {
        self.seen.lock().expect("no holder panics").wrong.clone()
    }

    fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(120)));
        let Ok(copy) = stream.try_clone() else { return };
        let mut reader = BufReader::new(copy);
        while let Some(call) = Call::read(&mut reader) {
            let (answer, wait) = self.choose();
            {
                let mut seen = self.seen.lock().expect("no holder panics");
                match judge(&call, answer) {
                    Ok(arrival) => seen.arrivals.push(arrival),
                    Err(why) => seen.wrong.push(format!("{why}: {call:?}")),
                }
            }
            std::thread::sleep(wait);
            let text: &[u8] = match answer {
                Answer::Cut => return,
                Answer::Busy => b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
                Answer::Taken => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            };
            if stream.write_all(text).is_err() {
                return;
            }
        }
    }

    fn choose(&self) -> (Answer, Duration) {
        let mut random = self.random.lock().expect("no holder panics");
        let answer = match random.below(1000) {
            n if n < BUSY_PER_MILLE => Answer::Busy,
            n if n < BUSY_PER_MILLE + CUT_PER_MILLE => Answer::Cut,
            _ => Answer::Taken,
        };
        (answer, Duration::from_millis(random.below(SLOWEST_MS) as u64))
    }
}

fn judge(call: &Call, answer: Answer) -> Result<Arrival, &'static str> {
    if !signed(call) {
        return Err("the signature is not that of the channel's secret");
    }
    let body: Value = serde_json::from_slice(&call.body).map_err(|_| "the body is not JSON")?;
    let text = |value: &Value| value.as_str().unwrap_or("").to_string();
    let arrival = Arrival {
        at: call.at,
        answer,
        place: call.path.trim_start_matches('/').parse().map_err(|_| "no channel has this path")?,
        key: call.header("x-watchtower-delivery").into(),
        event: text(&body["event"]),
        story: key_of(&text(&body["incident"]["title"])).into(),
        number: body["incident"]["number"].as_i64().unwrap_or(0),
    };
    let key_fits = !arrival.key.is_empty() && body["delivery"] == arrival.key.as_str();
    match (body["version"] == 1, key_fits, arrival.number > 0) {
        (false, ..) => Err("another version of the body"),
        (_, false, _) => Err("the idempotency key is missing, or differs in header and body"),
        (.., false) => Err("it names no incident"),
        _ => Ok(arrival),
    }
}
