//! The client's side of SMTP (RFC 5321), with STARTTLS (RFC 3207) and AUTH PLAIN and LOGIN (RFC 4954).
//!
//! Invariants: what a server sends before the TLS handshake is never taken for an answer after it; a 5xx answer is
//! permanent, everything else that goes wrong is temporary, an answer to the data that never came included.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::Address;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use watchtower_egress::mask_excerpt;

use crate::email::address_text;
use crate::{DeliveryError, FailureKind, Receipt};

const CHANNEL: &str = "email";
/// Bytes of one answer, all its lines together.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

pub(crate) struct Envelope {
    pub from: Address,
    pub recipients: Vec<Address>,
    /// The mail with CRLF line ends, not yet dot-stuffed.
    pub data: Vec<u8>,
}

pub(crate) struct Smtp<S> {
    stream: S,
    unread: Vec<u8>,
}

struct Answer {
    code: u16,
    /// Without their codes.
    lines: Vec<String>,
}

impl Answer {
    fn error(&self, asked: &str) -> DeliveryError {
        let said = mask_excerpt(&self.lines.join(" "));
        let reason = format!("{asked} was answered {} {said}", self.code);
        let kind = if self.code >= 500 { FailureKind::Permanent } else { FailureKind::Temporary };
        DeliveryError { kind, ..DeliveryError::temporary(CHANNEL, reason) }
    }

    fn offers(&self, extension: &str) -> bool {
        self.lines.iter().any(|l| l.split(' ').next().is_some_and(|w| w.eq_ignore_ascii_case(extension)))
    }

    fn offers_auth(&self, mechanism: &str) -> bool {
        let words = |l: &String| l.to_ascii_uppercase().replace('=', " ");
        self.lines.iter().map(words).any(|l| l.starts_with("AUTH ") && l.split(' ').any(|w| w == mechanism))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Smtp<S> {
    /// Waits for the server's greeting.
    pub async fn greeted(stream: S) -> Result<Self, DeliveryError> {
        let mut smtp = Smtp { stream, unread: Vec::new() };
        smtp.expect("connecting", 220).await?;
        Ok(smtp)
    }

    /// After STARTTLS the server does not greet again.
    pub fn upgraded(stream: S) -> Self {
        Smtp { stream, unread: Vec::new() }
    }

    /// Asks for TLS and gives the bare stream back for the handshake.
    pub async fn starttls(mut self) -> Result<S, DeliveryError> {
        if !self.hello().await?.offers("STARTTLS") {
            return Err(DeliveryError::permanent(
                CHANNEL,
                "the server does not offer STARTTLS: set security to tls",
            ));
        }
        self.say("STARTTLS").await?;
        self.expect("STARTTLS", 220).await?;
        if !self.unread.is_empty() {
            // CVE-2011-0411: commands or answers smuggled in before the handshake.
            return Err(DeliveryError::permanent(CHANNEL, "the server sent data before the TLS handshake"));
        }
        Ok(self.stream)
    }

    /// The whole conversation from EHLO on. Recipients that the server refuses do not keep the others from it.
    pub async fn send(
        mut self,
        login: Option<(&str, &str)>,
        envelope: &Envelope,
    ) -> Result<Receipt, DeliveryError> {
        let hello = self.hello().await?;
        if let Some((user, password)) = login {
            self.login(&hello, user, password).await?;
        }
        self.say(&format!("MAIL FROM:{}", address_text(&envelope.from))).await?;
        self.expect("MAIL FROM", 250).await?;
        let refused = self.name_recipients(envelope).await?;
        self.say("DATA").await?;
        self.expect("DATA", 354).await?;
        self.write(&stuffed(&envelope.data)).await?;
        let accepted = self.expect("the mail", 250).await?;
        // It is taken: whatever happens to the goodbye changes nothing.
        let _ = self.say("QUIT").await;
        let mut detail = format!("the server answered 250 {}", mask_excerpt(&accepted.lines.join(" ")));
        if !refused.is_empty() {
            detail.push_str(&format!("; refused: {}", refused.join("; ")));
        }
        Ok(Receipt::said(detail))
    }

    async fn hello(&mut self) -> Result<Answer, DeliveryError> {
        self.say("EHLO [127.0.0.1]").await?;
        self.expect("EHLO", 250).await
    }

    async fn login(&mut self, hello: &Answer, user: &str, password: &str) -> Result<(), DeliveryError> {
        if hello.offers_auth("PLAIN") {
            let secret = BASE64.encode(format!("\0{user}\0{password}"));
            self.say(&format!("AUTH PLAIN {secret}")).await?;
        } else if hello.offers_auth("LOGIN") {
            self.say("AUTH LOGIN").await?;
            self.expect("AUTH LOGIN", 334).await?;
            self.say(&BASE64.encode(user)).await?;
            self.expect("AUTH LOGIN", 334).await?;
            self.say(&BASE64.encode(password)).await?;
        } else {
            return Err(DeliveryError::permanent(
                CHANNEL,
                "the server offers neither AUTH PLAIN nor AUTH LOGIN",
            ));
        }
        self.expect("the login", 235).await.map(|_| ())
    }

    /// Fails only if no recipient was accepted; tells those that were not.
    async fn name_recipients(&mut self, envelope: &Envelope) -> Result<Vec<String>, DeliveryError> {
        let mut refused = Vec::new();
        let mut last = None;
        for recipient in &envelope.recipients {
            self.say(&format!("RCPT TO:{}", address_text(recipient))).await?;
            let answer = self.answer().await?;
            if !matches!(answer.code, 250 | 251) {
                refused.push(format!(
                    "{recipient} {} {}",
                    answer.code,
                    mask_excerpt(&answer.lines.join(" "))
                ));
                last = Some(answer.error(&format!("RCPT TO {recipient}")));
            }
        }
        match last {
            Some(error) if refused.len() == envelope.recipients.len() => Err(error),
            _ => Ok(refused),
        }
    }

    async fn say(&mut self, line: &str) -> Result<(), DeliveryError> {
        self.write(format!("{line}\r\n").as_bytes()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), DeliveryError> {
        let failed = |e| DeliveryError::temporary(CHANNEL, format!("the connection broke: {e}"));
        self.stream.write_all(bytes).await.map_err(failed)?;
        self.stream.flush().await.map_err(failed)
    }

    async fn expect(&mut self, asked: &str, code: u16) -> Result<Answer, DeliveryError> {
        let answer = self.answer().await?;
        if answer.code == code { Ok(answer) } else { Err(answer.error(asked)) }
    }

    /// Reads lines until one has a space after its code.
    async fn answer(&mut self) -> Result<Answer, DeliveryError> {
        let mut lines = Vec::new();
        let mut bytes = 0;
        loop {
            let line = self.line().await?;
            bytes += line.len();
            let code = line.get(..3).and_then(|c| c.parse::<u16>().ok()).filter(|c| (200..600).contains(c));
            let Some(code) = code.filter(|_| bytes <= ANSWER_BYTES_MAX) else {
                return Err(DeliveryError::temporary(CHANNEL, "the server does not speak SMTP"));
            };
            lines.push(line.get(4..).unwrap_or_default().to_string());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(Answer { code, lines });
            }
        }
    }

    async fn line(&mut self) -> Result<String, DeliveryError> {
        loop {
            if let Some(end) = self.unread.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_string());
            }
            if self.unread.len() > ANSWER_BYTES_MAX {
                return Err(DeliveryError::temporary(CHANNEL, "the server sends a line without an end"));
            }
            let mut chunk = [0; 1024];
            match self.stream.read(&mut chunk).await {
                Ok(0) => return Err(DeliveryError::temporary(CHANNEL, "the server closed the connection")),
                Ok(n) => self.unread.extend_from_slice(&chunk[..n]),
                Err(e) => {
                    return Err(DeliveryError::temporary(CHANNEL, format!("the connection broke: {e}")));
                }
            }
        }
    }
}

/// Doubles a dot that begins a line and ends the mail (RFC 5321, section 4.5.2).
fn stuffed(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 64);
    let mut line_begins = true;
    for &byte in data {
        if line_begins && byte == b'.' {
            out.push(b'.');
        }
        out.push(byte);
        line_begins = byte == b'\n';
    }
    out.extend_from_slice(if out.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled_and_the_end_is_marked_once() {
        assert_eq!(stuffed(b".a\r\nb.\r\n..\r\n"), b"..a\r\nb.\r\n...\r\n.\r\n");
        assert_eq!(stuffed(b"a"), b"a\r\n.\r\n");
    }
}
