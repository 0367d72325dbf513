//! A message in a provider's own form, before it is sent: what is delivered, and what a preview shows.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use watchtower_egress::{HttpRequest, Method};

use crate::deliver::HTTP_TIMEOUT;
use crate::{ChannelConfig, DeliveryError, Message};

pub(crate) const JSON: &str = "application/json";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The address that is called; of a mail, its recipients and server.
    pub to: String,
    pub content_type: &'static str,
    pub(crate) headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Written {
    pub(crate) fn json(to: impl Into<String>, key: &str, body: &Value) -> Written {
        Written::new(to, JSON, body.to_string().into_bytes()).with("X-Watchtower-Delivery", key)
    }

    pub(crate) fn form(to: impl Into<String>, key: &str, fields: &[(&str, String)]) -> Written {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let body = pairs.join("&").into_bytes();
        Written::new(to, "application/x-www-form-urlencoded", body).with("X-Watchtower-Delivery", key)
    }

    pub(crate) fn new(to: impl Into<String>, content_type: &'static str, body: Vec<u8>) -> Written {
        Written { to: to.into(), content_type, headers: Vec::new(), body }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Written {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn post(mut self) -> HttpRequest {
        self.headers.push(("Content-Type".into(), self.content_type.into()));
        HttpRequest {
            method: Method::POST,
            url: self.to,
            headers: self.headers,
            body: self.body,
            timeout: HTTP_TIMEOUT,
        }
    }
}

/// What would be sent, with `***` in the place of each secret. Nothing is checked: it may be written by somebody who is not done yet.
pub fn preview(channel: &ChannelConfig, message: &Message) -> Result<Written, DeliveryError> {
    channel.redacted().written(&message.bounded(), "preview")
}
