//! Agents replaced over their own connection, on a real systemd host: by what was signed for them, and back if it does not work.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::hosts::{Host, Network};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::operator::Operator;
use watchtower_tests::paging::text;
use watchtower_tests::release::Shelf;

const SOON: Duration = Duration::from_secs(30);
/// Longer than a new program has to show that it works.
const PATIENCE: Duration = Duration::from_secs(120);
const NEWER: &str = "0.1.9";
const NEWEST: &str = "0.2.0";
/// Says the right version, and then does nothing.
const BROKEN: &str =
    "#!/bin/sh\n[ \"$1\" != --version ] || { echo watchtower-agent 0.2.0; exit; }\nexec sleep 1000\n";
const PROGRAM: &str = "/opt/watchtower/bin/watchtower-agent";

struct Scene {
    api: Api,
    host: Host,
    shelf: Shelf,
    hub: Hub,
}

fn scene(policy: &str) -> Option<Scene> {
    let network = Network::start()?;
    let shelf = Shelf::default();
    let agents_dir = Some(shelf.path());
    let hub = Hub::start(Setup { agent_host: network.gateway(), agents_dir, ..Setup::default() });
    let host = network.host(1);
    let api = hub.api();
    let server = api.post("/servers", &json!({"name": host.name, "labels": {}}));
    let enrolment = api.post(&format!("/servers/{}/enrolment", text(&server["id"])), &json!({}));
    let install = text(&enrolment["command"]).replace("sudo sh", "sh");
    host.must(&format!("export WATCHTOWER_POLICY={policy}; {install}"));
    wait::until(SOON, "the first report", || {
        let server = api.get(&format!("/servers/{}", host.name));
        (server["status"] == "up" && server["facts"]["policy"] == policy).then_some(())
    });
    Some(Scene { api, host, shelf, hub })
}

impl Scene {
    fn on(&self) -> String {
        format!("name={:?}", self.host.name)
    }

    /// Starts an update: the run's number.
    fn update(&self) -> i64 {
        wait::until(SOON, "an update to be started", || {
            let answer = self.api.call("POST", "/api/v1/runs/agents", Some(&json!({"on": self.on()})));
            answer.body["run"]["number"].as_i64()
        })
    }

    fn ended(&self, run: i64) -> Value {
        wait::until(PATIENCE, &format!("run {run} to end"), || {
            let run = self.api.get(&format!("/runs/{run}"));
            (!run["finished_at"].is_null()).then(|| run["executions"][0].clone())
        })
    }

    fn output(&self, run: i64) -> String {
        let folded = self.api.list(&format!("/runs/{run}/folded"));
        folded.iter().map(|output| text(&output["text"])).collect()
    }

    fn version(&self) -> String {
        text(&self.api.get(&format!("/servers/{}", self.host.name))["agent_version"])
    }

    fn runs(&self, version: &str) {
        wait::until(SOON, &format!("agent {version} to report"), || {
            (self.version() == version && self.host.must(&format!("{PROGRAM} --version")).contains(version))
                .then_some(())
        });
        assert_eq!(
            self.host.must("ls /opt/watchtower/bin").trim(),
            "watchtower-agent",
            "nothing is left beside it"
        );
    }
}

#[test]
fn an_agent_replaces_itself_and_comes_back_from_a_broken_one() {
    let Some(scene) = scene("allowlist") else { return };
    let own = scene.version();
    assert_eq!(scene.api.call("POST", "/api/v1/runs/agents", Some(&json!({"on": scene.on()}))).status, 409);
    // A script that was begun under the former program, and outlives the change.
    scene.host.put("/etc/watchtower/policy.toml", "mode = \"full\"\n", 0o644);
    wait::until(SOON, "the policy to be known", || {
        (scene.api.get(&format!("/servers/{}", scene.host.name))["facts"]["policy"] == "full").then_some(())
    });
    let slow =
        json!({"command": ["/bin/sh", "-c", "echo x >> /run/slow; sleep 25; echo end"], "on": scene.on()});
    let slow = scene.api.post("/runs/exec", &slow)["run"]["number"].as_i64().unwrap();
    wait::until(SOON, "the slow script to run", || {
        (scene.api.get(&format!("/runs/{slow}"))["executions"][0]["state"] == "running").then_some(())
    });
    scene.host.put("/etc/watchtower/policy.toml", "mode = \"allowlist\"\n", 0o644);

    scene.shelf.offer(&scene.shelf.newer(NEWER), NEWER, |_| ());
    let said = Operator::new(&scene.hub.url()).run(&["run", "update-agents", "--on", &scene.on()]);
    assert_eq!(said.exit, 0, "{said:?}");
    scene.runs(NEWER);
    assert_ne!(own, NEWER);
    let ended = scene.ended(slow);
    assert_eq!(ended["state"], "succeeded", "{ended}");
    assert_eq!(scene.host.must("cat /run/slow"), "x\n");
    assert!(scene.output(slow).contains("end"));

    scene.shelf.offer(BROKEN.as_bytes(), NEWEST, |_| ());
    let run = scene.update();
    let ended = scene.ended(run);
    assert_eq!((ended["state"].clone(), ended["exit_code"].clone()), (json!("failed"), json!(1)), "{ended}");
    let output = scene.output(run);
    assert!(output.contains("did not show") && output.contains("the former program is back"), "{output}");
    scene.runs(NEWER);

    // Ended on the server while nobody knows yet whether the new program works.
    let run = scene.update();
    wait::until(SOON, "the broken program to be in place", || {
        scene.host.must(&format!("head -c 9 {PROGRAM} | tr -d '\\0'")).starts_with("#!/bin/sh").then_some(())
    });
    scene.host.must("systemctl stop 'watchtower-exec-*'");
    scene.runs(NEWER);
    assert_ne!(scene.ended(run)["state"], "succeeded");
    back_by_hand(&scene, &own);
}

/// What an update leaves is what a rollback over SSH goes back to.
fn back_by_hand(scene: &Scene, own: &str) {
    let operator = Operator::new(&scene.hub.url());
    operator.may_enter(&scene.host, "root");
    let target = format!("root@{}", scene.host.address);
    for (from, to) in [(NEWER, own), (own, NEWER)] {
        let said = operator.run(&["agent", "rollback", &target, "--name", &scene.host.name, "-y"]);
        let row = said.row();
        let shown = [&row["result"], &row["from"], &row["version"]].map(text);
        assert_eq!(shown, ["rolled_back", from, to], "{said:?}");
        scene.runs(to);
    }
}

#[test]
fn a_judge_that_is_killed_leaves_the_way_back() {
    let Some(scene) = scene("full") else { return };
    let own = scene.version();
    scene.shelf.offer(BROKEN.as_bytes(), NEWEST, |_| ());
    let run = scene.update();
    wait::until(SOON, "the broken program to be in place", || {
        scene.host.must(&format!("head -c 9 {PROGRAM} | tr -d '\\0'")).starts_with("#!/bin/sh").then_some(())
    });
    // While somebody judges, a start changes nothing.
    scene.host.must("systemctl restart watchtower-agent");
    scene.host.must("test -e /opt/watchtower/bin/watchtower-agent.former");
    scene.host.must("kill -9 $(pgrep -f 'watchtower-agent [a]pply-update')");
    scene.host.must("systemctl restart watchtower-agent");
    scene.runs(&own);
    assert_eq!(scene.ended(run)["state"], "failed");

    // Where somebody installs an agent before that, theirs is the one that stays.
    scene.host.must(&format!("cp {PROGRAM} {PROGRAM}.former && echo >> {PROGRAM}.former"));
    let path = format!("/servers/{}/enrolment", scene.host.name);
    scene.shelf.offer(&scene.shelf.newer(NEWER), NEWER, |_| ());
    let enrolment = scene.api.post(&path, &json!({}));
    scene.host.must(&text(&enrolment["command"]).replace("sudo sh", "sh"));
    scene.runs(NEWER);
}

#[test]
fn what_was_not_signed_for_this_server_is_refused_and_what_was_tampered_with_never_runs() {
    let Some(scene) = scene("full") else { return };
    let own = scene.version();
    let newer = scene.shelf.newer(NEWER);
    let refused = |code: &str| {
        let ended = scene.ended(scene.update());
        assert_eq!(ended["state"], "rejected", "{code}: {ended}");
        wait::until(SOON, &format!("the event of {code}"), || {
            let events = scene.api.list("/events?kind=command.refused");
            events.first().filter(|event| event["labels"]["code"] == code).map(drop)
        });
    };
    scene.shelf.offer_by(&[0x78; 32], &newer, NEWER, |_| ());
    refused("release_signature");
    scene.shelf.offer(&newer, NEWER, |release| release.arch = "aarch64".into());
    refused("release_arch");
    scene.shelf.offer(&newer, &own, |_| ());
    refused("release_not_newer");
    scene.shelf.offer(&newer, NEWER, |release| release.not_after = watchtower_model::Timestamp(1));
    refused("release_expired");

    scene.shelf.offer(&newer, NEWER, |release| release.sha256 = "00".repeat(32));
    let run = scene.update();
    assert_eq!(scene.ended(run)["state"], "failed");
    assert!(scene.output(run).contains("not the one that was signed"), "{}", scene.output(run));
    scene.runs(&own);
    // The programs are not for strangers, nor for an update that has ended.
    let path = format!(
        "https://{}/agent/v1/program/{}/x86_64",
        scene.hub.agent_address(),
        text(&scene.ended(run)["id"])
    );
    let curl = std::process::Command::new("curl")
        .args(["-sk", "-o", "/dev/null", "-w", "%{http_code}", &path])
        .output();
    assert_eq!(String::from_utf8_lossy(&curl.unwrap().stdout), "404");
}

#[test]
fn a_hub_that_goes_away_does_not_take_a_working_program_back() {
    let Some(mut scene) = scene("full") else { return };
    scene.shelf.offer(&scene.shelf.newer(NEWER), NEWER, |_| ());
    let run = scene.update();
    wait::until(SOON, "the new program to be in place", || {
        scene.host.must(&format!("{PROGRAM} --version; true")).contains(NEWER).then_some(())
    });
    scene.hub.kill();
    wait::until(SOON, "the new program to stay", || {
        (scene.host.must("ls /opt/watchtower/bin").trim() == "watchtower-agent").then_some(())
    });
    scene.hub.restart();
    assert_eq!(scene.ended(run)["state"], "succeeded");
    scene.runs(NEWER);
}
