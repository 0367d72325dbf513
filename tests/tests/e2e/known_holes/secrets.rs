//! Secrets that were none: known to all, never checked, never ending. And a live channel that told too much, to too many.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::wait;
use watchtower_tests::agents::{Fleet, Pace};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup, program};
use watchtower_tests::live::Live;
use watchtower_tests::paging::text;

use super::{PASSWORD, user};

const SOON: Duration = Duration::from_secs(30);
/// Sockets of one person, as the hub names its limit.
const SOCKETS_MAX: usize = 64;

/// HertzBeat came with admin/hertzbeat; Komodo was open to all where no key was set.
#[test]
fn nobody_is_an_administrator_by_default() {
    let hub = Hub::start(Setup::default());
    // A login comes from the hub's own page.
    let stranger = hub.api().with_cookie("none=0");
    for (name, password) in
        [("admin", "admin"), ("admin", "watchtower"), ("admin", ""), ("", ""), ("root", "root")]
    {
        let login = json!({"name": name, "password": password});
        let answer = stranger.call("POST", "/api/v1/login", Some(&login));
        assert!(matches!(answer.status, 403 | 422 | 429), "{name}/{password}: {}", answer.status);
    }
    for setup in ["", "0", "setup"] {
        let first = json!({"token": setup, "name": "eve", "password": PASSWORD});
        let status = stranger.status("POST", "/api/v1/setup", Some(&first)).unwrap();
        assert!((400..500).contains(&status), "{setup:?}: {status}");
    }
    // Beyond this machine only with TLS, or with somebody's word that a proxy has it.
    let folder = tempfile::tempdir().unwrap();
    let mut serve = Command::new(program());
    serve
        .args(["serve", "--listen=0.0.0.0:0", "--agent-listen=127.0.0.1:0", "--data-dir"])
        .arg(folder.path());
    let output = serve.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("--behind-proxy"), "{said}");
}

/// GHSA-g9v2 (Uptime Kuma): sessions never ended. xyOps: they lasted a year.
#[test]
fn a_session_ends_by_itself() {
    let Some(mut hub) = Hub::shifted("+0") else { return };
    let (_, ada) = user(&hub.api(), "ada", "viewer");
    for (offset, status) in [("+29d", 200), ("+31d", 401)] {
        assert_eq!(hub.stop(), Some(0));
        hub.shift(offset);
        hub.restart();
        assert_eq!(ada.status("GET", "/api/v1/me", None), Some(status), "{offset}");
    }
}

/// A token of Nezha's was signed when it was made, and the signature was never looked at (its commit 834ae250).
#[test]
fn a_secret_with_one_letter_changed_is_none() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let secret =
        text(&api.post("/tokens", &json!({"name": "t", "role": "viewer", "scopes": ["all"]}))["secret"]);
    assert_eq!(api.with_token(Some(&secret)).status("GET", "/api/v1/me", None), Some(200));
    for at in 0..secret.len() {
        let other = changed(&secret, at);
        assert_eq!(api.with_token(Some(&other)).status("GET", "/api/v1/me", None), Some(401), "{at}");
    }
    let (_, ada) = user(&api, "ada", "viewer");
    let cookie = text(&json!(ada.cookie().expect("a session has a cookie")));
    let from = cookie.find('=').expect("it has a name") + 1;
    for at in from..cookie.len() {
        let other = ada.with_cookie(&changed(&cookie, at));
        assert_eq!(other.status("GET", "/api/v1/me", None), Some(401), "{at}");
    }
}

fn changed(secret: &str, at: usize) -> String {
    let mut bytes = secret.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).expect("secrets are ASCII")
}

/// GHSA-hvv7 (Nezha): a WebSocket told everybody of all servers.
#[test]
fn the_live_channel_tells_of_ones_own_servers() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let pace = Pace { every: Duration::from_millis(300), more_series: 0 };
    let mut fleet = Fleet::start(&api, &hub.agent_address(), "foreign", 1, pace);
    let foreign = wait::until(SOON, "the server to report", || {
        let server = api.get("/servers/foreign-1");
        (server["status"] == "up").then_some(server)
    });
    let run = api.post("/runs/exec", &json!({"command": ["true"], "on": "name=\"foreign-1\""}));
    let (server, run) = (text(&foreign["id"]), text(&run["run"]["id"]));
    let topics = [
        json!({"sub": 1, "topic": "vitals"}),
        json!({"sub": 2, "topic": "server", "id": server}),
        json!({"sub": 3, "topic": "run", "id": run}),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let own = token(&api, "own", Some("env=\"a\""));
    let told = runtime.block_on(listen(&hub, &own, &topics));
    assert!(told.is_empty(), "{told:?}");
    // That there is something to tell: who may see it hears of each.
    let told = runtime.block_on(listen(&hub, &token(&api, "all", None), &topics));
    let subs: std::collections::BTreeSet<i64> =
        told.iter().filter_map(|message| message["sub"].as_i64()).collect();
    assert!(subs.len() >= 2, "{told:?}");
    fleet.stop();
}

fn token(api: &Api, name: &str, servers: Option<&str>) -> String {
    let input = json!({"name": name, "role": "viewer", "scopes": ["all"], "servers": servers});
    text(&api.post("/tokens", &input)["secret"])
}

/// What is told within some reports of a server, but for errors and what holds nothing.
async fn listen(hub: &Hub, token: &str, topics: &[Value]) -> Vec<Value> {
    let mut live = Live::open(hub, token).await.expect("it may listen");
    for topic in topics {
        live.ask(topic).await;
    }
    let mut told = Vec::new();
    while let Some(message) = live.next(Duration::from_millis(1_500)).await {
        let empty = message["data"].is_null() || message["data"] == json!([]) || message["data"] == json!({});
        if message["type"] != "error" && !empty {
            told.push(message);
        }
        if told.len() >= 20 {
            break;
        }
    }
    told
}

/// CVE-2026-53522, GHSA-jg62-j5h6-8mpq (Nezha): streams without number.
#[test]
fn nobody_has_live_channels_without_number() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let [ada, bob] = ["ada", "bob"].map(|name| {
        let (_, person) = user(&api, name, "viewer");
        person.cookie().expect("a session has a cookie").to_string()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut open = Vec::new();
        for _ in 0..SOCKETS_MAX {
            open.push(Live::of_session(&hub, &ada).await.expect("a socket"));
        }
        assert_eq!(Live::of_session(&hub, &ada).await.err(), Some(429));
        assert!(Live::of_session(&hub, &bob).await.is_ok(), "another person pays for it");
        open.pop();
        // The place is free as soon as the hub has seen the end.
        for _ in 0..100 {
            if Live::of_session(&hub, &ada).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("a socket that was closed keeps its place");
    });
}
