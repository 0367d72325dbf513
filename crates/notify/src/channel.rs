//! How a channel is configured. It holds secrets: the store seals it, people see it [`redacted`](ChannelConfig::redacted).

use std::fmt;

use lettre::Address;
use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Stands in the place of a secret; sent back unchanged, it means "as stored".
pub const REDACTED: &str = "***";
/// Recipients of one mail channel.
pub const MAIL_RECIPIENTS_MAX: usize = 50;
/// Bytes of a webhook's signing secret: as long as the hash makes it sense.
const SECRET_BYTES_MIN: usize = 16;
const FIELD_BYTES_MAX: usize = 2_048;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChannelConfig {
    Webhook(WebhookConfig),
    Slack(SlackConfig),
    Email(EmailConfig),
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookConfig {
    pub url: String,
    /// Key of the signature.
    pub secret: String,
}

/// A Slack incoming webhook, or one that speaks like it (Mattermost, Rocket.Chat, Discord's `/slack`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlackConfig {
    /// The whole URL is the secret.
    pub url: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    /// In the clear: a relay on the own network, without a password.
    Plain,
    /// Upgraded before anything else is said; refused if the server does not offer it.
    #[default]
    Starttls,
    /// TLS from the first byte (port 465).
    Tls,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailConfig {
    pub host: String,
    pub port: u16,
    #[serde(default)]
    pub security: SmtpSecurity,
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub password: Option<String>,
    /// `Watchtower <alerts@example.com>`
    pub from: String,
    pub to: Vec<String>,
}

/// Which field is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChannelError {
    #[error("url: must be an https:// or http:// address without user name, at most {FIELD_BYTES_MAX} bytes")]
    Url,
    #[error("secret: must have from {SECRET_BYTES_MIN} to {FIELD_BYTES_MAX} bytes")]
    Secret,
    #[error("host: must be the mail server's name or address")]
    Host,
    #[error("port: must not be 0")]
    Port,
    #[error("{field}: {address:?} is not an ASCII mail address such as alerts@example.com")]
    Address { field: &'static str, address: String },
    #[error("to: needs from 1 to {MAIL_RECIPIENTS_MAX} recipients")]
    Recipients,
    #[error("username: needs a password beside it, and security starttls or tls")]
    Login,
}

impl ChannelConfig {
    /// The word used in tables and messages.
    pub fn kind(&self) -> &'static str {
        match self {
            ChannelConfig::Webhook(_) => "webhook",
            ChannelConfig::Slack(_) => "slack",
            ChannelConfig::Email(_) => "email",
        }
    }

    /// Checks a configuration before it is saved.
    pub fn check(&self) -> Result<(), ChannelError> {
        match self {
            ChannelConfig::Webhook(c) => {
                check_url(&c.url)?;
                let length_ok = (SECRET_BYTES_MIN..=FIELD_BYTES_MAX).contains(&c.secret.len());
                if length_ok { Ok(()) } else { Err(ChannelError::Secret) }
            }
            ChannelConfig::Slack(c) => check_url(&c.url),
            ChannelConfig::Email(c) => c.check(),
        }
    }

    /// The same without its secrets. A URL keeps its host alone, since its path may be a key.
    pub fn redacted(&self) -> ChannelConfig {
        match self.clone() {
            ChannelConfig::Webhook(c) => {
                ChannelConfig::Webhook(WebhookConfig { url: redacted_url(&c.url), secret: REDACTED.into() })
            }
            ChannelConfig::Slack(c) => ChannelConfig::Slack(SlackConfig { url: redacted_url(&c.url) }),
            ChannelConfig::Email(c) => {
                ChannelConfig::Email(EmailConfig { password: c.password.map(|_| REDACTED.into()), ..c })
            }
        }
    }

    /// An edit of a redacted configuration: what still is redacted is taken from `stored`. A secret is kept only
    /// for the destination it was given for, so that an edit cannot send it elsewhere.
    pub fn with_secrets_of(self, stored: &ChannelConfig) -> ChannelConfig {
        match (self, stored) {
            (ChannelConfig::Webhook(mut c), ChannelConfig::Webhook(old)) => {
                if c.url == redacted_url(&old.url) {
                    c.url.clone_from(&old.url);
                }
                if c.secret == REDACTED && c.url == old.url {
                    c.secret.clone_from(&old.secret);
                }
                ChannelConfig::Webhook(c)
            }
            (ChannelConfig::Slack(mut c), ChannelConfig::Slack(old)) => {
                if c.url == redacted_url(&old.url) {
                    c.url.clone_from(&old.url);
                }
                ChannelConfig::Slack(c)
            }
            (ChannelConfig::Email(mut c), ChannelConfig::Email(old)) => {
                let same_server = (&c.host, c.port, c.security) == (&old.host, old.port, old.security);
                if c.password.as_deref() == Some(REDACTED) && same_server {
                    c.password.clone_from(&old.password);
                }
                ChannelConfig::Email(c)
            }
            (edited, _) => edited,
        }
    }
}

impl fmt::Debug for ChannelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = serde_json::to_string(&self.redacted()).map_err(|_| fmt::Error)?;
        f.write_str(&shown)
    }
}

impl EmailConfig {
    fn check(&self) -> Result<(), ChannelError> {
        let host_ok = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
        if self.host.is_empty() || self.host.len() > 255 || !self.host.chars().all(host_ok) {
            return Err(ChannelError::Host);
        }
        if self.port == 0 {
            return Err(ChannelError::Port);
        }
        if self.to.is_empty() || self.to.len() > MAIL_RECIPIENTS_MAX {
            return Err(ChannelError::Recipients);
        }
        mailbox("from", &self.from)?;
        for to in &self.to {
            mailbox("to", to)?;
        }
        match (&self.username, &self.password) {
            (None, None) => Ok(()),
            (Some(_), Some(p)) if self.security != SmtpSecurity::Plain && p != REDACTED => Ok(()),
            _ => Err(ChannelError::Login),
        }
    }
}

/// Non-ASCII addresses would need SMTPUTF8, which many servers lack.
pub(crate) fn mailbox(field: &'static str, text: &str) -> Result<Mailbox, ChannelError> {
    let ascii = |a: &Address| a.to_string().is_ascii();
    let parsed =
        text.parse::<Mailbox>().ok().filter(|m| ascii(&m.email) && !text.chars().any(char::is_control));
    parsed.ok_or_else(|| ChannelError::Address { field, address: text.chars().take(80).collect() })
}

fn check_url(url: &str) -> Result<(), ChannelError> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.map(|r| r.split(['/', '?', '#']).next().unwrap_or_default());
    let visible = url.bytes().all(|b| b.is_ascii_graphic());
    match host {
        Some(h) if !h.is_empty() && !h.contains('@') && visible && url.len() <= FIELD_BYTES_MAX => Ok(()),
        _ => Err(ChannelError::Url),
    }
}

fn redacted_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", ""));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/{REDACTED}")
}
