//! Who watches the hub: a heartbeat that somebody outside misses, and a restore that pages nobody before a person has looked.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::page_to;
use watchtower_tests::sink::Sink;

const SOON: Duration = Duration::from_secs(20);
/// Several audits.
const A_WHILE: Duration = Duration::from_secs(2);

fn problems(api: &Api) -> Vec<String> {
    let status = api.get("/status");
    let list = status["problems"].as_array().cloned().unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(String::from).collect()
}

fn has(api: &Api, text: &str) -> bool {
    problems(api).iter().any(|problem| problem.contains(text))
}

fn often(more: Vec<String>) -> Setup {
    Setup { timing: "interval=1s,lost_grace=2s,evaluate=1s,audit=200ms".into(), more, ..Setup::default() }
}

#[test]
fn the_outside_hears_that_all_is_well_and_the_hub_says_when_it_does_not() {
    let outside = Sink::start();
    let hub = Hub::start(often(vec!["--heartbeat-url".into(), outside.url()]));
    let api = hub.api();
    wait::until(SOON, "three heartbeats", || (outside.calls().len() >= 3).then_some(()));
    assert!(!has(&api, "outside") && !has(&api, "heartbeat"), "{:?}", problems(&api));
    outside.set_busy(true);
    wait::until(SOON, "the hub to say so", || {
        has(&api, "the heartbeat to --heartbeat-url fails").then_some(())
    });
    outside.set_busy(false);
    wait::until(SOON, "the hub to be content", || (!has(&api, "heartbeat")).then_some(()));
    // Without one it is red, and who would not be reached is told before it is needed.
    let hub = Hub::start(often(vec![]));
    let api = hub.api();
    assert!(has(&api, "nobody outside would notice"), "{:?}", problems(&api));
    let nobody = "a page for service default reaches nobody but the catch-all";
    wait::until(SOON, "a warning of the service that pages nobody", || has(&api, nobody).then_some(()));
    page_to(&api, &outside);
    wait::until(SOON, "the warning to go", || (!has(&api, nobody)).then_some(()));
}

#[test]
fn a_restored_hub_pages_nobody_and_starts_nothing_before_a_person_has_looked() {
    let (outside, sink) = (Sink::start(), Sink::start());
    let mut hub = Hub::start(often(vec![]));
    let api = hub.api();
    page_to(&api, &sink);
    sink.set_busy(true);
    let stale = api.post("/incidents", &json!({"title": "over for days"}));
    hub.kill();
    sink.set_busy(false);
    hub.set_more(vec!["--restored".into(), "--heartbeat-url".into(), outside.url()]);
    hub.restart();
    let open = api.post("/incidents", &json!({"title": "of today"}));
    assert!(has(&api, "messages to people are held by watchtower: started with --restored"));
    let run = api.call("POST", "/api/v1/runs/exec", Some(&json!({"command": ["true"], "on": "name=\"x\""})));
    assert!(matches!(run.status, 409 | 422), "{run:?}");
    assert_eq!(api.get("/halt")["on"], true);
    // Held over a restart without the option, too.
    hub.kill();
    hub.set_more(vec!["--heartbeat-url".into(), outside.url()]);
    hub.restart();
    std::thread::sleep(A_WHILE);
    assert_eq!(api.get("/page-hold")["on"], true);
    assert!(sink.calls().is_empty(), "{:?}", sink.calls());
    assert!(outside.calls().is_empty(), "who holds its messages is not well");
    api.post(&format!("/incidents/{}/resolve", stale["number"]), &json!({}));
    assert_eq!(api.call("DELETE", "/api/v1/page-hold", None).status, 204);
    let paged = sink.wait(SOON, "of what is still so", |call| call.event() == "incident.triggered");
    assert_eq!(Some(paged.incident()), open["number"].as_i64());
    wait::until(SOON, "the outside to hear again", || (!outside.calls().is_empty()).then_some(()));
    let stale = |call: &watchtower_tests::sink::Received| {
        call.event() == "incident.triggered" && Some(call.incident()) == stale["number"].as_i64()
    };
    assert!(!sink.calls().iter().any(stale), "{:?}", sink.calls());
}
