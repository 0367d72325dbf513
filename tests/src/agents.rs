//! A fleet of simulated agents: real protocol, real TLS, real keys, values that can be checked afterwards.
//!
//! Invariant: an agent counts a report as acknowledged only when the hub said so; whatever is not, it sends again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::runtime::Runtime;
use watchtower_model::{Labels, Timestamp};
use watchtower_protocol::{
    AgentMessage, Command, Dictionary, Envelope, ExecutionState, ExecutionUpdate, Facts, HubMessage, Lane,
    Report, SeriesEntry, Value,
};

use crate::api::Api;
use crate::link::{Key, Link, Verdict};
use crate::paging::text;

/// The series every simulated agent reports: its report's number, and a state that a test sets.
pub const COUNTER: &str = "sim_reports_total";
pub const TROUBLE: &str = "sim_trouble";
/// Reports kept for sending again.
const UNACKED_MAX: usize = 10_000;
const RECONNECT: Duration = Duration::from_millis(200);

/// What a test may see and set of one agent while it runs.
#[derive(Default)]
pub struct Shared {
    /// The value of [`TROUBLE`] in the next report.
    pub trouble: AtomicU64,
    /// It neither connects nor reports while this is set.
    pub silent: AtomicBool,
    /// It answers commands, as done at once; without it they are taken and nothing is heard of them.
    pub obeys: AtomicBool,
    stop: AtomicBool,
    /// Time of each acknowledged report in milliseconds, by its number.
    acked: std::sync::Mutex<BTreeMap<u64, i64>>,
    /// Time of the newest report sent.
    pub sent_ms: AtomicU64,
}

impl Shared {
    /// Acknowledged reports: number and time.
    pub fn acked(&self) -> BTreeMap<u64, i64> {
        self.acked.lock().expect("no holder panics").clone()
    }

    /// Time of the newest acknowledged report.
    pub fn last_acked_ms(&self) -> Option<i64> {
        self.acked.lock().expect("no holder panics").values().next_back().copied()
    }
}

/// One simulated server.
pub struct Agent {
    pub name: String,
    pub shared: Arc<Shared>,
}

/// Agents on a runtime of their own.
pub struct Fleet {
    pub agents: Vec<Agent>,
    runtime: Option<Runtime>,
}

/// How a fleet reports.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub every: Duration,
    /// Series beside the two that tests look at.
    pub more_series: usize,
}

impl Fleet {
    /// Adds and enrols `count` servers named `PREFIX-1` and up, and lets them report.
    ///
    /// # Panics
    /// If the hub refuses one.
    pub fn start(api: &Api, address: &str, prefix: &str, count: usize, pace: Pace) -> Fleet {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads can be started");
        let agents = (1..=count)
            .map(|i| {
                let name = format!("{prefix}-{i}");
                let server = api.post("/servers", &json!({"name": name, "labels": {"fleet": prefix}}));
                let id = text(&server["id"]);
                let token = text(&api.post(&format!("/servers/{id}/enrolment"), &json!({}))["token"]);
                let shared = Arc::new(Shared::default());
                let walk = Walk::new(address, Arc::clone(&shared), Some(token), pace);
                runtime.spawn(walk.run());
                Agent { name, shared }
            })
            .collect();
        Fleet { agents, runtime: Some(runtime) }
    }

    /// Ends all connections.
    pub fn stop(&mut self) {
        for agent in &self.agents {
            agent.shared.stop.store(true, Ordering::Relaxed);
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Walk {
    address: String,
    key: Key,
    shared: Arc<Shared>,
    token: Option<String>,
    pace: Pace,
    dictionary: Dictionary,
    hash: String,
    epoch: u64,
    seq: u64,
    unacked: VecDeque<Report>,
}

impl Walk {
    fn new(address: &str, shared: Arc<Shared>, token: Option<String>, pace: Pace) -> Walk {
        let entry = |name: String| SeriesEntry { name, labels: Labels::empty() };
        let more = (0..pace.more_series).map(|i| SeriesEntry {
            name: "sim_filler".into(),
            labels: Labels::from_pairs([("n", i.to_string())]),
        });
        let series = [entry(COUNTER.into()), entry(TROUBLE.into())].into_iter().chain(more).collect();
        let dictionary = Dictionary { series };
        let hash = dictionary.hash();
        let (epoch, unacked) = (now_ms() as u64, VecDeque::new());
        Walk {
            address: address.into(),
            key: Key::make(),
            shared,
            token,
            pace,
            dictionary,
            hash,
            epoch,
            seq: 0,
            unacked,
        }
    }

    fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    async fn run(mut self) {
        while !self.stopped() {
            if !self.shared.silent.load(Ordering::Relaxed) {
                // A broken connection is what these tests are about: it is dialled again.
                let _ = self.connected().await;
            }
            tokio::time::sleep(RECONNECT).await;
        }
    }

    /// One connection, from dialling to its end.
    async fn connected(&mut self) -> Result<(), String> {
        let mut link = Link::dial(&self.address).await?;
        match link.handshake(&self.key, self.token.as_deref()).await? {
            // The token stays until a welcome was seen: an answer may be lost.
            Verdict::Welcome(_) => self.token = None,
            Verdict::Refused(refusal) => return Err(refusal.message),
        }
        link.send(&AgentMessage::Dictionary(self.dictionary.clone())).await?;
        for report in self.unacked.clone() {
            link.send(&AgentMessage::Report(Box::new(Report { lane: Lane::Backfill, ..report }))).await?;
        }
        let mut ticks = tokio::time::interval(self.pace.every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.stopped() && !self.shared.silent.load(Ordering::Relaxed) {
            tokio::select! {
                _ = ticks.tick() => self.report(&mut link).await?,
                message = link.next() => self.take(&mut link, message?).await?,
            }
        }
        Ok(())
    }

    async fn report(&mut self, link: &mut Link) -> Result<(), String> {
        self.seq += 1;
        let filler = (0..self.pace.more_series).map(|i| (i as u32 + 2, Value((self.seq + i as u64) as f64)));
        let own =
            [(0, Value(self.seq as f64)), (1, Value(self.shared.trouble.load(Ordering::Relaxed) as f64))];
        let t = now_ms();
        let report = Report {
            epoch: self.epoch,
            seq: self.seq,
            lane: Lane::Live,
            t: Timestamp(t),
            age_ms: 0,
            interval_ms: self.pace.every.as_millis() as u32,
            dictionary: self.hash.clone(),
            samples: own.into_iter().chain(filler).collect(),
            processes: None,
            facts: (self.seq == 1).then(facts),
            events: vec![],
        };
        if self.unacked.len() < UNACKED_MAX {
            self.unacked.push_back(report.clone());
        }
        link.send(&AgentMessage::Report(Box::new(report))).await?;
        self.shared.sent_ms.store(t as u64, Ordering::Relaxed);
        Ok(())
    }

    async fn take(&mut self, link: &mut Link, message: HubMessage) -> Result<(), String> {
        match message {
            HubMessage::Ack(progress) if progress.epoch == self.epoch => self.forget(progress.seq),
            HubMessage::NeedDictionary { .. } => {
                link.send(&AgentMessage::Dictionary(self.dictionary.clone())).await?;
                for report in self.unacked.clone() {
                    link.send(&AgentMessage::Report(Box::new(report))).await?;
                }
            }
            HubMessage::Ping { id, hub_t } => {
                link.send(&AgentMessage::Pong { id, hub_t, agent_t: Timestamp(now_ms()) }).await?;
            }
            HubMessage::Collect => self.report(link).await?,
            HubMessage::Command(envelope) if self.shared.obeys.load(Ordering::Relaxed) => {
                obey(link, &envelope).await?;
            }
            // Sent again on the next connection.
            HubMessage::Error { code, .. } if code == "not_stored" => return Err(code),
            _ => {}
        }
        Ok(())
    }

    /// This report is durable; others that were sent before it may not be.
    fn forget(&mut self, seq: u64) {
        let Ok(at) = self.unacked.binary_search_by_key(&seq, |report| report.seq) else { return };
        if let Some(report) = self.unacked.remove(at) {
            self.shared.acked.lock().expect("no holder panics").insert(report.seq, report.t.0);
        }
    }
}

/// Says of a command that it was taken and is done, as an agent says of `true`.
async fn obey(link: &mut Link, envelope: &Envelope) -> Result<(), String> {
    let payload = STANDARD.decode(&envelope.payload_b64).map_err(|e| e.to_string())?;
    let command: Command = serde_json::from_slice(&payload).map_err(|e| e.to_string())?;
    let execution_id = command.body.execution_id();
    let finished = ExecutionState::Finished {
        exit_code: Some(0),
        signal: None,
        timed_out: false,
        cancelled: false,
        stdout_bytes: 0,
        stderr_bytes: 0,
        duration_ms: 1,
    };
    for state in [ExecutionState::Accepted, ExecutionState::Running { pid: 1 }, finished] {
        let update = ExecutionUpdate { execution_id, state, t: Timestamp(now_ms()) };
        link.send(&AgentMessage::Execution(update)).await?;
    }
    Ok(())
}

/// A machine that takes every command (and runs none).
pub fn facts() -> Facts {
    Facts {
        hostname: "simulated".into(),
        os: "Simulated".into(),
        kernel: "6.1".into(),
        arch: "x86_64".into(),
        cpu_model: "none".into(),
        cpus: 2,
        memory_bytes: 1 << 30,
        swap_bytes: 0,
        boot_id: "1".into(),
        booted_at: Timestamp(0),
        init: "systemd".into(),
        virtualization: "none".into(),
        agent_version: "0.0.0-simulated".into(),
        policy: "full".into(),
        refuses: None,
        addresses: vec![],
    }
}

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64
}
