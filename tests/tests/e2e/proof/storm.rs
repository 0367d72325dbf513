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
        self.attempts_of(&self.automation)
    }

    fn attempts_of(&self, automation: &str) -> Vec<Value> {
        let automation = self.api.get(&format!("/automations/{automation}"));
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
    assert_eq!(storm.api.list("/runs?limit=500").len(), started);
    // One page for all of them, whatever the gates said.
    assert_eq!(storm.pages(), 1, "{:#?}", storm.api.list("/incidents"));
    let incidents = storm.api.list("/incidents");
    assert_eq!((incidents.len(), &incidents[0]["alert_count"]), (1, &json!(FAILING)), "{incidents:#?}");
    let title = text(&incidents[0]["title"]);
    assert!(title.ends_with(&format!("(+{} more)", FAILING - 1)), "{title}");
    storm.fleet.stop();
}

/// One automation mends state 1 and another state 2; after each, the server falls into the state of the other.
#[test]
fn automations_that_cause_each_other_s_trouble_are_stopped() {
    let mut storm = storm(6);
    let rule = |name: &str, state: u64| json!({"name": name, "kind": "metric", "expr": format!("{TROUBLE} == {state}"), "severity": "error"});
    let other = storm.api.post("/rules", &rule("other trouble", 2));
    let other = json!({
        "name": "other-mender", "mode": "auto", "script": "mend", "trigger": {"rule_id": other["id"]}, "cooldown_seconds": 0,
    });
    let other = text(&storm.api.post("/automations", &other)["id"]);
    let trouble = text(&storm.api.get("/rules/trouble")["id"]);
    storm.api.put(&format!("/rules/{trouble}"), &rule("trouble", 1));
    let both = [storm.automation.clone(), other];
    let stopped = (0..4).find_map(|round| {
        storm.trouble(0..1, 1 + round % 2);
        let attempt = wait::until(SOON, "an automation to answer", || {
            let attempts: Vec<Value> = both.iter().flat_map(|id| storm.attempts_of(id)).collect();
            let newest = attempts.iter().max_by_key(|attempt| text(&attempt["id"]))?;
            let answered = !newest["run_id"].is_null() || gate(newest).is_some();
            (attempts.len() > round as usize && answered).then(|| newest.clone())
        });
        eprintln!("round {round}: {:?} {}", gate(&attempt), attempt["reason"]);
        storm.trouble(0..1, 0);
        wait::until(SOON, "the repair to be verified", || {
            let attempts = both.iter().flat_map(|id| storm.attempts_of(id));
            attempts
                .into_iter()
                .all(|attempt| attempt["state"] == "fixed" || attempt["run_id"].is_null())
                .then_some(())
        });
        attempt["run_id"].is_null().then(|| (round, gate(&attempt)))
    });
    assert_eq!(stopped, Some((2, Some("depth".to_string()))));
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
        matches!(why.as_deref(), Some("depth" | "attempts_per_incident" | "attempts_per_day" | "breaker")),
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

/// Half of the servers may be seen by somebody who may not see the others.
#[test]
fn an_incident_never_spans_servers_that_rights_tell_apart() {
    let mut storm = storm(8);
    for agent in &storm.fleet.agents[..4] {
        let path = format!("/api/v1/servers/{}", agent.name);
        assert_eq!(storm.api.call("PATCH", &path, Some(&json!({"labels": {"env": "a"}}))).status, 200);
    }
    let token = json!({"name": "half", "role": "viewer", "scopes": ["all"], "servers": "env=\"a\""});
    let token = text(&storm.api.post("/tokens", &token)["secret"]);
    storm.trouble(0..8, 1);
    wait::until(SOON, "all alerts", || (storm.api.list("/alerts?state=firing").len() == 8).then_some(()));
    let counts = |api: &Api| -> Vec<Value> {
        api.list("/incidents").iter().map(|incident| incident["alert_count"].clone()).collect()
    };
    assert_eq!(counts(&storm.api), [4, 4]);
    let half = storm.api.with_token(Some(&token));
    assert_eq!(counts(&half), [4]);
    let seen = half.get(&format!("/incidents/{}", half.list("/incidents")[0]["number"]));
    let labels = seen["alerts"].as_array().expect("a list").iter().map(|alert| text(&alert["server"]));
    assert!(
        labels.clone().all(|name| storm.fleet.agents[..4].iter().any(|agent| agent.name == name)),
        "{seen:#}"
    );
    storm.fleet.stop();
}
