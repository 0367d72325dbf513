//! Questions that all hubs answer alike by asking Redis, and the circuit that spares them the wait while it is away.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Script};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::error::check_name;
use crate::local::Local;
use crate::redis_link::{Outgoing, listen, tell};
use crate::{BusError, Counters};

/// Hints that wait to be told; beyond it they are dropped and counted.
const HINTS_MAX: usize = 4_096;
/// How long a caller may wait for Redis.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);
/// After a failure Redis is not asked again for this long.
const CIRCUIT_MS: u64 = 1_000;
/// A token bucket in Redis lives no longer than this after its last use.
const BUCKET_TTL_MS_MAX: f64 = 86_400_000.0;

/// KEYS: the bucket. ARGV: tokens per second, burst, time to live in ms. By Redis' own clock, which all hubs share.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
local taken = 0
if tokens >= 1 then
  tokens = tokens - 1
  taken = 1
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return taken",
    )
});

/// Cheap to clone; the tasks end with the last clone.
#[derive(Clone)]
pub struct RedisBus(Arc<Inner>);

struct Inner {
    namespace: String,
    /// Tells this hub's own messages from others'.
    hub: [u8; 16],
    local: Arc<Local>,
    connection: ConnectionManager,
    circuit: Arc<Circuit>,
    hints: mpsc::Sender<Outgoing>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl RedisBus {
    pub(crate) fn start(url: &str, namespace: &str) -> Result<Self, BusError> {
        let client = Client::open(url).map_err(|_| BusError::RedisUrl)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_response_timeout(Some(Duration::from_millis(500)))
            .set_connection_timeout(Some(Duration::from_secs(1)));
        let connection = client.get_connection_manager_lazy(config).map_err(|_| BusError::RedisUrl)?;
        let (local, circuit) = (Arc::new(Local::default()), Arc::new(Circuit::new()));
        let (hints, queue) = mpsc::channel(HINTS_MAX);
        let hub = random_id();
        let tasks = [
            tokio::spawn(tell(queue, connection.clone(), Arc::clone(&circuit), Arc::clone(&local))),
            tokio::spawn(listen(client, namespace.to_string(), hub, Arc::clone(&local))),
        ];
        let namespace = namespace.to_string();
        Ok(RedisBus(Arc::new(Inner { namespace, hub, local, connection, circuit, hints, tasks })))
    }

    pub(crate) fn local(&self) -> &Local {
        &self.0.local
    }

    pub(crate) fn tell_publish(&self, topic: &str, payload: &[u8]) {
        self.tell('t', topic, payload);
    }

    pub(crate) fn tell_wake(&self, name: &str) {
        if check_name(name).is_ok() {
            self.tell('w', name, &[]);
        }
    }

    fn tell(&self, kind: char, name: &str, payload: &[u8]) {
        let channel = format!("{}:{kind}:{name}", self.0.namespace);
        let payload = [&self.0.hub[..], payload].concat();
        if self.0.hints.try_send(Outgoing { channel, payload }).is_err() {
            Counters::add(&self.0.local.counters.redis_dropped, 1);
        }
    }

    /// `None` if Redis did not answer.
    pub(crate) async fn first(&self, key: &str, ttl: Duration) -> Option<bool> {
        let mut set = redis::cmd("SET");
        let ttl_ms = ttl.as_millis().max(1) as u64;
        set.arg(format!("{}:d:{key}", self.0.namespace)).arg(1).arg("NX").arg("PX").arg(ttl_ms);
        let mut connection = self.0.connection.clone();
        self.answer(set.query_async::<Option<String>>(&mut connection)).await.map(|set| set.is_some())
    }

    /// `None` if Redis did not answer.
    pub(crate) async fn take(&self, bucket: &str, per_second: f64, burst: u32) -> Option<bool> {
        let refill_ms = 1_000.0 * f64::from(burst) / per_second.max(f64::MIN_POSITIVE);
        let ttl_ms = (refill_ms + 1_000.0).min(BUCKET_TTL_MS_MAX) as u64;
        let mut call = TAKE.key(format!("{}:b:{bucket}", self.0.namespace));
        call.arg(per_second.max(0.0)).arg(burst).arg(ttl_ms);
        let mut connection = self.0.connection.clone();
        self.answer(call.invoke_async::<i64>(&mut connection)).await.map(|taken| taken == 1)
    }

    async fn answer<T>(&self, asking: impl Future<Output = redis::RedisResult<T>>) -> Option<T> {
        if !self.0.circuit.is_open() {
            match timeout(ANSWER_TIMEOUT, asking).await {
                Ok(Ok(answer)) => return Some(answer),
                Ok(Err(error)) => tracing::debug!(%error, "redis did not answer"),
                Err(_) => tracing::debug!("redis did not answer in time"),
            }
            self.0.circuit.failed();
        }
        Counters::add(&self.0.local.counters.redis_failures, 1);
        None
    }
}

/// Open while Redis is taken to be away.
pub(crate) struct Circuit {
    began: Instant,
    closed_from_ms: AtomicU64,
}

impl Circuit {
    fn new() -> Self {
        Circuit { began: Instant::now(), closed_from_ms: AtomicU64::new(0) }
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    pub fn is_open(&self) -> bool {
        self.now_ms() < self.closed_from_ms.load(Ordering::Relaxed)
    }

    /// Opens it, unless it is open: a failure of an earlier question must not keep it open for ever.
    pub fn failed(&self) {
        if !self.is_open() {
            self.closed_from_ms.store(self.now_ms() + CIRCUIT_MS, Ordering::Relaxed);
        }
    }
}

/// Not a secret: the randomness that std seeds its hash maps with is enough.
fn random_id() -> [u8; 16] {
    let half = || RandomState::new().hash_one(std::process::id()).to_be_bytes();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&half());
    id[8..].copy_from_slice(&half());
    id
}
