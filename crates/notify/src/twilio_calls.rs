//! What Twilio tells the hub: digits pressed in a call, text messages that answer one.
//!
//! Source: <https://www.twilio.com/docs/usage/security>: `X-Twilio-Signature` is the base64 of HMAC-SHA1, with the account's token, over the
//! address that was called and the form's names and values, sorted by name. Answers are TwiML.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::hmac;

use crate::TwilioConfig;
use crate::text::escape_html;

/// What is pressed in a call to acknowledge.
pub const ACKNOWLEDGE_DIGIT: &str = "4";

impl TwilioConfig {
    /// Whether Twilio signed a form that it sent to this address.
    pub fn signed(&self, url: &str, form: &[(String, String)], signature: &str) -> bool {
        let mut sorted: Vec<_> = form.iter().collect();
        sorted.sort();
        let text = sorted.iter().fold(url.to_string(), |text, (name, value)| text + name + value);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.token.as_bytes());
        BASE64.decode(signature).is_ok_and(|tag| hmac::verify(&key, text.as_bytes(), &tag).is_ok())
    }
}

/// What a call says before it ends.
pub fn say(text: &str) -> String {
    format!("<Response><Say>{}</Say></Response>", escape_html(text))
}

/// The text message that answers one.
pub fn reply(text: &str) -> String {
    format!("<Response><Message>{}</Message></Response>", escape_html(text))
}
