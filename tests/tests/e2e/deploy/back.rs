//! An agent put back by hand: to the version that the host keeps, and to the newer one again; nothing of its own is lost.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::hosts::Host;
use watchtower_testkit::wait;
use watchtower_tests::operator::{difference, files};
use watchtower_tests::paging::text;
use watchtower_tests::release::called;
use watchtower_tests::scene::Scene;

use super::life::{result, ship};

const SOON: Duration = Duration::from_secs(30);
const OWN: &str = env!("CARGO_PKG_VERSION");
const NEWER: &str = "0.1.9";
/// Starts, says its version, and cannot run.
const BROKEN: &str = "#!/bin/sh\ncase $1 in run) echo cannot run here; exit 1;; esac\n\
    exec /opt/watchtower/bin/real-agent \"$@\"\n";

/// The server web-1, whose agent is at [`OWN`] and is left at [`NEWER`], while the hub ships the first again.
pub fn by_hand(scene: &Scene, deploy: &[&str], target: &str) {
    let back = ["agent", "rollback", target, "--name", "web-1", "-y"];
    let host = &scene.hosts[0];
    refused(scene, &back);
    let mut first = Vec::new();
    ship(scene.shipped.path(), |program| {
        first = program;
        called(&first, NEWER)
    });
    assert_eq!(text(&result(&scene.operator, deploy)["result"]), "upgraded");
    reports(scene, NEWER);
    let own = own_files(host);

    let plan = result(&scene.operator, &[&back[..5], &["--dry-run"]].concat());
    assert!(plan["plan"].to_string().contains(&format!("{NEWER} -> {OWN}")), "{plan}");
    reports(scene, NEWER);
    let slow = slow_script(scene);
    went_back(scene, &back, NEWER, OWN);
    ends_once(scene, slow);
    finished(scene, &back);
    went_back(scene, &back, OWN, NEWER);
    put_forward(scene, &back);
    assert_eq!(own_files(host), own, "key, journal's owner and policy are what they were");
    assert_eq!(scene.hub.api().list("/servers").len(), 1, "nothing was enrolled anew");
    ship(scene.shipped.path(), |_| first);
}

/// All but what a running agent writes by itself.
fn placed(host: &Host) -> Vec<String> {
    files(host).into_iter().filter(|line| !line.starts_with("/var/lib/watchtower")).collect()
}

fn own_files(host: &Host) -> String {
    host.must(
        "sha256sum /var/lib/watchtower/identity.key /etc/watchtower/policy.toml; stat -c '%U %a' /var/lib/watchtower-executor",
    )
}

/// Nothing is kept by a first installation.
fn refused(scene: &Scene, back: &[&str]) {
    let before = placed(&scene.hosts[0]);
    let said = scene.operator.run(back);
    let failure = &said.row()["failure"];
    assert_eq!((said.exit, text(&failure["code"])), (1, "E_NOTHING_KEPT".into()), "{said:?}");
    assert!(!text(&failure["fix"]).is_empty() && failure["step"] == "plan", "{failure}");
    assert_eq!(difference(&before, &placed(&scene.hosts[0])), Vec::<String>::new());
}

fn steps(row: &Value) -> Vec<String> {
    row["steps"].as_array().into_iter().flatten().map(|step| text(&step["step"])).collect()
}

fn went_back(scene: &Scene, back: &[&str], from: &str, to: &str) {
    let row = result(&scene.operator, back);
    let said = [&row["result"], &row["from"], &row["version"]].map(text);
    assert_eq!(said, ["rolled_back", from, to], "{row}");
    let steps = steps(&row);
    assert_eq!(steps[steps.len() - 3..], ["plan", "roll_back", "first_report"], "{row}");
    reports(scene, to);
    let left = scene.hosts[0].must("ls -A /opt/watchtower /opt/watchtower/bin");
    assert!(!left.contains(".new") && !left.contains(".old"), "{left}");
}

fn reports(scene: &Scene, version: &str) {
    wait::until(SOON, &format!("a report of agent {version}"), || {
        (scene.hub.api().get("/servers/web-1")["agent_version"] == version).then_some(())
    });
    assert!(scene.hosts[0].must("/opt/watchtower/bin/watchtower-agent --version").contains(version));
}

/// One that the change of the agent's version comes into the middle of: the run's number.
fn slow_script(scene: &Scene) -> i64 {
    let api = scene.hub.api();
    let exec = json!({
        "command": ["/bin/sh", "-c", "echo x >> /run/slow; sleep 5; echo end"], "on": "name=\"web-1\"",
    });
    let run = api.post("/runs/exec", &exec)["run"]["number"].as_i64().expect("a run has a number");
    wait::until(SOON, "the slow script to run", || {
        (api.get(&format!("/runs/{run}"))["executions"][0]["state"] == "running").then_some(())
    });
    run
}

fn ends_once(scene: &Scene, run: i64) {
    let state = wait::until(SOON, "the slow script to end", || {
        let run = scene.hub.api().get(&format!("/runs/{run}"));
        run["finished_at"].is_string().then(|| text(&run["executions"][0]["state"]))
    });
    assert_eq!(state, "succeeded");
    assert_eq!(scene.hosts[0].must("cat /run/slow"), "x\n");
}

/// Cut off between the exchange and the first report: the same command finishes it, and does not turn it round.
fn finished(scene: &Scene, back: &[&str]) {
    let host = &scene.hosts[0];
    host.must(
        "mv /opt/watchtower/previous/done /opt/watchtower/previous/begun; systemctl stop watchtower-agent",
    );
    went_back(scene, back, NEWER, OWN);
    host.must("test ! -e /opt/watchtower/previous/begun");
}

/// The older one does not start: the newer one runs again, and is what the next rollback would leave.
fn put_forward(scene: &Scene, back: &[&str]) {
    let host = &scene.hosts[0];
    let program = "/opt/watchtower/previous/watchtower-agent";
    host.must(&format!("mv {program} /opt/watchtower/bin/real-agent"));
    host.put(program, BROKEN, 0o755);
    let sum = host.must("sha256sum < /opt/watchtower/bin/watchtower-agent");
    let said = scene.operator.run(back);
    let row = said.row();
    assert_eq!((said.exit, text(&row["result"])), (1, "failed".into()), "{said:?}");
    assert_eq!(text(&row["failure"]["code"]), "E_SERVICE", "{row}");
    assert!(text(&row["failure"]["fix"]).contains(&format!("version {NEWER} was put back")), "{row}");
    assert!(text(&row["failure"]["detail"]).contains("cannot run here"), "{row}");
    assert_eq!(host.must("sha256sum < /opt/watchtower/bin/watchtower-agent"), sum);
    host.must("rm /opt/watchtower/bin/real-agent");
    reports(scene, NEWER);
}
