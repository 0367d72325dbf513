//! The way to a host and the shell at its end.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use watchtower_deploy::{Bastions, Code, Credentials, deploy};
use watchtower_testkit::port;

use crate::memory::{Memory, failed_with, got_in, login, plan, planned};
use crate::sshd::Sshd;

#[tokio::test]
async fn what_is_no_ssh_server_is_named() {
    let refused = login(port::free(), Credentials::default());
    failed_with(plan(&Memory::default(), refused).await, Code::TcpRefused);
    let mut nowhere = login(22, Credentials::default());
    nowhere.target.host = "no-such-host.invalid".into();
    failed_with(plan(&Memory::default(), nowhere).await, Code::Dns);
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = web.local_addr().unwrap().port();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = web.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    failed_with(plan(&Memory::default(), login(at, Credentials::default())).await, Code::NotSsh);
    answering.join().unwrap();
}

#[tokio::test]
async fn a_host_that_drops_packets_times_out() {
    // Connections beyond a full backlog are dropped, as by a firewall.
    let full = socket_without_room();
    let Some((_listener, _held, at)) = full else { return };
    let failure =
        failed_with(plan(&Memory::default(), login(at, Credentials::default())).await, Code::TcpTimeout);
    assert!(failure.fix.contains("firewall"), "{failure}");
}

fn socket_without_room() -> Option<(TcpListener, Vec<TcpStream>, u16)> {
    let listener = TcpListener::bind("127.0.0.1:0").ok()?;
    rustix::net::listen(&listener, 0).ok()?;
    let address = listener.local_addr().ok()?;
    let brief = std::time::Duration::from_millis(100);
    let held: Vec<TcpStream> =
        (0..8).map_while(|_| TcpStream::connect_timeout(&address, brief).ok()).collect();
    Some((listener, held, address.port()))
}

#[tokio::test]
async fn shells_that_are_none_are_named() {
    for config in ["ForceCommand /bin/echo this account is for backups", "ForceCommand /usr/sbin/nologin"] {
        let Some(sshd) = Sshd::start(config) else { return };
        let failure = failed_with(plan(&Memory::default(), login(sshd.port, sshd.key())).await, Code::Shell);
        assert!(!failure.detail.is_empty(), "what it said is shown: {failure:?}");
    }
}

#[tokio::test]
async fn noise_and_narrow_servers_do_no_harm() {
    // No SFTP is configured in any of these; one session at a time, and a start-up file that talks without end of line.
    let Some(mut sshd) = Sshd::start("MaxSessions 1") else { return };
    let noise = sshd.path("noise");
    std::fs::write(&noise, "echo Welcome; printf 'no end of line'; echo also here >&2\n").unwrap();
    let Some(noisy) = Sshd::start(&format!("MaxSessions 2\nSetEnv BASH_ENV={}", noise.display())) else {
        return;
    };
    for one in [&mut sshd, &mut { noisy }] {
        let result = plan(&Memory::default(), login(one.port, one.key())).await;
        assert!(got_in(&result), "{result:?}");
    }
}

#[tokio::test]
async fn two_jump_hosts_are_connected_to_once() {
    let (Some(first), Some(second), Some(last)) =
        (Sshd::start("LogLevel VERBOSE"), Sshd::start(""), Sshd::start(""))
    else {
        return;
    };
    let jumps = vec![login(first.port, first.key()), login(second.port, second.key())];
    let (hub, bastions) = (Arc::new(Memory::default()), Arc::new(Bastions::new()));
    let mut running = Vec::new();
    for _ in 0..4 {
        let job = planned(login(last.port, last.key()), jumps.clone());
        let (hub, bastions) = (Arc::clone(&hub), Arc::clone(&bastions));
        running.push(tokio::spawn(async move { deploy(&job, &*hub, &|_| {}, &bastions).await }));
    }
    for result in running {
        let result = result.await.unwrap();
        assert!(got_in(&result), "{result:?}");
    }
    let log = std::fs::read_to_string(first.path("log")).unwrap();
    assert_eq!(log.matches("Accepted publickey").count(), 1, "{log}");
}

#[tokio::test]
async fn a_jump_host_s_trouble_is_told_as_its_own() {
    let (Some(closed), Some(last)) = (Sshd::start("AllowTcpForwarding no"), Sshd::start("")) else { return };
    let through = |jumps| planned(login(last.port, last.key()), jumps);
    let run = async |job| deploy(&job, &Memory::default(), &|_| {}, &Bastions::new()).await;
    let failure = failed_with(run(through(vec![login(closed.port, closed.key())])).await, Code::Jump);
    assert!(failure.cause.contains("AllowTcpForwarding"), "{failure}");
    let failure = failed_with(run(through(vec![login(closed.port, last.key())])).await, Code::Jump);
    assert!(failure.cause.contains("jump host 1") && failure.cause.contains("E_AUTH"), "{failure}");
    let many = vec![login(closed.port, closed.key()); 9];
    failed_with(run(through(many)).await, Code::Jump);
}
