//! What holds on every bus. `here` and `there` are two ends: two clones in one process, or two hubs over Redis.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use watchtower_bus::{BUFFER_MESSAGES, Bus, BusError, PAYLOAD_BYTES_MAX, Received, Subscription};

use crate::redis_server::RedisServer;

const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn in_process() {
    let bus = Bus::in_process();
    everything(&bus, &bus.clone()).await;
    assert_eq!(bus.stats().redis_failures, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_redis() {
    let Some(server) = RedisServer::start() else { return };
    let here = Bus::redis(&server.url(), "cluster-1").unwrap();
    let there = Bus::redis(&server.url(), "cluster-1").unwrap();
    let stranger = Bus::redis(&server.url(), "cluster-2").unwrap();
    let mut overheard = stranger.subscribe("").unwrap();
    connected(&[&here, &there, &stranger]).await;
    everything(&here, &there).await;
    assert!(stranger.dedup("key-1", SOON).await, "another cluster has keys of its own");
    assert!(timeout(Duration::from_millis(50), overheard.recv()).await.is_err());
    assert_eq!(here.stats().redis_failures + here.stats().redis_dropped, 0);
}

/// Waits until every bus listens, so that what is said next is heard.
pub async fn connected(buses: &[&Bus]) {
    for bus in buses {
        let before = std::time::Instant::now();
        while bus.stats().redis_connects == 0 {
            assert!(before.elapsed() < SOON, "not connected");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn everything(here: &Bus, there: &Bus) {
    topics(here, there).await;
    wakes(here, there).await;
    keys(here, there).await;
    buckets(here, there).await;
    a_slow_subscriber_is_told(here).await;
    misuse(here);
}

pub async fn message(subscription: &mut Subscription) -> (String, Vec<u8>) {
    match timeout(SOON, subscription.recv()).await.expect("a message in time").expect("the bus is there") {
        Received::Message { topic, payload } => (topic.to_string(), payload.to_vec()),
        Received::Lagged => panic!("nothing was lost"),
    }
}

async fn topics(here: &Bus, there: &Bus) {
    let mut servers = there.subscribe("server.").unwrap();
    let mut all = there.subscribe("").unwrap();
    let mut own = here.subscribe("server.1").unwrap();
    here.publish("incident.7", b"\x00\xff").unwrap();
    here.publish("server.1", b"a").unwrap();
    assert_eq!(message(&mut servers).await, ("server.1".into(), b"a".to_vec()));
    there.publish("server.2", b"").unwrap();
    assert_eq!(message(&mut servers).await, ("server.2".into(), Vec::new()));
    let mut seen = [message(&mut all).await.0, message(&mut all).await.0, message(&mut all).await.0];
    seen.sort();
    assert_eq!(seen, ["incident.7", "server.1", "server.2"]);
    assert_eq!(message(&mut own).await.0, "server.1", "who publishes hears itself");
    let echo = timeout(Duration::from_millis(50), own.recv()).await;
    assert!(echo.is_err(), "but once: {echo:?}");
}

async fn wakes(here: &Bus, there: &Bus) {
    let mut first = there.waiter("outbox").unwrap();
    let mut second = there.waiter("outbox").unwrap();
    let mut other = there.waiter("runs").unwrap();
    here.wake("outbox");
    for waiter in [&mut first, &mut second] {
        timeout(SOON, waiter.wait()).await.expect("woken");
    }
    assert!(timeout(Duration::from_millis(50), other.wait()).await.is_err(), "of another name");
    // Many wakes while nobody waits are one, and not lost.
    there.wake("outbox");
    there.wake("outbox");
    timeout(SOON, first.wait()).await.expect("woken");
    assert!(timeout(Duration::from_millis(50), first.wait()).await.is_err(), "once");
}

async fn keys(here: &Bus, there: &Bus) {
    assert!(here.dedup("key-1", SOON).await);
    assert!(!here.dedup("key-1", SOON).await && !there.dedup("key-1", SOON).await);
    let ttl = Duration::from_millis(60);
    assert!(there.dedup("key-2", ttl).await);
    sleep(Duration::from_millis(150)).await;
    assert!(here.dedup("key-2", ttl).await, "it has expired");
    let mut racing = Vec::new();
    for i in 0..20 {
        let bus = if i % 2 == 0 { here.clone() } else { there.clone() };
        racing.push(tokio::spawn(async move { bus.dedup("key-3", SOON).await }));
    }
    let mut firsts = 0;
    for race in racing {
        firsts += usize::from(race.await.unwrap());
    }
    assert_eq!(firsts, 1);
}

async fn buckets(here: &Bus, there: &Bus) {
    let mut taken = 0;
    for _ in 0..10 {
        taken += usize::from(here.take("mail", 0.001, 5).await);
        taken += usize::from(there.take("mail", 0.001, 5).await);
    }
    assert_eq!(taken, 5, "one bucket for both");
    assert!(here.take("chat", 2.0, 1).await && !here.take("chat", 2.0, 1).await);
    sleep(Duration::from_millis(600)).await;
    assert!(there.take("chat", 2.0, 1).await, "refilled");
    assert!(!here.take("never", 1.0, 0).await);
}

async fn a_slow_subscriber_is_told(bus: &Bus) {
    let mut slow = bus.subscribe("flood").unwrap();
    let lagged = bus.stats().lagged;
    for n in 0..BUFFER_MESSAGES + 3 {
        bus.publish("flood", &n.to_be_bytes()).unwrap();
    }
    assert_eq!(bus.stats().lagged, lagged + 3);
    assert_eq!(slow.recv().await, Some(Received::Lagged));
    for n in 0..BUFFER_MESSAGES {
        assert_eq!(message(&mut slow).await.1, n.to_be_bytes());
    }
    bus.publish("flood", b"after").unwrap();
    assert_eq!(message(&mut slow).await.1, b"after");
}

fn misuse(bus: &Bus) {
    assert!(matches!(bus.publish("", b""), Err(BusError::Name(_))));
    assert!(matches!(bus.publish("a b*", b""), Err(BusError::Name(_))));
    let big = vec![0; PAYLOAD_BYTES_MAX + 1];
    assert_eq!(bus.publish("a", &big), Err(BusError::PayloadTooLarge(big.len())));
    assert!(matches!(bus.waiter("a\n"), Err(BusError::Name(_))));
    assert!(matches!(Bus::redis("http://x", "c"), Err(BusError::RedisUrl)));
    let error = Bus::redis("redis://:hunter2@[bad", "c").err().unwrap();
    assert!(!error.to_string().contains("hunter2"));
}
