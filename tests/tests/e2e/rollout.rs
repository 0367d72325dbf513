//! Runs over several servers that take turns, wait for approval, or are stopped by the one switch; and their outputs folded.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::tether::Tether;
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::local_agent::LocalAgent;
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(40);
const SERVERS: [&str; 4] = ["web-1", "web-2", "web-3", "web-4"];

struct Scene {
    hub: Hub,
    api: Api,
    _agents: Vec<(LocalAgent, Tether)>,
}

/// Four agents of this machine, connected, that run what they are told.
fn scene() -> Scene {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let agents = SERVERS.map(|name| {
        let agent = LocalAgent::enrol(&hub, name, "mode = \"full\"");
        let running = agent.run();
        (agent, running)
    });
    wait::until(SOON, "all servers to be ready", || {
        let body = json!({"command": ["true"], "on": "name=~\"web-.\"", "dry_run": true});
        let answer = api.call("POST", "/api/v1/runs/exec", Some(&body));
        (answer.body["plan"]["servers"].as_array().map(Vec::len) == Some(SERVERS.len())).then_some(())
    });
    Scene { hub, api, _agents: agents.into() }
}

fn exec(api: &Api, command: &str, more: Value) -> i64 {
    let mut body = json!({"command": ["sh", "-c", command], "on": "name=~\"web-.\""});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let started = api.post("/runs/exec", &body);
    started["run"]["number"].as_i64().expect("a run has a number")
}

fn run(api: &Api, number: i64) -> Value {
    api.get(&format!("/runs/{number}"))
}

fn ended(api: &Api, number: i64) -> Value {
    wait::until(SOON, "the run to end", || {
        Some(run(api, number)).filter(|run| run["finished_at"].is_string())
    })
}

/// States by server, in the order of the names.
fn states(run: &Value) -> Vec<String> {
    let mut all: Vec<(String, String)> = run["executions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|execution| (text(&execution["server"]), text(&execution["state"])))
        .collect();
    all.sort();
    all.into_iter().map(|(_, state)| state).collect()
}

#[test]
fn servers_take_turns_and_failures_stop_the_rest() {
    let Scene { mut hub, api, _agents } = scene();
    let log = hub.data_dir().join("turns");
    // Each notes how many are at work with it.
    let busy = format!(
        "d={}; mkdir -p $d; touch $d/$$; ls $d | wc -l >> {}; sleep 0.3; rm $d/$$",
        hub.data_dir().join("busy").display(),
        log.display()
    );
    let turns = ended(&api, exec(&api, &busy, json!({"rollout": {"canary": "1", "at_once": "2"}})));
    assert_eq!(turns["state"], "succeeded", "{turns}");
    assert_eq!(turns["rollout"], json!({"canary": "1", "at_once": "2"}));
    let counts: Vec<u32> =
        std::fs::read_to_string(&log).unwrap().lines().map(|line| line.trim().parse().unwrap()).collect();
    assert_eq!(counts.len(), 4);
    assert!(counts[0] == 1 && counts.iter().all(|count| *count <= 2), "{counts:?}");

    // A canary that fails: the others are never touched.
    let failed = ended(&api, exec(&api, "exit 3", json!({"rollout": {"canary": "1"}})));
    assert_eq!(
        (&failed["state"], &failed["failed"], &failed["skipped"]),
        (&json!("failed"), &json!(1), &json!(3))
    );
    let mut kinds = states(&failed);
    kinds.sort();
    assert_eq!(kinds, ["failed", "skipped", "skipped", "skipped"]);
    let skipped = failed["executions"].as_array().unwrap().iter().find(|e| e["state"] == "skipped").unwrap();
    assert_eq!(skipped["reason"], "1 of 1 canary servers failed");

    // The order survives a hub that dies in the middle.
    let slow = exec(&api, "sleep 1", json!({"rollout": {"at_once": "25%"}}));
    wait::until(SOON, "the first to begin", || (run(&api, slow)["succeeded"] == 1).then_some(()));
    hub.kill();
    hub.restart();
    assert_eq!(ended(&api, slow)["succeeded"], 4);

    let grouped =
        ended(&api, exec(&api, "true", json!({"rollout": {"one_per": "role", "max_failures": "0"}})));
    assert_eq!(grouped["succeeded"], 4);
    for (field, wrong) in [("canary", "x"), ("at_once", "120%"), ("one_per", "a b")] {
        let body = json!({"command": ["true"], "on": "name=~\"web-.\"", "rollout": {field: wrong}});
        let answer = api.call("POST", "/api/v1/runs/exec", Some(&body));
        assert_eq!((answer.status, &answer.body["field"]), (422, &json!(format!("rollout.{field}"))));
    }
}

#[test]
fn what_servers_say_alike_is_told_once() {
    let Scene { hub, api, _agents } = scene();
    // On one server the streams come the other way round: which of two comes first is chance anyway.
    let first = hub.data_dir().join("first");
    let alike = format!(
        "if mkdir {} 2>/dev/null; then echo alike; sleep 0.3; echo too >&2; else echo too >&2; sleep 0.3; echo alike; fi",
        first.display()
    );
    let number = exec(&api, &alike, json!({}));
    ended(&api, number);
    let groups = wait::until(SOON, "all output", || {
        let groups = api.list(&format!("/runs/{number}/folded"));
        (groups.len() == 1 && groups[0]["text"].as_str().is_some_and(|text| text.len() == 10))
            .then_some(groups)
    });
    assert_eq!(groups[0]["servers"].as_array().map(Vec::len), Some(4), "{groups:?}");
    assert_eq!(groups[0]["exit_code"], 0);
    let differing = exec(&api, "echo $PPID", json!({}));
    ended(&api, differing);
    wait::until(SOON, "all output", || {
        let groups = api.list(&format!("/runs/{differing}/folded"));
        groups.iter().all(|group| group["text"] != "").then_some(()).filter(|()| groups.len() > 1)
    });
}

#[test]
fn a_run_waits_for_somebody_elses_approval() {
    let Scene { hub, api, _agents } = scene();
    let mark = hub.data_dir().join("mark");
    let number = exec(&api, &format!("echo x >> {}", mark.display()), json!({"needs_approval": true}));
    let waiting = run(&api, number);
    assert_eq!((&waiting["state"], &waiting["queued"]), (&json!("awaiting_approval"), &json!(4)));
    let approve = format!("/api/v1/runs/{number}/approve");
    assert_eq!(api.call("POST", &approve, None).status, 403, "nobody approves their own run");
    let token = |name: &str, role: &str| {
        let made = api.post("/tokens", &json!({"name": name, "role": role}));
        api.with_token(made["secret"].as_str())
    };
    assert_eq!(token("reader", "viewer").call("POST", &approve, None).status, 403);
    std::thread::sleep(Duration::from_secs(1));
    assert!(!mark.exists(), "it ran without approval");
    // Nor do they by a token of their own.
    assert_eq!(token("own", "operator").call("POST", &approve, None).status, 403);
    let password = "correct horse battery";
    api.post("/users", &json!({"name": "ada", "password": password, "role": "operator"}));
    let other = api.signed_in("ada", password);
    assert_eq!(other.call("POST", &approve, None).status, 200);
    let done = ended(&api, number);
    assert_eq!((&done["state"], &done["approved_by"]), (&json!("succeeded"), &json!("ada")));
    assert_eq!(std::fs::read_to_string(&mark).unwrap().lines().count(), 4);
    assert_eq!(other.call("POST", &approve, None).status, 409, "it was approved already");

    // A script can demand it, whoever starts it.
    api.post("/scripts", &json!({"name": "careful", "body": "true\n", "needs_approval": true}));
    let started = api.post("/runs", &json!({"script": "careful", "on": "name=\"web-1\""}));
    let number = started["run"]["number"].as_i64().unwrap();
    assert_eq!(other.call("POST", &format!("/api/v1/runs/{number}/deny"), None).status, 200);
    let denied = ended(&api, number);
    assert_eq!(denied["state"], "cancelled");
    assert_eq!(denied["executions"][0]["reason"], "ada denied the run");
}

#[test]
fn one_switch_stops_everything() {
    let Scene { mut hub, api, _agents } = scene();
    let long = exec(&api, "sleep 60", json!({"rollout": {"at_once": "1"}}));
    wait::until(SOON, "the first to run", || {
        states(&run(&api, long)).contains(&"running".to_string()).then_some(())
    });
    let refused = api.call("PUT", "/api/v1/halt", Some(&json!({"reason": " "})));
    assert_eq!((refused.status, &refused.body["field"]), (422, &json!("reason")));
    assert_eq!(api.put("/halt", &json!({"reason": "bad release"}))["on"], true);
    wait::until(SOON, "what ran to be cancelled", || {
        states(&run(&api, long)).contains(&"cancelled".to_string()).then_some(())
    });
    let body = json!({"command": ["true"], "on": "name=\"web-1\""});
    let answer = api.call("POST", "/api/v1/runs/exec", Some(&body));
    assert_eq!(answer.status, 409);
    assert!(text(&answer.body["detail"]).contains("bad release"), "{}", answer.body);
    // It outlives the hub, and nothing goes on behind it.
    hub.kill();
    hub.restart();
    assert_eq!(api.get("/halt")["reason"], "bad release");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(run(&api, long)["queued"], 3);
    api.post(&format!("/runs/{long}/cancel"), &json!({}));
    assert_eq!(ended(&api, long)["state"], "cancelled");
    assert_eq!(api.call("DELETE", "/api/v1/halt", None).status, 204);
    let after = wait::until(SOON, "the servers to be back", || {
        let answer = api.call("POST", "/api/v1/runs/exec", Some(&body));
        (answer.status < 300).then(|| answer.body["run"]["number"].as_i64()).flatten()
    });
    assert_eq!(ended(&api, after)["state"], "succeeded");
}

/// A queue is not a right: who started a run is asked again for each part of it.
#[test]
fn who_loses_the_right_starts_nothing_further() {
    let Scene { hub, api, _agents } = scene();
    let log = hub.data_dir().join("rights");
    let password = "correct horse battery";
    for name in ["ada", "bob"] {
        api.post("/users", &json!({"name": name, "password": password, "role": "operator"}));
    }
    let slow = format!("echo x >> {}; sleep 2", log.display());
    let begun = |person: &str| {
        let number = exec(&api.signed_in(person, password), &slow, json!({"rollout": {"at_once": "1"}}));
        wait::until(SOON, "the first to run", || {
            states(&run(&api, number)).contains(&"running".to_string()).then_some(())
        });
        number
    };
    let (of_ada, of_bob) = (begun("ada"), begun("bob"));
    assert_eq!(api.call("PATCH", "/api/v1/users/ada", Some(&json!({"disabled": true}))).status, 200);
    let only_first = json!({"servers": "name=\"web-1\""});
    assert_eq!(api.call("PATCH", "/api/v1/users/bob", Some(&only_first)).status, 200);
    for (number, why) in [
        (of_ada, "ada may not act here any more"),
        (of_bob, "bob may not run this on web-2 any more: it is outside the servers you may see"),
    ] {
        let end = ended(&api, number);
        assert_eq!((&end["state"], &end["succeeded"]), (&json!("partial"), &json!(1)), "{end}");
        let reasons: Vec<String> = end["executions"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|execution| execution["state"] == "cancelled")
            .map(|execution| text(&execution["reason"]))
            .collect();
        assert_eq!(reasons, vec![why.to_string(); 3]);
        let told = |event: &Value| text(&event["message"]).contains(&format!("run {number} "));
        let telling = || api.list("/events?kind=run.refused").iter().filter(|event| told(event)).count();
        // Told behind the run's end.
        wait::until(SOON, "the event of the refusal", || (telling() > 0).then_some(()));
        assert_eq!(telling(), 1);
    }
    assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 2, "it ran on a server too many");
}
