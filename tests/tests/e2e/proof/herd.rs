//! A whole fleet that dials in at once after a restart of the hub: all are back soon, nobody is called, and people are answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use watchtower_testkit::wait;
use watchtower_tests::agents::{Fleet, Pace, now_ms};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::page_to;
use watchtower_tests::sink::Sink;

const AGENTS: usize = 2_000;
const PACE: Pace = Pace { every: Duration::from_secs(8), more_series: 20 };
/// A hub that has just started suspects nobody for so long; then whoever is silent for three intervals is lost.
const TIMING: &str = "interval=8s,lost_grace=10s,evaluate=5s";
const ALL_REPORT: Duration = Duration::from_secs(120);
const BACK_MAX: Duration = Duration::from_secs(30);
/// The slowest answer to a person meanwhile, by a hub without optimization.
const ANSWER_MAX: Duration = Duration::from_secs(3);

#[test]
fn two_thousand_agents_are_back_at_once_and_nobody_is_called() {
    let mut hub = Hub::start(Setup { timing: TIMING.into(), ..Setup::default() });
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    let lost = json!({"name": "lost", "kind": "event", "event_kind": "server.lost", "resolve_kind": "server.recovered", "severity": "critical"});
    api.post("/rules", &lost);
    let mut fleet = Fleet::start(&api, &hub.agent_address(), "herd", AGENTS, PACE);
    all_report_after(&fleet, now_ms(), ALL_REPORT);

    hub.kill();
    hub.restart();
    let (began, began_ms) = (Instant::now(), now_ms());
    let over = AtomicBool::new(false);
    let (back, cpu, answers) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask_until(&over, &api));
        all_report_after(&fleet, began_ms, BACK_MAX);
        let (back, cpu) = (began.elapsed(), hub.cpu_seconds());
        over.store(true, Ordering::Relaxed);
        (back, cpu, asking.join().expect("every answer is good"))
    });
    let slowest = answers.iter().max().copied().unwrap_or_default();
    eprintln!(
        "{AGENTS} agents back after {back:?}, {cpu:.1} CPU seconds of the hub; {} answers meanwhile, the slowest after {slowest:?}",
        answers.len()
    );
    assert!(answers.len() >= 3 && slowest < ANSWER_MAX, "{answers:?}");

    // Long enough for silence to be noticed.
    std::thread::sleep((PACE.every * 4 + Duration::from_secs(10)).saturating_sub(began.elapsed()));
    for kind in ["server.lost", "hub.cut_off"] {
        let events = api.list(&format!("/events?kind={kind}"));
        assert!(events.is_empty(), "{} times {kind}: {}", events.len(), events[0]);
    }
    assert!(sink.calls().is_empty() && api.list("/incidents").is_empty(), "somebody was called");
    fleet.stop();
}

/// Waits until each agent has a report acknowledged that is younger than this.
fn all_report_after(fleet: &Fleet, since_ms: i64, timeout: Duration) {
    wait::until(timeout, "all agents to report", || {
        let reported = |ms: Option<i64>| ms.is_some_and(|ms| ms >= since_ms);
        fleet.agents.iter().all(|agent| reported(agent.shared.last_acked_ms())).then_some(())
    });
}

/// Asks as a dashboard does, one question after the other: how long each answer took.
fn ask_until(over: &AtomicBool, api: &Api) -> Vec<Duration> {
    let mut answers = Vec::new();
    while !over.load(Ordering::Relaxed) {
        for path in ["/api/v1/overview", "/api/v1/servers?limit=100", "/api/v1/incidents"] {
            let began = Instant::now();
            assert_eq!(api.call("GET", path, None).status, 200, "{path}");
            answers.push(began.elapsed());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    answers
}
