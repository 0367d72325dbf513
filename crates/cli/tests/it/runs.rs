//! Runs: output as it comes, a prefix per server, an exit code that tells how it went.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use watchtower_cli::Exit;

use crate::hub::{FakeHub, watchtower};

fn run(state: &str, finished: bool) -> Value {
    let execution = |id: &str, server: &str, state: &str, code: i32| json!({"id": id, "server": server, "state": state, "exit_code": code, "started_at": "x", "reason": null});
    json!({
        "number": 8, "state": state, "total": 2, "succeeded": 1, "failed": 1,
        "finished_at": finished.then_some("2026-11-24T00:00:00.000Z"),
        "executions": [execution("e1", "web-1", "succeeded", 0), execution("e2", "web-2", "failed", 3)],
    })
}

/// A run that is under way when first asked, and over at the third time.
fn hub() -> FakeHub {
    let asked = AtomicU32::new(0);
    FakeHub::start(move |request| match (request.method.as_str(), request.path.as_str()) {
        ("POST", _) => (
            200,
            json!({"plan": {"script": "", "unavailable": ["db-1: not connected"]}, "run": run("running", false)}),
        ),
        ("GET", "/api/v1/runs/8") => match asked.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => (200, run("running", false)),
            _ => (200, run("partial", true)),
        },
        ("GET", "/api/v1/runs/8/output/e1?after=0") => (
            200,
            json!({"complete": false, "parts": [{"sequence": 4, "stream": "stdout", "text": "one\ntw"}]}),
        ),
        ("GET", "/api/v1/runs/8/output/e1?after=4") => {
            (200, json!({"complete": true, "parts": [{"sequence": 5, "stream": "stdout", "text": "o\nend"}]}))
        }
        ("GET", path) if path.contains("/output/e2") => (
            200,
            json!({"complete": true, "parts": [{"sequence": 1, "stream": "stderr", "text": "broken\n"}]}),
        ),
        _ => (404, json!(null)),
    })
}

#[test]
fn output_is_streamed_by_server_and_some_failures_are_partial() {
    let outcome = watchtower(&hub().url, &["run", "exec", "--on", "env=prod", "--", "ls", "-l"], "");
    assert_eq!(outcome.exit, Exit::Partial, "{outcome:?}");
    assert_eq!(outcome.out, "web-1 | one\nweb-1 | two\nweb-1 | end\n");
    assert!(outcome.err.contains("not available: db-1: not connected\n"), "{}", outcome.err);
    assert!(
        outcome.err.contains("web-2 | broken\nweb-2: failed, exit 3\nrun 8: 1 of 2 succeeded\n"),
        "{}",
        outcome.err
    );
}

#[test]
fn programs_get_the_finished_run_or_every_part() {
    let outcome = watchtower(&hub().url, &["run", "watch", "8", "-o", "json"], "");
    assert_eq!((outcome.exit, &outcome.json()["state"]), (Exit::Partial, &json!("partial")));
    let outcome = watchtower(&hub().url, &["run", "watch", "8", "-o", "ndjson"], "");
    let parts: Vec<Value> = outcome.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(parts.len(), 3);
    assert_eq!((&parts[0]["server"], &parts[0]["text"]), (&json!("web-1"), &json!("one\ntw")));
}

#[test]
fn what_is_sent() {
    let hub = hub();
    let args = [
        "script",
        "run",
        "restart",
        "--on",
        "name=web-1",
        "--parameter",
        "UNIT=nginx",
        "--timeout",
        "2m",
        "--detach",
        "--json",
    ];
    let outcome = watchtower(&hub.url, &args, "");
    assert_eq!((outcome.exit, &outcome.json()["number"]), (Exit::Ok, &json!(8)));
    let expected = json!({
        "script": "restart", "on": "name=web-1", "parameters": {"UNIT": "nginx"}, "timeout_seconds": 120, "dry_run": false,
    });
    assert_eq!(hub.bodies("POST"), [expected]);
    assert_eq!(hub.log(), ["POST /api/v1/runs"]);
}
