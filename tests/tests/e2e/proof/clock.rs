//! A server whose clock is days off: it reports all the same, runs nothing that may be stale, and says what time it believes.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_model::Timestamp;
use watchtower_testkit::wait;
use watchtower_tests::agents::now_ms;
use watchtower_tests::api::Api;
use watchtower_tests::hub::Hub;
use watchtower_tests::local_agent::LocalAgent;
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(30);
/// Words of a time and of a difference: the reason holds two and one.
const TIME_BYTES: usize = "2026-11-24T21:52:17.042Z".len();
/// How far what the server says may be from this test's clock: it believes the hub for five minutes of the difference.
const NEAR_MS: i64 = 6 * 60_000;

#[test]
fn a_server_that_is_days_behind_runs_nothing_and_says_what_time_it_has() {
    let Some(hub) = Hub::shifted("+3d") else { return };
    let (reason, own_ms) = refused(&hub);
    assert!(
        reason.starts_with("expired: it was issued at ") && reason.ends_with(" earlier: check the clocks"),
        "{reason}"
    );
    assert!(reason.contains("2d23h5"), "three days, but for what it believes of the hub's clock: {reason}");
    assert!((own_ms - now_ms()).abs() < NEAR_MS, "{reason}");
}

#[test]
fn a_server_that_is_days_ahead_takes_every_command_for_stale() {
    let Some(hub) = Hub::shifted("-3d") else { return };
    let (reason, own_ms) = refused(&hub);
    // Ten minutes are given to every start.
    assert!(reason.starts_with("expired: it was to be done by ") && reason.ends_with(" later"), "{reason}");
    assert!(reason.contains("2d23h4"), "three days, but for the ten minutes of the start: {reason}");
    assert!((own_ms - now_ms()).abs() < NEAR_MS, "{reason}");
}

/// Enrols this machine, which reports, and gives it a command: why that was refused, and the time that the reason names as its own.
fn refused(hub: &Hub) -> (String, i64) {
    let agent = LocalAgent::enrol(hub, "here", "mode = \"full\"");
    let _running = agent.run();
    let api = hub.api();
    let mark = hub.folder().join("never");
    let execution = exec(&api, &["touch", &mark.to_string_lossy()]);
    assert_eq!(execution["state"], "rejected", "{execution}");
    for kind in ["server.clock_skew", "command.refused"] {
        let events = || api.list(&format!("/events?kind={kind}"));
        wait::until(SOON, kind, || events().iter().any(|event| event["server"] == "here").then_some(()));
    }
    // The difference is known; what it reports is stored at the hub's time.
    assert!(!api.promql("node_load1{instance=\"here\"}").is_empty());
    assert!(!mark.exists(), "a command ran that was refused");
    let reason = text(&execution["reason"]);
    let own = reason.split("here it is ").nth(1).and_then(|rest| rest.get(..TIME_BYTES));
    let own: Timestamp = own
        .and_then(|time| Timestamp::parse_rfc3339(time).ok())
        .unwrap_or_else(|| panic!("no time: {reason}"));
    (reason, own.0)
}

/// A command on the server as soon as it is connected: its end.
fn exec(api: &Api, command: &[&str]) -> Value {
    let body = json!({"command": command, "on": "name=\"here\""});
    wait::until(SOON, "the command to be refused", || {
        let answer = api.call("POST", "/api/v1/runs/exec", Some(&body));
        let run = answer.body["run"]["id"].as_str()?.to_string();
        Some(wait::until(SOON, "the run to end", || {
            let execution = api.get(&format!("/runs/{run}"))["executions"][0].clone();
            (!execution["finished_at"].is_null()).then_some(execution)
        }))
    })
}
