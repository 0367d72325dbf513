//! The real binary: enrolment over standard input, kill -9, SIGTERM, a proxy in between.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use watchtower_protocol::{AgentMessage, GoodbyeReason, Lane};

use crate::hub::{Enrolled, Hub};

/// What the agent may use of memory that is its own; the binary's pages are apart.
const RSS_ANON_KIB_MAX: u64 = 3 * 1024;

fn agent(state_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchtower-agent"));
    command
        .args(arguments)
        .arg("--state-dir")
        .arg(state_dir)
        .arg("--policy")
        .arg(state_dir.join("no-policy"));
    command.env_remove("https_proxy").env_remove("HTTPS_PROXY").stderr(Stdio::null());
    command
}

/// Killed when the test ends, however it ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn rss_anon_kib(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn killed_and_started_again_it_resends_what_the_hub_did_not_acknowledge() {
    let hub = Hub::start().await;
    let dir = tempfile::tempdir().unwrap();
    let mut enrol =
        agent(dir.path(), &["enrol"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    write!(enrol.stdin.take().unwrap(), "token\n{}\n", hub.bundle.to_line()).unwrap();
    let enrolled = hub.welcome(None).await;
    let output = tokio::task::spawn_blocking(move || enrol.wait_with_output().unwrap()).await.unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("web-1") && said.contains(&enrolled.agent_id.to_string()), "{said}");

    let mut first = Killed(agent(dir.path(), &["run"]).spawn().unwrap());
    let mut peer = hub.welcome(None).await;
    let acked = peer.report().await;
    peer.ack(&acked).await;
    let lost = peer.report().await;
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    drop(peer);

    let mut second = Killed(agent(dir.path(), &["run"]).spawn().unwrap());
    let mut peer = hub.welcome(None).await;
    let live = peer.report().await;
    assert!(live.epoch > lost.epoch && live.lane == Lane::Live);
    loop {
        let report = peer.report().await;
        if report.lane == Lane::Backfill && (report.epoch, report.seq) == (lost.epoch, lost.seq) {
            assert_eq!((report.t, &report.samples), (lost.t, &lost.samples));
            break;
        }
    }
    let used = rss_anon_kib(&second.0);
    assert!(used <= RSS_ANON_KIB_MAX, "{used} KiB");

    let terminated = Command::new("kill").args(["-TERM", &second.0.id().to_string()]).status().unwrap();
    assert!(terminated.success());
    let goodbye = loop {
        match peer.next_or_end().await {
            Some(AgentMessage::Goodbye(goodbye)) => break goodbye,
            Some(_) => continue,
            None => panic!("it left without a goodbye"),
        }
    };
    assert_eq!(goodbye.reason, GoodbyeReason::Restart);
    while peer.next_or_end().await.is_some() {}
    let status = tokio::task::spawn_blocking(move || second.0.wait().unwrap()).await.unwrap();
    assert!(status.success());
}

/// Tunnels one connection by CONNECT and gives the target it was asked for.
async fn proxy_one(listener: TcpListener) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    stream.read_line(&mut request).await.unwrap();
    let mut header = String::new();
    while stream.read_line(&mut header).await.unwrap() > 2 {}
    let target = request.split(' ').nth(1).unwrap().to_string();
    let mut upstream = TcpStream::connect(&target).await.unwrap();
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    tokio::spawn(async move { copy_bidirectional(&mut stream, &mut upstream).await });
    target
}

#[tokio::test]
async fn a_proxy_is_tunnelled_and_tls_stays_end_to_end() {
    let hub = Hub::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut enrolled = Enrolled::new(&hub.bundle, "");
    enrolled.settings.proxy = Some(format!("http://{}", listener.local_addr().unwrap()));
    let (_stop, _task) = enrolled.run();
    let (target, mut peer) = tokio::join!(proxy_one(listener), hub.welcome(None));
    assert_eq!(format!("https://{target}"), hub.bundle.urls[0]);
    peer.report().await;
}

#[tokio::test]
async fn probe_and_local_commands() {
    let hub = Hub::start().await;
    let dir = tempfile::tempdir().unwrap();
    let url = hub.bundle.urls[0].clone();
    for (pin, reachable) in [(hub.bundle.roots[0].0.clone(), true), ("AAAA".to_string(), false)] {
        let mut probe = agent(dir.path(), &["probe", &url, "--pin", &pin]);
        let (_, result) =
            tokio::join!(hub.accept(), tokio::task::spawn_blocking(move || probe.output().unwrap()));
        assert_eq!(result.unwrap().status.success(), reachable);
    }
    let run = |arguments: &[&str]| {
        let output = agent(dir.path(), arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(run(&["run"]).0, Some(1), "not enrolled");
    assert_eq!(run(&["run", "--nonsense"]).0, Some(2));
    assert_eq!(run(&["halt"]).0, Some(0));
    assert!(dir.path().join("halt").exists());
    assert_eq!(run(&["halt", "--clear"]).0, Some(0));
    assert!(!dir.path().join("halt").exists());
    assert!(run(&["policy", "show"]).1.contains("\"monitor\""));
    let report: serde_json::Value = serde_json::from_str(&run(&["collect"]).1).unwrap();
    let named = |name: &str| report["series"].as_array().unwrap().iter().any(|s| s["name"] == name);
    assert!(named("node_load1") && named("node_memory_MemTotal_bytes"));
    assert!(report["facts"]["kernel"].is_string() && report["processes"]["total"].as_u64() > Some(0));
}
