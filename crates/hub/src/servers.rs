//! The servers in memory: their rows, and what their agents said last.
//!
//! Invariant: the row is a copy of the store's; everything else here may be lost without losing anything a person would miss.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;

use watchtower_api_types::{ServerStatus, Vitals};
use watchtower_matchers::Matchers;
use watchtower_model::{AgentId, Labels, ServerId, Timestamp};
use watchtower_protocol::{Facts, ProcessTable};
use watchtower_store::ServerRow;
use watchtower_tsdb::SeriesRef;

use crate::ingest::vitals::VitalsInputs;

/// One server.
pub struct Server {
    pub id: ServerId,
    state: Mutex<ServerState>,
}

/// What is known of a server now.
#[derive(Clone, Default)]
pub struct ServerState {
    pub name: String,
    pub labels: Labels,
    pub created_at: Timestamp,
    pub maintenance_until: Option<Timestamp>,
    pub agent_id: Option<AgentId>,
    pub interval_ms: u32,
    /// The interval while nobody looks: what `server.lost` is measured in.
    pub base_interval_ms: u32,
    /// By the hub's clock; may come from before a restart.
    pub last_report_at: Option<Timestamp>,
    /// By the monotonic clock, since this hub started.
    pub last_live: Option<Instant>,
    pub lost_at: Option<Timestamp>,
    /// When `up 0` was written last, while it is lost.
    pub down_told_at: Option<Instant>,
    pub goodbye: Option<(String, Timestamp)>,
    pub facts: Option<Facts>,
    pub vitals: Option<Vitals>,
    pub vitals_inputs: Option<VitalsInputs>,
    pub processes: Option<(Timestamp, Arc<ProcessTable>)>,
    pub processes_saved_at: Timestamp,
    /// Hub minus agent, as the agent's answers to pings tell.
    pub clock_offset_ms: i64,
    /// Where the samples of the dictionaries seen lately go.
    pub dictionaries: Vec<(String, Arc<ResolvedDictionary>)>,
    pub up: Option<SeriesRef>,
    /// Of the last live report: the agent's epoch, and what it could say.
    pub said: Option<(u64, Arc<ResolvedDictionary>)>,
}

/// A dictionary with its series found in the index; `None` where the limit refused one.
pub struct ResolvedDictionary {
    pub refs: Vec<Option<SeriesRef>>,
    pub vitals: crate::ingest::vitals::VitalsPlan,
}

/// Dictionaries kept per server: the present one, and some that backfill may still use.
const DICTIONARIES_KEPT: usize = 8;

impl ServerState {
    fn from_row(row: &ServerRow) -> Self {
        ServerState {
            name: row.name.clone(),
            labels: row.labels.0.clone(),
            created_at: row.created_at,
            maintenance_until: row.maintenance_until,
            interval_ms: row.interval_ms as u32,
            base_interval_ms: row.interval_ms as u32,
            last_report_at: row.last_report_at,
            lost_at: row.lost_at,
            goodbye: row.goodbye.clone().zip(row.goodbye_at),
            facts: row.facts.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            ..ServerState::default()
        }
    }

    /// The labels that join every series of this server and that selectors see.
    pub fn target_labels(&self) -> Labels {
        let mut labels = self.labels.to_builder();
        labels.set("job", "node").set("instance", &self.name);
        labels.build()
    }

    /// The labels that selectors of targets see: the server's own, and its name.
    pub fn selector_labels(&self) -> Labels {
        let mut labels = self.labels.to_builder();
        labels.set("name", &self.name).set("instance", &self.name);
        labels.build()
    }

    pub fn in_maintenance(&self, now: Timestamp) -> bool {
        self.maintenance_until.is_some_and(|until| until > now)
    }

    pub fn status(&self, now: Timestamp) -> ServerStatus {
        if self.in_maintenance(now) {
            ServerStatus::Maintenance
        } else if self.last_report_at.is_none() {
            ServerStatus::Pending
        } else if self.lost_at.is_some() {
            ServerStatus::Lost
        } else if self.goodbye.is_some() {
            ServerStatus::Away
        } else {
            ServerStatus::Up
        }
    }

    pub fn dictionary(&self, hash: &str) -> Option<Arc<ResolvedDictionary>> {
        self.dictionaries
            .iter()
            .find(|(known, _)| known == hash)
            .map(|(_, dictionary)| Arc::clone(dictionary))
    }

    /// Series of the last live report that one of `epoch` under `now` has no more. An agent that was restarted may not have
    /// found all of them again yet.
    pub fn gone(&self, epoch: u64, now: &Arc<ResolvedDictionary>) -> Vec<SeriesRef> {
        let Some((_, before)) = self.said.as_ref().filter(|(known, _)| *known == epoch) else {
            return Vec::new();
        };
        if Arc::ptr_eq(before, now) {
            return Vec::new();
        }
        let still: HashSet<SeriesRef> = now.refs.iter().flatten().copied().collect();
        before.refs.iter().flatten().filter(|series| !still.contains(series)).copied().collect()
    }

    pub fn remember_dictionary(&mut self, hash: String, dictionary: Arc<ResolvedDictionary>) {
        self.dictionaries.retain(|(known, _)| *known != hash);
        self.dictionaries.insert(0, (hash, dictionary));
        self.dictionaries.truncate(DICTIONARIES_KEPT);
    }
}

impl Server {
    /// A copy of the state; it is small but for what is shared.
    pub fn get(&self) -> ServerState {
        self.lock().clone()
    }

    pub fn with<T>(&self, change: impl FnOnce(&mut ServerState) -> T) -> T {
        change(&mut self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ServerState> {
        self.state.lock().expect("no code panics while it holds a server's state")
    }
}

/// All servers.
#[derive(Default)]
pub struct Servers(RwLock<HashMap<ServerId, Arc<Server>>>);

impl Servers {
    pub fn load(&self, rows: &[ServerRow]) {
        for row in rows {
            self.insert(row);
        }
    }

    pub fn insert(&self, row: &ServerRow) -> Arc<Server> {
        let server = Arc::new(Server { id: row.id, state: Mutex::new(ServerState::from_row(row)) });
        self.write().insert(row.id, Arc::clone(&server));
        server
    }

    pub fn remove(&self, id: ServerId) {
        self.write().remove(&id);
    }

    pub fn get(&self, id: ServerId) -> Option<Arc<Server>> {
        self.read().get(&id).cloned()
    }

    /// By id where the text is one, else by name.
    pub fn find(&self, id_or_name: &str) -> Option<Arc<Server>> {
        match id_or_name.parse() {
            Ok(id) => self.get(id),
            Err(_) => self.read().values().find(|server| server.with(|s| s.name == id_or_name)).cloned(),
        }
    }

    /// For loops that look at each: without the sorting, which costs at ten thousand servers.
    pub fn unordered(&self) -> Vec<Arc<Server>> {
        self.read().values().cloned().collect()
    }

    /// Sorted by name.
    pub fn all(&self) -> Vec<Arc<Server>> {
        let mut named: Vec<_> = self
            .read()
            .values()
            .map(|server| (server.with(|s| s.name.clone()), Arc::clone(server)))
            .collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        named.into_iter().map(|(_, server)| server).collect()
    }

    pub fn len(&self) -> usize {
        self.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Servers whose labels and name match; empty matchers select nothing.
    pub fn select(&self, on: &Matchers) -> Vec<Arc<Server>> {
        if on.is_empty() {
            return Vec::new();
        }
        self.all().into_iter().filter(|server| on.matches(&server.with(|s| s.selector_labels()))).collect()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<ServerId, Arc<Server>>> {
        self.0.read().expect("no code panics while it holds the servers")
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<ServerId, Arc<Server>>> {
        self.0.write().expect("no code panics while it holds the servers")
    }
}
