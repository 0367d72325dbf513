//! Many incidents at one time: a few pages one by one, the rest of a minute as one message; nobody is forgotten.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::text;
use watchtower_tests::sink::Sink;

const SOON: Duration = Duration::from_secs(20);
/// In place of a minute.
const PACE: &str = "pace=6s";

fn setup() -> Setup {
    Setup { timing: format!("interval=1s,lost_grace=2s,evaluate=1s,{PACE}"), ..Setup::default() }
}

/// The default service pages a chat.
fn page_a_chat(api: &Api, sink: &Sink) {
    let config = json!({"kind": "slack", "url": sink.url()});
    let channel = api.post("/channels", &json!({"name": "chat", "config": config, "catch_all": true}));
    let target = json!({"kind": "channel", "id": channel["id"]});
    let step = json!({"delay_seconds": 600, "targets": [target]});
    let policy = api.post("/policies", &json!({"name": "chat", "steps": [step]}));
    let service = api.get("/services/default");
    let input = json!({"name": "default", "policy_id": policy["id"]});
    api.put(&format!("/services/{}", text(&service["id"])), &input);
}

fn trouble(api: &Api, title: &str, severity: &str) -> Value {
    api.post("/incidents", &json!({"title": title, "severity": severity}))
}

/// How many messages name it.
fn named(sink: &Sink, title: &str) -> usize {
    sink.calls().iter().filter(|call| call.body.to_string().contains(title)).count()
}

/// Three that are told one by one.
fn alone(api: &Api, sink: &Sink) {
    for number in 1..=3 {
        trouble(api, &format!("alone-{number}"), "error");
        wait::until(SOON, "its own page", || (sink.calls().len() == number).then_some(()));
    }
}

#[test]
fn what_comes_on_top_of_three_in_a_minute_is_one_message() {
    let hub = Hub::start(setup());
    let (api, sink) = (hub.api(), Sink::start());
    page_a_chat(&api, &sink);
    alone(&api, &sink);
    let more = ["more-1", "more-2", "more-3", "more-4"].map(|title| trouble(&api, title, "error"));
    trouble(&api, "worse", "critical");
    wait::until(SOON, "what is worse, at once", || (named(&sink, "worse") == 1).then_some(()));
    assert_eq!(sink.calls().len(), 4, "{:?}", sink.calls());
    let waiting = api.get(&format!("/incidents/{}", more[0]["number"]));
    assert!(waiting["pending_actions"].to_string().contains("pages channel chat"), "{waiting}");
    // One has somebody, one is over: neither is told of, nor is the end of what was not told.
    api.post(&format!("/incidents/{}/ack", more[2]["number"]), &json!({}));
    api.post(&format!("/incidents/{}/resolve", more[3]["number"]), &json!({}));
    wait::until(SOON, "the others together", || (sink.calls().len() == 5).then_some(()));
    let together = sink.calls()[4].body.to_string();
    assert!(together.contains("more-1 and 1 more incident"), "{together}");
    assert!(together.contains(&format!("also #{}, error: more-2", more[1]["number"])), "{together}");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!([named(&sink, "more-3"), named(&sink, "more-4"), sink.calls().len()], [0, 0, 5]);
    // Each of them has its lines, and who was told hears of the end.
    for incident in &more[..2] {
        let timeline = api.list(&format!("/incidents/{}/timeline", incident["number"]));
        let kinds: Vec<_> = timeline.iter().map(|entry| text(&entry["kind"])).collect();
        assert!(kinds.contains(&"page_waits".into()) && kinds.contains(&"delivered".into()), "{kinds:?}");
    }
    api.post(&format!("/incidents/{}/resolve", more[1]["number"]), &json!({}));
    wait::until(SOON, "the end of one that was named", || (sink.calls().len() == 6).then_some(()));
}

#[test]
fn ends_on_top_of_three_in_a_minute_are_one_message_about_those_who_were_paged() {
    let hub = Hub::start(setup());
    let (api, sink) = (hub.api(), Sink::start());
    page_a_chat(&api, &sink);
    alone(&api, &sink);
    let more = ["more-1", "more-2", "more-3", "more-4"].map(|title| trouble(&api, title, "error"));
    // Somebody had it before it was told: nobody hears of its end either.
    api.post(&format!("/incidents/{}/ack", more[3]["number"]), &json!({}));
    wait::until(SOON, "the pages", || (sink.calls().len() == 4).then_some(()));
    wait::until(SOON, "the last page to be recorded", || delivered(&api, &more[0], 1));
    for incident in api.list("/incidents") {
        api.post(&format!("/incidents/{}/resolve", incident["number"]), &json!({}));
    }
    wait::until(SOON, "three ends one by one, the rest together", || (sink.calls().len() >= 8).then_some(()));
    std::thread::sleep(Duration::from_secs(1));
    let ends: Vec<String> = sink.calls()[4..].iter().map(|call| call.body.to_string()).collect();
    assert_eq!(ends.len(), 4, "{ends:#?}");
    assert!(ends.iter().all(|end| end.contains(" resolved, ") && !end.contains("more-4")), "{ends:#?}");
    assert!(ends[3].contains("and 2 more incidents") && ends[3].contains("also #"), "{}", ends[3]);
    // Each has its own line, and nothing of it is left to be done.
    for incident in &more[..3] {
        wait::until(SOON, "its end to be recorded", || delivered(&api, incident, 2));
        let shown = api.get(&format!("/incidents/{}", incident["number"]));
        assert!(!shown["pending_actions"].to_string().contains("pages"), "{shown}");
    }
}

/// Whether so many messages about an incident have arrived.
fn delivered(api: &Api, incident: &Value, count: usize) -> Option<()> {
    let timeline = api.list(&format!("/incidents/{}/timeline", incident["number"]));
    (timeline.iter().filter(|entry| entry["kind"] == "delivered").count() == count).then_some(())
}

#[test]
fn pages_that_a_hub_holds_when_it_dies_are_told_by_the_next() {
    let mut hub = Hub::start(setup());
    let (api, sink) = (hub.api(), Sink::start());
    page_a_chat(&api, &sink);
    alone(&api, &sink);
    for number in 1..=10 {
        trouble(&api, &format!("held-{number}-"), "error");
    }
    hub.kill();
    hub.restart();
    let all = || (1..=10).all(|number| named(&sink, &format!("held-{number}-")) == 1).then_some(());
    wait::until(SOON, "all of them", all);
    assert!(sink.calls().len() <= 7, "{:?}", sink.calls());
    let pages = sink.calls().len();
    wait::until(SOON, "the pages to be recorded", || {
        api.list("/incidents").iter().all(|incident| delivered(&api, incident, 1).is_some()).then_some(())
    });
    for incident in api.list("/incidents") {
        api.post(&format!("/incidents/{}/resolve", incident["number"]), &json!({}));
    }
    hub.kill();
    hub.restart();
    // What was being sent as it died may come twice.
    let ended = || (1..=10).all(|number| named(&sink, &format!("held-{number}-")) >= 2).then_some(());
    wait::until(SOON, "all ends", ended);
    assert!(sink.calls().len() - pages <= 9, "{:?}", sink.calls());
}
