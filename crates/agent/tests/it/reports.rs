//! Reports, their dictionary, their acknowledgement, and what happens when the hub forgets.

use std::time::Duration;

use watchtower_model::Timestamp;
use watchtower_protocol::{
    AgentMessage, GoodbyeReason, HubMessage, Lane, Progress, Purpose, Report, TrustBundle, sign,
};

use crate::hub::{Enrolled, Hub, LATER, Peer};

fn progress(report: &Report) -> Progress {
    Progress { epoch: report.epoch, seq: report.seq }
}

#[tokio::test]
async fn the_first_report_comes_at_once_with_facts_and_its_dictionary_on_demand() {
    let hub = Hub::start().await;
    let agent = Enrolled::new(&hub.bundle, "");
    let (stop, task) = agent.run();
    let mut peer = hub.welcome(None).await;
    let first = peer.report().await;
    assert_eq!(first.lane, Lane::Live);
    let facts = first.facts.as_ref().expect("facts on a new connection");
    assert_eq!(facts.policy, "monitor");
    assert!(facts.cpus > 0 && !facts.hostname.is_empty());

    peer.send(&HubMessage::NeedDictionary { hash: first.dictionary.clone() }).await;
    let dictionary = loop {
        if let AgentMessage::Dictionary(dictionary) = peer.next().await {
            break dictionary;
        }
    };
    assert_eq!(dictionary.hash(), first.dictionary);
    assert_eq!(dictionary.series.len(), first.samples.len());
    assert!(dictionary.series.iter().any(|s| s.name == "node_cpu_seconds_total"));
    let again = peer.report().await;
    assert_eq!(again.dictionary, first.dictionary);

    stop.send(GoodbyeReason::Restart).unwrap();
    let goodbye = loop {
        match peer.next_or_end().await.expect("a goodbye comes before the end") {
            AgentMessage::Goodbye(goodbye) => break goodbye,
            _ => continue,
        }
    };
    assert_eq!(goodbye.reason, GoodbyeReason::Restart);
    task.await.unwrap();
}

/// Takes `count` reports, acknowledging each.
async fn take(peer: &mut Peer, count: usize) -> Vec<Report> {
    let mut reports = Vec::new();
    for _ in 0..count {
        let report = peer.report().await;
        peer.ack(&report).await;
        reports.push(report);
    }
    reports
}

#[tokio::test]
async fn a_hub_that_forgot_gets_acknowledged_reports_again() {
    let hub = Hub::start().await;
    let agent = Enrolled::new(&hub.bundle, "");
    let (_stop, _task) = agent.run();
    let mut peer = hub.welcome(None).await;
    let mut seen = take(&mut peer, 4).await;
    seen.sort_by_key(progress);
    // The last acknowledgement must have arrived before the connection goes.
    peer.send(&HubMessage::Ping { id: 1, hub_t: Timestamp(0) }).await;
    while !matches!(peer.next().await, AgentMessage::Pong { id: 1, .. }) {}
    drop(peer);

    // Restored from a backup that knows only the first.
    let mut peer = hub.welcome(Some(progress(&seen[0]))).await;
    let live = peer.report().await;
    assert_eq!(live.lane, Lane::Live);
    assert!(progress(&live) > progress(seen.last().unwrap()));
    let mut again = Vec::new();
    while again.len() < 3 {
        let report = peer.report().await;
        if report.lane == Lane::Backfill {
            again.push((progress(&report), report.t));
            assert!(report.processes.is_none());
        }
    }
    // Others may come between: those of the moment without a connection.
    let expected: Vec<_> = seen[1..].iter().map(|r| (progress(r), r.t)).collect();
    assert!(
        again.iter().all(|item| expected.contains(item) || item.0 > expected[2].0),
        "{again:?} {expected:?}"
    );
    assert_eq!(again[0], expected[0]);
}

#[tokio::test]
async fn a_lease_makes_reports_frequent_and_collect_brings_one_now() {
    let hub = Hub::start().await;
    let agent = Enrolled::new(&hub.bundle, "");
    let (_stop, _task) = agent.run();
    let mut peer = hub.welcome(None).await;
    peer.report().await;
    peer.send(&HubMessage::Interval { interval_ms: 1_000, lease_ms: 60_000 }).await;
    peer.report().await;
    let watched = peer.report().await;
    assert!(watched.processes.is_some(), "a watched server shows its processes in every report");
    let started = tokio::time::Instant::now();
    for _ in 0..5 {
        peer.send(&HubMessage::Collect).await;
        peer.report().await;
    }
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_and_told_once() {
    let hub = Hub::start().await;
    let agent = Enrolled::new(&hub.bundle, "");
    let (_stop, _task) = agent.run();
    let mut peer = hub.welcome(None).await;
    let before = peer.report().await;
    // The hub's clock is far ahead of ours.
    peer.send(&HubMessage::Ping { id: 1, hub_t: LATER }).await;
    let mut skews = 0;
    for _ in 0..3 {
        let report = peer.report().await;
        skews += report.events.iter().filter(|e| e.kind.0 == "server.clock_skew").count();
        if report.seq > before.seq + 1 {
            assert!(report.t.since(LATER).abs() < 60_000, "{}", report.t);
        }
    }
    assert_eq!(skews, 1);
}

#[tokio::test]
async fn a_newer_bundle_is_stored() {
    let hub = Hub::start().await;
    let agent = Enrolled::new(&hub.bundle, "");
    let (_stop, _task) = agent.run();
    let mut peer = hub.welcome(None).await;
    let newer = TrustBundle { version: 2, ..hub.bundle.clone() };
    let envelope = sign(Purpose::Bundle, &serde_json::to_vec(&newer).unwrap(), &hub.identity);
    peer.send(&HubMessage::Bundle(envelope)).await;
    peer.send(&HubMessage::Ping { id: 9, hub_t: Timestamp(0) }).await;
    while !matches!(peer.next().await, AgentMessage::Pong { id: 9, .. }) {}
    let stored = std::fs::read_to_string(agent.settings.state_dir.join("bundle.json")).unwrap();
    assert_eq!(serde_json::from_str::<TrustBundle>(&stored).unwrap(), newer);
}
