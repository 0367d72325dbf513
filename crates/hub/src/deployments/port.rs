//! The hub as a deployment sees it: host keys, trust, programs, invitations, and the first report.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use watchtower_api_types::ServerInput;
use watchtower_deploy::{
    AgentBinary, Answer, HostKey, HostKeyState, HubPort, Owner, PortError, Secret, Trust,
};
use watchtower_model::{DeploymentId, Labels, Timestamp};
use watchtower_store::Store;

use super::host_keys;
use crate::error::HubError;
use crate::servers::Server;
use crate::{Hub, fleet, link};

/// A question that only needs the store.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// The longest wait for a report.
const REPORT_WAIT_MAX: Duration = Duration::from_secs(180);
const REPORT_POLL: Duration = Duration::from_millis(50);

/// Programs read once per batch: each has some megabytes.
pub(super) type Binaries = Mutex<HashMap<String, AgentBinary>>;

/// What one deployment may ask.
pub(super) struct Port<'a> {
    pub hub: &'a Hub,
    pub binaries: &'a Binaries,
    pub deployment: DeploymentId,
    /// Of a server's record that is new.
    pub labels: &'a Labels,
    pub by: &'a str,
}

/// In time, and in the words of a deployment.
async fn answer<T>(work: impl Future<Output = Result<T, HubError>>) -> Result<T, PortError> {
    match tokio::time::timeout(ANSWER_MAX, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            if let HubError::Internal(cause) = &error {
                tracing::error!("a deployment's question: {cause}");
            }
            Err(PortError {
                cause: format!("the hub could not answer: {}", error.public_text()),
                fix: "mend what it names, or look at the hub's log, and retry".into(),
            })
        }
        Err(_) => Err(PortError {
            cause: format!("the hub did not answer within {} s", ANSWER_MAX.as_secs()),
            fix: "look at the hub's load and its database, and retry".into(),
        }),
    }
}

pub(super) async fn known(hub: &Hub, host: &str, port: u16) -> Result<Vec<HostKey>, HubError> {
    let rows = hub.store.host_keys_of(&host.to_lowercase(), i64::from(port)).await?;
    let key = |row: watchtower_store::HostKeyRow| HostKey {
        algorithm: row.algorithm,
        blob: row.key_blob,
        first_seen: Some(row.first_seen_at),
        // What is not certainly good is not good.
        state: if row.state == "pinned" { HostKeyState::Pinned } else { HostKeyState::Revoked },
    };
    Ok(rows.into_iter().map(key).collect())
}

impl Port<'_> {
    async fn read_binary(&self, arch: &str) -> Result<Option<AgentBinary>, HubError> {
        let kept =
            self.binaries.lock().expect("no code panics while it holds the programs").get(arch).cloned();
        if kept.is_some() {
            return Ok(kept);
        }
        let (programs, wanted) = (self.hub.config.programs.clone(), arch.to_string());
        let read = tokio::task::spawn_blocking(move || programs.shipped(&wanted)).await;
        let shipped =
            match read.map_err(|_| HubError::Internal("reading the agent ended abnormally".into()))? {
                Ok(shipped) => shipped,
                Err(HubError::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
        let binary = AgentBinary {
            version: shipped.version.into(),
            sha256: shipped.sha256,
            bytes: Arc::new(shipped.bytes.into_owned()),
        };
        let mut binaries = self.binaries.lock().expect("no code panics while it holds the programs");
        binaries.insert(arch.into(), binary.clone());
        Ok(Some(binary))
    }

    async fn make_invitation(&self, name: &str) -> Result<Secret, HubError> {
        let server = match self.hub.servers.find(name) {
            Some(server) => server,
            None => {
                let input = ServerInput { name: name.into(), labels: self.labels.clone() };
                fleet::add(self.hub, input).await?
            }
        };
        self.hub.store.commit(vec![Store::set_deployment_server(self.deployment, server.id)]).await?;
        Ok(Secret::new(link::make_token(self.hub, server.id, self.by).await?.token))
    }

    async fn wait_for_report(
        &self,
        name: &str,
        after: Option<Timestamp>,
        wait: Duration,
    ) -> Option<Timestamp> {
        let newest = || {
            let at = self.hub.servers.find(name)?.with(|state| state.last_report_at)?;
            after.is_none_or(|after| at > after).then_some(at)
        };
        let end = tokio::time::Instant::now() + wait.min(REPORT_WAIT_MAX);
        loop {
            match newest() {
                Some(at) => return Some(at),
                None if tokio::time::Instant::now() >= end => return None,
                None => tokio::time::sleep(REPORT_POLL).await,
            }
        }
    }
}

impl HubPort for Port<'_> {
    fn host_keys<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a, Vec<HostKey>> {
        Box::pin(answer(known(self.hub, host, port)))
    }

    fn remember_host_key<'a>(&'a self, host: &'a str, port: u16, key: HostKey) -> Answer<'a, ()> {
        Box::pin(answer(host_keys::remember(self.hub, host, port, key, self.by)))
    }

    fn trust(&self) -> Answer<'_, Trust> {
        let bundle = self.hub.bundle();
        let trust = Trust {
            hub_id: bundle.hub_id.clone(),
            urls: bundle.urls.clone(),
            pins: bundle.roots.iter().map(|pin| pin.0.clone()).collect(),
            bundle: bundle.to_line(),
        };
        Box::pin(async move { Ok(trust) })
    }

    fn agent_binary<'a>(&'a self, arch: &'a str) -> Answer<'a, Option<AgentBinary>> {
        Box::pin(answer(self.read_binary(arch)))
    }

    fn invite<'a>(&'a self, server: &'a str) -> Answer<'a, Secret> {
        Box::pin(answer(self.make_invitation(server)))
    }

    fn server_of<'a>(&'a self, agent: &'a str) -> Answer<'a, Option<Owner>> {
        let servers = self.hub.servers.unordered();
        let has = |server: &&Arc<Server>| {
            server.with(|state| state.agent_id.is_some_and(|id| id.to_string() == agent))
        };
        let owner = servers
            .iter()
            .find(has)
            .map(|server| Owner { id: server.id.to_string(), name: server.with(|state| state.name.clone()) });
        Box::pin(async move { Ok(owner) })
    }

    fn report_after<'a>(
        &'a self,
        server: &'a str,
        after: Option<Timestamp>,
        wait: Duration,
    ) -> Answer<'a, Option<Timestamp>> {
        Box::pin(async move { Ok(self.wait_for_report(server, after, wait).await) })
    }
}
