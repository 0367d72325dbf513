//! A managed server as a test sees it: a real host with an agent under a local policy, its hub, and commands that go there.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::hosts::{Host, Network};
use watchtower_testkit::wait;

use crate::api::{Api, encode};
use crate::hub::{Hub, Setup};
use crate::paging::text;

const SOON: Duration = Duration::from_secs(30);
const END: Duration = Duration::from_secs(90);
/// The states in which an execution stays.
const ENDS: &[&str] = &["succeeded", "failed", "timed_out", "cancelled", "rejected", "lost", "expired"];

/// One host and its hub; the host ends first.
pub struct Managed {
    pub api: Api,
    pub host: Host,
    pub hub: Hub,
}

/// Enrols a host under this policy by the line that the hub gives, and waits for its first report.
///
/// # Panics
/// If hub or host refuse.
pub fn enrol(api: &Api, host: &Host, policy: &str) {
    let server = api.post("/servers", &json!({"name": host.name, "labels": {"env": "a"}}));
    let enrolment = api.post(&format!("/servers/{}/enrolment", text(&server["id"])), &json!({}));
    let line = text(&enrolment["command"]).replace("sudo sh", "sh");
    host.must(&format!("export WATCHTOWER_POLICY={policy}; {line}"));
    wait::until(SOON, "the first report", || {
        let server = api.get(&format!("/servers/{}", host.name));
        (server["status"] == "up" && server["facts"]["policy"] == policy).then_some(())
    });
}

impl Managed {
    /// `None` if this machine cannot boot hosts, with the reason told.
    ///
    /// # Panics
    /// If hub or host do not come up.
    pub fn start(policy: &str) -> Option<Managed> {
        let network = Network::start()?;
        let hub = Hub::start(Setup { agent_host: network.gateway(), ..Setup::default() });
        let host = network.host(1);
        let api = hub.api();
        enrol(&api, &host, policy);
        Some(Managed { api, host, hub })
    }

    /// Starts a command line on the host: the run's number.
    ///
    /// # Panics
    /// If it is not taken in time.
    pub fn exec(&self, line: &str, timeout_seconds: u32) -> i64 {
        let on = format!("name={:?}", self.host.name);
        let body = json!({"command": ["/bin/sh", "-c", line], "on": on, "timeout_seconds": timeout_seconds});
        // An agent that was just killed is back in a moment.
        wait::until(SOON, "a run to be started", || {
            let answer = self.api.call("POST", "/api/v1/runs/exec", Some(&body));
            assert!(matches!(answer.status, 200 | 201 | 409), "{line}: {}", answer.status);
            answer.body["run"]["number"].as_i64()
        })
    }

    /// The run's part on the host.
    pub fn execution(&self, run: i64) -> Value {
        self.api.get(&format!("/runs/{run}"))["executions"][0].clone()
    }

    /// # Panics
    /// If it does not get into one of these states in time.
    pub fn wait_state(&self, run: i64, states: &[&str]) -> Value {
        let what = format!("run {run} to be one of {states:?}");
        wait::until(END, &what, || {
            let execution = self.execution(run);
            states.contains(&execution["state"].as_str().unwrap_or("")).then_some(execution)
        })
    }

    /// # Panics
    /// If it does not end in time.
    pub fn ended(&self, run: i64) -> Value {
        self.wait_state(run, ENDS)
    }

    /// Everything of its output that the hub has: stream, offset and text, in order of arrival.
    ///
    /// # Panics
    /// If the hub does not tell.
    pub fn parts(&self, run: i64) -> Vec<(String, u64, String)> {
        let id = text(&self.execution(run)["id"]);
        let (mut said, mut after) = (Vec::new(), 0);
        loop {
            let output = self.api.get(&format!("/runs/{run}/output/{id}?after={after}"));
            let parts = output["parts"].as_array().cloned().unwrap_or_default();
            let Some(last) = parts.last() else { return said };
            after = last["sequence"].as_i64().expect("parts are numbered");
            said.extend(parts.iter().map(|part| {
                let offset = part["offset"].as_u64().expect("parts have an offset");
                (text(&part["stream"]), offset, text(&part["text"]))
            }));
        }
    }

    /// Both streams in order of arrival.
    pub fn output(&self, run: i64) -> String {
        self.parts(run).into_iter().map(|(_, _, text)| text).collect()
    }

    /// Waits for the event that tells of a refused command.
    ///
    /// # Panics
    /// If there is none in time.
    pub fn refused(&self, code: &str) {
        wait::until(SOON, &format!("the event of a command refused as {code}"), || {
            let events = self.api.list(&format!("/events?kind={}", encode("command.refused")));
            events.iter().any(|event| text(&event["labels"]["code"]) == code).then_some(())
        });
    }

    /// Units of executions that systemd still has.
    pub fn units(&self) -> String {
        self.host.must("systemctl list-units --no-legend --plain --all 'watchtower-exec-*'")
    }
}
