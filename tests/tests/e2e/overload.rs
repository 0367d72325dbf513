//! Queries that take all they may have: samples are still taken, and a page leaves in time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use watchtower_model::Timestamp;
use watchtower_testkit::wait;
use watchtower_tests::agents::{Fleet, Pace, TROUBLE, now_ms};
use watchtower_tests::api::{Api, encode};
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::page_each_to;
use watchtower_tests::sink::Sink;

const AGENTS: usize = 20;
const PACE: Pace = Pace { every: Duration::from_millis(500), more_series: 150 };
/// More than run at once, so that some wait as well.
const ASKERS: usize = 8;
/// Agents that get into trouble, one after the other.
const TROUBLED: usize = 6;
const IN_TIME_MS: i64 = 5_000;
const SOON: Duration = Duration::from_secs(60);

/// Each looks at all series at many thousands of moments: more samples than one query may have.
const GREEDY: [&str; 3] = [
    "sum by (instance) (rate({__name__=~\".+\"}[10m]))",
    "quantile_over_time(0.99, {__name__=~\".+\"}[10m])",
    "max_over_time((sum by (instance) ({__name__=~\".+\"}))[10m:10ms])",
];

#[test]
fn a_page_leaves_in_time_while_queries_exhaust_their_budget() {
    let hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    page_each_to(&api, &sink);
    let expr = format!("{TROUBLE} > 0");
    api.post("/rules", &json!({"name": "trouble", "kind": "metric", "expr": expr, "severity": "error"}));
    let mut fleet = Fleet::start(&api, &hub.agent_address(), "busy", AGENTS, PACE);
    wait::until(SOON, "all agents to report", || {
        fleet.agents.iter().all(|agent| agent.shared.acked().len() > 4).then_some(())
    });
    let (stop, spent) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let mut latencies = Vec::new();
    std::thread::scope(|scope| {
        for asker in 0..ASKERS {
            let (api, stop, spent) = (&api, &stop, &spent);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if let Some(why) = ask(api, GREEDY[asker % GREEDY.len()]) {
                        spent.lock().expect("no holder panics").push(why);
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_secs(2));
        for agent in &fleet.agents[..TROUBLED] {
            let acked = agent.shared.acked().len();
            agent.shared.trouble.store(1, Ordering::Relaxed);
            let began = now_ms();
            let page = sink
                .wait(SOON, "of the trouble", |call| call.body["incident"]["server"] == agent.name.as_str());
            latencies.push(page.at_ms - began);
            assert!(agent.shared.acked().len() > acked, "{}: nothing more is taken", agent.name);
        }
        stop.store(true, Ordering::Relaxed);
    });
    let spent = spent.into_inner().expect("no holder panics");
    eprintln!(
        "pages after {latencies:?} ms; {} queries had spent their budget: {:?}",
        spent.len(),
        spent.first()
    );
    assert!(!spent.is_empty(), "the queries were not greedy enough");
    // From the moment before the report, which is up to its pace away.
    assert!(latencies.iter().all(|ms| *ms <= IN_TIME_MS), "{latencies:?}");
    fleet.stop();
}

/// Over the last hour, a moment each second; what the hub says when that is too much.
fn ask(api: &Api, query: &str) -> Option<String> {
    let (from, to) = (Timestamp(now_ms() - 3_600_000), Timestamp(now_ms()));
    let path = format!("/prometheus/api/v1/query_range?query={}&start={from}&end={to}&step=1", encode(query));
    // The caller's own patience may end before the query does.
    let answer = api.raw("GET", &path, "", b"").ok()?;
    (answer.status >= 400).then(|| format!("{} {}", answer.status, answer.body["error"]))
}
