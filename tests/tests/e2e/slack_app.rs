//! An app of Slack: one message that says how the incident goes, whose button acknowledges for whoever Slack vouches for.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::page_by;
use watchtower_tests::slack::{CONVERSATION, Slack, signature};

const SOON: Duration = Duration::from_secs(20);
/// Slack waits for no longer.
const SLACK_WAITS: Duration = Duration::from_secs(3);

/// The status of a call as Slack makes it.
fn call(hub: &Hub, body: &str, (timestamp, signature): &(String, String)) -> u16 {
    let address = hub.url().trim_start_matches("http://").to_string();
    let mut stream = TcpStream::connect(&address).expect("the hub listens");
    let request = format!(
        "POST /integrations/slack/actions HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         X-Slack-Request-Timestamp: {timestamp}\r\nX-Slack-Signature: {signature}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("the hub reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer is text");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[test]
fn one_message_in_slack_says_how_the_incident_goes() {
    let hub = Hub::start(Setup::default());
    let (api, slack) = (hub.api(), Slack::start());
    page_by(&api, &slack.config());
    let incident =
        format!("/incidents/{}", api.post("/incidents", &json!({"title": "the disk is full"}))["number"]);
    let page = slack.message(1, SOON);
    let press = slack.press(&page, CONVERSATION, "ada");
    let began = Instant::now();
    assert_eq!(call(&hub, &press, &signature(&press, 0)), 200);
    assert!(began.elapsed() < SLACK_WAITS, "{:?}", began.elapsed());
    assert_eq!(slack.answer(1, SOON), "Acknowledged by @ada in Slack");
    assert_eq!(api.get(&incident)["acknowledged_by"], "@ada in Slack");
    let acknowledged = slack.change("acknowledged", SOON);
    assert_eq!(acknowledged["ts"], "1503435956.000001");
    assert!(!acknowledged.to_string().contains("\"button\""), "nothing is left to press: {acknowledged}");
    assert!(acknowledged.to_string().contains("acknowledged by @\u{200b}ada in Slack"), "{acknowledged}");
    api.post(&format!("{incident}/resolve"), &json!({}));
    assert_eq!(slack.change("resolved", SOON)["ts"], "1503435956.000001");
    assert_eq!((slack.posted(), slack.faults()), (1, vec![]));
}

#[test]
fn a_press_that_slack_did_not_sign_just_now_does_nothing() {
    let hub = Hub::start(Setup::default());
    let (api, slack) = (hub.api(), Slack::start());
    page_by(&api, &slack.config());
    let incident =
        format!("/incidents/{}", api.post("/incidents", &json!({"title": "the disk is full"}))["number"]);
    let press = slack.press(&slack.message(1, SOON), CONVERSATION, "mallory");
    let (timestamp, good) = signature(&press, 0);
    let other = signature("payload=%7B%7D", 0);
    let bad: [(String, String); 5] = [
        signature(&press, 301),
        other,
        (timestamp.clone(), String::new()),
        (timestamp.clone(), good.replace("v0=", "v1=")),
        ((timestamp.parse::<u64>().unwrap() + 1).to_string(), good.clone()),
    ];
    for one in bad {
        assert_eq!(call(&hub, &press, &one), 401, "{one:?}");
    }
    // Signed, but in another conversation.
    let elsewhere = slack.press(&slack.message(1, SOON), "C0OTHER99", "mallory");
    assert_eq!(call(&hub, &elsewhere, &signature(&elsewhere, 0)), 200);
    assert_eq!(slack.answer(1, SOON), "This button does nothing any more.");
    // Signed, but no press of ours.
    for body in ["payload=%7B%7D", "payload=x", "", "a=b"] {
        assert_eq!(call(&hub, body, &signature(body, 0)), 200, "{body:?}");
    }
    assert_eq!(api.get(&incident)["state"], "triggered");
    assert_eq!(call(&hub, &press, &(timestamp, good)), 200, "the same, as it was signed");
    slack.change("acknowledged", SOON);
}
