//! The hub over HTTP, as a deployment asks for it; host keys are the operator's own affair and stay here.
//!
//! Invariant: keys seen by `ssh` (`~/.ssh/known_hosts`) count as known and are never written; ours go to a file beside
//! the configuration.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use watchtower_api_types::{AgentBinaries, AgentProgram};
use watchtower_deploy::inventory::{KnownHosts, known_hosts_line};
use watchtower_deploy::{AgentBinary, Answer, HostKey, HubPort, Owner, PortError, Secret, Trust};
use watchtower_model::Timestamp;

use crate::client::Hub;
use crate::failure::{Exit, Failure};
use crate::verbs::read::pages;

/// Between two looks at a server that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The hub counts back from its monotonic clock, anew with every answer: the same report may seem this much later.
const SAME_REPORT_MS: i64 = 50;

pub struct HttpPort {
    hub: Hub,
    /// Ours, then those that are only read.
    known_hosts: Vec<PathBuf>,
    /// Labels for records that are made.
    labels: BTreeMap<String, Value>,
    /// One at a time writes the file; programs are fetched once for all hosts.
    writing: Mutex<()>,
    offered: AgentBinaries,
    programs: tokio::sync::Mutex<BTreeMap<String, AgentBinary>>,
    owners: tokio::sync::OnceCell<BTreeMap<String, Owner>>,
}

fn internal(error: &tokio::task::JoinError) -> Failure {
    Failure::new(Exit::Failed, "internal", error.to_string())
}

impl HttpPort {
    /// Asks the hub what it offers: a hub that does not answer is told of before any host is touched.
    /// `known_hosts`: the file that new keys go to, then those that are only read.
    pub fn new(
        hub: Hub,
        known_hosts: Vec<PathBuf>,
        labels: BTreeMap<String, Value>,
    ) -> Result<HttpPort, Failure> {
        let offered = serde_json::from_value(hub.get("agent.binaries", &[])?)
            .map_err(|e| Failure::new(Exit::Failed, "answer", not_understood(&e).cause))?;
        let (writing, programs, owners) = Default::default();
        Ok(HttpPort { hub, known_hosts, labels, writing, offered, programs, owners })
    }

    async fn call(&self, id: &'static str, args: &[&str], body: Option<Value>) -> Result<Value, Failure> {
        let hub = self.hub.clone();
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_string()).collect();
        let asked = tokio::task::spawn_blocking(move || {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            hub.call(id, &args, &[], body.as_ref())
        });
        asked.await.unwrap_or_else(|e| Err(internal(&e)))
    }

    async fn program(&self, arch: &str) -> Result<Option<AgentBinary>, PortError> {
        if !self.offered.items.iter().any(|item| item.arch == arch) {
            return Ok(None);
        }
        let mut programs = self.programs.lock().await;
        if let Some(program) = programs.get(arch) {
            return Ok(Some(program.clone()));
        }
        let value = self.call("agent.binary", &[arch], None).await.map_err(port_error)?;
        let program: AgentProgram = serde_json::from_value(value).map_err(|e| not_understood(&e))?;
        let bytes = STANDARD.decode(program.data).map_err(|e| not_understood(&e))?;
        let program =
            AgentBinary { version: program.version, sha256: program.sha256, bytes: Arc::new(bytes) };
        programs.insert(arch.to_string(), program.clone());
        Ok(Some(program))
    }

    /// Every server's agent, as it was when the first host asked.
    async fn owners(&self) -> Result<&BTreeMap<String, Owner>, PortError> {
        let listed = self.owners.get_or_try_init(|| async {
            let hub = self.hub.clone();
            let asked = tokio::task::spawn_blocking(move || pages(&hub, "server.list", &[], &[], None));
            let whole = asked.await.unwrap_or_else(|e| Err(internal(&e))).map_err(port_error)?;
            let text = |value: &Value| value.as_str().map(String::from);
            let items = whole["items"].as_array().into_iter().flatten();
            let pair = |server: &Value| {
                Some((
                    text(&server["agent_id"])?,
                    Owner { id: text(&server["id"])?, name: text(&server["name"])? },
                ))
            };
            Ok(items.filter_map(pair).collect())
        });
        listed.await
    }

    /// The server's record, if there is one.
    async fn server(&self, name: &str) -> Result<Option<Value>, PortError> {
        match self.call("server.get", &[name], None).await {
            Ok(server) => Ok(Some(server)),
            Err(failure) if failure.exit == Exit::NotFound => Ok(None),
            Err(failure) => Err(port_error(failure)),
        }
    }

    fn remember(&self, host: &str, port: u16, key: &HostKey) -> std::io::Result<()> {
        let _alone = self.writing.lock().expect("no holder panics");
        let path = &self.known_hosts[0];
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        file.write_all(known_hosts_line(host, port, key).as_bytes())
    }
}

fn port_error(failure: Failure) -> PortError {
    let fix = failure.hint.unwrap_or_else(|| "look at `watchtower status`, then try again".into());
    PortError { cause: failure.message, fix }
}

fn not_understood(error: &dyn std::fmt::Display) -> PortError {
    let fix = "use a `watchtower` of the hub's own version".into();
    PortError { cause: format!("the hub's answer is not understood: {error}"), fix }
}

impl HubPort for HttpPort {
    fn host_keys<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a, Vec<HostKey>> {
        Box::pin(async move {
            let texts = self.known_hosts.iter().map(|path| std::fs::read_to_string(path).unwrap_or_default());
            Ok(texts.flat_map(|text| KnownHosts::parse(&text).keys(host, port)).collect())
        })
    }

    fn remember_host_key<'a>(&'a self, host: &'a str, port: u16, key: HostKey) -> Answer<'a, ()> {
        Box::pin(async move {
            self.remember(host, port, &key).map_err(|error| PortError {
                cause: format!("{} cannot be written: {error}", self.known_hosts[0].display()),
                fix: "check the folder's owner and the free space".into(),
            })
        })
    }

    fn trust(&self) -> Answer<'_, Trust> {
        Box::pin(async move {
            let AgentBinaries { hub_id, urls, pins, bundle, .. } = self.offered.clone();
            Ok(Trust { hub_id, urls, pins, bundle })
        })
    }

    fn agent_binary<'a>(&'a self, arch: &'a str) -> Answer<'a, Option<AgentBinary>> {
        Box::pin(self.program(arch))
    }

    fn invite<'a>(&'a self, server: &'a str) -> Answer<'a, Secret> {
        Box::pin(async move {
            if self.server(server).await?.is_none() {
                let labels = self.labels.get(server).cloned().unwrap_or_else(|| json!({}));
                let body = json!({ "name": server, "labels": labels });
                self.call("server.create", &[], Some(body)).await.map_err(port_error)?;
            }
            let enrolment = self.call("server.enrol", &[server], None).await.map_err(port_error)?;
            Ok(Secret::new(enrolment["token"].as_str().unwrap_or("")))
        })
    }

    fn server_of<'a>(&'a self, agent: &'a str) -> Answer<'a, Option<Owner>> {
        Box::pin(async move { Ok(self.owners().await?.get(agent).cloned()) })
    }

    fn report_after<'a>(
        &'a self,
        server: &'a str,
        after: Option<Timestamp>,
        wait: Duration,
    ) -> Answer<'a, Option<Timestamp>> {
        Box::pin(async move {
            let until = Instant::now() + wait;
            loop {
                let found = self.server(server).await?;
                let at = found
                    .and_then(|server| Timestamp::parse_rfc3339(server["last_report_at"].as_str()?).ok());
                if let Some(at) = at.filter(|at| after.is_none_or(|after| at.since(after) > SAME_REPORT_MS)) {
                    return Ok(Some(at));
                }
                if Instant::now() >= until {
                    return Ok(None);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        })
    }
}
