//! The ways of root's right that do work, by the users of the hosts that are broken in one way each.

use watchtower_testkit::hosts::Host;
use watchtower_tests::operator::{Operator, difference, files};

/// What an upgrade would have kept: another build of what is there.
const KEEP: &str = "cd /opt/watchtower && mkdir -m 700 previous && cp -p bin/watchtower-agent \
    /etc/systemd/system/watchtower-agent.service /etc/systemd/system/watchtower-executor.* previous \
    && echo >> previous/watchtower-agent";

/// The ways of root's right and of signing in that do work, installed and removed.
pub fn work(operator: &Operator, host: &Host, wrong: &mut Vec<String>) {
    let fingerprint = host.must("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2");
    let fingerprint = fingerprint.trim();
    let asks = format!("pat@{}:2222", host.address);
    let at = |user: &str| format!("{user}@{}", host.address);
    let (free, pat) = (at("free"), at("pat"));
    let (tty, both) = (at("wants-tty"), at("wants-both"));
    let before = files(host);
    for (what, words, input) in [
        ("sudo without a password", vec![free.as_str()], ""),
        ("sudo with a password", vec![pat.as_str(), "--ask-sudo"], "secret\n"),
        ("requiretty", vec![tty.as_str()], ""),
        ("requiretty and a password", vec![both.as_str(), "--ask-sudo"], "secret\n"),
        (
            "keyboard-interactive, confirmed",
            vec![asks.as_str(), "--ask-password", "--ask-sudo", "--host-key", fingerprint],
            "secret\nsecret\n",
        ),
    ] {
        // Its script waits for a word of ours in the middle, which a terminal could swallow.
        let verbs: &[&str] = match what.starts_with("requiretty") {
            true => &["deploy", "rollback", "uninstall"],
            false => &["deploy", "uninstall"],
        };
        for verb in verbs {
            if *verb == "rollback" {
                host.must(KEEP);
            }
            let mut all = vec!["agent", verb];
            all.extend(words.iter().copied());
            all.extend(["--name", "works", "-y"]);
            let said = operator.run_with(&all, input);
            if said.exit != 0 {
                wrong.push(format!("{what}: {verb}: {said:?}"));
            }
        }
    }
    let left = difference(&before, &files(host));
    if !left.is_empty() {
        wrong.push(format!("left after all: {left:#?}"));
    }
}
