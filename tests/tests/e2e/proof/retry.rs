//! A script whose end nobody knows: tried again if that does no harm, and under another id; never otherwise.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::hosts::Signal;
use watchtower_testkit::wait;
use watchtower_tests::managed::Managed;
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(60);
/// Each start leaves its execution's id. The first one hangs until it is killed; those after it find that and end.
const BODY: &str = "echo $WATCHTOWER_EXECUTION_ID >> /run/starts-$NAME; \
    [ \"$(wc -l < /run/starts-$NAME)\" -gt 1 ] && exit 0; sleep 100\n";

/// Agent, executor and the script's supervisor die at once, while the script runs.
fn kill(managed: &Managed) {
    for victim in ["watchtower-agent run", "watchtower-agent execute", "watchtower-agent supervise"] {
        assert!(managed.host.signal(victim, Signal::KILL) > 0, "{victim} is not there");
    }
    managed.host.must("systemctl restart watchtower-agent");
}

/// The ids of the starts of a script, in order.
fn starts(managed: &Managed, name: &str) -> Vec<String> {
    let text = fs::read_to_string(managed.host.inside(&format!("/run/starts-{name}"))).unwrap_or_default();
    text.lines().map(String::from).collect()
}

fn script(managed: &Managed, name: &str, idempotent: bool) {
    managed.api.post(
        "/scripts",
        &json!({
            "name": name, "body": BODY, "idempotent": idempotent, "timeout_seconds": 60,
            "parameters": [{"name": "NAME", "kind": "text", "default": name}],
        }),
    );
}

/// Kills it all once the script runs; the run's one execution when it has ended.
fn ended_after_a_kill(managed: &Managed, run: i64, name: &str) -> Value {
    wait::until(SOON, "the script to run", || (starts(managed, name).len() == 1).then_some(()));
    managed.wait_state(run, &["running"]);
    kill(managed);
    managed.ended(run)
}

#[test]
fn what_does_no_harm_is_tried_again_and_nothing_else_is() {
    let Some(managed) = Managed::start("full") else { return };
    let on = format!("name={:?}", managed.host.name);
    for (name, idempotent) in [("safe", true), ("once", false)] {
        script(&managed, name, idempotent);
        let run =
            managed.api.post("/runs", &json!({"script": name, "on": on}))["run"]["number"].as_i64().unwrap();
        let execution = ended_after_a_kill(&managed, run, name);
        // The run ends by a commit of its own, behind that of its last execution.
        let state = wait::until(SOON, "the run to end", || {
            let run = managed.api.get(&format!("/runs/{run}"));
            (!run["finished_at"].is_null()).then(|| text(&run["state"]))
        });
        // Whatever would begin after its end has the time for it.
        std::thread::sleep(Duration::from_secs(3));
        let ids = starts(&managed, name);
        if idempotent {
            assert_eq!(
                (&execution["state"], state.as_str()),
                (&json!("succeeded"), "succeeded"),
                "{execution}"
            );
            assert!(text(&execution["reason"]).starts_with("second try: the first was lost"), "{execution}");
            assert_eq!(
                (&execution["try_number"], &execution["earlier"][0]["state"]),
                (&json!(2), &json!("lost"))
            );
            assert_eq!(ids, [text(&execution["earlier"][0]["id"]), text(&execution["id"])]);
        } else {
            assert_eq!((&execution["state"], state.as_str()), (&json!("lost"), "failed"), "{execution}");
            assert_eq!((&execution["try_number"], ids), (&json!(1), vec![text(&execution["id"])]));
        }
    }
    repaired_by_the_second_try(&managed);
}

/// An automation's script, killed in the middle of a repair: the incident's timeline has both tries.
fn repaired_by_the_second_try(managed: &Managed) {
    script(managed, "mend", true);
    let rule = json!({"name": "broken", "kind": "event", "event_kind": "custom.broken", "severity": "error"});
    let rule = managed.api.post("/rules", &rule);
    managed.api.post(
        "/automations",
        &json!({"name": "mender", "mode": "auto", "script": "mend", "trigger": {"rule_id": rule["id"]}}),
    );
    let event = json!({"kind": "custom.broken", "message": "x", "server": managed.host.name});
    // An agent that was just killed has to report first.
    wait::until(SOON, "fresh data", || {
        let query = format!("time() - timestamp(node_load1{{instance={:?}}}) < 10", managed.host.name);
        (!managed.api.promql(&query).is_empty()).then_some(())
    });
    managed.api.post("/events", &event);
    let incident = wait::until(SOON, "the incident", || managed.api.list("/incidents").first().cloned());
    let number = incident["number"].as_i64().unwrap();
    let run = wait::until(SOON, "the repair", || {
        managed.api.list(&format!("/runs?incident={number}")).first()?["number"].as_i64()
    });
    let execution = ended_after_a_kill(managed, run, "mend");
    assert_eq!(
        (&execution["state"], &execution["try_number"]),
        (&json!("succeeded"), &json!(2)),
        "{execution}"
    );
    let said: Vec<String> = managed
        .api
        .list(&format!("/incidents/{number}/timeline"))
        .iter()
        .filter(|entry| entry["kind"] == "run")
        .map(|entry| text(&entry["text"]))
        .collect();
    assert!(said.iter().any(|line| line.contains("second try: the first was lost")), "{said:?}");
    let ids: BTreeSet<String> = starts(managed, "mend").into_iter().collect();
    assert_eq!(ids.len(), 2, "two tries, two ids");
}
