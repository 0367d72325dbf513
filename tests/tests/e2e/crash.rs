//! kill -9 of the hub at random moments while a fleet reports: no acknowledged sample and no page is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use watchtower_testkit::postgres::Postgres;
use watchtower_testkit::redis::Redis;
use watchtower_testkit::wait;
use watchtower_tests::agents::{COUNTER, Fleet, Pace, TROUBLE};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::page_each_to;
use watchtower_tests::sink::Sink;

const AGENTS: usize = 50;
const ROUNDS: usize = 3;
const ROUNDS_SOAK: usize = 20;
const SOON: Duration = Duration::from_secs(60);

#[test]
fn nothing_acknowledged_and_no_page_is_lost_under_kill_9() {
    play(Setup::default());
}

#[test]
fn nor_on_postgresql_and_redis() {
    let (Some(postgres), Some(redis)) = (Postgres::start(), Redis::start()) else { return };
    let setup =
        Setup { database_url: Some(postgres.database()), redis_url: Some(redis.url()), ..Setup::default() };
    play(setup);
}

fn play(setup: Setup) {
    let mut hub = Hub::start(setup);
    let (api, sink) = (hub.api(), Sink::start());
    page_each_to(&api, &sink);
    api.post(
        "/rules",
        &json!({"name": "trouble", "kind": "metric", "expr": format!("{TROUBLE} > 0"), "severity": "error"}),
    );
    let pace = Pace { every: Duration::from_millis(250), more_series: 20 };
    let mut fleet = Fleet::start(&api, &hub.agent_address(), "crash", AGENTS, pace);
    wait::until(SOON, "all agents to report", || {
        fleet.agents.iter().all(|agent| !agent.shared.acked().is_empty()).then_some(())
    });

    let rounds = if std::env::var("SOAK").is_ok() { ROUNDS_SOAK } else { ROUNDS };
    let mut acknowledged = BTreeSet::new();
    for round in 0..rounds {
        let troubled = round % AGENTS;
        fleet.agents[troubled].shared.trouble.store(1, Ordering::Relaxed);
        let moment = random_ms(200, 2_500);
        eprintln!(
            "round {round}: {} is in trouble, the hub dies after {moment} ms",
            fleet.agents[troubled].name
        );
        std::thread::sleep(Duration::from_millis(moment));
        hub.kill();
        std::thread::sleep(Duration::from_millis(random_ms(0, 500)));
        hub.restart();
        // The one of the round before is acknowledged while things move: no page may be claimed after that.
        let number = incident_of(&api, &fleet.agents[troubled].name);
        sink.wait(SOON, "of the incident", |call| {
            call.incident() == number && call.event() == "incident.triggered"
        });
        if round % 2 == 0 {
            api.post(&format!("/incidents/{number}/ack"), &json!({}));
            acknowledged.insert(number);
        }
    }
    std::thread::sleep(Duration::from_secs(2));
    fleet.stop();
    every_acked_sample_is_there(&api, &fleet);
    every_incident_was_paged(&api, &sink);
    no_page_after_an_ack(&api, &acknowledged);
}

fn random_ms(from: u64, to: u64) -> u64 {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).expect("there is randomness");
    from + u64::from_le_bytes(bytes) % (to - from)
}

fn incident_of(api: &Api, server: &str) -> i64 {
    wait::until(SOON, &format!("the incident of {server}"), || {
        let all = api.list("/incidents?limit=500");
        all.iter()
            .find(|incident| incident["server"] == server)
            .and_then(|incident| incident["number"].as_i64())
    })
}

/// Each acknowledged report is a sample with its very time and number.
pub(crate) fn every_acked_sample_is_there(api: &Api, fleet: &Fleet) {
    let mut total = 0;
    for agent in &fleet.agents {
        let acked = agent.shared.acked();
        assert!(!acked.is_empty(), "{}: nothing was acknowledged", agent.name);
        let series = api.promql(&format!("{COUNTER}{{instance=\"{}\"}}[1h]", agent.name));
        let values = series[0]["values"].as_array().cloned().unwrap_or_default();
        let stored: BTreeMap<u64, i64> = values
            .iter()
            .filter_map(|pair| {
                let number = pair[1].as_str()?.parse::<f64>().ok()? as u64;
                Some((number, (pair[0].as_f64()? * 1000.0).round() as i64))
            })
            .collect();
        for (number, at) in &acked {
            assert_eq!(
                stored.get(number),
                Some(at),
                "{}: report {number} was acknowledged and is gone",
                agent.name
            );
        }
        total += acked.len();
    }
    eprintln!("{total} acknowledged reports, all there");
}

fn every_incident_was_paged(api: &Api, sink: &Sink) {
    let paged: BTreeSet<i64> = sink
        .calls()
        .iter()
        .filter(|call| call.event() == "incident.triggered")
        .map(|call| call.incident())
        .collect();
    let incidents = api.list("/incidents?limit=500");
    assert!(incidents.len() >= ROUNDS, "{} incidents", incidents.len());
    for incident in &incidents {
        let number = incident["number"].as_i64().unwrap_or(0);
        assert!(paged.contains(&number), "incident {number} was never sent: {incident}");
    }
}

/// After an acknowledgement pages are delivered or cancelled, never waiting or under way.
fn no_page_after_an_ack(api: &Api, acknowledged: &BTreeSet<i64>) {
    for number in acknowledged {
        let timeline = api.list(&format!("/incidents/{number}/timeline"));
        let acked =
            timeline.iter().find(|entry| entry["kind"] == "acknowledged").expect("it was acknowledged");
        for delivery in api.list(&format!("/incidents/{number}/deliveries")) {
            let state = delivery["state"].as_str().unwrap_or("");
            assert!(matches!(state, "delivered" | "cancelled"), "incident {number}: {delivery}");
            let late = delivery["created_at"].as_str() > acked["at"].as_str();
            assert!(
                !(late && delivery["kind"] == "page"),
                "a page was made after the acknowledgement: {delivery}"
            );
        }
    }
}
