//! The live connection of each agent.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use watchtower_model::AgentId;
use watchtower_protocol::HubMessage;

/// Messages waiting to be written to one agent.
const QUEUE: usize = 256;
/// How long an old connection has to answer before a new one with the same key takes its place.
pub const REPLACE_AFTER: Duration = Duration::from_secs(5);

/// A handle to one connection.
pub struct Link {
    number: u64,
    messages: mpsc::Sender<HubMessage>,
    /// Counts what the agent sent: a ping was answered when it moves on.
    heard: watch::Receiver<u64>,
    stop: watch::Sender<bool>,
}

impl Link {
    /// Queues a message; `false` when the connection is gone or does not drain.
    pub fn send(&self, message: HubMessage) -> bool {
        self.messages.try_send(message).is_ok()
    }

    /// Asks the connection to end.
    pub fn close(&self) {
        let _ = self.stop.send(true);
    }

    /// Whether the other side says anything within [`REPLACE_AFTER`] of a ping.
    pub async fn is_alive(&self, ping: HubMessage) -> bool {
        let mut heard = self.heard.clone();
        heard.mark_unchanged();
        self.send(ping) && matches!(tokio::time::timeout(REPLACE_AFTER, heard.changed()).await, Ok(Ok(())))
    }
}

/// The session's ends of its [`Link`].
pub struct LinkEnds {
    pub messages: mpsc::Receiver<HubMessage>,
    pub heard: watch::Sender<u64>,
    pub stop: watch::Receiver<bool>,
    pub number: u64,
}

#[derive(Default)]
pub struct Links {
    next: AtomicU64,
    live: Mutex<HashMap<AgentId, Arc<Link>>>,
    /// Agents that reach the hub by another address than all the others.
    urls: Mutex<HashMap<AgentId, String>>,
}

impl Links {
    pub fn get(&self, agent: AgentId) -> Option<Arc<Link>> {
        self.lock().get(&agent).cloned()
    }

    pub fn all(&self) -> Vec<(AgentId, Arc<Link>)> {
        self.lock().iter().map(|(agent, link)| (*agent, Arc::clone(link))).collect()
    }

    /// The address of the hub for this agent, where it is one of its own.
    pub fn url_of(&self, agent: AgentId) -> Option<String> {
        self.urls.lock().expect("no code panics while it holds the addresses").get(&agent).cloned()
    }

    pub fn set_url(&self, agent: AgentId, url: &str) {
        self.urls.lock().expect("no code panics while it holds the addresses").insert(agent, url.into());
    }

    pub fn len(&self) -> usize {
        self.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Registers a connection; the one before, if any, is told to end.
    pub fn register(&self, agent: AgentId) -> LinkEnds {
        let (messages, queue) = mpsc::channel(QUEUE);
        let (heard_sender, heard) = watch::channel(0);
        let (stop, stopped) = watch::channel(false);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let link = Arc::new(Link { number, messages, heard, stop });
        if let Some(old) = self.lock().insert(agent, link) {
            old.close();
        }
        LinkEnds { messages: queue, heard: heard_sender, stop: stopped, number }
    }

    /// Removes a connection, unless a newer one has taken its place. Returns whether it was the present one.
    pub fn unregister(&self, agent: AgentId, number: u64) -> bool {
        let mut live = self.lock();
        let present = live.get(&agent).is_some_and(|link| link.number == number);
        if present {
            live.remove(&agent);
        }
        present
    }

    /// Ends the connection of an agent that may no longer have one.
    pub fn close(&self, agent: AgentId) {
        if let Some(link) = self.get(agent) {
            link.close();
        }
    }

    pub fn close_all(&self) {
        for link in self.lock().values() {
            link.close();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AgentId, Arc<Link>>> {
        self.live.lock().expect("no code panics while it holds the links")
    }
}
