//! Whether the host is the one it was.

use watchtower_deploy::{Code, Credentials, Fingerprint, HostKeyPolicy, HostKeyState, Secret};

use crate::memory::{Memory, failed_with, got_in, login, plan};
use crate::sshd::Sshd;

#[tokio::test]
async fn a_new_host_is_remembered_and_then_known() {
    let Some(sshd) = Sshd::start("") else { return };
    let hub = Memory::default();
    assert!(got_in(&plan(&hub, login(sshd.port, sshd.key())).await));
    assert_eq!(hub.keys.lock().unwrap().len(), 1);
    let mut strict = login(sshd.port, sshd.key());
    strict.host_key.policy = HostKeyPolicy::Strict;
    assert!(got_in(&plan(&hub, strict.clone()).await), "known by now");
    assert_eq!(hub.keys.lock().unwrap().len(), 1, "remembered once");
    failed_with(plan(&Memory::default(), strict.clone()).await, Code::HostKeyUnknown);
    hub.keys.lock().unwrap()[0].2.state = HostKeyState::Revoked;
    failed_with(plan(&hub, strict).await, Code::HostKeyRevoked);
}

#[tokio::test]
async fn a_changed_key_is_refused_with_both_fingerprints() {
    let (Some(sshd), Some(other)) = (Sshd::start(""), Sshd::start("")) else { return };
    let hub = Memory::default();
    assert!(got_in(&plan(&hub, login(sshd.port, sshd.key())).await));
    let (_, _, known) = hub.keys.lock().unwrap()[0].clone();
    hub.keys.lock().unwrap()[0].1 = other.port;
    let failure = failed_with(plan(&hub, login(other.port, other.key())).await, Code::HostKeyChanged);
    assert!(failure.cause.contains(known.fingerprint().as_str()), "{failure}");
    assert_eq!(failure.cause.matches("SHA256:").count(), 2, "{failure}");
}

#[tokio::test]
async fn a_key_of_another_type_is_no_new_host() {
    let (Some(sshd), Some(other)) = (Sshd::start(""), Sshd::start_with("", "ecdsa")) else { return };
    let hub = Memory::default();
    assert!(got_in(&plan(&hub, login(sshd.port, sshd.key())).await));
    hub.keys.lock().unwrap()[0].1 = other.port;
    failed_with(plan(&hub, login(other.port, other.key())).await, Code::HostKeyChanged);
    assert_eq!(hub.keys.lock().unwrap().len(), 1, "nothing was learnt");
}

#[tokio::test]
async fn the_expected_fingerprint_is_the_only_good_one() {
    let Some(sshd) = Sshd::start("") else { return };
    let mut expecting = login(sshd.port, sshd.key());
    expecting.host_key.expected = Some(Fingerprint::of(b"another"));
    failed_with(plan(&Memory::default(), expecting.clone()).await, Code::HostKeyChanged);
    let public = std::fs::read_to_string(sshd.path("host.pub")).unwrap();
    let blob = public.split_whitespace().nth(1).unwrap();
    let blob = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, blob).unwrap();
    expecting.host_key.expected = Some(Fingerprint::of(&blob));
    assert!(got_in(&plan(&Memory::default(), expecting).await));
}

#[tokio::test]
async fn a_password_is_not_sent_to_a_host_seen_for_the_first_time() {
    let Some(sshd) = Sshd::start("LogLevel DEBUG1") else { return };
    let hub = Memory::default();
    let auth = Credentials { password: Some(Secret::new("hunter2")), ..Credentials::default() };
    let failure = failed_with(plan(&hub, login(sshd.port, auth.clone())).await, Code::HostKeyUnknown);
    assert!(failure.fix.contains("--host-key SHA256:"), "{failure}");
    failed_with(plan(&hub, login(sshd.port, auth)).await, Code::HostKeyUnknown);
    assert!(hub.keys.lock().unwrap().is_empty(), "asking twice does not make it known");
    let log = std::fs::read_to_string(sshd.path("log")).unwrap();
    assert!(!log.contains("method password"), "{log}");
}

#[tokio::test]
async fn sha1_is_for_legacy_hosts() {
    let Some(sshd) =
        Sshd::start("KexAlgorithms diffie-hellman-group14-sha1\nMACs hmac-sha1\nCiphers aes128-ctr")
    else {
        return;
    };
    let mut login = login(sshd.port, sshd.key());
    let failure = failed_with(plan(&Memory::default(), login.clone()).await, Code::Kex);
    assert!(failure.cause.contains("group14-sha1") && failure.fix.contains("legacy"), "{failure}");
    login.legacy_algorithms = true;
    let result = plan(&Memory::default(), login).await;
    assert!(got_in(&result), "{result:?}");
}
