//! A hub to ask, and a client that is no more than a socket.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use watchtower_http::{Listeners, Options, serve};
use watchtower_hub::{Hub, HubConfig, Timing};

pub const BOOTSTRAP: &str = "a-bootstrap-token-of-many-characters";

pub struct TestHub {
    pub hub: Hub,
    pub people: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    _dir: tempfile::TempDir,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }
}

impl TestHub {
    pub async fn start() -> TestHub {
        TestHub::start_with(true).await
    }

    pub async fn start_with(keep_bootstrap: bool) -> TestHub {
        let dir = tempfile::tempdir().unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = Listeners::bind(Options { people: any, agents: any, tls: None }).await.unwrap();
        let (people, agents) = listeners.addresses();
        let config = HubConfig {
            data_dir: dir.path().into(),
            database_url: None,
            redis_url: None,
            public_url: format!("http://{people}"),
            public_url_is_set: true,
            agent_url: format!("https://{agents}"),
            egress_exceptions: Vec::new(),
            bootstrap_token: Some(BOOTSTRAP.into()),
            keep_bootstrap,
            programs: Default::default(),
            promql: Default::default(),
            remote_write: Vec::new(),
            heartbeat_url: None,
            restored: false,
            timing: Timing {
                interval_ms: 1000,
                lost_grace_ms: 0,
                evaluate_every_ms: 200,
                ..Timing::default()
            },
            // How full the disk of the test machine is says nothing here.
            disk_borders: watchtower_hub::disk::Borders::parse("page=100,logs=100,metrics=100").unwrap(),
            kept: Default::default(),
        };
        let (ready, hub) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let wait = |_| async {
                let _ = stopped.await;
            };
            let tell = |hub: Hub| async move {
                let _ = ready.send(hub);
            };
            serve(config, listeners, wait, tell).await.unwrap();
        });
        let hub = hub.await.unwrap();
        TestHub { hub, people, stop: Some(stop), task, _dir: dir }
    }

    pub async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        self.task.await.unwrap();
    }

    /// A request with headers of one's own.
    pub async fn raw(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{headers}\r\n{body}",
            self.people,
            body.len()
        );
        let people = self.people;
        tokio::task::spawn_blocking(move || exchange(people, &text)).await.unwrap()
    }

    /// A request with a token.
    pub async fn ask(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.raw(method, path, &format!("Authorization: Bearer {token}\r\n"), &body).await
    }

    /// As administrator; must succeed.
    pub async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.ask(BOOTSTRAP, method, path, body).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.body);
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    /// Waits until `check` says so.
    pub async fn until<F: Future<Output = bool>>(&self, what: &str, check: impl Fn() -> F) {
        for _ in 0..400 {
            if check().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("not within 10 s: {what}");
    }
}

fn exchange(people: SocketAddr, text: &str) -> Answer {
    let mut stream = TcpStream::connect(people).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let _ = stream.shutdown(Shutdown::Both);
    let all = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = all.split_once("\r\n\r\n").unwrap_or((&all, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Answer { status, head: head.into(), body: body.into() }
}
