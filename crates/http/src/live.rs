//! The live channel of the dashboard.
//!
//! One task per socket. What cannot be written fast enough is not queued without end: a topic that lags is reset.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use watchtower_api_types::endpoints::Access;
use watchtower_api_types::{LiveMessage, LiveRequest, LiveTopic};
use watchtower_bus::Received;
use watchtower_hub::access::{Object, Principal, authorize};
use watchtower_hub::{Hub, HubError, deployments, live};
use watchtower_model::{BatchId, ServerId};

use crate::caller::principal_of;
use crate::problem::{Failure, denied};
use crate::views;

const MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// Subscriptions of one socket.
const SUBS_MAX: usize = 32;
/// Messages waiting to be written to one browser.
const QUEUE: usize = 256;
const CHANGES_AT_ONCE: i64 = 500;
/// Changes are looked for this often whatever the bus says.
const CHANGES_POLL: Duration = Duration::from_secs(1);
/// One-second reports are wanted this long after each renewal.
const WATCH_LEASE: Duration = Duration::from_secs(60);
const WATCH_RENEW: Duration = Duration::from_secs(15);
/// A session or token may end, or lose rights, while its socket is open: it is asked again this often.
const RECHECK: Duration = Duration::from_secs(15);

pub async fn upgrade(
    State(hub): State<Hub>,
    headers: HeaderMap,
    socket: WebSocketUpgrade,
) -> Result<Response, Failure> {
    let (principal, _) = principal_of(&hub, &headers).await?;
    authorize(&principal, Access::View, "live", Object::Global).map_err(denied)?;
    let listener = live::Listener::of(&hub, &principal.person)?;
    let socket = socket.read_buffer_size(8 << 10).write_buffer_size(8 << 10).max_write_buffer_size(1 << 20);
    Ok(socket.max_message_size(MESSAGE_BYTES_MAX).on_upgrade(move |socket| async move {
        serve(hub, principal, headers, socket).await;
        drop(listener);
    }))
}

async fn serve(hub: Hub, principal: Principal, headers: HeaderMap, mut socket: WebSocket) {
    let (out, mut queue) = mpsc::channel::<LiveMessage>(QUEUE);
    let mut subs: HashMap<u32, tokio::task::JoinHandle<()>> = HashMap::new();
    let mut recheck = tokio::time::interval(RECHECK);
    loop {
        tokio::select! {
            () = hub.stopped() => break,
            _ = recheck.tick() => {
                let still = principal_of(&hub, &headers).await;
                if !still.is_ok_and(|(now, _)| now.same_rights(&principal)) {
                    let frame = CloseFrame { code: 4001, reason: "signed out".into() };
                    let _ = socket.send(Message::Close(Some(frame))).await;
                    break;
                }
            }
            message = queue.recv() => {
                let Some(message) = message else { break };
                let text = serde_json::to_string(&message).unwrap_or_default();
                if socket.send(Message::Text(text.into())).await.is_err() {
                    break;
                }
            }
            incoming = socket.recv() => match incoming {
                Some(Ok(Message::Text(text))) => take(&hub, &principal, &text, &out, &mut subs),
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            }
        }
    }
    for (_, task) in subs {
        task.abort();
    }
}

fn take(
    hub: &Hub,
    principal: &Principal,
    text: &str,
    out: &mpsc::Sender<LiveMessage>,
    subs: &mut HashMap<u32, tokio::task::JoinHandle<()>>,
) {
    let request: LiveRequest = match serde_json::from_str(text) {
        Ok(request) => request,
        Err(error) => {
            tell(out, fault(0, "bad_request", error));
            return;
        }
    };
    if let Some(old) = subs.remove(&request.sub) {
        old.abort();
    }
    let Some(topic) = request.topic else { return };
    subs.retain(|_, task| !task.is_finished());
    if subs.len() >= SUBS_MAX {
        tell(out, fault(request.sub, "too_many", format!("at most {SUBS_MAX} subscriptions")));
        return;
    }
    let sub = request.sub;
    let feed = Feed { hub: hub.clone(), principal: principal.clone(), out: out.clone(), sub };
    let task = tokio::spawn(async move {
        let result = match topic {
            LiveTopic::Changes => feed.changes(request.after).await,
            LiveTopic::Server => feed.server(request.id).await,
            LiveTopic::Vitals => feed.vitals().await,
            LiveTopic::Run => feed.run(request.id).await,
            LiveTopic::Deployments => feed.deployments(request.id).await,
        };
        if let Err(error) = result {
            tracing::warn!("a live topic failed: {error}");
            let _ = feed.out.send(fault(sub, "failed", error.public_text())).await;
        }
    });
    subs.insert(sub, task);
}

/// Who calls this also empties the queue, and must not wait for a place in it: who asks faster than they read is not told.
fn tell(out: &mpsc::Sender<LiveMessage>, message: LiveMessage) {
    let _ = out.try_send(message);
}

fn fault(sub: u32, code: &str, message: impl ToString) -> LiveMessage {
    LiveMessage::Error { sub, code: code.into(), message: message.to_string() }
}

struct Feed {
    hub: Hub,
    principal: Principal,
    out: mpsc::Sender<LiveMessage>,
    sub: u32,
}

impl Feed {
    async fn event(&self, sequence: i64, data: Value) -> bool {
        self.out.send(LiveMessage::Event { sub: self.sub, sequence, data }).await.is_ok()
    }

    async fn reset(&self, sequence: i64) -> bool {
        self.out.send(LiveMessage::Reset { sub: self.sub, sequence }).await.is_ok()
    }

    /// What changed, in the order of commits, resumed behind `after`.
    async fn changes(&self, after: Option<i64>) -> Result<(), HubError> {
        let mut waiter = self.hub.bus.waiter("changes").map_err(|e| HubError::Internal(e.to_string()))?;
        let (oldest, newest) = self.hub.store.change_bounds().await?;
        let mut at = match after {
            None => newest,
            Some(after) if after > newest || (after + 1 < oldest) => {
                self.reset(newest).await;
                newest
            }
            Some(after) => after,
        };
        let snapshot = LiveMessage::Snapshot { sub: self.sub, sequence: at, data: Value::Null };
        if self.out.send(snapshot).await.is_err() {
            return Ok(());
        }
        loop {
            let rows = self.hub.store.changes_after(at, CHANGES_AT_ONCE).await?;
            let full = rows.len() as i64 == CHANGES_AT_ONCE;
            for row in rows {
                at = row.sequence;
                // Only that something changed is told: fetching it is checked like every request.
                if !self.event(at, json!({ "kind": row.kind, "id": row.object_id })).await {
                    return Ok(());
                }
            }
            if full {
                continue;
            }
            tokio::select! {
                () = waiter.wait() => {}
                () = tokio::time::sleep(CHANGES_POLL) => {}
            }
        }
    }

    fn visible(&self, id: ServerId) -> Result<std::sync::Arc<watchtower_hub::servers::Server>, HubError> {
        let server = self.hub.servers.get(id).ok_or_else(|| HubError::not_found("server", id))?;
        let labels = server.with(|state| state.selector_labels());
        authorize(&self.principal, Access::View, "live", Object::Server(&labels))
            .map_err(|_| HubError::not_found("server", id))?;
        Ok(server)
    }

    /// Vitals and processes of one server, at one second while somebody looks.
    async fn server(&self, id: Option<String>) -> Result<(), HubError> {
        let name = id.unwrap_or_default();
        let found = self.hub.servers.find(&name).ok_or_else(|| HubError::not_found("server", &name))?;
        let server = self.visible(found.id)?;
        let topic = format!("{}{}", live::VITALS, server.id);
        let mut feed = self.hub.bus.subscribe(&topic).map_err(|e| HubError::Internal(e.to_string()))?;
        let mut renew = tokio::time::interval(WATCH_RENEW);
        loop {
            tokio::select! {
                _ = renew.tick() => self.hub.watching.want(&self.hub, server.id, WATCH_LEASE),
                received = feed.recv() => {
                    let Some(received) = received else { return Ok(()) };
                    if let Received::Message { payload, .. } = received {
                        self.visible(server.id)?;
                        let mut data: Value = serde_json::from_slice(&payload).unwrap_or(Value::Null);
                        let table = server.with(|state| state.processes.clone());
                        data["processes"] = json!(table.map(|(at, table)| views::processes(at, &table)));
                        if !self.event(0, data).await {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    async fn vitals(&self) -> Result<(), HubError> {
        let mut feed = self.hub.bus.subscribe(live::VITALS).map_err(|e| HubError::Internal(e.to_string()))?;
        while let Some(received) = feed.recv().await {
            let go_on = match received {
                Received::Lagged => self.reset(0).await,
                Received::Message { topic, payload } => {
                    let id = topic.strip_prefix(live::VITALS).and_then(|id| id.parse().ok());
                    match id.map(|id| self.visible(id)) {
                        Some(Ok(_)) => {
                            self.event(0, serde_json::from_slice(&payload).unwrap_or(Value::Null)).await
                        }
                        _ => true,
                    }
                }
            };
            if !go_on {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn run(&self, id: Option<String>) -> Result<(), HubError> {
        let name = id.unwrap_or_default();
        let run = self.hub.store.find_run(&name).await?.ok_or_else(|| HubError::not_found("run", &name))?;
        let executions = self.hub.store.executions_of(run.id).await?;
        if !executions.iter().any(|execution| self.visible(execution.server_id).is_ok()) {
            return Err(HubError::not_found("run", &name));
        }
        self.tell_of(&format!("{}{}", live::RUN, run.id), json!({ "run_id": run.id })).await
    }

    async fn deployments(&self, id: Option<String>) -> Result<(), HubError> {
        let name = id.unwrap_or_default();
        let unknown = || HubError::not_found("batch of deployments", &name);
        let batch: BatchId = name.parse().map_err(|_| unknown())?;
        let rows = self.hub.store.deployments_of(batch).await?;
        if !rows.iter().any(|row| deployments::sees(&self.hub, &self.principal, row)) {
            return Err(unknown());
        }
        self.tell_of(&format!("{}{batch}", live::DEPLOYMENTS), json!({ "batch_id": batch })).await
    }

    /// Says only that there is news: fetching it is checked like every request.
    async fn tell_of(&self, topic: &str, what: Value) -> Result<(), HubError> {
        let mut feed = self.hub.bus.subscribe(topic).map_err(|e| HubError::Internal(e.to_string()))?;
        while feed.recv().await.is_some() {
            if !self.event(0, what.clone()).await {
                return Ok(());
            }
        }
        Ok(())
    }
}
