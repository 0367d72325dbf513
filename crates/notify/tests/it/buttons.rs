//! Buttons of Telegram against its strict stand-in: what is asked, what is made of the answers.

use serde_json::{Value, json};
use watchtower_notify::{ChannelConfig, FailureKind, TelegramConfig};

use crate::provider::{Provider, answer};
use crate::{egress, parse};

fn bot(provider: &Provider, chat: &str) -> TelegramConfig {
    let config = r#"{"type":"telegram","token":"1:KEYKEYKEY","chat":"CHAT","api_url":"URL"}"#;
    match parse(&config.replace("URL", &provider.url).replace("CHAT", chat)) {
        ChannelConfig::Telegram(config) => config,
        other => panic!("{other:?}"),
    }
}

fn call(method: &str) -> String {
    format!("POST /bot1:KEYKEYKEY/{method}")
}

fn taken(result: &Value) -> Option<String> {
    Some(answer(200, "", &json!({"ok": true, "result": result}).to_string()))
}

/// As Telegram tells of a press.
fn update(chat: &Value) -> Value {
    let keyboard =
        json!([[{"text": "Acknowledge", "callback_data": "T"}], [{"text": "Open", "url": "https://h/i/1"}]]);
    let message = json!({"message_id": 7, "chat": chat, "date": 1, "text": "x", "reply_markup": {"inline_keyboard": keyboard}});
    let from = json!({"id": 5, "is_bot": false, "first_name": "A\nda"});
    json!({"update_id": 90, "callback_query": {"id": "q", "from": from, "message": message, "chat_instance": "1", "data": "T"}})
}

#[tokio::test]
async fn a_press_is_asked_for_answered_and_shown() {
    let provider = Provider::start().await;
    let (bot, egress) = (bot(&provider, "-100"), egress(Vec::new()));
    let found = update(&json!({"id": -100, "type": "group"}));
    provider.expect(vec![(call("getUpdates"), taken(&json!([found])))]);
    let polled = bot.poll(&egress, 42).await.unwrap();
    let asked = provider.calls().remove(0).body;
    assert_eq!((&asked["offset"], &asked["allowed_updates"]), (&json!(42), &json!(["callback_query"])));
    assert_eq!((polled.next, polled.presses.len()), (91, 1));
    let press = &polled.presses[0];
    assert_eq!((press.data.as_str(), press.by.as_str(), press.private), ("T", "A da", false));
    assert!(bot.is_from_own_chat(press));

    provider.expect(vec![(call("editMessageReplyMarkup"), taken(&json!(true)))]);
    bot.settle(&egress, press, &"Acknowledged by somebody with a long name ".repeat(3)).await.unwrap();
    let body = provider.calls().remove(0).body;
    assert_eq!((&body["chat_id"], &body["message_id"]), (&json!(-100), &json!(7)));
    let rows = body["reply_markup"]["inline_keyboard"].as_array().unwrap();
    assert!(rows[0][0]["text"].as_str().unwrap().chars().count() <= 64, "{rows:?}");
    assert_eq!(rows[1..], [json!([{"text": "Open", "url": "https://h/i/1"}])], "what opens something stays");

    provider.expect(vec![(call("answerCallbackQuery"), taken(&json!(true)))]);
    bot.answer(&egress, press, &"x".repeat(300)).await.unwrap();
    let body = provider.calls().remove(0).body;
    assert_eq!(body["callback_query_id"], "q");
    assert_eq!(body["text"].as_str().unwrap().chars().count(), 200);
}

#[tokio::test]
async fn a_chat_is_known_by_its_number_or_its_name() {
    let provider = Provider::start().await;
    let egress = egress(Vec::new());
    for (chat, told, own) in [
        ("-100", json!({"id": -100}), true),
        ("-100", json!({"id": -1001}), false),
        ("100", json!({"id": -100, "username": "100"}), false),
        ("@ops", json!({"id": -100, "username": "Ops"}), true),
        ("@ops", json!({"id": -100, "username": "ops2"}), false),
        ("@ops", json!({"id": -100}), false),
    ] {
        let bot = bot(&provider, chat);
        provider.expect(vec![(call("getUpdates"), taken(&json!([update(&told)])))]);
        let polled = bot.poll(&egress, 0).await.unwrap();
        assert_eq!(bot.is_from_own_chat(&polled.presses[0]), own, "{chat} {told}");
        provider.calls();
    }
}

#[tokio::test]
async fn who_else_asks_and_what_cannot_be_read_are_told() {
    let provider = Provider::start().await;
    let (bot, egress) = (bot(&provider, "-100"), egress(Vec::new()));
    let conflict =
        r#"{"ok":false,"error_code":409,"description":"Conflict: terminated by other getUpdates request"}"#;
    for (status, said, kind, part) in [
        (409, conflict, FailureKind::Permanent, "409"),
        (200, "<html>", FailureKind::Temporary, "cannot be read"),
        (502, "", FailureKind::Temporary, "502"),
    ] {
        provider.expect(vec![(call("getUpdates"), Some(answer(status, "", said)))]);
        let error = bot.poll(&egress, 0).await.unwrap_err();
        assert!(error.kind == kind && error.to_string().contains(part), "{error}");
        assert!(!error.to_string().contains("KEYKEYKEY"), "{error}");
        provider.calls();
    }
}
