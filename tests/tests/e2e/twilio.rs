//! Answers by telephone: a digit in the call of a page, a text message from the number that was paged.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::{page_by, text};
use watchtower_tests::twilio::{ACCOUNT, PHONE, Twilio, signed};

const SOON: Duration = Duration::from_secs(20);
const OUTSIDE: &str = "https://hub.example.com";

fn paging(voice: bool) -> (Hub, Twilio) {
    let hub = Hub::start(Setup { more: vec![format!("--public-url={OUTSIDE}")], ..Setup::default() });
    let twilio = Twilio::start();
    let channel = page_by(&hub.api(), &twilio.config(voice));
    let user = json!({"name": "ada", "role": "responder", "password": "correct horse battery staple", "channels": [channel]});
    hub.api().post("/users", &user);
    (hub, twilio)
}

/// Status and body of a call as Twilio makes it to an address of the hub.
fn call(hub: &Hub, url: &str, (body, signature): &(String, String)) -> (u16, String) {
    let address = hub.url().trim_start_matches("http://").to_string();
    let path = url.strip_prefix(OUTSIDE).unwrap_or_else(|| panic!("{url}"));
    let mut stream = TcpStream::connect(&address).expect("the hub listens");
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nX-Twilio-Signature: {signature}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("the hub reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer is text");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_string())
}

fn open(api: &Api, title: &str) -> i64 {
    api.post("/incidents", &json!({"title": title}))["number"].as_i64().expect("incidents have numbers")
}

fn shown(api: &Api, number: i64) -> Value {
    api.get(&format!("/incidents/{number}"))
}

#[test]
fn a_digit_in_a_call_acknowledges_for_who_was_called() {
    let (hub, twilio) = paging(true);
    let api = hub.api();
    let number = open(&api, "the disk is full");
    let said = twilio.form(1, SOON)["Twiml"].clone();
    assert!(said.contains("Press 4 to acknowledge."), "{said}");
    let url =
        said.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("it asks").to_string();
    let digits =
        |digits: &str, to: &str| signed(&url, &[("AccountSid", ACCOUNT), ("To", to), ("Digits", digits)]);
    let (form, signature) = digits("4", PHONE);
    for wrong in [
        (form.clone(), String::new()),
        (form.replace("=4", "=5"), signature.clone()),
        digits("4", "+4930999999"),
        signed(&format!("{url}/"), &[("AccountSid", ACCOUNT), ("To", PHONE), ("Digits", "4")]),
    ] {
        assert_eq!(call(&hub, &url, &wrong).0, 401, "{wrong:?}");
    }
    let other = call(&hub, &url, &digits("5", PHONE));
    assert_eq!(other, (200, "<Response><Say>Not acknowledged.</Say></Response>".into()));
    assert_eq!(shown(&api, number)["state"], "triggered");
    let taken = call(&hub, &url, &(form, signature));
    assert_eq!(taken, (200, "<Response><Say>Acknowledged by ada</Say></Response>".into()));
    assert_eq!(shown(&api, number)["acknowledged_by"], "ada");
}

#[test]
fn a_text_message_acknowledges_what_its_number_was_paged_for() {
    let (hub, twilio) = paging(false);
    let api = hub.api();
    let number = open(&api, "the disk is full");
    let page = twilio.form(1, SOON)["Body"].clone();
    assert!(page.contains(&format!("{OUTSIDE}/a/")) && page.len() <= 160, "{page}");
    let url = format!("{OUTSIDE}/integrations/twilio/messages");
    let from =
        |from: &str, body: &str| signed(&url, &[("AccountSid", ACCOUNT), ("From", from), ("Body", body)]);
    let ack = format!("ack {number}");
    assert_eq!(call(&hub, &url, &from("+4930999999", &ack)).0, 401, "another number");
    assert_eq!(call(&hub, &url, &(from(PHONE, &ack).0, from(PHONE, "ack 9").1)).0, 401, "another text");
    let answer = |body: &str| {
        let (status, text) = call(&hub, &url, &from(PHONE, body));
        assert_eq!(status, 200, "{text}");
        text
    };
    assert!(answer("what?").contains("Answer with: ack NUMBER"));
    // An incident that is paged elsewhere is as good as none.
    let none = answer("ack 999999").replace("999999", "N");
    let silent = json!({"name": "silent", "config": {"kind": "webhook", "url": "http://127.0.0.1:9/", "secret": "0123456789abcdef"}});
    let channel = text(&api.post("/channels", &silent)["id"]);
    let steps = json!([{"delay_seconds": 600, "targets": [{"kind": "channel", "id": channel}]}]);
    let policy = api.post("/policies", &json!({"name": "elsewhere", "steps": steps}));
    let service = api.post("/services", &json!({"name": "other", "policy_id": policy["id"]}));
    let other =
        api.post("/incidents", &json!({"title": "elsewhere", "service": service["name"]}))["number"].clone();
    assert_eq!(answer(&format!("ack {other}")).replace(&other.to_string(), "N"), none);
    assert_eq!(shown(&api, number)["state"], "triggered");
    assert!(answer(&ack.to_uppercase()).contains("Acknowledged by ada"));
    assert_eq!(shown(&api, number)["acknowledged_by"], "ada");
    let timeline = api.list(&format!("/incidents/{number}/timeline"));
    let said = timeline.iter().find(|entry| entry["kind"] == "acknowledged").expect("it was acknowledged");
    assert!(text(&said["text"]).starts_with("acknowledged by a text message of channel"), "{said}");
}
