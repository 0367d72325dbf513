//! Every channel of a provider by one table: what it sends for a page, an acknowledgement and an end; what it makes of refusals.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_model::Severity;
use watchtower_notify::{
    ChannelConfig, DeliveryError, FailureKind, Link, Message, MessageState, Receipt, Words, deliver, preview,
};

use crate::provider::{Provider, Request, answer};
use crate::{ACKNOWLEDGE_URL, egress, message};

/// A channel of a provider at `URL`, and the call that it makes for a message.
struct Case {
    config: &'static str,
    call: &'static str,
    /// What a provider says that has taken it.
    taken: (u16, &'static str),
    /// The call before, where a message says that it is over, or somebody has it.
    calm: Option<&'static str>,
    /// Fails on a page that is not as the provider wants it.
    page: fn(&Request),
    /// The same for the end; `None`: nothing is sent.
    end: Option<fn(&Request)>,
}

const CASES: &[Case] = &[
    Case {
        config: r#"{"type":"ntfy","url":"URL/KEYKEYKEY","token":"tk_KEYKEYKEY"}"#,
        call: "POST /",
        taken: (200, r#"{"id":"xE73Iyuabi","event":"message"}"#),
        calm: None,
        page: |call| {
            assert_eq!(call.header("authorization"), Some("Bearer tk_KEYKEYKEY"));
            let body = &call.body;
            assert_eq!(body["topic"], "KEYKEYKEY");
            assert_eq!((&body["priority"], &body["title"]), (&json!(5), &json!(HEADLINE)));
            assert_eq!(body["tags"], json!(["rotating_light", "critical"]));
            assert_eq!(body["click"], LINK);
            let acts = json!({"action": "http", "label": "Acknowledge", "url": ACKNOWLEDGE_URL, "method": "POST", "clear": true});
            assert_eq!(body["actions"], json!([acts, {"action": "view", "label": "Open", "url": LINK}]));
            assert_eq!(body["sequence_id"].as_str().unwrap().len(), 32);
            let text = body["message"].as_str().unwrap();
            assert!(
                text.starts_with("db on web-1\n/var has 0 bytes left") && text.ends_with("left on device"),
                "{text}"
            );
        },
        end: Some(|call| {
            assert_eq!(
                (&call.body["priority"], &call.body["tags"][0]),
                (&json!(3), &json!("white_check_mark"))
            );
            assert_eq!(call.body["actions"], json!([{"action": "view", "label": "Open", "url": LINK}]));
        }),
    },
    Case {
        config: r#"{"type":"discord","url":"URL/api/webhooks/1/KEYKEYKEY"}"#,
        call: "POST /api/webhooks/1/KEYKEYKEY?wait=true",
        taken: (200, r#"{"id":"1"}"#),
        calm: None,
        page: |call| {
            let body = &call.body;
            assert_eq!(body["allowed_mentions"], json!({"parse": []}));
            assert_eq!(body["content"], r"\#142 triggered, critical: disk is full");
            let embed = &body["embeds"][0];
            assert!(
                embed["description"].as_str().unwrap().ends_with("```\nno space left on device\n```"),
                "{embed}"
            );
            assert_eq!(
                embed["fields"][0]["value"],
                format!("[Acknowledge]({ACKNOWLEDGE_URL})\n[Open]({LINK})\n")
            );
            assert_eq!(embed["color"], 0x00da_3633);
        },
        end: Some(|call| assert_eq!(call.body["embeds"][0]["color"], 0x002e_a043)),
    },
    Case {
        config: r#"{"type":"teams","url":"URL/workflows/x/triggers/manual/paths/invoke?sig=KEYKEYKEY"}"#,
        call: "POST /workflows/x/triggers/manual/paths/invoke?sig=KEYKEYKEY",
        taken: (202, ""),
        calm: None,
        page: |call| {
            let attachment = &call.body["attachments"][0];
            assert_eq!(call.body["type"], "message");
            assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
            let card = &attachment["content"];
            assert_eq!((&card["type"], &card["version"]), (&json!("AdaptiveCard"), &json!("1.4")));
            assert_eq!(card["body"][0]["inlines"][0]["text"], HEADLINE);
            assert_eq!(card["body"][1]["inlines"][0]["text"], "db on web-1");
            assert_eq!(card["body"][4]["inlines"][0]["fontType"], "Monospace");
            let open = |title: &str, url| json!({"type": "Action.OpenUrl", "title": title, "url": url});
            assert_eq!(card["actions"], json!([open("Acknowledge", ACKNOWLEDGE_URL), open("Open", LINK)]));
        },
        end: Some(|call| {
            let card = &call.body["attachments"][0]["content"];
            assert_eq!(card["body"][0]["inlines"][0]["color"], "Good");
        }),
    },
    Case {
        config: r#"{"type":"google_chat","url":"URL/v1/spaces/A/messages?key=KEYKEYKEY"}"#,
        call: "POST /v1/spaces/A/messages?key=KEYKEYKEY&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD&requestId=4ffcf8774892374d032ff7eca51a30d8595d2962d128fe8f94434ffdbaab2ce3",
        taken: (200, r#"{"name":"spaces/A/messages/1"}"#),
        calm: None,
        page: |call| {
            assert_eq!(call.body["thread"], json!({"threadKey": message().incident_key}));
            assert_eq!(call.body["fallbackText"], HEADLINE);
            let card = &call.body["cardsV2"][0]["card"];
            assert_eq!(card["header"]["title"], HEADLINE);
            let widgets = &card["sections"][0]["widgets"];
            let said = widgets[0]["textParagraph"]["text"].as_str().unwrap();
            assert!(said.starts_with("db on web-1\n"), "{said}");
            assert_eq!(widgets[1]["textParagraph"]["text"], "no space left on device");
            let open = |text: &str, url| json!({"text": text, "onClick": {"openLink": {"url": url}}});
            let buttons = json!([open("Acknowledge", ACKNOWLEDGE_URL), open("Open", LINK)]);
            assert_eq!(widgets[2]["buttonList"]["buttons"], buttons);
        },
        end: Some(|call| {
            let title = call.body["cardsV2"][0]["card"]["header"]["title"].as_str().unwrap();
            assert!(title.contains("resolved"), "{title}");
        }),
    },
    Case {
        config: r#"{"type":"telegram","token":"1:KEYKEYKEY","chat":"-100","api_url":"URL"}"#,
        call: "POST /bot1:KEYKEYKEY/sendMessage",
        taken: (200, r#"{"ok":true,"result":{"message_id":7}}"#),
        calm: None,
        page: |call| {
            let body = &call.body;
            assert_eq!((&body["chat_id"], &body["parse_mode"]), (&json!("-100"), &json!("HTML")));
            let text = body["text"].as_str().unwrap();
            assert!(text.contains("<b>#142 triggered, critical: disk is full</b>"), "{text}");
            assert!(text.ends_with("<pre>no space left on device</pre>"), "{text}");
            let token = ACKNOWLEDGE_URL.rsplit('/').next();
            let buttons =
                json!([[{"text": "Acknowledge", "callback_data": token}], [{"text": "Open", "url": LINK}]]);
            assert_eq!(
                (&body["reply_markup"]["inline_keyboard"], &body["disable_notification"]),
                (&buttons, &json!(false))
            );
        },
        end: Some(|call| assert_eq!(call.body["disable_notification"], true)),
    },
    Case {
        config: r#"{"type":"slack_app","token":"xoxb-KEYKEYKEY","signing_secret":"KEYKEYKEY","channel":"C024BE91L","api_url":"URL"}"#,
        call: "POST /chat.postMessage",
        taken: (200, r#"{"ok":true,"channel":"C024BE91L","ts":"1503435956.000247"}"#),
        calm: None,
        page: |call| {
            assert_eq!(call.header("authorization"), Some("Bearer xoxb-KEYKEYKEY"));
            let body = &call.body;
            assert_eq!((&body["channel"], &body["text"]), (&json!("C024BE91L"), &json!(HEADLINE)));
            let button = &body["blocks"][3]["elements"][0];
            let token = ACKNOWLEDGE_URL.rsplit('/').next().unwrap();
            assert_eq!((&button["action_id"], &button["value"]), (&json!("acknowledge"), &json!(token)));
            assert_eq!(button["url"], Value::Null, "the press comes to the hub");
        },
        end: Some(|call| assert!(!call.body.to_string().contains("\"button\""), "{}", call.body)),
    },
    Case {
        config: r#"{"type":"pushover","token":"KEYKEYKEYapp","user":"KEYKEYKEYuser","api_url":"URL"}"#,
        call: "POST /1/messages.json",
        taken: (200, r#"{"status":1,"request":"r","receipt":"rLqVuqTRh62UzxtmqiaLzQmVcPgiCy"}"#),
        calm: Some("POST /1/receipts/cancel_by_tag/TAG.json"),
        page: |call| {
            let body = &call.body;
            assert_eq!((&body["token"], &body["user"]), (&json!("KEYKEYKEYapp"), &json!("KEYKEYKEYuser")));
            let emergency = ["priority", "retry", "expire"].map(|name| body[name].as_str().unwrap());
            assert_eq!((emergency, &body["title"]), (["2", "60", "3600"], &json!(HEADLINE)));
            assert_eq!(body["tags"], tag());
            assert_eq!((&body["url"], &body["url_title"]), (&json!(ACKNOWLEDGE_URL), &json!("Acknowledge")));
            let text = body["message"].as_str().unwrap();
            assert!(text.contains(&format!("Open: {LINK}")), "{text}");
        },
        end: Some(|call| {
            assert_eq!((&call.body["priority"], &call.body["tags"]), (&json!("0"), &Value::Null))
        }),
    },
    Case {
        config: r#"{"type":"twilio","account":"AC0123456789abcdef0123456789abcdef","token":"KEYKEYKEY","from":"+15005550006","phone":"+4930123456","api_url":"URL"}"#,
        call: "POST /2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json",
        taken: (201, r#"{"sid":"SM1","status":"queued"}"#),
        calm: None,
        page: |call| {
            // AC…:KEYKEYKEY
            let login = "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjpLRVlLRVlLRVk=";
            assert_eq!(call.header("authorization"), Some(login));
            let text = format!("{HEADLINE}\ndb on web-1\n{ACKNOWLEDGE_URL}");
            // One part of GSM's alphabet: more would be charged as more messages.
            assert!(text.len() <= 160, "{} characters", text.len());
            assert_eq!(call.body, json!({"To": "+4930123456", "From": "+15005550006", "Body": text}));
        },
        end: Some(|call| assert!(call.body["Body"].as_str().unwrap().contains("resolved"))),
    },
    Case {
        config: r#"{"type":"twilio","account":"AC0123456789abcdef0123456789abcdef","token":"KEYKEYKEY","from":"+15005550006","phone":"+4930123456","voice":true,"api_url":"URL"}"#,
        call: "POST /2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Calls.json",
        taken: (201, r#"{"sid":"CA1","status":"queued"}"#),
        calm: None,
        page: |call| {
            let said = call.body["Twiml"].as_str().unwrap();
            let gather = r#"<Gather numDigits="1" timeout="10" action="https://hub.example/integrations/twilio/calls/T">"#;
            let text = "<Say>Watchtower. Incident 142. critical. db on web-1. disk is full. Press 4 to acknowledge.</Say>";
            assert!(
                said.starts_with(&format!("<Response>{gather}{text}")) && said.matches(text).count() == 2,
                "{said}"
            );
        },
        end: None,
    },
    Case {
        config: r#"{"type":"pagerduty","routing_key":"KEYKEYKEY0123456789","api_url":"URL"}"#,
        call: "POST /v2/enqueue",
        taken: (202, r#"{"status":"success","message":"Event processed","dedup_key":"i-142"}"#),
        calm: None,
        page: |call| {
            let body = &call.body;
            assert_eq!((&body["event_action"], &body["dedup_key"]), (&json!("trigger"), &json!("i-142")));
            assert_eq!(body["routing_key"], "KEYKEYKEY0123456789");
            let payload = &body["payload"];
            assert_eq!((&payload["summary"], &payload["source"]), (&json!(HEADLINE), &json!("web-1")));
            assert_eq!((&payload["severity"], &payload["component"]), (&json!("critical"), &json!("db")));
            assert_eq!(body["links"], json!([{"href": LINK, "text": "Open"}]));
        },
        end: Some(|call| {
            assert_eq!(
                (&call.body["event_action"], &call.body["dedup_key"]),
                (&json!("resolve"), &json!("i-142"))
            );
            assert_eq!(call.body["payload"], Value::Null);
        }),
    },
];

const HEADLINE: &str = "#142 triggered, critical: disk is full";
const LINK: &str = "https://hub.example/i/142";

/// SHA-256 of `i-142`.
fn tag() -> &'static str {
    "1c905dd3228025ffc055fe9a1968c4e6b68b7c0942630cace51bd303fe373e86"
}

impl Case {
    fn channel(&self, provider: &Provider) -> ChannelConfig {
        let channel: ChannelConfig =
            serde_json::from_str(&self.config.replace("URL", &provider.url)).unwrap();
        assert_eq!(channel.check(), Ok(()), "{}", self.config);
        channel
    }

    /// The calls of a message in this state, each answered by `answer`.
    fn steps(&self, state: MessageState, answer: Option<String>) -> Vec<(String, Option<String>)> {
        let calm = self.calm.filter(|_| state != MessageState::Triggered);
        let calm = calm.map(|call| (call.replace("TAG", tag()), Some(ok())));
        calm.into_iter().chain([(self.call.to_string(), answer)]).collect()
    }
}

fn ok() -> String {
    answer(200, "", "{}")
}

fn in_state(state: MessageState) -> Message {
    let acknowledge_url = (state == MessageState::Triggered).then(|| ACKNOWLEDGE_URL.to_string());
    let acknowledge_token = message().acknowledge_token.filter(|_| acknowledge_url.is_some());
    Message { state, acknowledge_url, acknowledge_token, ..message() }
}

async fn send(channel: &ChannelConfig, message: &Message) -> Result<Receipt, DeliveryError> {
    deliver(&egress(Vec::new()), channel, message, "0199/1/0/0/channel").await
}

#[tokio::test]
async fn pages_notices_and_ends_are_as_the_provider_wants_them() {
    for case in CASES {
        let provider = Provider::start().await;
        let channel = case.channel(&provider);
        let taken = || Some(answer(case.taken.0, "", case.taken.1));
        let mut keys = Vec::new();
        // The same message twice is the same but for what the provider cannot know of.
        for _ in 0..2 {
            provider.expect(case.steps(MessageState::Triggered, taken()));
            send(&channel, &message()).await.unwrap();
            let calls = provider.calls();
            (case.page)(&calls[0]);
            keys.push((calls[0].header("x-watchtower-delivery").unwrap().to_string(), calls[0].body.clone()));
        }
        assert_eq!(keys[0], keys[1]);
        for state in [MessageState::Acknowledged, MessageState::Resolved] {
            let steps = if case.end.is_some() { case.steps(state, taken()) } else { Vec::new() };
            provider.expect(steps);
            send(&channel, &in_state(state)).await.unwrap();
            if let (Some(end), MessageState::Resolved) = (case.end, state) {
                end(provider.calls().last().unwrap());
            } else {
                provider.calls();
            }
        }
    }
}

#[tokio::test]
async fn answers_tell_whether_to_try_again_and_when() {
    let after = "Retry-After: 7\r\n";
    let answers = [
        (429, after, "", FailureKind::Temporary, Some(7)),
        (
            429,
            "",
            r#"{"message":"You are being rate limited.","retry_after":64.57,"global":false}"#,
            FailureKind::Temporary,
            Some(65),
        ),
        (
            429,
            "",
            r#"{"ok":false,"error_code":429,"parameters":{"retry_after":33}}"#,
            FailureKind::Temporary,
            Some(33),
        ),
        (500, "", "oops", FailureKind::Temporary, None),
        (503, after, "", FailureKind::Temporary, Some(7)),
        (400, after, r#"{"message":"no KEYKEYKEYKEYKEYKEYKEYKEY"}"#, FailureKind::Permanent, None),
        (401, "", "", FailureKind::Permanent, None),
        (404, "", "", FailureKind::Permanent, None),
        (302, "Location: http://127.0.0.1/\r\n", "", FailureKind::Permanent, None),
    ];
    for case in CASES {
        let provider = Provider::start().await;
        let channel = case.channel(&provider);
        for (status, headers, body, kind, seconds) in answers {
            provider.expect(case.steps(MessageState::Triggered, Some(answer(status, headers, body))));
            let error = send(&channel, &message()).await.unwrap_err();
            provider.calls();
            assert_eq!((error.kind, error.channel), (kind, channel.kind()), "{status}: {error}");
            // Pushover wants five seconds after each failure of its own.
            let least =
                if channel.kind() == "pushover" && kind == FailureKind::Temporary { Some(5) } else { None };
            assert_eq!(error.retry_after, seconds.or(least).map(Duration::from_secs), "{error}");
            assert!(!error.to_string().contains("KEYKEYKEY"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_says_nothing_is_left_and_tried_again() {
    let all = CASES.iter().map(|case| async {
        let provider = Provider::start().await;
        provider.expect(case.steps(MessageState::Triggered, None));
        let error = send(&case.channel(&provider), &message()).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Temporary, "{error}");
        assert!(!error.to_string().contains("KEYKEYKEY"), "{error}");
        provider.calls();
    });
    let all: Vec<_> = all.map(|one| Box::pin(one) as std::pin::Pin<Box<dyn Future<Output = ()>>>).collect();
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            for task in all.into_iter().map(tokio::task::spawn_local).collect::<Vec<_>>() {
                task.await.unwrap();
            }
        })
        .await;
}

/// The longest text that a page of this kind may have anywhere, in characters.
fn longest(kind: &str) -> usize {
    match kind {
        "discord" => 4_096,
        "teams" => 7 * 1024,
        "google_chat" => 10 * 1024,
        "telegram" => 4_096,
        "slack_app" => 3_000,
        "pushover" => 1_024,
        // Of the output; the summary is asked below.
        "pagerduty" => 2_100,
        "ntfy" => 2_500,
        "twilio" => 1_200,
        other => panic!("no limit of {other} is known"),
    }
}

fn texts<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(all) => all.iter().for_each(|one| texts(one, into)),
        Value::Object(all) => all.values().for_each(|one| texts(one, into)),
        _ => {}
    }
}

#[tokio::test]
async fn hostile_and_endless_texts_stay_text_within_the_limits() {
    let evil = "@everyone <@1> <b>x</b> **b** [a](http://evil) `x` ``` <Hangup/> & \u{1f600}é \\ \r\nX: y";
    let hostile = Message {
        title: evil.repeat(30),
        service: "<at>all</at>".into(),
        lines: vec![evil.repeat(60); 30],
        output: Some(format!("{}the end", evil.repeat(200))),
        links: vec![Link { label: evil.into(), url: "https://hub.example/i/142?a=(1)&b=2".into() }; 9],
        ..message()
    };
    // The words of a template are text like any other.
    let words = Words { title: Some(evil.repeat(30)), body: Some(format!("{evil}\n").repeat(900)) };
    let own = Message { words, ..hostile.clone() };
    for (case, hostile) in CASES.iter().flat_map(|case| [(case, &hostile), (case, &own)]) {
        let provider = Provider::start().await;
        let channel = case.channel(&provider);
        provider.expect(case.steps(MessageState::Triggered, Some(answer(case.taken.0, "", case.taken.1))));
        send(&channel, hostile).await.unwrap();
        let call = provider.calls().remove(0);
        let mut said = Vec::new();
        texts(&call.body, &mut said);
        for text in &said {
            let long = text.chars().count();
            assert!(long <= longest(channel.kind()), "{}: {long} characters", channel.kind());
        }
        let size = call.header("content-length").unwrap().parse::<usize>().unwrap();
        assert!(size < 28 * 1024, "{}: {size} bytes", channel.kind());
        let all = said.join("\n");
        match channel.kind() {
            "telegram" => {
                let text = call.body["text"].as_str().unwrap();
                for bad in ["<b>x", "@everyone", "<@1>", "<Hangup"] {
                    assert!(!text.contains(bad), "{bad} in {text}");
                }
                let units = text.encode_utf16().count();
                assert!(units <= 4_096, "{units}");
            }
            "twilio" => assert!(!all.contains("<Hangup/>") || !all.contains("<Say>"), "{all}"),
            "discord" => {
                let embed = &call.body["embeds"][0];
                let description = embed["description"].as_str().unwrap();
                assert_eq!(description.matches("```").count(), 2, "{description}");
                assert!(!all.contains("**b**") || description.contains(r"\*\*b\*\*"), "{all}");
                assert!(!call.body["content"].as_str().unwrap().contains(" <@1>"), "{all}");
                assert!(embed["fields"][0]["value"].as_str().unwrap().chars().count() <= 1_024);
            }
            "google_chat" => {
                let widgets = &call.body["cardsV2"][0]["card"]["sections"][0]["widgets"];
                let paragraph = widgets[0]["textParagraph"]["text"].as_str().unwrap();
                assert!(!paragraph.contains("<b>x") && paragraph.contains("&lt;b&gt;x"), "{paragraph}");
            }
            "pagerduty" => {
                assert!(call.body["payload"]["summary"].as_str().unwrap().chars().count() <= 1_024);
            }
            "ntfy" => assert!(size < 8_192, "{size} bytes"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn own_words_stand_where_the_hubs_would() {
    for case in CASES {
        let provider = Provider::start().await;
        let channel = case.channel(&provider);
        let words =
            Words { title: Some("our headline".into()), body: Some("first\n\nsecond of ours".into()) };
        let own = Message { words, output: None, ..message() };
        provider.expect(case.steps(MessageState::Triggered, Some(answer(case.taken.0, "", case.taken.1))));
        send(&channel, &own).await.unwrap();
        let mut said = Vec::new();
        let body = provider.calls().remove(0).body;
        texts(&body, &mut said);
        let all = said.join("\n");
        assert!(all.contains("our headline") && all.contains("second of ours"), "{}: {all}", channel.kind());
        assert!(!all.contains("is full") && !all.contains("0 bytes left"), "{}: {all}", channel.kind());
    }
}

#[test]
fn a_preview_is_what_would_be_sent_without_its_secrets() {
    for case in CASES {
        let channel: ChannelConfig =
            serde_json::from_str(&case.config.replace("URL", "https://provider.example")).unwrap();
        let written = preview(&channel, &message()).unwrap();
        let body = String::from_utf8(written.body).unwrap();
        assert!(!written.to.contains("KEYKEYKEY") && !body.contains("KEYKEYKEY"), "{} {body}", written.to);
        assert!(written.to.starts_with("https://provider.example/"), "{}", written.to);
        assert!(body.contains("disk") || case.config.contains("voice"), "{body}");
    }
}

#[tokio::test]
async fn a_test_of_pagerduty_leaves_nothing_open() {
    let provider = Provider::start().await;
    let case = CASES.iter().find(|case| case.config.contains("pagerduty")).unwrap();
    let taken = || Some(answer(case.taken.0, "", case.taken.1));
    provider.expect(vec![(case.call.into(), taken()), (case.call.into(), taken())]);
    let test = Message { incident_number: None, test: true, ..message() };
    send(&case.channel(&provider), &test).await.unwrap();
    let calls = provider.calls();
    let actions: Vec<_> = calls.iter().map(|call| call.body["event_action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["trigger", "resolve"]);
}

#[tokio::test]
async fn what_nothing_rings_for_is_no_reason_to_keep_the_end_back() {
    let provider = Provider::start().await;
    let case = CASES.iter().find(|case| case.config.contains("pushover")).unwrap();
    let channel = case.channel(&provider);
    let cancel = case.calm.unwrap().replace("TAG", tag());
    let refused = Some(answer(400, "", r#"{"status":0}"#));
    provider.expect(vec![(cancel.clone(), refused), (case.call.into(), Some(ok()))]);
    send(&channel, &in_state(MessageState::Resolved)).await.unwrap();
    provider.calls();
    provider.expect(vec![(cancel, Some(answer(500, "", "")))]);
    let error = send(&channel, &in_state(MessageState::Resolved)).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Temporary);
    provider.calls();
}

#[test]
fn severities_have_priorities_of_their_own() {
    let order = [Severity::Info, Severity::Warning, Severity::Error, Severity::Critical];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for (kind, wanted) in [("ntfy", [2, 3, 4, 5]), ("pushover", [-1, 0, 1, 2])] {
            let case = CASES.iter().find(|case| case.config.contains(kind)).unwrap();
            let provider = Provider::start().await;
            for (severity, wanted) in order.into_iter().zip(wanted) {
                provider.expect(case.steps(MessageState::Triggered, Some(ok())));
                send(&case.channel(&provider), &Message { severity, ..message() }).await.unwrap();
                let priority = provider.calls()[0].body["priority"].to_string();
                assert_eq!(priority.trim_matches('"'), wanted.to_string(), "{kind} {severity}");
            }
        }
    });
}
