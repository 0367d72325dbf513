//! Delivers one message by one channel, once. When and to whom is decided elsewhere.
//!
//! Invariants: every connection goes through the guarded connector. Text from outside cannot become a header,
//! a mention or markup. The idempotency key is the same over all retries of one message. No error carries
//! a secret.

mod channel;
mod deliver;
mod email;
mod error;
mod message;
mod retry;
mod slack;
mod smtp;
mod webhook;

pub use channel::{
    ChannelConfig, ChannelError, EmailConfig, MAIL_RECIPIENTS_MAX, REDACTED, SlackConfig, SmtpSecurity,
    WebhookConfig,
};
pub use deliver::{HTTP_TIMEOUT, MAIL_TIMEOUT, Receipt, deliver};
pub use error::{DeliveryError, FailureKind};
pub use message::{LINES_MAX, Link, Message, MessageState, OUTPUT_BYTES_MAX};
pub use retry::{RETRY_END_MS, next_retry_ms};
pub use webhook::{BODY_VERSION, sign};
