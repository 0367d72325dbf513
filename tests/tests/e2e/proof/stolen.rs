//! A stolen hub: a thief runs the real hub on a copy of its database and all its keys, at its address, as its administrator.
//!
//! Each way of the API to code of the thief's own is tried on a host of each policy. On `full` it leads there, so that a refusal
//! elsewhere is the policy's doing.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::hosts::{Host, Network};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::approver::Approver;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::managed::enrol;
use watchtower_tests::paging::text;
use watchtower_tests::thief::sha256;

const SOON: Duration = Duration::from_secs(60);
const LISTED: &str = "echo x >> /run/listed\n";
const APPROVED: &str = "echo x >> /run/approved\n";

/// The owner's fleet, and then the thief's hub.
struct Theft {
    hub: Hub,
    api: Api,
    /// `monitor`, `allowlist`, `full`.
    hosts: Vec<Host>,
    _network: Arc<Network>,
}

const POLICIES: [&str; 3] = ["monitor", "allowlist", "full"];

/// How a try ended on one host.
#[derive(Debug, PartialEq)]
enum Fate {
    Ran,
    /// The code of the problem, or of the refusal by the server itself.
    Refused(String),
}

/// What the thief tries, and what stops it under `allowlist`.
struct Try {
    name: &'static str,
    attempt: fn(&Theft, &Host, &str) -> Fate,
    allowlist: &'static str,
}

/// Under `monitor` there is nothing that a hub could speak to; what it signs all the same is refused too (`executor.rs`).
const MONITOR: &str = "conflict";

const TRIES: &[Try] = &[
    Try { name: "typed", attempt: typed, allowlist: "conflict" },
    Try { name: "new-script", attempt: new_script, allowlist: "policy" },
    Try { name: "edited", attempt: edited, allowlist: "policy" },
    Try { name: "interpreter", attempt: interpreter, allowlist: "policy" },
    Try { name: "own-approval", attempt: own_approval, allowlist: "policy" },
    Try { name: "edited-approved", attempt: edited_approved, allowlist: "policy" },
    Try { name: "automation", attempt: automation, allowlist: "policy" },
];

#[test]
fn a_stolen_hub_runs_nothing_of_its_own_but_under_full() {
    let Some(theft) = stolen() else { return };
    for Try { name, attempt, allowlist } in TRIES {
        for (host, policy) in theft.hosts.iter().zip(POLICIES) {
            let mark = format!("/run/theft-{name}");
            let fate = attempt(&theft, host, &mark);
            let expected = match policy {
                "monitor" => Fate::Refused(MONITOR.into()),
                "allowlist" => Fate::Refused((*allowlist).into()),
                _ => Fate::Ran,
            };
            assert_eq!(fate, expected, "{name} under {policy}");
            // What it says and what it did are two things.
            assert_eq!(host.inside(&mark).exists(), fate == Fate::Ran, "{name} under {policy}");
        }
    }
    for host in &theft.hosts {
        no_way_by_ssh(&theft, host);
    }
    what_it_could(&theft);
    for (host, policy) in theft.hosts.iter().zip(POLICIES) {
        let left = host.must("ls -d /run/theft-* 2>/dev/null | wc -l");
        let expected = if policy == "full" { TRIES.len() } else { 0 };
        assert_eq!(left.trim(), expected.to_string(), "under {policy}");
        assert!(host.must("cat /etc/watchtower/policy.toml").contains(&format!("mode = \"{policy}\"")));
    }
}

/// The owner's life before, then the theft; every agent is back.
fn stolen() -> Option<Theft> {
    let network = Network::start()?;
    let hub = Hub::start(Setup { agent_host: network.gateway(), ..Setup::default() });
    let api = hub.api();
    let (hosts, approver) = (network.hosts(3), Approver::new());
    hosts.iter().zip(POLICIES).for_each(|(host, policy)| enrol(&api, host, policy));
    let (listed, public) = (sha256(LISTED), approver.public());
    let lists = format!("scripts = [{listed:?}]\napprovers = [{public:?}]\nusers = [\"root\"]\n");
    hosts[1].put("/etc/watchtower/policy.toml", &format!("mode = \"allowlist\"\n{lists}"), 0o644);
    for (name, body) in [("listed", LISTED), ("approved", APPROVED), ("approved-too", APPROVED)] {
        api.post("/scripts", &json!({"name": name, "body": body, "timeout_seconds": 20}));
    }
    ["approved", "approved-too"].iter().for_each(|script| approver.sign(&hub, script));
    let hub = hub.stolen();
    let theft = Theft { api: hub.api(), hub, hosts, _network: network };
    for (host, policy) in theft.hosts.iter().zip(POLICIES) {
        wait::until(SOON, "the agents to be back", || {
            let plan = json!({"script": "listed", "on": on(host), "dry_run": true});
            let plan = theft.api.post("/runs", &plan)["plan"].clone();
            let why = plan["unavailable"][0].as_str().unwrap_or_default();
            // Under `monitor` the only reason left is the policy.
            let there = if policy == "monitor" {
                why.contains("the policy monitor")
            } else {
                plan["servers"][0] == host.name
            };
            there.then_some(())
        });
    }
    Some(theft)
}

fn on(host: &Host) -> String {
    format!("name={:?}", host.name)
}

/// Starts a run and waits for what becomes of it.
fn run(theft: &Theft, path: &str, body: &Value) -> Fate {
    let answer = theft.api.call("POST", path, Some(body));
    if answer.status >= 300 {
        return Fate::Refused(text(&answer.body["code"]));
    }
    fate(theft, &text(&answer.body["run"]["id"]))
}

fn fate(theft: &Theft, run: &str) -> Fate {
    let execution = wait::until(SOON, "the run to end", || {
        let execution = theft.api.get(&format!("/runs/{run}"))["executions"][0].clone();
        (!execution["finished_at"].is_null()).then_some(execution)
    });
    match execution["state"].as_str() {
        Some("rejected") => {
            let reason = text(&execution["reason"]);
            Fate::Refused(reason.split(':').next().unwrap_or_default().into())
        }
        Some("succeeded") => Fate::Ran,
        _ => panic!("neither run nor refused: {execution}"),
    }
}

fn library(theft: &Theft, host: &Host, script: &str) -> Fate {
    run(theft, "/api/v1/runs", &json!({"script": script, "on": on(host)}))
}

/// A command line, typed.
fn typed(theft: &Theft, host: &Host, mark: &str) -> Fate {
    run(theft, "/api/v1/runs/exec", &json!({"command": ["touch", mark], "on": on(host)}))
}

fn put_script(theft: &Theft, name: &str, body: &str, interpreter: &[&str]) {
    let script = json!({"name": name, "body": body, "interpreter": interpreter, "timeout_seconds": 20});
    let known = theft.api.list("/scripts").iter().any(|script| script["name"] == name);
    if known {
        theft.api.put(&format!("/scripts/{name}"), &script);
    } else {
        theft.api.post("/scripts", &script);
    }
}

fn new_script(theft: &Theft, host: &Host, mark: &str) -> Fate {
    put_script(theft, "theft", &format!("touch {mark}\n"), &[]);
    library(theft, host, "theft")
}

/// The name of a script that the policy lists, with another text.
fn edited(theft: &Theft, host: &Host, mark: &str) -> Fate {
    put_script(theft, "listed", &format!("{LISTED}touch {mark}\n"), &[]);
    library(theft, host, "listed")
}

/// The text of a script that the policy lists, for a program that does something else.
fn interpreter(theft: &Theft, host: &Host, mark: &str) -> Fate {
    put_script(theft, "listed", LISTED, &["/bin/sh", "-c", &format!("touch {mark}")]);
    library(theft, host, "listed")
}

/// A script with an approval by a key of the thief's own.
fn own_approval(theft: &Theft, host: &Host, mark: &str) -> Fate {
    put_script(theft, "signed", &format!("touch {mark}\n"), &[]);
    Approver::new().sign(&theft.hub, "signed");
    library(theft, host, "signed")
}

/// The name of a script that an approver signed, with another text.
fn edited_approved(theft: &Theft, host: &Host, mark: &str) -> Fate {
    put_script(theft, "approved-too", &format!("touch {mark}\n"), &[]);
    library(theft, host, "approved-too")
}

/// A script that an alert starts, as if nobody had meant to.
fn automation(theft: &Theft, host: &Host, mark: &str) -> Fate {
    put_script(theft, "mend", &format!("touch {mark}\n"), &[]);
    let kind = format!("custom.{}", host.name.replace('-', "_"));
    let rule = json!({"name": kind, "kind": "event", "event_kind": kind, "severity": "error"});
    let rule = theft.api.post("/rules", &rule);
    let automation = json!({
        "name": kind, "mode": "auto", "script": "mend", "trigger": {"rule_id": rule["id"]}, "cooldown_seconds": 0,
    });
    let automation = theft.api.post("/automations", &automation);
    theft.api.post("/events", &json!({"kind": kind, "message": "x", "server": host.name}));
    let attempt = wait::until(SOON, "the automation to act", || {
        let automation = theft.api.get(&format!("/automations/{}", text(&automation["id"])));
        let attempt = automation["attempts"][0].clone();
        (!attempt["run_id"].is_null() || attempt["state"] == "refused").then_some(attempt)
    });
    match attempt["run_id"].as_str() {
        Some(run) => fate(theft, run),
        None => {
            assert!(text(&attempt["reason"]).contains("the policy monitor"), "{attempt}");
            Fate::Refused("conflict".into())
        }
    }
}

/// Another agent over SSH, with another policy: needs what no hub has unless somebody saved it there.
fn no_way_by_ssh(theft: &Theft, host: &Host) {
    let key = Approver::new().private();
    for (ssh, code) in [
        // Not even sent: nobody has confirmed the host's key.
        (json!({"password": "guessed"}), "E_HOSTKEY_UNKNOWN"),
        (json!({"private_key": key}), "E_AUTH"),
    ] {
        let target = json!({"host": host.address, "user": "root", "server": host.name});
        let input = json!({"targets": [target], "ssh": ssh, "policy": "full", "takeover": true});
        let made = theft.api.post("/deployments", &input);
        let number = made["items"][0]["number"].clone();
        let ended = wait::until(SOON, "the deployment to end", || {
            let deployment = theft.api.get(&format!("/deployments/{number}"));
            (!deployment["finished_at"].is_null()).then_some(deployment)
        });
        assert_eq!(
            (&ended["status"], &ended["failure"]["code"]),
            (&json!("failed"), &json!(code)),
            "{ended}"
        );
    }
}

/// The other half of the table: what the policy permits, at a moment of the thief's choice.
fn what_it_could(theft: &Theft) {
    put_script(theft, "listed", LISTED, &[]);
    for (host, policy) in theft.hosts.iter().zip(POLICIES) {
        let expected = if policy == "monitor" { Fate::Refused(MONITOR.into()) } else { Fate::Ran };
        for script in ["listed", "approved"] {
            assert_eq!(library(theft, host, script), expected, "{script} under {policy}");
        }
    }
}
