//! Mail: a text part and a plain HTML part, over SMTP.
//!
//! The Message-ID is derived from the idempotency key, so that a mail that arrives twice is shown once by clients
//! that look; mails of one incident refer to one thread. Addresses are parsed and header values encoded by
//! lettre: no text of an alert can end a header line.

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use watchtower_egress::Egress;

use crate::channel::mailbox;
use crate::deliver::MAIL_TIMEOUT;
use crate::smtp::{Envelope, Smtp};
use crate::{DeliveryError, EmailConfig, Message, Receipt, SmtpSecurity};

const CHANNEL: &str = "email";

pub(crate) async fn deliver(
    egress: &Egress,
    config: &EmailConfig,
    message: &Message,
    key: &str,
) -> Result<Receipt, DeliveryError> {
    let permanent = |e: &dyn std::fmt::Display| DeliveryError::permanent(CHANNEL, e.to_string());
    let from = mailbox("from", &config.from).map_err(|e| permanent(&e))?;
    let to: Vec<Mailbox> =
        config.to.iter().map(|t| mailbox("to", t)).collect::<Result<_, _>>().map_err(|e| permanent(&e))?;
    let mail = build(message, key, &from, &to).map_err(|e| permanent(&e))?;
    let recipients = to.into_iter().map(|m| m.email).collect();
    let envelope = Envelope { from: from.email, recipients, data: mail };
    let sending = converse(egress, config, &envelope);
    match tokio::time::timeout(MAIL_TIMEOUT, sending).await {
        Ok(result) => result,
        Err(_) => {
            let limit = MAIL_TIMEOUT.as_secs();
            Err(DeliveryError::temporary(CHANNEL, format!("{} took longer than {limit} s", config.host)))
        }
    }
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
    let mut text = format!("{}\n{}\n", message.headline(), message.place());
    for line in &message.lines {
        text.push_str(&format!("\n{line}"));
    }
    text.push('\n');
    for link in &message.links {
        text.push_str(&format!("\n{}: {}", link.label, link.url));
    }
    if let Some(output) = &message.output {
        text.push_str(&format!("\n\nOutput:\n{output}"));
    }
    text.push('\n');
    text
}

fn html_part(message: &Message) -> String {
    let mut html = format!(
        "<!doctype html><html><body><h2>{}</h2><p><b>{}</b></p>",
        escape(&message.headline()),
        escape(&message.place())
    );
    for line in &message.lines {
        html.push_str(&format!("<p>{}</p>", escape(line)));
    }
    for link in &message.links {
        html.push_str(&format!("<p><a href=\"{}\">{}</a></p>", escape(&link.url), escape(&link.label)));
    }
    if let Some(output) = &message.output {
        html.push_str(&format!("<pre>{}</pre>", escape(output)));
    }
    html.push_str("</body></html>");
    html
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

pub(crate) fn address_text(address: &Address) -> String {
    format!("<{address}>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Link, MessageState};
    use watchtower_model::Severity;

    #[test]
    fn no_text_ends_a_header_or_becomes_html() {
        let message = Message {
            incident_number: Some(7),
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
            test: false,
            output: None,
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
    }

    #[test]
    fn addresses_that_would_break_out_are_refused() {
        for bad in ["", "ana", "a@b\r\nBcc: c@d", "ana@exa mple.com", "änna@example.com", "<a@b.c>\n"] {
            assert!(mailbox("to", bad).is_err(), "{bad:?}");
        }
    }
}
