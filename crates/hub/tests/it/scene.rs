//! A hub with servers whose agents are connected, as far as the hub can see.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use watchtower_api_types::{Automation, Firing, Role, UserInput};
use watchtower_hub::access::{self, Authority, Principal};
use watchtower_hub::configure::{self, Automations, Noun, Scripts};
use watchtower_hub::jobs::{cron, runs};
use watchtower_hub::link::Programs;
use watchtower_hub::respond::AlertTrigger;
use watchtower_hub::{Hub, HubConfig, Timing, fleet};
use watchtower_model::{AgentId, ChannelId, Labels, Severity, Timestamp};
use watchtower_protocol::{Command, HubMessage};
use watchtower_store::{ExecutionUpdate, NewsRow, RunFilter, RunRow, Store};

/// An alert of the API about no server, by its key.
pub fn alert(key: &str) -> AlertTrigger {
    AlertTrigger {
        source: "api".into(),
        dedup_key: key.into(),
        severity: Severity::Error,
        summary: format!("{key} is wrong"),
        description: String::new(),
        labels: Labels::empty(),
        value: None,
        rule_id: None,
        server_id: None,
        paging: true,
        test: false,
        service: None,
        ends_at: None,
    }
}

pub struct Scene {
    pub hub: Hub,
    pub dir: TempDir,
    agents: Vec<Agent>,
}

/// The far end of an agent's connection.
struct Agent {
    messages: tokio::sync::mpsc::Receiver<HubMessage>,
    _rest: Box<dyn std::any::Any + Send>,
}

pub fn config(dir: &TempDir, database_url: Option<String>) -> HubConfig {
    HubConfig {
        data_dir: dir.path().to_path_buf(),
        database_url,
        redis_url: None,
        public_url: "http://127.0.0.1:1".into(),
        public_url_is_set: false,
        agent_url: "wss://127.0.0.1:1".into(),
        egress_exceptions: Vec::new(),
        bootstrap_token: Some("0123456789abcdef0123456789abcdef".into()),
        keep_bootstrap: true,
        programs: Programs::default(),
        promql: Default::default(),
        remote_write: Vec::new(),
        heartbeat_url: None,
        restored: false,
        timing: Timing::default(),
        // How full the disk of the test machine is says nothing here.
        disk_borders: watchtower_hub::disk::Borders::parse("page=100,logs=100,metrics=100").unwrap(),
        kept: Default::default(),
    }
}

impl Scene {
    pub async fn new(database_url: Option<String>) -> Scene {
        Scene::start(TempDir::new().unwrap(), database_url).await
    }

    async fn start(dir: TempDir, database_url: Option<String>) -> Scene {
        let config = config(&dir, database_url);
        Scene::configured(dir, config).await
    }

    /// A hub with keys in a folder that another may share: a Redis, too.
    pub async fn on(keys: &Path, database_url: &str, redis_url: &str) -> Scene {
        let dir = TempDir::new().unwrap();
        std::os::unix::fs::symlink(keys, dir.path().join("keys")).unwrap();
        let redis_url = Some(redis_url.to_string());
        let config = HubConfig { redis_url, ..config(&dir, Some(database_url.into())) };
        Scene::configured(dir, config).await
    }

    pub async fn configured(dir: TempDir, config: HubConfig) -> Scene {
        let hub = Hub::start(config, Vec::new()).await.unwrap();
        Scene { hub, dir, agents: Vec::new() }
    }

    /// Its folder of keys.
    pub fn keys(&self) -> PathBuf {
        self.dir.path().join("keys")
    }

    /// Another hub on the same database, on the same folder of keys.
    pub async fn beside(&self, database_url: String) -> Scene {
        let dir = TempDir::new().unwrap();
        std::os::unix::fs::symlink(self.dir.path().join("keys"), dir.path().join("keys")).unwrap();
        Scene::start(dir, Some(database_url)).await
    }

    /// The same with a copy of the keys as they are now.
    pub async fn beside_with_copies(&self, database_url: String) -> Scene {
        Scene::start(self.folder_with_keys(), Some(database_url)).await
    }

    fn folder_with_keys(&self) -> TempDir {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("keys")).unwrap();
        for entry in std::fs::read_dir(self.dir.path().join("keys")).unwrap().flatten() {
            std::fs::copy(entry.path(), dir.path().join("keys").join(entry.file_name())).unwrap();
        }
        dir
    }

    /// A hub on a copy of its database, all agents connected.
    pub async fn restored(&self, copy: &Path) -> Scene {
        let dir = self.folder_with_keys();
        std::fs::copy(copy, dir.path().join("watchtower.db")).unwrap();
        let hub = Hub::start(config(&dir, None), Vec::new()).await.unwrap();
        let mut scene = Scene { hub, dir, agents: Vec::new() };
        scene.connect_all();
        scene
    }

    /// A server with an agent that is connected.
    pub async fn server(&mut self, name: &str) {
        let input = serde_json::from_value(json!({"name": name, "labels": {"env": "prod"}})).unwrap();
        let server = fleet::add(&self.hub, input).await.unwrap();
        let agent: AgentId = watchtower_hub::random::id(self.hub.now()).into();
        let (now, hash) = (self.hub.now(), format!("hash of {name}"));
        let token = Store::insert_enrol_token(&hash, server.id, "ada", now, now.plus_ms(60_000));
        self.hub.store.commit(vec![token]).await.unwrap();
        self.hub.store.enrol(&hash, agent, server.id, &[7; 32], now).await.unwrap();
        server.with(|state| state.agent_id = Some(agent));
        self.connect(agent);
    }

    fn connect(&mut self, agent: AgentId) {
        let ends = self.hub.links.register(agent);
        self.agents.push(Agent { messages: ends.messages, _rest: Box::new((ends.heard, ends.stop)) });
    }

    /// Every agent the hub knows of is connected to it.
    pub fn connect_all(&mut self) {
        for server in self.hub.servers.all() {
            if let Some(agent) = server.with(|state| state.agent_id) {
                self.connect(agent);
            }
        }
    }

    pub fn disconnect_all(&mut self) {
        for server in self.hub.servers.all() {
            if let Some(agent) = server.with(|state| state.agent_id) {
                for number in 0..100 {
                    self.hub.links.unregister(agent, number);
                }
            }
        }
        self.agents.clear();
    }

    /// Commands that have reached the agents since the last look.
    pub fn commands(&mut self) -> usize {
        self.received().len()
    }

    /// The same, as they were signed.
    pub fn received(&mut self) -> Vec<Command> {
        self.messages().into_iter().filter_map(command).collect()
    }

    /// Everything that has reached the agents since the last look.
    pub fn messages(&mut self) -> Vec<HubMessage> {
        let received =
            |agent: &mut Agent| std::iter::from_fn(|| agent.messages.try_recv().ok()).collect::<Vec<_>>();
        self.agents.iter_mut().flat_map(received).collect()
    }

    pub async fn admin(&self) -> Principal {
        access::current(&self.hub, Authority::Bootstrap).await.unwrap()
    }

    pub async fn user(&self, name: &str, role: Role) -> Principal {
        let input = json!({"name": name, "password": "correct horse battery", "role": role});
        let input: UserInput = serde_json::from_value(input).unwrap();
        let user = access::create_user(&self.hub, input).await.unwrap();
        access::current(&self.hub, Authority::User(user.id)).await.unwrap()
    }

    pub async fn script(&self, more: Value) {
        let mut input = json!({"name": "nightly", "body": "true\n"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let input = serde_json::from_value(input).unwrap();
        configure::create::<Scripts>(&self.hub, &self.admin().await, input).await.unwrap();
    }

    /// An automation that is due each hour on all servers of production.
    pub async fn automation(&self, by: &Principal, more: Value) -> Automation {
        configure::create::<Automations>(&self.hub, by, input(more)).await.unwrap()
    }

    pub async fn change(&self, by: &Principal, more: Value) -> Automation {
        configure::update::<Automations>(&self.hub, by, "hourly", input(more)).await.unwrap()
    }

    pub async fn shown(&self) -> Automation {
        let stored = configure::find::<Automations>(&self.hub, "hourly").unwrap();
        Automations::view(&self.hub, &stored, true).await.unwrap()
    }

    pub async fn firings(&self) -> Vec<Firing> {
        self.shown().await.firings
    }

    /// State and reason of the newest firing.
    pub async fn newest(&self) -> (String, String) {
        let firings = self.firings().await;
        firings.first().map(|one| (one.state.to_string(), one.reason.clone())).unwrap_or_default()
    }

    /// When the automation is due next, as the database has it.
    pub async fn due(&self) -> Timestamp {
        self.hub.store.due_of(self.shown().await.id).await.unwrap().expect("it is due some time")
    }

    /// The clock comes to the next due time; the answer is there when this returns.
    pub async fn next_hour(&self) -> Timestamp {
        let due = self.due().await;
        cron::tick(&self.hub, due.plus_ms(1000)).await.unwrap();
        due
    }

    pub async fn runs(&self) -> Vec<RunRow> {
        self.hub.store.runs(&RunFilter { limit: 500, ..RunFilter::default() }).await.unwrap()
    }

    /// Every execution of the newest run ends so.
    pub async fn end_newest(&self, state: &'static str) {
        let run = self.runs().await.remove(0);
        for execution in self.hub.store.executions_of(run.id).await.unwrap() {
            let update =
                ExecutionUpdate { state, finished_at: Some(self.hub.now()), ..ExecutionUpdate::default() };
            runs::record(&self.hub, &execution, update).await.unwrap();
        }
    }

    /// What a channel is to be told that is of no incident, and could not be yet: nobody answers in a test.
    pub async fn news(&self, channel: ChannelId) -> Vec<NewsRow> {
        let mut all = self.hub.store.due_news(Timestamp::MAX, 500).await.unwrap();
        all.retain(|row| row.channel_id == channel);
        all
    }

    pub async fn events(&self, kind: &str) -> usize {
        let filter = watchtower_store::EventFilter { limit: 500, ..Default::default() };
        let events = self.hub.store.events(&filter).await.unwrap();
        events.iter().filter(|event| event.kind.as_str() == kind).count()
    }
}

fn command(message: HubMessage) -> Option<Command> {
    let HubMessage::Command(envelope) = message else { return None };
    let payload = STANDARD.decode(&envelope.payload_b64).unwrap();
    Some(serde_json::from_slice(&payload).unwrap())
}

pub fn input(more: Value) -> watchtower_api_types::AutomationInput {
    let mut input = json!({
        "name": "hourly", "mode": "auto", "script": "nightly", "on": "env=prod",
        "trigger": {"cron": "@hourly", "timezone": "Europe/Berlin"},
    });
    for (name, value) in more.as_object().unwrap() {
        match (input.get_mut(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => old.extend(new.clone()),
            _ => input[name] = value.clone(),
        }
    }
    serde_json::from_value(input).unwrap()
}
