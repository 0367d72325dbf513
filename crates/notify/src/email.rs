//! Mail: a text part and a plain HTML part, over SMTP.
//!
//! The Message-ID is derived from the idempotency key, so that a mail that arrives twice is shown once by clients
//! that look; mails of one incident refer to one thread. Addresses are parsed and header values encoded by
//! lettre: no text of an alert can end a header line.

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use serde::{Deserialize, Serialize};
use watchtower_egress::Egress;

use crate::channel::{Channel, Secret};
use crate::check::{self, ChannelError};
use crate::deliver::MAIL_TIMEOUT;
use crate::message::ACKNOWLEDGE;
use crate::smtp::{Envelope, Smtp};
use crate::text::escape_html;
use crate::written::Written;
use crate::{DeliveryError, Message, Receipt};

/// Recipients of one mail channel.
pub const MAIL_RECIPIENTS_MAX: usize = 50;
const CHANNEL: &str = "email";
/// Mail programs know no style sheets.
const BUTTON: &str = "display:inline-block;padding:12px 24px;border-radius:6px;background:#1f6feb;color:#fff;text-decoration:none";

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

impl Channel for EmailConfig {
    const KIND: &'static str = CHANNEL;

    fn check(&self) -> Result<(), ChannelError> {
        let host_ok = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
        check::word("host", "the mail server's name or address", &self.host, 1..=255, host_ok)?;
        if self.port == 0 {
            return Err(ChannelError::Form { field: "port", form: "a port above 0" });
        }
        if self.to.is_empty() || self.to.len() > MAIL_RECIPIENTS_MAX {
            return Err(ChannelError::Form { field: "to", form: "from 1 to 50 recipients" });
        }
        mailbox("from", &self.from)?;
        for to in &self.to {
            mailbox("to", to)?;
        }
        match (&self.username, &self.password) {
            (None, None) => Ok(()),
            (Some(_), Some(_)) if self.security != SmtpSecurity::Plain => Ok(()),
            _ => Err(ChannelError::Login),
        }
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        self.password.as_mut().map(|password| Secret::word("password", password)).into_iter().collect()
    }

    fn destination(&self) -> String {
        format!("{} {} {:?}", self.host, self.port, self.security)
    }

    fn written(&self, message: &Message, key: &str) -> Result<Written, DeliveryError> {
        let (from, to) = self.mailboxes()?;
        let mail = build(message, key, &from, &to).map_err(permanent)?;
        let to: Vec<String> = to.iter().map(|mailbox| mailbox.email.to_string()).collect();
        Ok(Written::new(format!("{} by {}:{}", to.join(", "), self.host, self.port), "message/rfc822", mail))
    }

    async fn deliver(&self, egress: &Egress, message: &Message, key: &str) -> Result<Receipt, DeliveryError> {
        let (from, to) = self.mailboxes()?;
        let mail = self.written(message, key)?.body;
        let recipients = to.into_iter().map(|m| m.email).collect();
        let envelope = Envelope { from: from.email, recipients, data: mail };
        let sending = converse(egress, self, &envelope);
        match tokio::time::timeout(MAIL_TIMEOUT, sending).await {
            Ok(result) => result,
            Err(_) => {
                let limit = MAIL_TIMEOUT.as_secs();
                Err(DeliveryError::temporary(CHANNEL, format!("{} took longer than {limit} s", self.host)))
            }
        }
    }
}

impl EmailConfig {
    fn mailboxes(&self) -> Result<(Mailbox, Vec<Mailbox>), DeliveryError> {
        let from = mailbox("from", &self.from).map_err(permanent)?;
        let to = self.to.iter().map(|to| mailbox("to", to)).collect::<Result<_, _>>().map_err(permanent)?;
        Ok((from, to))
    }
}

fn permanent(error: impl std::fmt::Display) -> DeliveryError {
    DeliveryError::permanent(CHANNEL, error.to_string())
}

/// Non-ASCII addresses would need SMTPUTF8, which many servers lack.
fn mailbox(field: &'static str, text: &str) -> Result<Mailbox, ChannelError> {
    let ascii = |a: &Address| a.to_string().is_ascii();
    let parsed =
        text.parse::<Mailbox>().ok().filter(|m| ascii(&m.email) && !text.chars().any(char::is_control));
    parsed.ok_or_else(|| ChannelError::Address { field, address: text.chars().take(80).collect() })
}

async fn converse(
    egress: &Egress,
    config: &EmailConfig,
    envelope: &Envelope,
) -> Result<Receipt, DeliveryError> {
    let failed = |e| DeliveryError::egress(CHANNEL, &e);
    let login = config.username.as_deref().zip(config.password.as_deref());
    match config.security {
        SmtpSecurity::Plain if login.is_some() => {
            Err(DeliveryError::permanent(CHANNEL, "username: a password is never sent without TLS"))
        }
        SmtpSecurity::Plain => {
            let stream = egress.tcp(&config.host, config.port).await.map_err(failed)?;
            Smtp::greeted(stream).await?.send(None, envelope).await
        }
        SmtpSecurity::Tls => {
            let stream = egress.tls(&config.host, config.port).await.map_err(failed)?;
            Smtp::greeted(stream).await?.send(login, envelope).await
        }
        SmtpSecurity::Starttls => {
            let stream = egress.tcp(&config.host, config.port).await.map_err(failed)?;
            let plain = Smtp::greeted(stream).await?.starttls().await?;
            let stream = egress.upgrade(plain, &config.host).await.map_err(failed)?;
            Smtp::upgraded(stream).send(login, envelope).await
        }
    }
}

fn build(
    message: &Message,
    key: &str,
    from: &Mailbox,
    to: &[Mailbox],
) -> Result<Vec<u8>, lettre::error::Error> {
    let domain = from.email.domain();
    let mut builder = lettre::Message::builder()
        .from(from.clone())
        .subject(message.headline())
        .message_id(Some(format!("<{key}@{domain}>")));
    for mailbox in to {
        builder = builder.to(mailbox.clone());
    }
    if let Some(number) = message.incident_number {
        builder = builder.references(format!("<incident-{number}@{domain}>"));
    }
    let parts = MultiPart::alternative_plain_html(text_part(message), html_part(message));
    let mut mail = builder.multipart(parts)?;
    for (name, value) in [("Auto-Submitted", "auto-generated"), ("X-Watchtower-Delivery", key)] {
        let name = HeaderName::new_from_ascii_str(name);
        mail.headers_mut().insert_raw(HeaderValue::new(name, value.to_string()));
    }
    Ok(mail.formatted())
}

fn text_part(message: &Message) -> String {
    let (first, lines) = message.said();
    let mut text = format!("{}\n{first}\n", message.headline());
    for line in lines {
        text.push_str(&format!("\n{line}"));
    }
    text.push('\n');
    for link in message.all_links() {
        text.push_str(&format!("\n{}: {}", link.label, link.url));
    }
    if let Some(output) = &message.output {
        text.push_str(&format!("\n\nOutput:\n{output}"));
    }
    text.push('\n');
    text
}

fn html_part(message: &Message) -> String {
    let (first, lines) = message.said();
    let mut html = format!(
        "<!doctype html><html><body><h2>{}</h2><p><b>{}</b></p>",
        escape_html(&message.headline()),
        escape_html(&first)
    );
    if let Some(url) = &message.acknowledge_url {
        html.push_str(&format!(
            "<p><a href=\"{}\" style=\"{BUTTON}\">{ACKNOWLEDGE}</a></p>",
            escape_html(url)
        ));
    }
    for line in lines {
        html.push_str(&format!("<p>{}</p>", escape_html(&line)));
    }
    for link in &message.links {
        html.push_str(&format!(
            "<p><a href=\"{}\">{}</a></p>",
            escape_html(&link.url),
            escape_html(&link.label)
        ));
    }
    if let Some(output) = &message.output {
        html.push_str(&format!("<pre>{}</pre>", escape_html(output)));
    }
    html.push_str("</body></html>");
    html
}

pub(crate) fn address_text(address: &Address) -> String {
    format!("<{address}>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Link, MessageState, Words};
    use watchtower_model::Severity;

    #[test]
    fn no_text_ends_a_header_or_becomes_html() {
        let message = Message {
            incident_number: Some(7),
            incident_key: "i-7".into(),
            title: "disk\r\nBcc: evil@example.com\r\n\r\n<script>ö".into(),
            severity: Severity::Error,
            state: MessageState::Triggered,
            service: "db".into(),
            server: Some("web-1".into()),
            lines: vec!["a < b".into()],
            links: vec![
                Link { label: "Open".into(), url: "https://hub/i/7\"onclick=x".into() },
                Link { label: "Bad".into(), url: "javascript:alert(1)".into() },
            ],
            acknowledge_url: Some("https://hub/a/x\"onclick=y".into()),
            acknowledge_token: None,
            earlier: Vec::new(),
            digits_url: None,
            test: false,
            output: None,
            words: Words::default(),
        }
        .bounded();
        let from = mailbox("from", "Watchtower <alerts@example.com>").unwrap();
        let to = [mailbox("to", "ana@example.com").unwrap()];
        let mail = String::from_utf8(build(&message, "k-1", &from, &to).unwrap()).unwrap();
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|l| l.starts_with("Bcc")), "{head}");
        assert!(head.contains("Message-ID: <k-1@example.com>"), "{head}");
        assert!(head.contains("References: <incident-7@example.com>"), "{head}");
        let html = html_part(&message);
        assert!(!html.contains("<script>") && !html.contains("javascript:"), "{html}");
        assert!(html.contains("href=\"https://hub/i/7&quot;onclick=x\""), "{html}");
        assert!(html.contains("href=\"https://hub/a/x&quot;onclick=y\" style="), "{html}");
        assert!(text_part(&message).contains("\nAcknowledge: https://hub/a/x"), "{}", text_part(&message));
    }

    #[test]
    fn addresses_that_would_break_out_are_refused() {
        for bad in ["", "ana", "a@b\r\nBcc: c@d", "ana@exa mple.com", "änna@example.com", "<a@b.c>\n"] {
            assert!(mailbox("to", bad).is_err(), "{bad:?}");
        }
    }
}
