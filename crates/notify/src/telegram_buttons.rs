//! Buttons pressed below Telegram's messages: asked for by long poll, so that no address of the hub need be reachable.
//!
//! Source: <https://core.telegram.org/bots/api#getupdates>: an update is confirmed by asking for a later one; of two that ask at once for one
//! bot, one is told 409. A `callback_data` has at most 64 bytes. An answer that is longer than is read is passed over by its number.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use watchtower_egress::{Egress, HttpRequest, Method};

use crate::channel::Channel;
use crate::deliver::{HTTP_TIMEOUT, call};
use crate::text::{chars, cut};
use crate::{DeliveryError, TelegramConfig};

/// How long Telegram may keep the question open.
pub const POLL_WAIT: Duration = Duration::from_secs(25);
/// More than one would not fit into what is read of an answer.
const UPDATES_AT_ONCE: u32 = 1;
/// Of the notice that answers a press.
const NOTICE_CHARS_MAX: usize = 200;
/// Of a button.
const LABEL_CHARS_MAX: usize = 64;
const NAME_CHARS_MAX: usize = 64;
/// What a button holds that has been pressed: no token.
const DONE: &str = "-";

/// Somebody pressed a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Press {
    id: String,
    /// What the button holds.
    pub data: String,
    /// Who pressed it, as Telegram calls them; a single line.
    pub by: String,
    /// Between the bot and one person.
    pub private: bool,
    chat: i64,
    chat_name: Option<String>,
    message: i64,
    /// The rows of the message's keyboard that only open something.
    links: Vec<Value>,
}

/// What came of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polled {
    /// What to ask for next: it confirms everything before.
    pub next: i64,
    pub presses: Vec<Press>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    result: Vec<Update>,
}

#[derive(Deserialize)]
struct Update {
    update_id: i64,
    callback_query: Option<Query>,
}

#[derive(Deserialize)]
struct Query {
    id: String,
    from: Person,
    message: Option<Below>,
    data: Option<String>,
}

#[derive(Deserialize)]
struct Person {
    #[serde(default)]
    first_name: String,
    username: Option<String>,
}

#[derive(Deserialize)]
struct Below {
    message_id: i64,
    chat: Chat,
    #[serde(default)]
    reply_markup: Value,
}

#[derive(Deserialize)]
struct Chat {
    id: i64,
    #[serde(rename = "type", default)]
    kind: String,
    username: Option<String>,
}

impl TelegramConfig {
    /// What tells this bot from others; a secret.
    pub fn bot(&self) -> String {
        format!("{}/bot{}", self.destination(), self.token)
    }

    /// Whether it was pressed in the chat that this channel writes to.
    pub fn is_from_own_chat(&self, press: &Press) -> bool {
        match self.chat.strip_prefix('@') {
            Some(name) => press.chat_name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)),
            None => self.chat == press.chat.to_string(),
        }
    }

    /// Waits for the next press behind `offset`, up to [`POLL_WAIT`].
    pub async fn poll(&self, egress: &Egress, offset: i64) -> Result<Polled, DeliveryError> {
        let body = json!({
            "offset": offset,
            "limit": UPDATES_AT_ONCE,
            "timeout": POLL_WAIT.as_secs(),
            "allowed_updates": ["callback_query"],
        });
        let answer = self.ask(egress, "getUpdates", &body, POLL_WAIT + HTTP_TIMEOUT).await?;
        read(&answer, offset).ok_or_else(|| {
            DeliveryError::temporary(Self::KIND, "what it answered to getUpdates cannot be read")
        })
    }

    /// Tells who pressed what came of it.
    pub async fn answer(&self, egress: &Egress, press: &Press, text: &str) -> Result<(), DeliveryError> {
        let text = cut(text, NOTICE_CHARS_MAX, chars);
        let body = json!({ "callback_query_id": press.id, "text": text });
        self.ask(egress, "answerCallbackQuery", &body, HTTP_TIMEOUT).await.map(drop)
    }

    /// The button says who has it from now on, to everybody in the chat.
    pub async fn settle(&self, egress: &Egress, press: &Press, text: &str) -> Result<(), DeliveryError> {
        let said = json!([{ "text": cut(text, LABEL_CHARS_MAX, chars), "callback_data": DONE }]);
        let rows: Vec<_> = [said].into_iter().chain(press.links.iter().cloned()).collect();
        let body = json!({
            "chat_id": press.chat,
            "message_id": press.message,
            "reply_markup": { "inline_keyboard": rows },
        });
        self.ask(egress, "editMessageReplyMarkup", &body, HTTP_TIMEOUT).await.map(drop)
    }

    async fn ask(
        &self,
        egress: &Egress,
        method: &str,
        body: &Value,
        timeout: Duration,
    ) -> Result<Vec<u8>, DeliveryError> {
        let request = HttpRequest {
            method: Method::POST,
            url: format!("{}/{method}", self.bot()),
            headers: vec![("Content-Type".into(), "application/json".into())],
            body: body.to_string().into_bytes(),
            timeout,
        };
        Ok(call(egress, Self::KIND, request).await?.body)
    }
}

fn read(answer: &[u8], offset: i64) -> Option<Polled> {
    let Ok(answer) = serde_json::from_slice::<Answer>(answer) else {
        let next = first_update(answer)?.checked_add(1)?;
        return Some(Polled { next: next.max(offset), presses: Vec::new() });
    };
    let next = answer.result.iter().filter_map(|update| update.update_id.checked_add(1));
    let next = next.fold(offset, i64::max);
    let presses = answer.result.into_iter().filter_map(|update| press(update.callback_query?));
    Some(Polled { next, presses: presses.collect() })
}

/// The number of an update whose end was not read.
fn first_update(answer: &[u8]) -> Option<i64> {
    let text = String::from_utf8_lossy(answer);
    let rest = text.split_once("\"update_id\":")?.1.trim_start();
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

fn press(query: Query) -> Option<Press> {
    let message = query.message?;
    let rows = message.reply_markup["inline_keyboard"].as_array().cloned().unwrap_or_default();
    let opens = |row: &Value| row.as_array().is_some_and(|row| row.iter().all(|one| one["url"].is_string()));
    let name = query.from.username.map_or(query.from.first_name, |name| format!("@{name}"));
    let line: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Some(Press {
        id: query.id,
        data: query.data?,
        by: cut(line.trim(), NAME_CHARS_MAX, chars),
        private: message.chat.kind == "private",
        chat: message.chat.id,
        chat_name: message.chat.username,
        message: message.message_id,
        links: rows.into_iter().filter(opens).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_or_no_press_is_passed_over() {
        let cut_off =
            br#"{"ok":true,"result":[{"update_id":10000,"callback_query":{"id":"1","message":{"text":"aaa"#;
        assert_eq!(read(cut_off, 7), Some(Polled { next: 10_001, presses: vec![] }));
        let other = br#"{"ok":true,"result":[{"update_id":9,"message":{"text":"hi"}}]}"#;
        assert_eq!(read(other, 7), Some(Polled { next: 10, presses: vec![] }));
        assert_eq!(read(br#"{"ok":true,"result":[]}"#, 7), Some(Polled { next: 7, presses: vec![] }));
        assert_eq!(read(b"<html>", 7), None);
        let last = format!(r#"{{"result":[{{"update_id":{}}}]}}"#, i64::MAX);
        assert_eq!(read(last.as_bytes(), 7).map(|polled| polled.next), Some(7));
    }

    #[test]
    fn no_bytes_are_too_hostile_to_be_read() {
        let valid = br#"{"ok":true,"result":[{"update_id":9,"callback_query":{"id":"q","from":{"first_name":"A"},"message":{"message_id":7,"chat":{"id":-1,"type":"group"},"reply_markup":{"inline_keyboard":[[{"text":"x","url":"https://h"}]]}},"data":"T"}}]}"#;
        assert_eq!(read(valid, 0).map(|polled| polled.presses.len()), Some(1));
        for at in 0..valid.len() {
            // What is cut off is either passed over or an error, and never asked for backwards.
            assert!(read(&valid[..at], 7).is_none_or(|polled| polled.next >= 7), "{at}");
            for byte in [0, b'"', b'[', b'{', b'9', b'-', 0xff] {
                let mut other = valid.to_vec();
                other[at] = byte;
                let _ = read(&other, 7);
            }
        }
        let deep = format!(r#"{{"result":[{{"update_id":9,"callback_query":{}"#, "[".repeat(16_000));
        assert_eq!(read(deep.as_bytes(), 7), Some(Polled { next: 10, presses: vec![] }));
    }
}
