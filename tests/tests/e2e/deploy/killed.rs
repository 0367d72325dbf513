//! The operator's command is killed in the middle: the host has the whole agent or nothing of it.

use std::time::Duration;

use watchtower_testkit::hosts::Host;
use watchtower_testkit::wait;
use watchtower_tests::operator::{difference, files};
use watchtower_tests::scene::Scene;

const SETTLED: Duration = Duration::from_secs(20);
/// What is there on the host when the command is killed, from the first bytes to the running service.
const MOMENTS: [&str; 5] = [
    "ls -d /opt/.watchtower-stage.*/agent",
    "ls /opt/watchtower/bin",
    "ls /etc/systemd/system/watchtower-agent.service",
    "ls /var/lib/watchtower/identity.key",
    "systemctl is-active watchtower-agent",
];

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
