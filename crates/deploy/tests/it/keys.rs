//! Signing in by key, and what is told when it does not work.

use std::process::Command;

use watchtower_deploy::{Code, Credentials, Key, Secret};
use watchtower_testkit::tether::Tethered;
use watchtower_testkit::wait;

use crate::memory::{Memory, failed_with, got_in, login, plan};
use crate::sshd::{Sshd, key, keygen};

fn only(key: Key) -> Credentials {
    Credentials { keys: vec![key], ..Credentials::default() }
}

/// Lets one more key in.
fn allow(sshd: &Sshd, public: &str) {
    let text = std::fs::read_to_string(sshd.path("authorized")).unwrap();
    std::fs::write(
        sshd.path("authorized"),
        format!("{text}{}", std::fs::read_to_string(sshd.path(public)).unwrap()),
    )
    .unwrap();
}

#[tokio::test]
async fn keys_of_every_kind_open() {
    let Some(sshd) = Sshd::start("") else { return };
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let path = sshd.path(kind);
        keygen(&path, kind, "");
        allow(&sshd, &format!("{kind}.pub"));
        let result = plan(&Memory::default(), login(sshd.port, only(key(&path, None)))).await;
        assert!(got_in(&result), "{kind}: {result:?}");
    }
    let pem = sshd.path("pem");
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f"]).arg(&pem).status();
    assert!(made.unwrap().success());
    allow(&sshd, "pem.pub");
    assert!(got_in(&plan(&Memory::default(), login(sshd.port, only(key(&pem, None)))).await));
}

#[tokio::test]
async fn a_passphrase_is_asked_for_and_checked() {
    let Some(sshd) = Sshd::start("") else { return };
    let path = sshd.path("locked");
    keygen(&path, "ed25519", "open sesame");
    allow(&sshd, "locked.pub");
    assert!(key(&path, None).is_protected() && !key(&sshd.path("id"), None).is_protected());
    let with = |passphrase| login(sshd.port, only(key(&path, passphrase)));
    assert!(got_in(&plan(&Memory::default(), with(Some("open sesame"))).await));
    failed_with(plan(&Memory::default(), with(None)).await, Code::KeyPassphrase);
    failed_with(plan(&Memory::default(), with(Some("wrong"))).await, Code::KeyPassphrase);
    let rubbish = Key { name: "id.pub".into(), text: Secret::new("ssh-ed25519 AAAA"), passphrase: None };
    failed_with(plan(&Memory::default(), login(sshd.port, only(rubbish))).await, Code::KeyFormat);
}

#[tokio::test]
async fn a_refusal_tells_what_was_tried_and_what_is_taken() {
    let Some(sshd) = Sshd::start("PasswordAuthentication no\nKbdInteractiveAuthentication no") else {
        return;
    };
    let path = sshd.path("stranger");
    keygen(&path, "ed25519", "");
    let failure =
        failed_with(plan(&Memory::default(), login(sshd.port, only(key(&path, None)))).await, Code::Auth);
    assert!(failure.cause.contains("accepts publickey; tried: key stranger"), "{failure}");
    failed_with(plan(&Memory::default(), login(sshd.port, Credentials::default())).await, Code::Auth);
    let many = Credentials { keys: vec![key(&path, None); 8], ..Credentials::default() };
    let failure = failed_with(plan(&Memory::default(), login(sshd.port, many)).await, Code::Auth);
    assert!(failure.cause.contains("MaxAuthTries"), "{failure}");
}

#[tokio::test]
async fn an_agent_s_keys_open() {
    let Some(sshd) = Sshd::start("") else { return };
    let socket = sshd.path("agent");
    let agent = Tethered {
        program: std::path::Path::new("/usr/bin/ssh-agent"),
        args: vec!["-D".into(), "-a".into(), socket.display().to_string()],
        envs: vec![],
        ids: None,
        log: Some(sshd.path("agent.log")),
        stop_signal: "TERM",
    }
    .spawn();
    // The socket is there before anybody listens.
    let answers = || std::os::unix::net::UnixStream::connect(&socket).ok();
    wait::until(std::time::Duration::from_secs(5), "ssh-agent", answers);
    let added = Command::new("ssh-add").arg("-q").arg(sshd.path("id")).env("SSH_AUTH_SOCK", &socket).status();
    assert!(added.unwrap().success());
    let auth = Credentials { agent_socket: Some(socket), ..Credentials::default() };
    let result = plan(&Memory::default(), login(sshd.port, auth)).await;
    assert!(got_in(&result), "{result:?}");
    drop(agent);
}
