//! Redis dies and returns: answers go on from memory, and whoever may have missed something is told.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use watchtower_bus::{Bus, Received};

use crate::redis_server::RedisServer;
use crate::suite::{connected, message};

const TTL: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn losing_redis_costs_latency_only() {
    let Some(mut server) = RedisServer::start() else { return };
    let here = Bus::redis(&server.url(), "c").unwrap();
    let there = Bus::redis(&server.url(), "c").unwrap();
    connected(&[&here, &there]).await;
    assert!(here.dedup("seen", TTL).await);
    server.kill();

    let began = Instant::now();
    assert!(!here.dedup("seen", TTL).await, "a key of its own is remembered without redis");
    assert!(here.dedup("new", TTL).await && !here.dedup("new", TTL).await);
    let taken = async {
        let mut taken = 0;
        for _ in 0..100 {
            taken += usize::from(here.take("mail", 0.001, 5).await);
        }
        taken
    };
    assert_eq!(taken.await, 5);
    assert!(began.elapsed() < Duration::from_secs(3), "100 questions took {:?}", began.elapsed());
    assert!(here.stats().redis_failures > 90, "{:?}", here.stats());

    let mut own = here.subscribe("t").unwrap();
    let mut waiter = here.waiter("w").unwrap();
    let mut elsewhere = there.subscribe("t").unwrap();
    let mut waiter_elsewhere = there.waiter("w").unwrap();
    let began = Instant::now();
    for _ in 0..500 {
        here.publish("t", b"1").unwrap();
    }
    assert!(began.elapsed() < Duration::from_millis(500), "publish waited {:?}", began.elapsed());
    here.wake("w");
    timeout(TTL, waiter.wait()).await.unwrap();
    for _ in 0..500 {
        assert_eq!(message(&mut own).await.1, b"1", "one's own subscribers need no redis");
    }

    server.restart();
    let told = timeout(Duration::from_secs(20), elsewhere.recv()).await.unwrap();
    assert_eq!(told, Some(Received::Lagged), "the other hub knows that it may have missed something");
    timeout(TTL, waiter_elsewhere.wait()).await.unwrap();
    heard_again(&here, &there).await;
    // A question opens the circuit for a second at most: then all hubs share their answers again.
    shared_again(&here, &there).await;
}

async fn heard_again(here: &Bus, there: &Bus) {
    let mut elsewhere = there.subscribe("again").unwrap();
    let began = Instant::now();
    loop {
        here.publish("again", b"2").unwrap();
        if timeout(Duration::from_millis(100), elsewhere.recv()).await.is_ok() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "not heard again: {:?}", here.stats());
    }
}

async fn shared_again(here: &Bus, there: &Bus) {
    let began = Instant::now();
    for n in 0.. {
        let key = format!("shared-{n}");
        if here.dedup(&key, TTL).await && !there.dedup(&key, TTL).await {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "not shared again: {:?}", here.stats());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_starts_without_redis() {
    // A port that nobody listens on.
    let bus = Bus::redis("redis://127.0.0.1:1/", "c").unwrap();
    let began = Instant::now();
    assert!(bus.dedup("k", TTL).await && !bus.dedup("k", TTL).await);
    assert!(bus.take("b", 1.0, 1).await);
    let mut subscription = bus.subscribe("").unwrap();
    bus.publish("t", b"x").unwrap();
    assert_eq!(message(&mut subscription).await.1, b"x");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}
