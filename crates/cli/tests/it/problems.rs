//! What the hub says no with becomes an exit code, a hint, and nothing on stdout.

use serde_json::json;
use watchtower_cli::Exit;

use crate::hub::{FakeHub, Outcome, watchtower};

fn problem(status: u16, code: &'static str) -> FakeHub {
    FakeHub::start(move |_| {
        let body = json!({
            "type": "about:blank", "title": "No", "status": status, "code": code, "detail": "name: is taken",
            "hint": "take another", "request_id": "req-1",
        });
        (status, body)
    })
}

fn ask(hub: &FakeHub, args: &[&str]) -> Outcome {
    watchtower(&hub.url, args, "")
}

#[test]
fn every_code_has_its_exit() {
    let table = [
        (404, "not_found", Exit::NotFound),
        (401, "unauthenticated", Exit::Denied),
        (403, "forbidden", Exit::Denied),
        (409, "conflict", Exit::Conflict),
        (422, "validation", Exit::Validation),
        (422, "query", Exit::Validation),
        (429, "rate_limited", Exit::Failed),
        (500, "internal", Exit::Failed),
        (503, "unavailable", Exit::Failed),
    ];
    for (status, code, exit) in table {
        let outcome = ask(&problem(status, code), &["server", "get", "web-1", "-o", "json"]);
        assert_eq!((outcome.exit, outcome.out.as_str()), (exit, ""), "{code}");
        let error = outcome.error();
        assert_eq!((&error["code"], &error["request_id"]), (&json!(code), &json!("req-1")));
        assert!(error["hint"].is_string(), "{code}");
    }
}

#[test]
fn people_get_error_try_and_ref() {
    let outcome = ask(&problem(409, "conflict"), &["server", "create", "web-1"]);
    assert_eq!(outcome.err, "error: name: is taken\ntry: take another\nref: conflict req req-1\n");
    let outcome = ask(&problem(401, "unauthenticated"), &["whoami"]);
    assert!(outcome.err.contains("try: watchtower login"), "{}", outcome.err);
}

#[test]
fn prometheus_errors_are_read_too() {
    let hub = FakeHub::start(|_| {
        (400, json!({"status": "error", "errorType": "bad_data", "error": "1:3: parse error"}))
    });
    let outcome = ask(&hub, &["metrics", "query", "up{", "--json"]);
    assert_eq!((outcome.exit, &outcome.error()["message"]), (Exit::Validation, &json!("1:3: parse error")));
    assert_eq!(hub.log(), ["GET /prometheus/api/v1/query?query=up%7B"]);
}

#[test]
fn another_program_on_the_port_is_named_as_such() {
    let hub = FakeHub::start(|_| (502, json!("<html>bad gateway</html>")));
    let outcome = ask(&hub, &["server", "list", "-o", "yaml"]);
    assert_eq!((outcome.exit, &outcome.error()["code"]), (Exit::Unreachable, &json!("not_a_hub")));
}

#[test]
fn some_of_several_is_partial() {
    let hub = FakeHub::start(|request| match request.path.contains("/2/") {
        true => (
            404,
            json!({"type": "", "title": "", "status": 404, "code": "not_found", "detail": "no incident 2", "request_id": "r"}),
        ),
        false => (200, json!({"number": 1, "state": "acknowledged", "title": "t"})),
    });
    let outcome = ask(&hub, &["incident", "ack", "1", "2", "3", "-o", "name"]);
    assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Partial, "1\n1\n"));
    assert_eq!(outcome.error()["message"], "1 of 3 failed: 2: no incident 2");
}

#[test]
fn deleting_asks_for_a_yes() {
    let hub = FakeHub::start(|_| (204, json!(null)));
    let outcome = ask(&hub, &["rule", "delete", "cpu"]);
    assert_eq!(outcome.exit, Exit::Usage);
    assert!(outcome.err.contains("try: add -y"), "{}", outcome.err);
    assert!(hub.log().is_empty());
    let outcome = ask(&hub, &["rule", "delete", "cpu high", "-y"]);
    assert_eq!((outcome.exit, outcome.err.as_str()), (Exit::Ok, "deleted rule cpu high\n"));
    assert_eq!(hub.log(), ["DELETE /api/v1/rules/cpu%20high"]);
}

#[test]
fn lists_are_read_to_their_end() {
    let hub = FakeHub::start(|request| match request.path.contains("cursor=b") {
        true => (200, json!({"items": [{"name": "web-2"}]})),
        false => (200, json!({"items": [{"name": "web-1"}], "next": "b"})),
    });
    let outcome = ask(&hub, &["server", "list", "--status", "up", "-o", "name"]);
    assert_eq!(outcome.out, "web-1\nweb-2\n");
    assert_eq!(
        hub.log(),
        ["GET /api/v1/servers?status=up&limit=500", "GET /api/v1/servers?status=up&limit=500&cursor=b"]
    );
    let outcome = ask(&hub, &["server", "list", "--limit", "1", "--json"]);
    assert_eq!(outcome.json(), json!({"items": [{"name": "web-1"}], "next": "b"}));
}

#[test]
fn status_fails_on_what_was_asked() {
    let hub = FakeHub::start(|request| match request.path.as_str() {
        "/api/v1/status" => (200, json!({"problems": [], "agents_connected": 2, "series": 9})),
        _ => (200, json!({"servers": {"warning": 1}, "stats": {"open": 1}, "needs_action": []})),
    });
    assert_eq!(ask(&hub, &["status"]).exit, Exit::Ok);
    assert_eq!(ask(&hub, &["status", "--fail-on", "critical"]).exit, Exit::Ok);
    let outcome = ask(&hub, &["status", "--fail-on", "warning", "--json"]);
    assert_eq!((outcome.exit, &outcome.json()["hub"]["series"]), (Exit::Finding, &json!(9)));
}
