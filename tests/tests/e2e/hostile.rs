//! Hostile messages on the agents' listener: a clear error, an event where a person should know, and nothing changed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use watchtower_model::{Labels, Timestamp};
use watchtower_protocol::{
    AgentMessage, Dictionary, Frame, HubMessage, Lane, Proof, RefusalCode, Report, SeriesEntry,
    Value as Sample, Version,
};
use watchtower_testkit::wait;
use watchtower_tests::agents::now_ms;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::link::{Key, Link, Verdict, hello};
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(20);
const MUCH: u64 = 200;

struct Scene {
    hub: Hub,
    api: Api,
    runtime: Runtime,
}

fn scene() -> Scene {
    let hub = Hub::start(Setup::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    Scene { api: hub.api(), hub, runtime }
}

fn token(api: &Api, server: &str) -> String {
    text(&api.post(&format!("/servers/{server}/enrolment"), &json!({}))["token"])
}

async fn dial(hub: &Hub) -> Link {
    Link::dial(&hub.agent_address()).await.unwrap()
}

async fn welcomed(hub: &Hub, key: &Key, token: Option<&str>) -> Link {
    let mut link = dial(hub).await;
    match link.handshake(key, token).await.unwrap() {
        Verdict::Welcome(_) => link,
        Verdict::Refused(refusal) => panic!("{refusal:?}"),
    }
}

async fn refused(hub: &Hub, key: &Key, token: Option<&str>) -> RefusalCode {
    match dial(hub).await.handshake(key, token).await.unwrap() {
        Verdict::Refused(refusal) => {
            assert!(!refusal.message.is_empty());
            refusal.code
        }
        Verdict::Welcome(welcome) => panic!("{welcome:?}"),
    }
}

fn events(api: &Api, kind: &str) -> Vec<Value> {
    api.list(&format!("/events?kind={kind}"))
}

fn dictionary() -> Dictionary {
    Dictionary { series: vec![SeriesEntry { name: "probe_total".into(), labels: Labels::empty() }] }
}

fn report(seq: u64) -> Report {
    Report {
        epoch: 1,
        seq,
        lane: Lane::Live,
        t: Timestamp(now_ms()),
        age_ms: 0,
        interval_ms: 1000,
        dictionary: dictionary().hash(),
        samples: vec![(0, Sample(seq as f64))],
        processes: None,
        facts: None,
        events: vec![],
    }
}

#[test]
fn who_cannot_prove_its_key_is_refused_and_an_event_tells() {
    let Scene { hub, api, runtime } = scene();
    api.post("/servers", &json!({"name": "real", "labels": {}}));
    let (first, second) = (token(&api, "real"), token(&api, "real"));
    let key = Key::make();
    runtime.block_on(async {
        drop(welcomed(&hub, &key, Some(&first)).await);
        // The same key again: its first answer may have been lost. Another key: somebody copied the installer.
        drop(welcomed(&hub, &key, Some(&first)).await);
        assert_eq!(refused(&hub, &Key::make(), Some(&first)).await, RefusalCode::TokenUsed);
        assert_eq!(refused(&hub, &Key::make(), Some("wte_never-made")).await, RefusalCode::TokenUnknown);
        assert_eq!(refused(&hub, &Key::make(), None).await, RefusalCode::UnknownAgent);
        wrong_proofs(&hub, &key).await;
        // A second enrolment takes the place; the first key is out for good.
        drop(welcomed(&hub, &Key::make(), Some(&second)).await);
        assert_eq!(refused(&hub, &key, None).await, RefusalCode::Revoked);
    });
    wait::until(SOON, "the event of the reused token", || {
        (events(&api, "agent.token_reused").len() == 1).then_some(())
    });
    wait::until(SOON, "the events of refused agents", || {
        (events(&api, "agent.refused").len() >= 2).then_some(())
    });
    assert_eq!(api.list("/servers").len(), 1);
}

/// A proof by another key, one that was right on another connection, and none at all.
async fn wrong_proofs(hub: &Hub, key: &Key) {
    let mut earlier = dial(hub).await;
    earlier.send(&AgentMessage::Hello(hello(key, None))).await.unwrap();
    let HubMessage::Challenge(challenge) = earlier.next().await.unwrap() else { panic!("no challenge") };
    let replayed = earlier.proof(key, &challenge);
    for signature in [Key::make().sign(b"something else"), replayed] {
        let mut link = dial(hub).await;
        link.send(&AgentMessage::Hello(hello(key, None))).await.unwrap();
        assert!(matches!(link.next().await.unwrap(), HubMessage::Challenge(_)));
        link.send(&AgentMessage::Proof(Proof { signature })).await.unwrap();
        let Verdict::Refused(refusal) = link.verdict().await.unwrap() else {
            panic!("a wrong proof was taken")
        };
        assert_eq!(refusal.code, RefusalCode::BadProof);
    }
    let mut link = dial(hub).await;
    link.send(&AgentMessage::Hello(hello(key, None))).await.unwrap();
    assert!(matches!(link.next().await.unwrap(), HubMessage::Challenge(_)));
    link.send(&AgentMessage::Report(Box::new(report(1)))).await.unwrap();
    let Verdict::Refused(refusal) = link.verdict().await.unwrap() else { panic!("no proof was needed") };
    assert_eq!(refusal.code, RefusalCode::BadHandshake);
}

#[test]
fn a_broken_handshake_gets_its_reason() {
    let Scene { hub, api, runtime } = scene();
    let key = Key::make();
    let mut newer = hello(&key, None);
    newer.version = Version { major: 99, minor: 0 };
    let mut short_key = hello(&key, None);
    short_key.public_key = vec![1, 2, 3];
    let mut control = hello(&key, None);
    control.agent_version = "1.0\u{1b}[31m".into();
    let as_text = |message: AgentMessage| Frame::Text(serde_json::to_string(&message).unwrap());
    let cases = [
        (as_text(AgentMessage::Hello(newer)), RefusalCode::UnsupportedVersion),
        (as_text(AgentMessage::Hello(short_key)), RefusalCode::BadHandshake),
        (as_text(AgentMessage::Hello(control)), RefusalCode::BadHandshake),
        (as_text(AgentMessage::Report(Box::new(report(1)))), RefusalCode::BadHandshake),
        (Frame::Text("{".into()), RefusalCode::BadHandshake),
        (Frame::Text("[".repeat(8_000)), RefusalCode::BadHandshake),
        (
            Frame::Text(format!("{{\"type\":\"hello\",\"x\":\"{}\"}}", "x".repeat(10_000))),
            RefusalCode::BadHandshake,
        ),
        (Frame::Binary(vec![0xff; 100]), RefusalCode::BadHandshake),
        (Frame::Binary(bomb(64 << 20)), RefusalCode::BadHandshake),
    ];
    runtime.block_on(async {
        for (frame, code) in cases {
            let mut link = dial(&hub).await;
            let what = format!("{frame:?}").chars().take(80).collect::<String>();
            link.send_frame(frame).await.unwrap();
            match link.verdict().await {
                Ok(Verdict::Refused(refusal)) => {
                    assert_eq!(refusal.code, code, "{what}: {}", refusal.message)
                }
                other => panic!("{what}: {other:?}"),
            }
        }
    });
    garbage_below_the_protocol(&hub);
    assert!(api.list("/servers").is_empty() && api.promql("probe_total").is_empty());
    assert!(hub.resident_bytes() < 300 << 20, "the hub took {} bytes", hub.resident_bytes());
}

/// zstd of so many zeros.
fn bomb(bytes: usize) -> Vec<u8> {
    zstd::bulk::compress(&vec![b' '; bytes], 3).unwrap()
}

/// No TLS at all, and TLS that breaks off: the listener goes on.
fn garbage_below_the_protocol(hub: &Hub) {
    let mut open = Vec::new();
    for bytes in
        [b"GET /agent/v1/connect HTTP/1.1\r\n\r\n".to_vec(), vec![0x16, 3, 1, 0xff, 0xff], vec![0; 4096]]
    {
        let mut stream = TcpStream::connect(hub.agent_address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let _ = stream.write_all(&bytes);
        let mut answer = [0; 32];
        let n = stream.read(&mut answer).unwrap_or(0);
        assert!(!answer[..n].starts_with(b"HTTP"), "the listener spoke without TLS");
        open.push(stream);
    }
    assert_eq!(hub.api().call("GET", "/readyz", None).status, 200);
}

#[test]
fn an_enrolled_agent_that_misbehaves_is_told_and_harms_nobody() {
    let Scene { hub, api, runtime } = scene();
    for name in ["bad", "good"] {
        api.post("/servers", &json!({"name": name, "labels": {}}));
    }
    let (bad, good) = (token(&api, "bad"), token(&api, "good"));
    let good_key = Key::make();
    runtime.block_on(async {
        let mut link = welcomed(&hub, &Key::make(), Some(&bad)).await;
        let reserved = SeriesEntry { name: "up".into(), labels: Labels::from_pairs([("instance", "good")]) };
        let cases = [
            json!({"type": "dictionary", "series": [reserved]}),
            json!({"type": "dictionary", "series": [{"n": "bad name"}]}),
            json!({"type": "report", "epoch": 1, "seq": 1}),
            with(|r| r.interval_ms = 0),
            with(|r| r.t = Timestamp(-5)),
            with(|r| r.dictionary = "../../etc/passwd".into()),
            json!({"type": "hello"}),
        ];
        for case in cases {
            link.send_frame(Frame::Text(case.to_string())).await.unwrap();
            let (code, message) = told(&mut link).await;
            assert!(!code.is_empty() && !message.is_empty(), "{case}");
        }
        // News of work that nobody gave it: neither believed nor a reason to end.
        let invented = json!({"type": "execution", "execution_id": "0199b2f0-7d3c-7a10-8c5e-2f1d6a9b4c11", "t": 1, "state": {"state": "accepted"}});
        link.send_frame(Frame::Text(invented.to_string())).await.unwrap();
        let output = json!({"type": "output", "execution_id": "0199b2f0-7d3c-7a10-8c5e-2f1d6a9b4c11", "stream": "stdout", "offset": 0, "data": "AAAA"});
        link.send_frame(Frame::Text(output.to_string())).await.unwrap();
        // A message of a newer minor version is answered, not punished.
        link.send_frame(Frame::Text(json!({"type": "from_the_future"}).to_string())).await.unwrap();
        assert!(unsupported(&mut link).await);
        link.send_frame(Frame::Binary(bomb(64 << 20))).await.unwrap();
        told(&mut link).await;
        // It goes on, and what is right is taken.
        link.send(&AgentMessage::Dictionary(dictionary())).await.unwrap();
        link.send(&AgentMessage::Report(Box::new(report(7)))).await.unwrap();
        assert!(acked(&mut link).await);
        // A frame beyond the limit ends this connection, and no other.
        let mut other = welcomed(&hub, &good_key, Some(&good)).await;
        let _ = link.send_frame(Frame::Text("x".repeat(3 << 20))).await;
        while link.next().await.is_ok() {}
        other.send(&AgentMessage::Dictionary(dictionary())).await.unwrap();
        other.send(&AgentMessage::Report(Box::new(report(1)))).await.unwrap();
        assert!(acked(&mut other).await);
    });
    let series = api.promql("probe_total");
    assert_eq!(series.len(), 2, "{series:?}");
    assert!(api.promql("{instance=\"good\",job!=\"node\"}").is_empty());
    assert_eq!(api.list("/runs").len(), 0);
}

/// More at once than both queues of a connection hold, each with two answers: after a cut that is what an agent has to say.
#[test]
fn who_says_much_before_listening_gets_every_answer() {
    let Scene { hub, api, runtime } = scene();
    api.post("/servers", &json!({"name": "cut", "labels": {}}));
    let token = token(&api, "cut");
    runtime.block_on(async {
        let mut link = welcomed(&hub, &Key::make(), Some(&token)).await;
        link.send(&AgentMessage::Dictionary(dictionary())).await.unwrap();
        for seq in 1..=MUCH {
            let backfill = Report { lane: Lane::Backfill, age_ms: 1, ..report(seq) };
            link.send(&AgentMessage::Report(Box::new(backfill))).await.unwrap();
        }
        let mut acked = 0;
        while acked < MUCH {
            match link.next().await {
                Ok(HubMessage::Ack(progress)) => acked = progress.seq,
                Ok(_) => {}
                Err(error) => panic!("{acked} of {MUCH} were answered: {error}"),
            }
        }
    });
}

/// A report with one thing wrong.
fn with(change: impl Fn(&mut Report)) -> Value {
    let mut report = report(1);
    change(&mut report);
    serde_json::to_value(AgentMessage::Report(Box::new(report))).unwrap()
}

/// The hub's next error.
async fn told(link: &mut Link) -> (String, String) {
    loop {
        if let HubMessage::Error { code, message } = link.next().await.unwrap() {
            return (code, message);
        }
    }
}

async fn unsupported(link: &mut Link) -> bool {
    loop {
        match link.next().await.unwrap() {
            HubMessage::Unsupported { .. } => return true,
            HubMessage::Error { .. } => return false,
            _ => {}
        }
    }
}

async fn acked(link: &mut Link) -> bool {
    loop {
        match link.next().await.unwrap() {
            HubMessage::Ack(_) => return true,
            HubMessage::Error { .. } | HubMessage::NeedDictionary { .. } => return false,
            _ => {}
        }
    }
}
