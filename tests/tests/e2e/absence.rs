//! kill -9 of the agent, and a hub that is away: the spool leaves no gap.

use std::time::Duration;

use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::local_agent::LocalAgent;
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(120);
/// One report a second; an agent that starts again, and one that is busy, may miss some.
const GAP_SECONDS_MAX: f64 = 4.0;

/// Times of the samples, in seconds.
fn times(api: &Api, name: &str) -> Vec<f64> {
    let series = api.promql(&format!("node_time_seconds{{instance=\"{name}\"}}[10m]"));
    let values = series.first().and_then(|series| series["values"].as_array().cloned()).unwrap_or_default();
    values.iter().filter_map(|pair| pair[0].as_f64()).collect()
}

fn await_samples(api: &Api, name: &str, more: usize) {
    let before = times(api, name).len();
    wait::until(SOON, "more samples", || (times(api, name).len() >= before + more).then_some(()));
}

fn largest_gap(times: &[f64]) -> f64 {
    times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
}

#[test]
fn neither_a_killed_agent_nor_an_absent_hub_leaves_a_gap() {
    // The grace of production: it outlasts the agent's longest wait between two attempts to connect.
    let timing = "interval=1s,lost_grace=90s,evaluate=1s".into();
    let mut hub = Hub::start(Setup { timing, ..Setup::default() });
    let api = hub.api();
    let agent = LocalAgent::enrol(&hub, "here", "");
    let mut running = agent.run();
    await_samples(&api, "here", 3);

    running.kill();
    let _running = agent.run();
    await_samples(&api, "here", 3);

    let away = std::time::Instant::now();
    hub.kill();
    std::thread::sleep(Duration::from_secs(12));
    hub.restart();
    let absent = away.elapsed().as_secs_f64();
    wait::until(SOON, "the absence to be filled", || {
        let times = times(&api, "here");
        let now = watchtower_tests::agents::now_ms() as f64 / 1000.0;
        let fresh = times.last().is_some_and(|last| now - last < 3.0);
        (fresh && times.len() > 10 && largest_gap(&times) <= GAP_SECONDS_MAX).then_some(())
    });
    assert!(absent > GAP_SECONDS_MAX, "the hub was not away for long enough to tell");
    // What was only spooled pages nobody and is told as history.
    let kinds: Vec<String> =
        api.list("/events?server=here").iter().map(|event| text(&event["kind"])).collect();
    assert!(!kinds.iter().any(|kind| kind == "server.lost"), "{kinds:?}");
}
