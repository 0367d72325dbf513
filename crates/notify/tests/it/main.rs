//! Every channel against a real server on loopback.

mod http;
mod smtp;

use watchtower_egress::{CertificateDer, Egress, EgressConfig};
use watchtower_model::Severity;
use watchtower_notify::{ChannelConfig, Link, Message, MessageState};

fn egress(extra_roots: Vec<CertificateDer<'static>>) -> Egress {
    let exceptions = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    Egress::new(EgressConfig { exceptions, extra_roots, ..EgressConfig::default() }).unwrap()
}

fn message() -> Message {
    Message {
        incident_number: Some(142),
        title: "disk is full".into(),
        severity: Severity::Critical,
        state: MessageState::Triggered,
        service: "db".into(),
        server: Some("web-1".into()),
        lines: vec!["/var has 0 bytes left".into(), ".starts with a dot".into()],
        links: vec![Link { label: "Open".into(), url: "https://hub.example/i/142".into() }],
        test: false,
        output: Some("no space left on device\n".into()),
    }
}

fn parse(json: &str) -> ChannelConfig {
    serde_json::from_str(json).unwrap()
}

#[test]
fn what_people_see_holds_no_secret_and_can_be_sent_back() {
    let cases = [
        (
            r#"{"type":"webhook","url":"https://h:8/path/KEY?k=KEY","secret":"KEYKEYKEYKEYKEYKEY"}"#,
            "https://h:8/***",
        ),
        (r#"{"type":"slack","url":"https://hooks.slack.com/services/KEY"}"#, "https://hooks.slack.com/***"),
        (
            r#"{"type":"email","host":"mail","port":587,"username":"u","password":"KEY","from":"a@b.c","to":["d@e.f"]}"#,
            "\"starttls\"",
        ),
    ];
    for (json, shows) in cases {
        let stored = parse(json);
        assert_eq!(stored.check(), Ok(()));
        let shown = format!("{stored:?}");
        assert!(!shown.contains("KEY") && shown.contains(shows), "{shown}");
        assert!(parse(&shown).with_secrets_of(&stored) == stored, "{shown}");
    }
}

#[test]
fn a_secret_does_not_follow_an_edit_to_another_destination() {
    let hook = parse(r#"{"type":"webhook","url":"https://good/x","secret":"KEYKEYKEYKEYKEYKEY"}"#);
    let moved = parse(r#"{"type":"webhook","url":"https://evil/x","secret":"***"}"#).with_secrets_of(&hook);
    assert!(moved.check().unwrap_err().to_string().starts_with("secret:"));
    let mail = r#"{"type":"email","host":"HOST","port":587,"username":"u","password":"PW","from":"a@b.c","to":["d@e.f"]}"#;
    let stored = parse(&mail.replace("HOST", "good").replace("PW", "KEY"));
    let moved = parse(&mail.replace("HOST", "evil").replace("PW", "***")).with_secrets_of(&stored);
    assert!(moved.check().unwrap_err().to_string().starts_with("username:"));
}

#[test]
fn bad_configurations_name_their_field() {
    let cases = [
        (r#"{"type":"webhook","url":"file:///x","secret":"0123456789abcdef"}"#, "url:"),
        (r#"{"type":"webhook","url":"https://u@h/","secret":"0123456789abcdef"}"#, "url:"),
        (r#"{"type":"webhook","url":"https://h/","secret":"short"}"#, "secret:"),
        (r#"{"type":"slack","url":"https:///x"}"#, "url:"),
        (r#"{"type":"email","host":"a b","port":25,"from":"a@b.c","to":["d@e.f"]}"#, "host:"),
        (r#"{"type":"email","host":"h","port":0,"from":"a@b.c","to":["d@e.f"]}"#, "port:"),
        (r#"{"type":"email","host":"h","port":25,"from":"a@b.c","to":[]}"#, "to:"),
        (r#"{"type":"email","host":"h","port":25,"from":"nobody","to":["d@e.f"]}"#, "from:"),
        (
            r#"{"type":"email","host":"h","port":25,"security":"plain","username":"u","password":"p","from":"a@b.c","to":["d@e.f"]}"#,
            "username:",
        ),
    ];
    for (json, field) in cases {
        let text = parse(json).check().unwrap_err().to_string();
        assert!(text.starts_with(field), "{json}: {text}");
    }
}
