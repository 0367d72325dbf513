//! What agents, and strangers at the agents' listener, were let do to others.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use watchtower_model::{Id, Labels, Timestamp};
use watchtower_protocol::{
    AgentMessage, Dictionary, ExecutionState, ExecutionUpdate, Facts, Frame, HubMessage, Lane, OutputChunk,
    RefusalCode, Report, Stream,
};
use watchtower_testkit::wait;
use watchtower_tests::agents::{Fleet, Pace, facts, now_ms};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::link::{Key, Link, Verdict};
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(20);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn token(api: &Api, server: &str) -> String {
    text(&api.post(&format!("/servers/{server}/enrolment"), &json!({}))["token"])
}

async fn handshake(hub: &Hub, key: &Key, token: Option<&str>) -> (Link, Verdict) {
    let mut link = Link::dial(&hub.agent_address()).await.unwrap();
    let verdict = link.handshake(key, token).await.unwrap();
    (link, verdict)
}

async fn welcomed(hub: &Hub, key: &Key, token: &str) -> Link {
    let (link, verdict) = handshake(hub, key, Some(token)).await;
    assert!(matches!(verdict, Verdict::Welcome(_)), "{verdict:?}");
    link
}

/// CVE-2020-11651 (Salt): methods that were meant for a few could be called by everybody, before any authentication.
#[test]
fn before_the_proof_nothing_but_the_handshake_is_understood() {
    let hub = Hub::start(Setup::default());
    let messages = [
        json!({"type": "report", "epoch": 1, "seq": 1, "lane": "live", "t": 1, "age_ms": 0, "interval_ms": 1000, "dictionary": "0".repeat(32), "samples": [], "events": []}),
        json!({"type": "dictionary", "series": []}),
        json!({"type": "execution", "execution_id": Id::from_bytes([7; 16]).to_string(), "t": 1, "state": {"state": "accepted"}}),
        json!({"type": "output", "execution_id": Id::from_bytes([7; 16]).to_string(), "stream": "stdout", "offset": 0, "data": "AAAA"}),
        json!({"type": "goodbye", "reason": "restart"}),
        json!({"type": "pong", "id": 1, "hub_t": 1, "agent_t": 1}),
        json!({"type": "proof", "signature": "AAAA"}),
        json!({"type": "command"}),
        json!({"type": "_prep_auth_info"}),
    ];
    runtime().block_on(async {
        for message in messages {
            let mut link = Link::dial(&hub.agent_address()).await.unwrap();
            link.send_frame(Frame::Text(message.to_string())).await.unwrap();
            match link.next().await {
                Ok(HubMessage::Refused(refusal)) => {
                    assert_eq!(refusal.code, RefusalCode::BadHandshake, "{message}");
                }
                other => panic!("{message}: {other:?}"),
            }
            assert!(link.next().await.is_err(), "{message}: the connection goes on");
        }
    });
    assert!(hub.api().list("/servers").is_empty());
}

/// CVE-2026-48119 (Nezha): an agent told results of services that were not its own.
#[test]
fn an_agent_tells_nothing_of_anothers_work() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let pace = Pace { every: Duration::from_secs(1), more_series: 0 };
    let mut fleet = Fleet::start(&api, &hub.agent_address(), "own", 1, pace);
    api.post("/servers", &json!({"name": "other", "labels": {}}));
    let other = token(&api, "other");
    let exec = json!({"command": ["true"], "on": "name=\"own-1\""});
    let run = wait::until(SOON, "the run to be started", || {
        api.call("POST", "/api/v1/runs/exec", Some(&exec)).body["run"]["id"].as_str().map(String::from)
    });
    let execution = || api.get(&format!("/runs/{run}"))["executions"][0].clone();
    wait::until(SOON, "the command to be sent", || (execution()["state"] == "dispatched").then_some(()));
    let id = text(&execution()["id"]).parse().unwrap();

    runtime().block_on(async {
        let mut link = welcomed(&hub, &Key::make(), &other).await;
        let finished = ExecutionState::Finished {
            exit_code: Some(0),
            signal: None,
            timed_out: false,
            cancelled: false,
            stdout_bytes: 6,
            stderr_bytes: 0,
            duration_ms: 1,
        };
        let chunk =
            OutputChunk { execution_id: id, stream: Stream::Stdout, offset: 0, data: b"forged".to_vec() };
        link.send(&AgentMessage::Output(chunk)).await.unwrap();
        let update = ExecutionUpdate { execution_id: id, state: finished, t: Timestamp(now_ms()) };
        link.send(&AgentMessage::Execution(update)).await.unwrap();
        // Both were dealt with when the second is answered.
        while !matches!(link.next().await.unwrap(), HubMessage::ExecutionAck { .. }) {}
    });
    assert_eq!(execution()["state"], "dispatched", "another's word was believed");
    let output = api.get(&format!("/runs/{run}/output/{}", text(&execution()["id"])));
    assert_eq!(output["parts"], json!([]));
    fleet.stop();
}

/// GHSA-c7hr-448w-65px (MeshCentral): what an agent said of its system became markup in an administrator's browser.
#[test]
fn what_an_agent_says_stays_text() {
    const MARKUP: &str = "<img src=x onerror=alert(1)>";
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    api.post("/servers", &json!({"name": "bad", "labels": {}}));
    let enrolment = token(&api, "bad");
    let said = |seq: u64, os: &str| {
        let facts = Facts { os: os.into(), hostname: MARKUP.into(), ..facts() };
        AgentMessage::Report(Box::new(report(seq, facts)))
    };
    runtime().block_on(async {
        let mut link = welcomed(&hub, &Key::make(), &enrolment).await;
        link.send(&AgentMessage::Dictionary(Dictionary { series: vec![] })).await.unwrap();
        // What would move a terminal's cursor is no text.
        for (seq, os) in [(1, "a\u{1b}[2Jb"), (2, "a\nb"), (3, &"x".repeat(100_000))] {
            link.send(&said(seq, os)).await.unwrap();
            assert!(matches!(answer(&mut link).await, HubMessage::Error { .. }), "{os:.20}");
        }
        link.send(&said(4, MARKUP)).await.unwrap();
        assert!(matches!(answer(&mut link).await, HubMessage::Ack(_)));
    });
    let facts = wait::until(SOON, "the facts", || {
        Some(api.get("/servers/bad")["facts"].clone()).filter(|facts| !facts.is_null())
    });
    assert_eq!((&facts["os"], &facts["hostname"]), (&json!(MARKUP), &json!(MARKUP)));
    // It goes to a browser as data, into a page that runs nothing but its own files.
    for path in ["/api/v1/servers/bad", "/servers/bad", "/"] {
        let url = format!("{}{path}", hub.url());
        let bearer = format!("Authorization: Bearer {}", watchtower_tests::hub::BOOTSTRAP);
        let output = Command::new("curl").args(["-sS", "-i", "-H", &bearer, &url]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).to_lowercase();
        let (head, body) = said.split_once("\r\n\r\n").expect("headers end");
        assert!(head.contains("x-content-type-options: nosniff"), "{head}");
        assert!(head.contains("script-src 'self';") && !head.contains("unsafe"), "{head}");
        assert!(head.contains("application/json") || !body.contains("onerror"), "{path}: {body}");
    }
    nothing_is_written_as_markup();
}

fn report(seq: u64, facts: Facts) -> Report {
    Report {
        epoch: 1,
        seq,
        lane: Lane::Live,
        t: Timestamp(now_ms()),
        age_ms: 0,
        interval_ms: 1000,
        dictionary: Dictionary { series: vec![] }.hash(),
        samples: vec![],
        processes: None,
        facts: Some(facts),
        events: vec![],
    }
}

/// What the hub says to a report.
async fn answer(link: &mut Link) -> HubMessage {
    loop {
        match link.next().await.unwrap() {
            message @ (HubMessage::Ack(_) | HubMessage::Error { .. }) => return message,
            HubMessage::NeedDictionary { .. } => {
                link.send(&AgentMessage::Dictionary(Dictionary { series: vec![] })).await.unwrap();
            }
            _ => {}
        }
    }
}

/// The dashboard has no place where a text could become markup.
fn nothing_is_written_as_markup() {
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/src");
    let mut grep = Command::new("grep");
    grep.args([
        "-rnE",
        "dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\\.write",
        sources,
    ]);
    let found = grep.output().unwrap();
    assert_eq!(found.status.code(), Some(1), "{}", String::from_utf8_lossy(&found.stdout));
}

/// CVE-2016-9639 (Salt): who got the name of a deleted server got its access.
#[test]
fn a_deleted_servers_name_gives_nothing_of_it() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let make = || text(&api.post("/servers", &json!({"name": "a", "labels": Labels::empty()}))["id"]);
    let first = make();
    let (enrolment, unused, key) = (token(&api, "a"), token(&api, "a"), Key::make());
    runtime().block_on(async { drop(welcomed(&hub, &key, &enrolment).await) });
    assert_eq!(api.status("DELETE", "/api/v1/servers/a", None), Some(204));
    let second = make();
    assert_ne!(first, second);
    runtime().block_on(async {
        for (key, token) in
            [(&key, None), (&key, Some(enrolment.as_str())), (&Key::make(), Some(unused.as_str()))]
        {
            let (_, verdict) = handshake(&hub, key, token).await;
            assert!(matches!(verdict, Verdict::Refused(_)), "{token:?}: {verdict:?}");
        }
    });
    let server: Value = api.get("/servers/a");
    assert!(server["agent_id"].is_null() && server["facts"].is_null(), "{server}");
}
