//! Mail against a small SMTP server that follows a script: what it expects to read, and what it answers.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use watchtower_egress::CertificateDer;
use watchtower_notify::{ChannelConfig, EmailConfig, FailureKind, SmtpSecurity, deliver};

use crate::{egress, message};

/// Answers each line as the script says: (prefix it must have, answer). `DATA` is read to its end.
async fn play<S: AsyncRead + AsyncWrite + Unpin>(stream: S, script: &[(&str, &str)]) -> (S, String) {
    let mut stream = BufStream::new(stream);
    let mut mail = String::new();
    for (prefix, answer) in script {
        if *prefix == "<mail>" {
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                if line == ".\r\n" {
                    break;
                }
                mail.push_str(line.strip_prefix('.').unwrap_or(&line));
            }
        } else if !prefix.is_empty() {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            assert!(line.starts_with(prefix) && line.ends_with("\r\n"), "{line:?} instead of {prefix:?}");
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
    (stream.into_inner(), mail)
}

fn certificate() -> (CertificateDer<'static>, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
    (certificate, TlsAcceptor::from(Arc::new(config)))
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn channel(port: u16, security: SmtpSecurity, login: bool) -> ChannelConfig {
    ChannelConfig::Email(EmailConfig {
        host: "localhost".into(),
        port,
        security,
        username: login.then(|| "ana".into()),
        password: login.then(|| "pw".into()),
        from: "Watchtower <alerts@example.com>".into(),
        to: vec!["Ana <ana@example.com>".into(), "ben@example.com".into()],
    })
}

const GREETING: (&str, &str) = ("", "220 mail ready\r\n");

#[tokio::test]
async fn a_plain_relay_gets_the_mail_and_refused_recipients_are_told() {
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let script = [
            GREETING,
            ("EHLO ", "250-mail\r\n250 SIZE 1000000\r\n"),
            ("MAIL FROM:<alerts@example.com>", "250 ok\r\n"),
            ("RCPT TO:<ana@example.com>", "250 ok\r\n"),
            ("RCPT TO:<ben@example.com>", "550 no such user\r\n"),
            ("DATA", "354 go on\r\n"),
            ("<mail>", "250 queued as 1\r\n"),
        ];
        play(stream, &script).await.1
    });
    let receipt =
        deliver(&egress(Vec::new()), &channel(port, SmtpSecurity::Plain, false), &message(), "key-1")
            .await
            .unwrap();
    assert_eq!(
        receipt.detail,
        "the server answered 250 queued as 1; refused: ben@example.com 550 no such user"
    );
    let mail = server.await.unwrap();
    for line in [
        "Subject: #142 triggered, critical: disk is full\r\n",
        "Message-ID: <key-1@example.com>\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "\r\n.starts with a dot\r\n",
        "no space left on device",
        "<h2>#142 triggered, critical: disk is full</h2>",
    ] {
        assert!(mail.contains(line), "{line:?} in {mail}");
    }
}

#[tokio::test]
async fn starttls_comes_before_the_password() {
    let (certificate, acceptor) = certificate();
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let before = [GREETING, ("EHLO ", "250-mail\r\n250 STARTTLS\r\n"), ("STARTTLS", "220 go\r\n")];
        let (stream, _) = play(stream, &before).await;
        let stream = acceptor.accept(stream).await.unwrap();
        let after = [
            ("EHLO ", "250-mail\r\n250 AUTH LOGIN PLAIN\r\n"),
            // "\0ana\0pw"
            ("AUTH PLAIN AGFuYQBwdw==", "235 welcome\r\n"),
            ("MAIL FROM:", "250 ok\r\n"),
            ("RCPT TO:", "250 ok\r\n"),
            ("RCPT TO:", "250 ok\r\n"),
            ("DATA", "354 go on\r\n"),
            ("<mail>", "250 queued\r\n"),
        ];
        play(stream, &after).await.1
    });
    let channel = channel(port, SmtpSecurity::Starttls, true);
    deliver(&egress(vec![certificate]), &channel, &message(), "k").await.unwrap();
    assert!(server.await.unwrap().contains("disk is full"));
}

#[tokio::test]
async fn tls_from_the_first_byte_with_login() {
    let (certificate, acceptor) = certificate();
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = acceptor.accept(stream).await.unwrap();
        let script = [
            GREETING,
            ("EHLO ", "250 AUTH=LOGIN\r\n"),
            ("AUTH LOGIN", "334 VXNlcm5hbWU6\r\n"),
            ("YW5h", "334 UGFzc3dvcmQ6\r\n"),
            ("cHc=", "535 bad credentials\r\n"),
        ];
        play(stream, &script).await;
    });
    let channel = channel(port, SmtpSecurity::Tls, true);
    let error = deliver(&egress(vec![certificate]), &channel, &message(), "k").await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Permanent);
    assert_eq!(error.to_string(), "email: the login was answered 535 bad credentials");
}

/// Runs one conversation that must fail.
async fn failure(security: SmtpSecurity, script: &'static [(&str, &str)]) -> (FailureKind, String) {
    let (listener, port) = listen().await;
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        play(stream, script).await;
    });
    let error =
        deliver(&egress(Vec::new()), &channel(port, security, false), &message(), "k").await.unwrap_err();
    server.await.unwrap();
    (error.kind, error.reason)
}

#[tokio::test]
async fn failures_are_told_apart() {
    let stripped = failure(SmtpSecurity::Starttls, &[GREETING, ("EHLO ", "250 mail\r\n")]).await;
    assert_eq!(stripped.0, FailureKind::Permanent, "never in the clear instead: {}", stripped.1);
    assert!(stripped.1.contains("does not offer STARTTLS"), "{}", stripped.1);

    const SMUGGLED: &[(&str, &str)] =
        &[GREETING, ("EHLO ", "250 STARTTLS\r\n"), ("STARTTLS", "220 go\r\n250 AUTH PLAIN\r\n")];
    let smuggled = failure(SmtpSecurity::Starttls, SMUGGLED).await;
    assert!(smuggled.1.contains("before the TLS handshake"), "{}", smuggled.1);

    const GREYLISTED: &[(&str, &str)] = &[
        GREETING,
        ("EHLO ", "250 mail\r\n"),
        ("MAIL FROM:", "250 ok\r\n"),
        ("RCPT TO:", "451 come back later\r\n"),
        ("RCPT TO:", "451 come back later\r\n"),
    ];
    assert_eq!(failure(SmtpSecurity::Plain, GREYLISTED).await.0, FailureKind::Temporary);

    const CUT_OFF: &[(&str, &str)] = &[
        GREETING,
        ("EHLO ", "250 mail\r\n"),
        ("MAIL FROM:", "250 ok\r\n"),
        ("RCPT TO:", "250 ok\r\n"),
        ("RCPT TO:", "250 ok\r\n"),
        ("DATA", "354 go on\r\n"),
        ("<mail>", ""),
    ];
    assert_eq!(failure(SmtpSecurity::Plain, CUT_OFF).await.0, FailureKind::Temporary, "at least once");
    assert_eq!(failure(SmtpSecurity::Plain, &[("", "HTTP/1.1 400\r\n")]).await.0, FailureKind::Temporary);
    assert_eq!(failure(SmtpSecurity::Plain, &[("", "554 go away\r\n")]).await.0, FailureKind::Permanent);
}
