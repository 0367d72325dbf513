//! An app of Slack against its strict stand-in: one message that changes, refusals in answers of 200, signatures.

use serde_json::json;
use watchtower_notify::{
    ChannelConfig, FailureKind, Message, MessageState, SlackAppConfig, SlackPress, deliver,
};

use crate::provider::{Provider, answer};
use crate::{egress, message, parse};

fn app(url: &str) -> SlackAppConfig {
    let config = r#"{"type":"slack_app","token":"xoxb-KEYKEYKEY","signing_secret":"8f742231b10e8888abcd99yyyzzz85a5","channel":"C0123ABCD","api_url":"URL"}"#;
    match parse(&config.replace("URL", url)) {
        ChannelConfig::SlackApp(config) => config,
        other => panic!("{other:?}"),
    }
}

fn said(text: &str) -> Option<String> {
    Some(answer(200, "", text))
}

#[tokio::test]
async fn the_message_of_the_page_changes_with_the_incident() {
    let provider = Provider::start().await;
    let channel = ChannelConfig::SlackApp(app(&provider.url));
    let egress = egress(Vec::new());
    // Longer than what is read of it: the beginning tells.
    let long = format!(
        r#"{{"ok":true,"channel":"C0123ABCD","ts":"1.5","message":{{"text":"{}"}}}}"#,
        "x".repeat(20_000)
    );
    provider.expect(vec![("POST /chat.postMessage".into(), said(&long))]);
    let receipt = deliver(&egress, &channel, &message(), "k").await.unwrap();
    assert_eq!(receipt.handle.as_deref(), Some("1.5"));
    provider.calls();
    let over = Message {
        state: MessageState::Resolved,
        acknowledge_token: None,
        earlier: vec!["1.4".into(), "1.5".into()],
        ..message()
    };
    // Somebody deleted the second.
    provider.expect(vec![
        ("POST /chat.update".into(), said(r#"{"ok":false,"error":"message_not_found"}"#)),
        ("POST /chat.update".into(), said(r#"{"ok":true,"channel":"C0123ABCD","ts":"1.4"}"#)),
    ]);
    deliver(&egress, &channel, &over, "k").await.unwrap();
    let changed: Vec<_> = provider.calls().iter().map(|call| call.body["ts"].clone()).collect();
    assert_eq!(changed, [json!("1.5"), json!("1.4")]);
}

#[tokio::test]
async fn refusals_in_answers_of_200_are_told_apart() {
    let provider = Provider::start().await;
    let channel = ChannelConfig::SlackApp(app(&provider.url));
    for (word, kind) in [
        ("ratelimited", FailureKind::Temporary),
        ("internal_error", FailureKind::Temporary),
        ("channel_not_found", FailureKind::Permanent),
        ("invalid_auth", FailureKind::Permanent),
    ] {
        provider.expect(vec![(
            "POST /chat.postMessage".into(),
            said(&format!(r#"{{"ok":false,"error":"{word}"}}"#)),
        )]);
        let error = deliver(&egress(Vec::new()), &channel, &message(), "k").await.unwrap_err();
        assert!(error.kind == kind && error.to_string().contains(word), "{error}");
        provider.calls();
    }
}

/// The example of Slack's documentation ("Verifying requests from Slack").
#[test]
fn a_signature_is_that_of_slacks_documentation() {
    let app = app("https://slack.com/api");
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    let at = 1_531_420_618;
    assert!(
        app.signed("1531420618", signature, body, at) && app.signed("1531420618", signature, body, at + 300)
    );
    assert!(!app.signed("1531420618", signature, body, at + 301));
    assert!(!app.signed("1531420619", signature, body, at));
    assert!(!app.signed("1531420618", signature, &body[1..], at));
    for wrong in ["", "v0=", "v0=zz", "v0=é", &signature[..66], &signature.replace("v0", "v1")] {
        assert!(!app.signed("1531420618", wrong, body, at), "{wrong}");
    }
}

#[tokio::test]
async fn answers_go_to_slack_alone() {
    let payload = |url: &str| {
        json!({"type": "block_actions", "user": {"id": "U1", "username": "a\nda"}, "channel": {"id": "C0123ABCD"},
               "response_url": url, "actions": [{"action_id": "acknowledge", "value": "T"}]})
    };
    let provider = Provider::start().await;
    let app = app(&provider.url);
    let own = SlackPress::read(&payload(&format!("{}/actions/1", provider.url)).to_string()).unwrap();
    assert_eq!((own.token.as_str(), own.by.as_str(), own.channel.as_str()), ("T", "@a da", "C0123ABCD"));
    provider.expect(vec![("POST /actions/1".into(), said("ok"))]);
    app.answer(&egress(Vec::new()), &own, "ada has it").await.unwrap();
    assert_eq!(provider.calls()[0].body["response_type"], "ephemeral");
    for elsewhere in ["https://evil.example/", &format!("{}0/x", provider.url), ""] {
        let press = SlackPress::read(&payload(elsewhere).to_string()).unwrap();
        assert!(app.answer(&egress(Vec::new()), &press, "x").await.is_err(), "{elsewhere}");
    }
    for none in
        ["", "{}", "[]", r#"{"user":{"id":"U"},"channel":{"id":"C"},"actions":[{"action_id":"open"}]}"#]
    {
        assert_eq!(SlackPress::read(none), None);
    }
    provider.calls();
}

#[test]
fn no_payload_is_too_hostile_to_be_read() {
    let valid = r#"{"type":"block_actions","user":{"id":"U1","username":"ada"},"channel":{"id":"C0123ABCD"},"response_url":"https://hooks.slack.com/x","actions":[{"action_id":"acknowledge","value":"T"}]}"#;
    assert!(SlackPress::read(valid).is_some());
    for at in 0..valid.len() {
        assert_eq!(SlackPress::read(&valid[..at]), None, "{at}");
        for with in ["\"", "[", "{", "9", "\u{0}", "\u{202e}"] {
            let mut other = valid.to_string();
            other.replace_range(at..=at, with);
            let _ = SlackPress::read(&other);
        }
    }
    assert_eq!(SlackPress::read(&"[".repeat(100_000)), None);
}
