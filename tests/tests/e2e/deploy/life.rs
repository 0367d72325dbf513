//! The life of an agent: planned, installed, again, put back by hand, upgraded, rolled back, removed without a trace.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use watchtower_testkit::hosts::Host;
use watchtower_testkit::wait;
use watchtower_tests::hub::Hub;
use watchtower_tests::operator::{AGENT, Operator, difference, files};
use watchtower_tests::paging::text;
use watchtower_tests::scene::Scene;

use super::back;

const SOON: Duration = Duration::from_secs(30);

/// Ships another program from now on.
pub fn ship(shipped: &Path, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let program = std::fs::read(shipped.join(AGENT)).expect("it was put there");
    std::fs::write(shipped.join(AGENT), change(program)).expect("the folder is ours");
}

pub fn result(operator: &Operator, words: &[&str]) -> Value {
    let said = operator.run(words);
    let row = said.row().clone();
    assert_eq!(said.exit == 0, row["failure"].is_null(), "{said:?}");
    row
}

#[test]
fn an_agent_lives_and_leaves_nothing() {
    let Some(scene) = Scene::start(1) else { return };
    let Scene { hub, operator, shipped, .. } = &scene;
    let host = &scene.hosts[0];
    // What is staged for a moment does not need it.
    host.must("mount -o remount,noexec /tmp");
    let before = files(host);

    let target = format!("root@{}", host.address);
    let deploy = ["agent", "deploy", &target, "--name", "web-1", "-y"];
    let plan = result(operator, &["agent", "deploy", &target, "--name", "web-1", "--dry-run"]);
    assert_eq!(
        (text(&plan["result"]), plan["plan"].as_array().map_or(0, Vec::len) >= 4),
        ("planned".into(), true),
        "{plan}"
    );
    assert_eq!(difference(&before, &files(host)), Vec::<String>::new(), "a plan changes nothing");
    assert_eq!(hub.api().status("GET", "/api/v1/servers/web-1", None), Some(404), "not even in the hub");

    let installed = result(operator, &deploy);
    assert_eq!(text(&installed["result"]), "installed", "{installed}");
    let server = hub.api().get("/servers/web-1");
    assert_eq!(
        (text(&server["status"]), server["last_report_at"].is_string()),
        ("up".into(), true),
        "{server}"
    );
    host.must("grep -q '\"full\"' /etc/watchtower/policy.toml");
    let layout = layout(host);
    let steps: Vec<String> =
        installed["steps"].as_array().into_iter().flatten().map(|step| text(&step["step"])).collect();
    let order = [
        "connect",
        "host_key",
        "sign_in",
        "probe",
        "sudo",
        "plan",
        "upload",
        "reach_hub",
        "place",
        "enrol",
        "start",
        "first_report",
    ];
    assert_eq!(steps, order);

    let again = result(operator, &deploy);
    assert_eq!(text(&again["result"]), "already_there", "{again}");
    back::by_hand(&scene, &deploy, &target);
    upgraded(operator, host, shipped.path(), &deploy);
    rolled_back(operator, host, shipped.path(), &deploy);
    assert_eq!(
        text(&result(operator, &["agent", "uninstall", &target, "--name", "web-1", "-y"])["result"]),
        "uninstalled"
    );
    let left = difference(&before, &files(host));
    assert!(left.len() == 1 && left[0].contains("real-agent"), "an uninstallation leaves nothing: {left:#?}");
    fails_fresh(operator, host, &deploy);
    same_as_by_hand(hub, operator, host, &layout);
    let nothing = result(operator, &["agent", "uninstall", &target, "--name", "web-1", "-y"]);
    assert_eq!(text(&nothing["result"]), "nothing_there");
    let none = operator.run(&["agent", "rollback", &target, "--name", "web-1", "-y"]);
    assert_eq!((none.exit, text(&none.row()["failure"]["code"])), (1, "E_NO_AGENT".into()), "{none:?}");
}

/// What an installation puts outside the agent's own state.
fn layout(host: &Host) -> Vec<String> {
    let ours = |line: &String| {
        line.contains("watchtower")
            && !line.starts_with("/var/lib/watchtower/")
            && !line.starts_with("/var/lib/watchtower-executor/")
            && !line.contains("/previous")
    };
    let without_size = |line: String| line.split(' ').take(4).collect::<Vec<_>>().join(" ");
    let sums = host.must("sha256sum /etc/watchtower/policy.toml /etc/systemd/system/watchtower-*");
    files(host).into_iter().filter(ours).map(without_size).chain(sums.lines().map(String::from)).collect()
}

/// The line that is pasted on a host puts the same files at the same places.
fn same_as_by_hand(hub: &Hub, operator: &Operator, host: &Host, deployed: &[String]) {
    let enrolment = hub.api().post("/servers/web-1/enrolment", &serde_json::json!({}));
    host.must(&text(&enrolment["command"]));
    assert_eq!(difference(deployed, &layout(host)), Vec::<String>::new());
    let target = format!("root@{}", host.address);
    let words = ["agent", "uninstall", &target, "--name", "web-1", "-y"];
    assert_eq!(text(&result(operator, &words)["result"]), "uninstalled");
}

/// Another program: the policy that root wrote stays, the previous program is kept.
fn upgraded(operator: &Operator, host: &Host, shipped: &Path, deploy: &[&str]) {
    host.must("echo 'mode = \"monitor\"' > /etc/watchtower/policy.toml");
    ship(shipped, |program| [program, b"another build".to_vec()].concat());
    let row = result(operator, deploy);
    assert_eq!(text(&row["result"]), "upgraded", "{row}");
    assert_eq!(host.must("cat /etc/watchtower/policy.toml").trim(), "mode = \"monitor\"");
    host.must("test -x /opt/watchtower/previous/watchtower-agent && test ! -e /opt/watchtower/previous/identity.key");
    assert!(row["remarks"].to_string().contains("stays monitor"), "{row}");
}

/// A program that does all but run: the one before it comes back and reports.
fn rolled_back(operator: &Operator, host: &Host, shipped: &Path, deploy: &[&str]) {
    host.must("cp /opt/watchtower/bin/watchtower-agent /usr/local/lib/real-agent");
    let sum = host.must("sha256sum < /opt/watchtower/bin/watchtower-agent");
    ship(shipped, |_| {
        b"#!/bin/sh\ncase $1 in run) echo cannot run here; exit 1;; esac\nexec /usr/local/lib/real-agent \"$@\"\n".to_vec()
    });
    let said = operator.run(deploy);
    let row = said.row();
    assert_eq!((text(&row["result"]), said.exit), ("rolled_back".into(), 1), "{said:?}");
    assert_eq!(text(&row["failure"]["code"]), "E_SERVICE", "{row}");
    assert!(text(&row["failure"]["detail"]).contains("cannot run here"), "{row}");
    assert_eq!(host.must("sha256sum < /opt/watchtower/bin/watchtower-agent"), sum);
    wait::until(SOON, "the previous agent", || {
        host.run("systemctl is-active watchtower-agent").status.success().then_some(())
    });
}

/// The same program on a host without an agent: what was placed is removed again.
fn fails_fresh(operator: &Operator, host: &Host, deploy: &[&str]) {
    let before = files(host);
    let said = operator.run(deploy);
    assert_eq!(text(&said.row()["failure"]["code"]), "E_SERVICE", "{said:?}");
    assert_eq!(difference(&before, &files(host)), Vec::<String>::new(), "a failure leaves nothing");
}
