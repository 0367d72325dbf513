//! The link of a page: it shows to whoever looks, acknowledges for whoever presses, and does nothing else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_tests::api::{Answer, Api};
use watchtower_tests::browser::Browser;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::{page_to, text};
use watchtower_tests::sink::Sink;

const SOON: Duration = Duration::from_secs(20);
/// Where people reach the hub of the test, as it believes.
const OUTSIDE: &str = "https://hub.example.com";
const FORM: &str = "application/x-www-form-urlencoded";

fn start() -> Hub {
    Hub::start(Setup { more: vec![format!("--public-url={OUTSIDE}")], ..Setup::default() })
}

/// A hub that pages one person by one channel, and the channel's id.
fn paging() -> (Hub, Sink, String) {
    let (hub, sink) = (start(), Sink::start());
    let channel = page_to(&hub.api(), &sink);
    (hub, sink, channel)
}

fn give_to(api: &Api, name: &str, channel: &str) {
    let user = json!({"name": name, "role": "responder", "password": "correct horse battery staple", "channels": [channel]});
    api.post("/users", &user);
}

/// Opens an incident; its number, and the path of the link that its page carries.
fn paged(api: &Api, sink: &Sink, incident: &Value) -> (i64, String) {
    let number = api.post("/incidents", incident)["number"].as_i64().expect("incidents have numbers");
    let page = sink.wait(SOON, "of the incident", |call| call.incident() == number);
    let url = text(&page.body["acknowledge_url"]);
    (number, url.strip_prefix(OUTSIDE).unwrap_or_else(|| panic!("{url}")).to_string())
}

fn state(api: &Api, number: i64) -> String {
    text(&api.get(&format!("/incidents/{number}"))["state"])
}

fn timeline(api: &Api, number: i64, kind: &str) -> Vec<(String, String)> {
    let entries = api.list(&format!("/incidents/{number}/timeline"));
    let entries = entries.iter().filter(|entry| entry["kind"] == kind);
    entries.map(|entry| (text(&entry["actor"]), text(&entry["text"]))).collect()
}

fn visit(api: &Api, method: &str, path: &str) -> Answer {
    let kind = if method == "POST" { FORM } else { "" };
    api.with_token(None).raw(method, path, kind, b"").expect("the hub answers")
}

/// Everything before the body.
fn head(hub: &Hub, method: &str, path: &str) -> String {
    let address = hub.url().trim_start_matches("http://").to_string();
    let mut stream = TcpStream::connect(&address).expect("the hub listens");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("the hub reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer is text");
    answer.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase()
}

/// fixmystreet#4543, FusionAuth#629.
#[test]
fn a_mail_scanner_that_follows_the_link_acknowledges_nothing() {
    let (hub, sink, channel) = paging();
    let api = hub.api();
    give_to(&api, "ada", &channel);
    api.post("/servers", &json!({"name": "web-1"}));
    let incident = json!({"title": "<b>disk</b> is full", "severity": "critical", "server": "web-1"});
    let (number, link) = paged(&api, &sink, &incident);
    for _ in 0..10 {
        for method in ["GET", "HEAD", "OPTIONS", "PUT"] {
            visit(&api, method, &link);
        }
    }
    assert_eq!(state(&api, number), "triggered");
    assert_eq!(timeline(&api, number, "acknowledged"), []);
    let page = visit(&api, "GET", &link);
    let html = text(&page.body);
    assert_eq!((page.status, page.kind.as_str()), (200, "text/html"));
    for part in [
        "&lt;b&gt;disk&lt;/b&gt; is full",
        "critical",
        "web-1",
        "default",
        "Nobody yet",
        "<form method=\"post\">",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    let said = head(&hub, "GET", &link);
    for header in [
        "cache-control: no-store",
        "x-robots-tag: noindex",
        "content-security-policy: default-src 'none'; style-src 'sha256-",
        "x-frame-options: deny",
        "referrer-policy: same-origin",
    ] {
        assert!(said.contains(header), "{header} in {said}");
    }
}

#[test]
fn pressing_acknowledges_once_for_the_person_who_was_paged() {
    let (hub, sink, channel) = paging();
    let api = hub.api();
    give_to(&api, "ada", &channel);
    let (number, link) = paged(&api, &sink, &json!({"title": "the disk is full"}));
    let pressed = head(&hub, "POST", &link);
    assert!(
        pressed.starts_with("http/1.1 303")
            && pressed.contains(&format!("location: {}", link.to_lowercase())),
        "{pressed}"
    );
    let shown = api.get(&format!("/incidents/{number}"));
    assert_eq!((&shown["state"], &shown["acknowledged_by"]), (&json!("acknowledged"), &json!("ada")));
    let said = timeline(&api, number, "acknowledged");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].0 == "ada" && said[0].1.starts_with("acknowledged by the link sent to channel sink"),
        "{said:?}"
    );
    let html = text(&visit(&api, "GET", &link).body);
    assert!(html.contains("Acknowledged by ada") && !html.contains("<form"), "{html}");
    let before = api.list(&format!("/incidents/{number}/timeline")).len();
    assert_eq!(visit(&api, "POST", &link).status, 303);
    api.post(&format!("/incidents/{number}/resolve"), &json!({}));
    let over = sink.wait(SOON, "of the end", |call| call.event() == "incident.resolved");
    assert_eq!(over.body["acknowledge_url"], Value::Null, "an end asks nobody");
    assert_eq!(visit(&api, "POST", &link).status, 303);
    assert_eq!(state(&api, number), "resolved");
    let entries = api.list(&format!("/incidents/{number}/timeline"));
    let late: Vec<_> = entries[before..].iter().map(|entry| text(&entry["kind"])).collect();
    assert!(late.iter().all(|kind| kind != "acknowledged" && kind != "note"), "{late:?}");
}

#[test]
fn a_link_of_a_channel_that_several_share_stands_for_itself() {
    let (hub, sink, channel) = paging();
    let api = hub.api();
    give_to(&api, "ada", &channel);
    give_to(&api, "bob", &channel);
    let (number, link) = paged(&api, &sink, &json!({"title": "the disk is full"}));
    assert_eq!(visit(&api, "POST", &link).status, 303);
    let by = &api.get(&format!("/incidents/{number}"))["acknowledged_by"];
    assert_eq!(by, "the link sent to channel sink");
    assert_eq!(timeline(&api, number, "acknowledged")[0].0, "the link sent to channel sink");
}

#[test]
fn what_is_no_link_any_more_is_answered_like_what_never_was_one() {
    let (hub, sink, channel) = paging();
    let api = hub.api();
    give_to(&api, "ada", &channel);
    let (number, link) = paged(&api, &sink, &json!({"title": "first"}));
    let never = visit(&api, "POST", &format!("/a/{}", "A".repeat(44)));
    let alike = |path: &str, why: &str| {
        for method in ["GET", "POST"] {
            let answer = visit(&api, method, path);
            assert_eq!((answer.status, &answer.body), (404, &never.body), "{why}");
        }
        assert_eq!(state(&api, number), "triggered", "{why}");
    };
    // Each letter stands for other bits: of the time, of the incident, of the channel, of the voucher.
    for at in [3, 7, 12, 17, 20, 26, 40] {
        let mut other = link.clone().into_bytes();
        other[at] = if other[at] == b'B' { b'C' } else { b'B' };
        alike(&String::from_utf8(other).expect("it is ASCII"), &format!("letter {at} is another"));
    }
    let user = &api.list("/users")[0];
    let path = format!("/api/v1/users/{}", text(&user["id"]));
    assert_eq!(api.call("PATCH", &path, Some(&json!({"disabled": true}))).status, 200);
    alike(&link, "its only user is disabled");
    assert_eq!(api.call("PATCH", &path, Some(&json!({"disabled": false}))).status, 200);
    let stored = api.get(&format!("/channels/{channel}"));
    let with = |enabled: bool| json!({"name": "sink", "config": stored["config"], "enabled": enabled, "catch_all": true});
    api.put(&format!("/channels/{channel}"), &with(false));
    alike(&link, "its channel is switched off");
    api.put(&format!("/channels/{channel}"), &with(true));
    assert_eq!(visit(&api, "POST", &link).status, 303, "and good again");
    assert_eq!(state(&api, number), "acknowledged");
}

#[test]
fn whoever_guesses_is_slowed_and_keeps_nobody_out() {
    let (hub, sink, _) = paging();
    let api = hub.api();
    let (number, link) = paged(&api, &sink, &json!({"title": "the disk is full"}));
    let guess = |n: usize| visit(&api, "POST", &format!("/a/{n:044}"));
    let refused = (0..200).map(guess).find(|answer| answer.status == 429);
    assert!(refused.is_some_and(|answer| answer.retry_after.is_some()), "200 guesses went through");
    assert_eq!(visit(&api, "POST", &link).status, 303);
    assert_eq!(state(&api, number), "acknowledged");
}

#[test]
fn a_link_ends_after_a_week() {
    let Some(mut hub) = Hub::shifted("+0d") else { return };
    hub.set_more(vec![format!("--public-url={OUTSIDE}")]);
    hub.kill();
    hub.restart();
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    let (number, link) = paged(&api, &sink, &json!({"title": "the disk is full"}));
    for (offset, status) in [("+6d", 200), ("+8d", 404)] {
        hub.kill();
        hub.shift(offset);
        hub.restart();
        assert_eq!(visit(&api, "GET", &link).status, status, "{offset}");
    }
    assert_eq!((visit(&api, "POST", &link).status, state(&api, number)), (404, "triggered".into()));
}

#[test]
fn a_hub_that_nobody_reaches_from_outside_sends_no_links() {
    let hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    api.post("/incidents", &json!({"title": "the disk is full"}));
    let page = sink.wait(SOON, "of the incident", |call| call.event() == "incident.triggered");
    assert_eq!(page.body["acknowledge_url"], Value::Null, "{}", page.body);
}

#[test]
fn the_page_of_a_link_fits_a_phone_and_needs_no_script() {
    let Some(browser) = Browser::find() else { return };
    let (hub, sink, _) = paging();
    let long =
        "web-1.a-very-long-name-without-any-place-to-break-it.example.com:9100/var/lib/postgresql is full";
    let (number, link) = paged(&hub.api(), &sink, &json!({"title": long}));
    browser.run("link", &hub, &[("LINK", &link)]);
    assert_eq!(state(&hub.api(), number), "acknowledged");
}
