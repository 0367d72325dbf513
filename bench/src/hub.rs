//! The hub under simulated agents: CPU of ingest, memory, time from a sample to its notification.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;
use watchtower_model::Timestamp;
use watchtower_tests::agents::{Agent, Fleet, Pace, TROUBLE};
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::page_each_to;
use watchtower_tests::sink::Sink;

use crate::process::{cpu_seconds, resident_mb};
use crate::table::{Table, quantile, spread};

/// Series of one simulated agent, the two that every one has included.
const SERIES: usize = 250;
/// Agents that report each second. Few leave the price of waking up for each of them alone; many share it.
const INGEST_AGENTS: [usize; 2] = [200, 1000];
const INGEST_FOR: Duration = Duration::from_secs(20);
const SERVERS: usize = 1000;
const FAN_OUT_ROUNDS: usize = 3;
/// Servers that get into trouble, one after the other as they report.
const TROUBLED: usize = 200;

fn setup(timing: &str) -> Setup {
    Setup { timing: timing.into(), ..Setup::default() }
}

fn acked(fleet: &Fleet) -> u64 {
    fleet.agents.iter().map(|agent| agent.shared.acked().len() as u64).sum()
}

/// CPU seconds per million samples, from the socket to the acknowledgement, with the default rules running.
pub fn ingest(table: &mut Table) {
    for (at, agents) in INGEST_AGENTS.into_iter().enumerate() {
        let hub = Hub::start(setup("interval=1s,lost_grace=1h"));
        if at == 0 {
            std::thread::sleep(Duration::from_secs(3));
            table.row("hub memory, idle", format!("{:.0} MB", resident_mb(hub.pid())), "<= 60 MB", "");
        }
        ingest_from(table, &hub, agents);
    }
}

fn ingest_from(table: &mut Table, hub: &Hub, agents: usize) {
    let pace = Pace { every: Duration::from_secs(1), more_series: SERIES - 2 };
    let fleet = Fleet::start(&hub.api(), &hub.agent_address(), "load", agents, pace);
    std::thread::sleep(Duration::from_secs(5));
    let (cpu, reports) = (cpu_seconds(hub.pid()), acked(&fleet));
    let began = Instant::now();
    std::thread::sleep(INGEST_FOR);
    let (cpu, reports) = (cpu_seconds(hub.pid()) - cpu, acked(&fleet) - reports);
    let samples = reports * SERIES as u64;
    let per_second = samples as f64 / began.elapsed().as_secs_f64();
    table.row(
        "native ingest, CPU per million samples",
        format!("{:.2} s at {:.0} samples/s, rules included", cpu / (samples as f64 / 1e6), per_second),
        "<= 0.5 s",
        "",
    );
}

/// A command that does nothing on 1,000 servers: from the run's beginning to each server's end, as the hub has stored them.
pub fn fan_out(table: &mut Table) {
    let hub = Hub::start(setup("interval=10s,lost_grace=1h"));
    let api = hub.api();
    let pace = Pace { every: Duration::from_secs(10), more_series: SERIES - 2 };
    let fleet = Fleet::start(&api, &hub.agent_address(), "web", SERVERS, pace);
    fleet.agents.iter().for_each(|agent| agent.shared.obeys.store(true, Ordering::Relaxed));
    std::thread::sleep(Duration::from_secs(25));
    let mut latencies = Vec::new();
    for _ in 0..FAN_OUT_ROUNDS {
        let started = api.post("/runs/exec", &json!({"command": ["true"], "on": "name=~\"web-.*\""}));
        let path = format!("/runs/{}", started["run"]["number"]);
        let began = Instant::now();
        let run = loop {
            let run = api.get(&path);
            if run["finished_at"].is_string() || began.elapsed() > Duration::from_secs(30) {
                break run;
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        latencies.extend(run["executions"].as_array().into_iter().flatten().filter_map(took_ms));
    }
    let (ends, wanted) = (latencies.len(), SERVERS * FAN_OUT_ROUNDS);
    table.row(
        "no-op on 1,000 simulated agents, p50 / p99",
        format!(
            "{} / {} ms ({ends} of {wanted} ended)",
            quantile(&mut latencies, 0.5),
            quantile(&mut latencies, 0.99)
        ),
        "p99 <= 1 s",
        "",
    );
}

/// From an execution's creation to its end.
fn took_ms(execution: &serde_json::Value) -> Option<i64> {
    let at = |name: &str| Timestamp::parse_rfc3339(execution[name].as_str()?).ok();
    Some(at("finished_at")?.since(at("created_at")?))
}

/// From the moment a report is sent to the first byte of the webhook it causes.
pub fn notification(table: &mut Table) {
    let hub = Hub::start(setup("interval=10s,lost_grace=1h"));
    let api = hub.api();
    let sink = Sink::start();
    page_each_to(&api, &sink);
    let rule = json!({"name": "Simulated trouble", "kind": "metric", "expr": format!("{TROUBLE} > 0"), "severity": "error"});
    api.post("/rules", &rule);
    let pace = Pace { every: Duration::from_secs(10), more_series: SERIES - 2 };
    let fleet = Fleet::start(&api, &hub.agent_address(), "web", SERVERS, pace);
    std::thread::sleep(Duration::from_secs(25));
    table.row("hub memory, 1,000 servers", format!("{:.0} MB", resident_mb(hub.pid())), "<= 300 MB", "");
    let mut latencies = trouble(&fleet, &sink);
    let missed = TROUBLED - latencies.len();
    table.row(
        "sample to notification, 1,000 servers, p50 / p95 / p99",
        format!("{} ({missed} of {TROUBLED} missed)", spread(&mut latencies)),
        "p99 <= 100 ms",
        "see Prometheus below",
    );
}

fn trouble(fleet: &Fleet, sink: &Sink) -> Vec<i64> {
    let chosen: HashMap<&str, &Agent> =
        fleet.agents.iter().step_by(SERVERS / TROUBLED).map(|agent| (agent.name.as_str(), agent)).collect();
    for agent in chosen.values() {
        agent.shared.trouble.store(1, Ordering::Relaxed);
    }
    let mut latencies = HashMap::new();
    let began = Instant::now();
    while latencies.len() < chosen.len() && began.elapsed() < Duration::from_secs(40) {
        for call in sink.calls() {
            let server = call.body["incident"]["server"].as_str().unwrap_or("").to_string();
            if let Some(agent) = chosen.get(server.as_str()) {
                // The next report is ten seconds away: the newest one sent is the one that caused it.
                let sent_ms = agent.shared.sent_ms.load(Ordering::Relaxed) as i64;
                latencies.entry(server).or_insert(call.at_ms - sent_ms);
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    latencies.into_values().collect()
}
