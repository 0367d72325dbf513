//! The two background tasks of a Redis bus: one tells other hubs, one listens to them.
//!
//! Channels are `<namespace>:t:<topic>` and `<namespace>:w:<name>`; a payload begins with the 16 bytes of the hub that
//! sent it, so that a hub does not hear itself.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::ConnectionManager;
use redis::{Client, Msg};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, sleep, timeout};

use crate::Counters;
use crate::local::Local;
use crate::redis_bus::Circuit;

/// Hints told in one round trip.
const BATCH: usize = 128;
const TELL_TIMEOUT: Duration = Duration::from_secs(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const RECONNECT_MIN: Duration = Duration::from_millis(100);
const RECONNECT_MAX: Duration = Duration::from_secs(5);
/// A peer that vanished without a word is noticed after at most this and the ping's own time.
const PING_EVERY: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// A hint on its way to other hubs.
pub(crate) struct Outgoing {
    pub channel: String,
    pub payload: Vec<u8>,
}

/// Tells hints until the bus is dropped. What cannot be told is dropped and counted: nobody waits for it.
pub(crate) async fn tell(
    mut hints: mpsc::Receiver<Outgoing>,
    mut connection: ConnectionManager,
    circuit: Arc<Circuit>,
    local: Arc<Local>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while hints.recv_many(&mut batch, BATCH).await > 0 {
        let count = batch.len() as u64;
        let mut pipe = redis::pipe();
        for hint in batch.drain(..) {
            pipe.publish(hint.channel, hint.payload).ignore();
        }
        let told = async { timeout(TELL_TIMEOUT, pipe.query_async::<()>(&mut connection)).await };
        let told = if circuit.is_open() { false } else { matches!(told.await, Ok(Ok(()))) };
        if !told {
            circuit.failed();
            Counters::add(&local.counters.redis_dropped, count);
        }
    }
}

/// Listens until the bus is dropped, reconnecting with growing pauses.
pub(crate) async fn listen(client: Client, namespace: String, hub: [u8; 16], local: Arc<Local>) {
    let mut pause = RECONNECT_MIN;
    let mut connected_before = false;
    loop {
        if let Ok(Ok(pubsub)) = timeout(CONNECT_TIMEOUT, subscribed(&client, &namespace)).await {
            Counters::add(&local.counters.redis_connects, 1);
            if connected_before {
                // What was said meanwhile is lost: everybody looks at the truth again.
                local.fan.everybody_lagged();
                local.wakes.wake_all();
            }
            connected_before = true;
            pause = RECONNECT_MIN;
            hear(pubsub, &namespace, hub, &local).await;
            tracing::warn!("the connection to redis was lost; other hubs are not heard until it is back");
        }
        sleep(pause).await;
        pause = (pause * 2).min(RECONNECT_MAX);
    }
}

async fn subscribed(client: &Client, namespace: &str) -> redis::RedisResult<redis::aio::PubSub> {
    let mut pubsub = client.get_async_pubsub().await?;
    pubsub.psubscribe(format!("{namespace}:[tw]:*")).await?;
    Ok(pubsub)
}

/// Returns when the connection is lost.
async fn hear(pubsub: redis::aio::PubSub, namespace: &str, hub: [u8; 16], local: &Local) {
    let (mut sink, mut messages) = pubsub.split();
    let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) => deliver(&message, namespace, hub, local),
                None => return,
            },
            _ = ping.tick() => {
                if !matches!(timeout(PING_TIMEOUT, sink.ping::<redis::Value>()).await, Ok(Ok(_))) {
                    return;
                }
            }
        }
    }
}

fn deliver(message: &Msg, namespace: &str, hub: [u8; 16], local: &Local) {
    let Some((sender, payload)) = message.get_payload_bytes().split_first_chunk::<16>() else { return };
    let channel = message.get_channel_name().strip_prefix(namespace).unwrap_or_default();
    if *sender == hub {
        return;
    }
    if let Some(topic) = channel.strip_prefix(":t:") {
        // What another hub sent was checked there; one of another version may have other limits.
        let _ = local.publish(topic, payload);
    } else if let Some(name) = channel.strip_prefix(":w:") {
        local.wakes.wake(name);
    }
}
