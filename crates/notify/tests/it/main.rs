//! Every channel against a real server on loopback.

mod channels;
mod buttons;
mod slack_app;
mod http;
mod provider;
mod smtp;
mod web_push;

use watchtower_egress::{CertificateDer, Egress, EgressConfig};
use watchtower_model::Severity;
use watchtower_notify::{ChannelConfig, Link, Message, MessageState, Words};

fn egress(extra_roots: Vec<CertificateDer<'static>>) -> Egress {
    let exceptions = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    Egress::new(EgressConfig { exceptions, extra_roots, ..EgressConfig::default() }).unwrap()
}

/// As long as the hub's own.
const ACKNOWLEDGE_URL: &str = "https://hub.example/a/EWrjvG8AAACOAQIDBAUGBwgAAAAAAAAAAAAAAAAAAAAA";

fn message() -> Message {
    Message {
        incident_number: Some(142),
        incident_key: "i-142".into(),
        title: "disk is full".into(),
        severity: Severity::Critical,
        state: MessageState::Triggered,
        service: "db".into(),
        server: Some("web-1".into()),
        lines: vec!["/var has 0 bytes left".into(), ".starts with a dot".into()],
        links: vec![Link { label: "Open".into(), url: "https://hub.example/i/142".into() }],
        acknowledge_url: Some(ACKNOWLEDGE_URL.into()),
        acknowledge_token: ACKNOWLEDGE_URL.rsplit('/').next().map(Into::into),
        earlier: Vec::new(),
        digits_url: Some("https://hub.example/integrations/twilio/calls/T".into()),
        test: false,
        output: Some("no space left on device\n".into()),
        words: Words::default(),
    }
}

const TWILIO: &str = r#"{"type":"twilio","account":"AC0123456789abcdef0123456789abcdef","token":"KEYKEYKEY","from":"+15005550006","phone":"+4930123456"}"#;

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
        (r#"{"type":"ntfy","url":"https://ntfy.sh/KEY","token":"tk_KEYKEY"}"#, "https://ntfy.sh/***"),
        (r#"{"type":"discord","url":"https://discord.com/api/webhooks/1/KEY"}"#, "https://discord.com/***"),
        (
            r#"{"type":"teams","url":"https://x.logic.azure.com/workflows/KEY?sig=KEY"}"#,
            "x.logic.azure.com/***",
        ),
        (r#"{"type":"telegram","token":"1:KEYKEYKEYKEY","chat":"@ops"}"#, "@ops"),
        (
            r#"{"type":"slack_app","token":"xoxb-KEYKEY","signing_secret":"KEYKEYKEY","channel":"C024BE91L"}"#,
            "C024BE91L",
        ),
        (r#"{"type":"pushover","token":"KEYKEYKEY","user":"KEYKEYKEY2"}"#, "pushover"),
        (TWILIO, "+4930123456"),
        (r#"{"type":"pagerduty","routing_key":"KEYKEYKEY"}"#, "pagerduty"),
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
    assert!(moved.check().unwrap_err().to_string().starts_with("password:"));
    let kept = |json: &str, old: &str, new: &str| {
        let stored = parse(json);
        let edited = format!("{:?}", stored).replace(old, new);
        parse(&edited).with_secrets_of(&stored).check()
    };
    assert_eq!(kept(TWILIO, "+4930123456", "+4930123457"), Ok(()));
    let account = TWILIO.split('"').nth(7).unwrap();
    assert!(kept(TWILIO, account, &account.replace('0', "1")).is_err());
    let pager = r#"{"type":"pagerduty","routing_key":"KEYKEYKEY"}"#;
    assert!(kept(pager, "null", "\"https://evil\"").unwrap_err().to_string().starts_with("routing_key:"));
    assert_eq!(kept(pager, "x", "x"), Ok(()));
    let ntfy = r#"{"type":"ntfy","url":"https://good/KEY","token":"tk_KEYKEY"}"#;
    assert!(kept(ntfy, "good", "evil").unwrap_err().to_string().starts_with("url:"));
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
        (r#"{"type":"ntfy","url":"https://ntfy.sh/"}"#, "url:"),
        (r#"{"type":"ntfy","url":"https://ntfy.sh"}"#, "url:"),
        (r#"{"type":"ntfy","url":"https://ntfy.sh/x","token":"a b c d e f"}"#, "token:"),
        (r#"{"type":"discord","url":"discord.com"}"#, "url:"),
        (r#"{"type":"teams","url":""}"#, "url:"),
        (r#"{"type":"telegram","token":"1:KEY/../KEYKEY","chat":"1"}"#, "token:"),
        (r#"{"type":"telegram","token":"1:KEYKEYKEY","chat":"ops"}"#, "chat:"),
        (r#"{"type":"pushover","token":"KEYKEYKEY","user":""}"#, "user:"),
        (
            r##"{"type":"slack_app","token":"xoxb-KEYKEY","signing_secret":"KEYKEYKEY","channel":"#ops"}"##,
            "channel:",
        ),
        (
            r#"{"type":"slack_app","token":"xoxb-KEYKEY","signing_secret":"KEYKEYKEY","channel":"U024BE91L"}"#,
            "channel:",
        ),
        (r#"{"type":"pagerduty","routing_key":"KEYKEYKEY","api_url":"ftp://x"}"#, "api_url:"),
    ];
    for (json, field) in cases {
        let text = parse(json).check().unwrap_err().to_string();
        assert!(text.starts_with(field), "{json}: {text}");
    }
    for (old, new, field) in
        [("+4930", "0049", "phone:"), ("AC0", "XX0", "account:"), ("+1500", "MG500", "from:")]
    {
        let text = parse(&TWILIO.replace(old, new)).check().unwrap_err().to_string();
        assert!(text.starts_with(field), "{text}");
    }
}
