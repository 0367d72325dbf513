//! Twilio: a text message, or a call that reads the page aloud.
//!
//! Sources: <https://www.twilio.com/docs/messaging/api/message-resource>, <https://www.twilio.com/docs/voice/api/call-resource>: basic
//! authentication, forms, JSON answers with `code` and `message`; 429 is to be repeated. A text message is charged by parts of 153 (67
//! beyond GSM's alphabet) characters, so that it is kept to a few. There is no idempotency key: a message whose answer was lost is sent
//! again.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use watchtower_egress::Egress;

use crate::channel::{Channel, Secret};
use crate::check::{self, ChannelError};
use crate::deliver::call;
use crate::text::{chars, cut, escape_html};
use crate::twilio_calls::ACKNOWLEDGE_DIGIT;
use crate::written::Written;
use crate::{DeliveryError, Message, MessageState, Receipt};

const API_URL: &str = "https://api.twilio.com";
const SMS_CHARS_MAX: usize = 300;
const SAID_CHARS_MAX: usize = 300;
/// How often a call says it: who picks up half asleep misses the first.
const SAID_TIMES: u32 = 2;
/// How long a call waits for a digit behind what it said.
const WAIT_SECONDS: u32 = 10;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwilioConfig {
    /// SID of the account, `AC` and 32 hex digits.
    pub account: String,
    pub token: String,
    /// The number that sends, or the SID of a messaging service (`MG…`, text messages only).
    pub from: String,
    /// Who is reached, as `+4930123456`.
    pub phone: String,
    /// Calls instead of writing.
    #[serde(default)]
    pub voice: bool,
    /// A gateway in the place of Twilio's own.
    #[serde(default)]
    pub api_url: Option<String>,
}

impl Channel for TwilioConfig {
    const KIND: &'static str = "twilio";

    fn check(&self) -> Result<(), ChannelError> {
        check::api_url(self.api_url.as_ref())?;
        sid("account", "the SID of an account: AC and 32 hex digits", &self.account, "AC")?;
        check::token("token", &self.token)?;
        number("phone", &self.phone)?;
        match self.from.starts_with("MG") && !self.voice {
            true => sid("from", "the SID of a messaging service: MG and 32 hex digits", &self.from, "MG"),
            false => number("from", &self.from),
        }
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        vec![Secret::word("token", &mut self.token)]
    }

    fn destination(&self) -> String {
        format!("{} {}", check::base(self.api_url.as_ref(), API_URL), self.account)
    }

    fn written(&self, message: &Message, key: &str) -> Result<Written, DeliveryError> {
        let api = check::base(self.api_url.as_ref(), API_URL);
        let resource = if self.voice { "Calls" } else { "Messages" };
        let url = format!("{api}/2010-04-01/Accounts/{}/{resource}.json", self.account);
        let login = BASE64.encode(format!("{}:{}", self.account, self.token));
        Ok(Written::form(url, key, &self.form(message)).with("Authorization", format!("Basic {login}")))
    }

    async fn deliver(&self, egress: &Egress, message: &Message, key: &str) -> Result<Receipt, DeliveryError> {
        if self.voice && message.state != MessageState::Triggered {
            return Ok(Receipt::said("nobody is called when it is over"));
        }
        let answer = call(egress, Self::KIND, self.written(message, key)?.post()).await?;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let state = answer["status"].as_str().unwrap_or("taken").chars().take(20).collect::<String>();
        Ok(Receipt::said(format!("Twilio says {state}")))
    }
}

impl TwilioConfig {
    fn form(&self, message: &Message) -> Vec<(&'static str, String)> {
        let mut form = vec![("To", self.phone.clone())];
        if self.voice {
            form.push(("From", self.from.clone()));
            form.push(("Twiml", spoken(message)));
            return form;
        }
        let sender = if self.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        form.push((sender, self.from.clone()));
        form.push(("Body", short(message)));
        form
    }
}

/// Headline, place and the first link, which acknowledges where one can; the link is never cut.
fn short(message: &Message) -> String {
    let link = message.all_links().first().map(|link| format!("\n{}", link.url)).unwrap_or_default();
    let link = if link.chars().count() > SMS_CHARS_MAX / 2 { String::new() } else { link };
    let text = format!("{}\n{}", message.headline(), message.brief());
    format!("{}{link}", cut(&text, SMS_CHARS_MAX - link.chars().count(), chars))
}

fn spoken(message: &Message) -> String {
    let number = message.incident_number.map(|number| format!(" Incident {number}.")).unwrap_or_default();
    let test = if message.test { " This is a test." } else { "" };
    let (severity, brief) = (message.severity, message.brief());
    let text = match &message.words.title {
        Some(title) => format!("Watchtower.{test} {title}. {brief}."),
        None => format!("Watchtower.{test}{number} {severity}. {brief}. {}.", message.title),
    };
    let text = cut(&text, SAID_CHARS_MAX, chars);
    let asked = message.digits_url.as_ref().map(|_| format!(" Press {ACKNOWLEDGE_DIGIT} to acknowledge."));
    let text = text + &asked.unwrap_or_default();
    let said = format!("<Say>{}</Say><Pause length=\"1\"/>", escape_html(&text));
    let said = said.repeat(SAID_TIMES as usize);
    match &message.digits_url {
        None => format!("<Response>{said}</Response>"),
        Some(url) => format!(
            "<Response><Gather numDigits=\"1\" timeout=\"{WAIT_SECONDS}\" action=\"{}\">{said}</Gather></Response>",
            escape_html(url)
        ),
    }
}

fn number(field: &'static str, text: &str) -> Result<(), ChannelError> {
    let form = "a telephone number such as +4930123456";
    let digits = text.strip_prefix('+').ok_or(ChannelError::Form { field, form })?;
    check::word(field, form, digits, 6..=15, |c| c.is_ascii_digit())
}

fn sid(field: &'static str, form: &'static str, text: &str, prefix: &str) -> Result<(), ChannelError> {
    let digits = text.strip_prefix(prefix).ok_or(ChannelError::Form { field, form })?;
    check::word(field, form, digits, 32..=32, |c| c.is_ascii_hexdigit())
}
