//! Delivers one message by one channel, once; a file per channel. When and to whom is decided elsewhere.
//!
//! Invariants: every connection goes through the guarded connector. Text from outside cannot become a header,
//! a mention or markup. The idempotency key is the same over all retries of one message. No error carries
//! a secret.

mod message;
mod error;
mod channel;
mod check;
mod text;
mod written;
mod deliver;
mod retry;
mod webhook;
mod hook;
mod slack;
mod slack_app;
mod email;
mod smtp;
mod ntfy;
mod discord;
mod teams;
mod google_chat;
mod telegram;
mod telegram_buttons;
mod pushover;
mod twilio;
mod twilio_calls;
mod pagerduty;
mod web_push;
mod push_seal;
mod vapid;

pub use channel::{ChannelConfig, REDACTED};
pub use check::ChannelError;
pub use deliver::{HTTP_TIMEOUT, MAIL_TIMEOUT, Receipt, deliver};
pub use discord::DiscordConfig;
pub use email::{EmailConfig, MAIL_RECIPIENTS_MAX, SmtpSecurity};
pub use error::{DeliveryError, FailureKind};
pub use google_chat::GoogleChatConfig;
pub use message::{LINES_MAX, Link, Message, MessageState, OUTPUT_BYTES_MAX, Words};
pub use ntfy::NtfyConfig;
pub use pagerduty::PagerdutyConfig;
pub use pushover::PushoverConfig;
pub use retry::{RETRY_END_MS, next_retry_ms};
pub use slack::SlackConfig;
pub use slack_app::{SlackAppConfig, SlackPress};
pub use teams::TeamsConfig;
pub use telegram::TelegramConfig;
pub use telegram_buttons::{POLL_WAIT, Polled, Press};
pub use twilio::TwilioConfig;
pub use twilio_calls::{ACKNOWLEDGE_DIGIT, reply, say};
pub use vapid::Vapid;
pub use web_push::{PushSender, WebPushConfig};
pub use webhook::{BODY_VERSION, WebhookConfig, sign};
pub use written::{Written, preview};
