//! The operator's command is killed in the middle: the host has the whole agent or nothing of it.

use std::time::Duration;

use watchtower_testkit::hosts::Host;
use watchtower_testkit::wait;
use watchtower_tests::operator::{difference, files};
use watchtower_tests::release::called;
use watchtower_tests::scene::Scene;

use super::life::ship;

const SETTLED: Duration = Duration::from_secs(20);
/// What is there on the host when the command is killed, from the first bytes to the running service.
const MOMENTS: [&str; 5] = [
    "ls -d /opt/.watchtower-stage.*/agent",
    "ls /opt/watchtower/bin",
    "ls /etc/systemd/system/watchtower-agent.service",
    "ls /var/lib/watchtower/identity.key",
    "systemctl is-active watchtower-agent",
];

/// The same of a rollback, from the copy of what is there to the one that was put back and has not reported.
const MOMENTS_BACK: [&str; 3] = [
    "ls -d /opt/watchtower/previous.new || ls /opt/watchtower/previous/begun",
    "ls /opt/watchtower/previous/begun",
    "ls /opt/watchtower/previous/begun && systemctl is-active watchtower-agent || ls /opt/watchtower/previous/done",
];
const OWN: &str = env!("CARGO_PKG_VERSION");
const NEWER: &str = "0.1.9";

#[test]
fn a_killed_command_leaves_all_or_nothing() {
    let Some(scene) = Scene::start(1) else { return };
    let (operator, host) = (&scene.operator, &scene.hosts[0]);
    let target = format!("root@{}", host.address);
    let before = files(host);
    for moment in MOMENTS {
        let mut child = operator.start(&["agent", "deploy", &target, "--name", "killed", "-y"]);
        wait::until(SETTLED, moment, || host.run(moment).status.success().then_some(()));
        child.kill().expect("it is ours");
        let _ = child.wait();
        let whole =
            wait::until(SETTLED, &format!("all or nothing after {moment}"), || settled(host, &before));
        eprintln!("killed after {moment}: {}", if whole { "all" } else { "nothing" });
        let again = operator.run(&["agent", "uninstall", &target, "--name", "killed", "-y"]);
        assert_eq!(again.exit, 0, "{again:?}");
        assert_eq!(difference(&before, &files(host)), Vec::<String>::new(), "after {moment}");
    }
    // What a command leaves that is killed right behind the upload.
    host.must("mkdir -m 700 /opt/.watchtower-stage.killed && echo x > /opt/.watchtower-stage.killed/agent");
    let swept = operator.run(&["agent", "uninstall", &target, "--name", "killed", "-y"]);
    assert_eq!(swept.exit, 0, "{swept:?}");
    assert_eq!(difference(&before, &files(host)), Vec::<String>::new(), "left by an interrupted upload");
    let at_last = operator.run(&["agent", "deploy", &target, "--name", "killed", "-y"]);
    assert_eq!(at_last.exit, 0, "{at_last:?}");
    killed_upgrade(&scene, &target);
    killed_rollbacks(&scene, &target);
}

/// Between the end of the former agent and the start of the newer one nobody is left to start it but the host itself.
fn killed_upgrade(scene: &Scene, target: &str) {
    let (operator, host) = (&scene.operator, &scene.hosts[0]);
    ship(scene.shipped.path(), |program| called(&program, NEWER));
    let upgrade = ["agent", "upgrade", target, "--name", "killed", "-y"];
    let mut child = operator.start(&upgrade);
    wait::until(SETTLED, "the former agent to be stopped", || {
        (!host.run("systemctl is-active --quiet watchtower-agent").status.success()).then_some(())
    });
    child.kill().expect("it is ours");
    let _ = child.wait();
    let version = runs(host, "an upgrade was killed");
    eprintln!("killed while the agent was stopped: {version}");
    let again = operator.run(&upgrade);
    assert_eq!((again.exit, &again.row()["version"]), (0, &NEWER.into()), "{again:?}");
}

/// Waits until the last script of a command has ended, and an agent runs: its version.
fn runs(host: &Host, after: &str) -> String {
    wait::until(SETTLED, &format!("an agent after {after}"), || {
        let busy = host.run("grep -qs 'IFS= [r]ead -r s' /proc/[0-9]*/cmdline").status.success();
        let runs = host.run("systemctl is-active --quiet watchtower-agent").status.success();
        (!busy && runs).then_some(())
    });
    host.must("/opt/watchtower/bin/watchtower-agent --version").trim().to_string()
}

/// An agent runs after each, and the same command goes back once and not twice.
fn killed_rollbacks(scene: &Scene, target: &str) {
    let (operator, host) = (&scene.operator, &scene.hosts[0]);
    let back = ["agent", "rollback", target, "--name", "killed", "-y"];
    for moment in MOMENTS_BACK {
        // Of the way back from the round before.
        host.must("rm -f /opt/watchtower/previous/done");
        let mut child = operator.start(&back);
        wait::until(SETTLED, moment, || host.run(moment).status.success().then_some(()));
        child.kill().expect("it is ours");
        let _ = child.wait();
        let version = runs(host, moment);
        let there = host.must("ls -A /opt/watchtower");
        assert!(!there.contains("previous."), "{moment}: {there}");
        eprintln!("killed after {moment}: {version}");
        // A command that had its report before it was killed would be turned round.
        if !host.run("ls /opt/watchtower/previous/done").status.success() {
            let again = operator.run(&back);
            assert_eq!(again.row()["version"], OWN, "{moment}: {again:?}");
        }
        let forth = operator.run(&back);
        assert_eq!((&forth.row()["version"], forth.exit), (&NEWER.into(), 0), "{moment}: {forth:?}");
    }
}

/// Whether the whole agent is there; `None` while it is neither.
fn settled(host: &Host, before: &[String]) -> Option<bool> {
    let busy = host.run("grep -qs 'IFS= [r]ead -r s' /proc/[0-9]*/cmdline").status.success();
    if busy {
        return None;
    }
    // Between the upload and what follows nobody is there to clear the staging folder away: an uninstallation does.
    let left: Vec<String> = difference(before, &files(host))
        .into_iter()
        .filter(|line| !line.contains("/.watchtower-stage."))
        .collect();
    let runs = host.run("systemctl is-active --quiet watchtower-agent").status.success();
    match (left.is_empty(), runs) {
        (true, false) => Some(false),
        (false, true) => Some(true),
        _ => None,
    }
}
