//! What people were let do, or made do, that was not theirs to do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use watchtower_tests::hub::{Hub, Setup};

use super::user;

/// CVE-2024-26135 (MeshCentral): another site's page opened a WebSocket with the visitor's cookie.
#[test]
fn a_foreign_page_opens_no_live_channel() {
    let hub = Hub::start(Setup::default());
    let (_, ada) = user(&hub.api(), "ada", "viewer");
    let cookie = ada.cookie().expect("a session has a cookie");
    let status = |origin: &str| {
        let address = hub.url().replace("http://", "");
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let request = format!(
            "GET /api/v1/live HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: {origin}\r\nCookie: {cookie}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[9..]).into_owned()
    };
    assert_eq!(status(&hub.url()), "101");
    assert_eq!(status("http://evil.example"), "403");
    assert_eq!(status("null"), "403");
}

/// CVE-2022-22967 (Salt): locked accounts went on giving commands.
#[test]
fn a_disabled_user_is_out_at_once() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let (id, ada) = user(&api, "ada", "operator");
    assert_eq!(ada.status("GET", "/api/v1/me", None), Some(200));
    let exec = json!({"command": ["true"], "on": "name=\"a\""});
    assert_eq!(ada.status("POST", "/api/v1/runs/exec", Some(&exec)), Some(422), "nothing is called so");
    assert_eq!(
        api.status("PATCH", &format!("/api/v1/users/{id}"), Some(&json!({"disabled": true}))),
        Some(200)
    );
    assert_eq!(ada.status("GET", "/api/v1/me", None), Some(401));
    assert_eq!(ada.status("POST", "/api/v1/runs/exec", Some(&exec)), Some(401));
}

/// CVE-2026-46716 (Nezha): an empty list of servers passed every check and meant all of them.
#[test]
fn an_empty_selector_selects_nothing() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    api.post("/servers", &json!({"name": "a", "labels": {"env": "prod"}}));
    api.post("/scripts", &json!({"name": "s", "body": "true\n"}));
    for on in ["", " ", "{}"] {
        for (path, body) in [
            ("/api/v1/runs", json!({"script": "s", "on": on})),
            ("/api/v1/runs/exec", json!({"command": ["true"], "on": on})),
            (
                "/api/v1/automations",
                json!({"name": "a", "script": "s", "mode": "auto", "trigger": {"cron": "@daily"}, "on": on}),
            ),
        ] {
            let answer = api.call("POST", path, Some(&body));
            assert_eq!(
                (answer.status, &answer.body["field"]),
                (422, &json!("on")),
                "{path} {on:?}: {}",
                answer.body
            );
        }
    }
    assert!(api.list("/runs").is_empty() && api.list("/automations").is_empty());
}

/// CVE-2026-47120 (Nezha): a member made an alert start somebody else's task.
#[test]
fn only_administrators_let_alerts_start_scripts() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    api.post("/scripts", &json!({"name": "s", "body": "true\n"}));
    let body = json!({"name": "x", "mode": "auto", "script": "s", "trigger": {"matchers": "a=\"b\""}});
    for role in ["viewer", "responder", "operator"] {
        let (_, someone) = user(&api, role, role);
        assert_eq!(someone.status("POST", "/api/v1/automations", Some(&body)), Some(403), "{role}");
    }
    assert!(api.list("/automations").is_empty());
}

/// CVE-2026-23920 (Zabbix): a line break slipped a second line past a pattern, into a shell. CVE-2020-16846 (Salt): the shell itself.
#[test]
fn parameters_have_one_line_and_no_options() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let parameters = json!([{"name": "UNIT", "kind": "text"}, {"name": "N", "kind": "integer"}]);
    api.post("/scripts", &json!({"name": "s", "body": "true\n", "parameters": parameters}));
    for (name, value) in
        [("UNIT", "a\nb"), ("UNIT", "a\n"), ("UNIT", "--force"), ("N", "1\n2"), ("N", "1;id")]
    {
        let body = json!({"script": "s", "on": "name=\"a\"", "parameters": {name: value}});
        let answer = api.call("POST", "/api/v1/runs", Some(&body));
        let field = format!("parameters.{name}");
        assert_eq!(
            (answer.status, &answer.body["field"]),
            (422, &json!(field)),
            "{value:?}: {}",
            answer.body
        );
    }
}

/// GHSA-8qhj-4f8c-j8qg (Nezha): a link that was merely opened ran a task.
#[test]
fn reading_runs_nothing() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    for path in ["/api/v1/runs/exec", "/api/v1/incidents/1/ack", "/api/v1/halt/begin"] {
        let status = api.call("GET", path, None).status;
        assert!(matches!(status, 404 | 405), "{path}: {status}");
    }
}
