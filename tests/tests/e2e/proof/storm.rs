//! Repairs that would make things worse: half of a fleet in trouble at once, and trouble that comes back after each repair.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::wait;
use watchtower_tests::agents::{Fleet, Pace, TROUBLE};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::{page_to, text};
use watchtower_tests::sink::Sink;

const SOON: Duration = Duration::from_secs(40);
const PACE: Pace = Pace { every: Duration::from_millis(500), more_series: 0 };
const SERVERS: usize = 30;
const FAILING: usize = 15;
/// A fifth of them.
const REPAIRED_MAX: usize = 6;
/// Of one problem on one server in a day.
const REPAIRS_MAX: usize = 5;

struct Storm {
    /// Ends last.
    _hub: Hub,
    api: Api,
    sink: Sink,
    fleet: Fleet,
    automation: String,
}

/// Simulated servers that do what they are told, a rule on their trouble, and an automation that repairs it.
fn storm(servers: usize) -> Storm {
    let hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    api.post("/scripts", &json!({"name": "mend", "body": "true\n", "timeout_seconds": 20}));
    let expr = format!("{TROUBLE} > 0");
    let rule =
        json!({"name": "trouble", "kind": "metric", "expr": expr, "severity": "error", "paging": true});
    let rule = api.post("/rules", &rule);
    let automation = json!({
        "name": "mender", "mode": "auto", "script": "mend", "trigger": {"rule_id": rule["id"]}, "cooldown_seconds": 0,
    });
    let automation = text(&api.post("/automations", &automation)["id"]);
    let fleet = Fleet::start(&api, &hub.agent_address(), "storm", servers, PACE);
    fleet.agents.iter().for_each(|agent| agent.shared.obeys.store(true, Ordering::Relaxed));
    wait::until(SOON, "all servers to be up", || {
        let servers = api.list("/servers?limit=500");
        servers.iter().all(|server| server["status"] == "up" && !server["facts"].is_null()).then_some(())
    });
    Storm { _hub: hub, api, sink, fleet, automation }
}

impl Storm {
    fn attempts(&self) -> Vec<Value> {
        let automation = self.api.get(&format!("/automations/{}", self.automation));
        automation["attempts"].as_array().cloned().unwrap_or_default()
    }

    fn trouble(&self, servers: std::ops::Range<usize>, value: u64) {
        self.fleet.agents[servers]
            .iter()
            .for_each(|agent| agent.shared.trouble.store(value, Ordering::Relaxed));
    }

    fn pages(&self) -> usize {
        self.sink.calls().iter().filter(|call| call.event() == "incident.triggered").count()
    }
}

/// The gate that stood in the way.
fn gate(attempt: &Value) -> Option<String> {
    let gates = attempt["gates"].as_array()?;
    gates.iter().find(|gate| gate["passed"] == false).map(|gate| text(&gate["name"]))
}

#[test]
fn half_a_fleet_in_trouble_is_not_repaired_but_told() {
    let mut storm = storm(SERVERS);
    storm.trouble(0..FAILING, 1);
    let attempts = wait::until(SOON, "each to be considered", || {
        Some(storm.attempts()).filter(|attempts| attempts.len() >= FAILING)
    });
    assert_eq!(attempts.len(), FAILING, "{attempts:#?}");
    let started = attempts.iter().filter(|attempt| !attempt["run_id"].is_null()).count();
    let stopped = attempts.iter().filter(|attempt| gate(attempt).as_deref() == Some("blast_radius")).count();
    eprintln!(
        "{FAILING} of {SERVERS} in trouble: {started} repairs, {stopped} stopped, {} pages",
        storm.pages()
    );
    assert!(started <= REPAIRED_MAX, "{started} repairs of {REPAIRED_MAX} at most: {attempts:#?}");
    assert!(stopped >= FAILING - REPAIRED_MAX, "{stopped} were stopped for this: {attempts:#?}");
    assert!(storm.pages() >= 1, "nobody was told");
    assert_eq!(storm.api.list("/runs?limit=500").len(), started);
    storm.fleet.stop();
}

#[test]
fn trouble_that_comes_back_is_not_repaired_for_ever() {
    let mut storm = storm(8);
    let repairs =
        |storm: &Storm| storm.attempts().iter().filter(|attempt| !attempt["run_id"].is_null()).count();
    let stopped = loop {
        let before = storm.attempts().len();
        assert!(before <= REPAIRS_MAX, "it goes on and on: {:#?}", storm.attempts());
        storm.trouble(0..1, 1);
        let attempt = wait::until(SOON, "the automation to answer", || {
            let attempts = storm.attempts();
            let answer = attempts.iter().find(|attempt| attempt["state"] != "fixed").cloned()?;
            (attempts.len() > before && (!answer["run_id"].is_null() || gate(&answer).is_some()))
                .then_some(answer)
        });
        if attempt["run_id"].is_null() {
            break attempt;
        }
        storm.trouble(0..1, 0);
        wait::until(SOON, "the repair to be verified", || {
            storm.attempts().iter().all(|attempt| attempt["state"] == "fixed").then_some(())
        });
    };
    let (repairs, why) = (repairs(&storm), gate(&stopped));
    eprintln!("{repairs} repairs, then {why:?}: {}", stopped["reason"]);
    assert!((1..=REPAIRS_MAX).contains(&repairs), "{repairs}");
    assert!(
        matches!(why.as_deref(), Some("attempts_per_incident" | "attempts_per_day" | "breaker")),
        "{stopped}"
    );
    // Nobody repairs it any more: a person has it.
    let incident = wait::until(SOON, "the incident", || {
        storm.api.list("/incidents").into_iter().find(|incident| incident["state"] == "triggered")
    });
    let number = incident["number"].as_i64().expect("it has a number");
    storm.sink.wait(SOON, "of the last incident", |call| call.incident() == number);
    storm.fleet.stop();
}
