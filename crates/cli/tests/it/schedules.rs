//! Schedules: layers from flags and files, overrides, and who is on call.

use serde_json::{Value, json};
use watchtower_cli::Exit;

use crate::hub::{FakeHub, watchtower};

const ANN: &str = "0199b2f0-7d3c-7a10-8c5e-2f1d6a9b4c11";
const BEN: &str = "0199b2f0-7d3c-7a10-8c5e-2f1d6a9b4c12";

fn schedule() -> Value {
    json!({
        "id": "0199b2f0-7d3c-7a10-8c5e-2f1d6a9b4c13", "name": "db", "description": "", "timezone": "Europe/Berlin",
        "layers": [{"name": "days", "participants": [ANN], "unit": "weekly", "length": 1, "handoff": "08:00",
            "start": "2026-11-30", "restrictions": []}],
        "overrides": [], "warnings": [], "has_calendar": false, "on_call": [], "created_at": "2026-11-30T02:30:00.000Z",
    })
}

fn on_call() -> Value {
    let ann = json!({"user_id": ANN, "user": "ann", "layer": "days", "until": "08:00", "until_at": "2026-12-01T07:00:00.000Z"});
    json!({"items": [
        {"schedule": "db", "timezone": "Europe/Berlin", "on_call": [ann], "warnings": []},
        {"schedule": "web", "timezone": "UTC", "on_call": [], "warnings": ["nobody is on call in the next 30 days"]},
    ]})
}

fn hub() -> FakeHub {
    FakeHub::start(|request| match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/api/v1/users/ann") => (200, json!({"id": ANN})),
        ("GET", "/api/v1/users/ben") => (200, json!({"id": BEN})),
        ("GET", path) if path.starts_with("/api/v1/on-call") => (200, on_call()),
        ("POST", "/api/v1/schedules/db/overrides") => {
            (200, json!({"id": "1", "kind": "replace", "user_id": BEN}))
        }
        ("DELETE", _) => (204, json!(null)),
        _ => (200, schedule()),
    })
}

fn sent(hub: &FakeHub, method: &str) -> Value {
    hub.requests.lock().unwrap().iter().rfind(|request| request.method == method).unwrap().body.clone()
}

#[test]
fn layers_come_from_flags_and_from_files_with_names() {
    let hub = hub();
    let layer = "--layer=nights=2*daily@20:00/2026-11-30:ann,ben";
    let outcome =
        watchtower(&hub.url, &["schedule", "create", "db", "--timezone", "Europe/Berlin", layer], "");
    assert_eq!(outcome.exit, Exit::Ok, "{outcome:?}");
    let body = sent(&hub, "POST");
    assert_eq!((&body["name"], &body["timezone"]), (&json!("db"), &json!("Europe/Berlin")));
    let wanted = json!({"name": "nights", "unit": "daily", "length": 2, "handoff": "20:00", "start": "2026-11-30",
        "participants": [ANN, BEN]});
    assert_eq!(body["layers"], json!([wanted]));
    let file = r#"{"name": "db", "layers": [{"name": "days", "participants": ["ben"], "unit": "weekly", "handoff": "08:00",
        "start": "2026-11-30", "restrictions": [{"from": "08:00", "to": "20:00"}]}]}"#;
    let outcome = watchtower(&hub.url, &["schedule", "edit", "db", "--file", "-"], file);
    assert_eq!(outcome.exit, Exit::Ok, "{outcome:?}");
    let body = sent(&hub, "PUT");
    assert_eq!(body["layers"][0]["participants"], json!([BEN]));
    for told in ["on_call", "warnings", "overrides", "has_calendar"] {
        assert!(body.get(told).is_none(), "{told}: {body}");
    }
    let wrong = watchtower(&hub.url, &["schedule", "create", "db", "--layer=weekly:ann"], "");
    assert_eq!(wrong.exit, Exit::Usage, "{wrong:?}");
}

#[test]
fn who_is_on_call_is_a_row_for_each_and_nobody_is_said() {
    let hub = hub();
    let outcome = watchtower(&hub.url, &["on-call", "--at", "now+1d"], "");
    assert_eq!(outcome.exit, Exit::Ok, "{outcome:?}");
    assert!(hub.requests.lock().unwrap()[0].path.contains("at=now%2B1d"), "the time is passed on");
    let rows: Vec<_> = outcome.out.lines().map(|line| line.split('\t').collect::<Vec<_>>()).collect();
    assert_eq!(rows[1][..3], ["db", "ann", "08:00"], "{outcome:?}");
    assert_eq!(rows[2][..2], ["web", "nobody"], "{outcome:?}");
    assert!(outcome.err.contains("web: nobody is on call in the next 30 days"), "{outcome:?}");
    assert_eq!(watchtower(&hub.url, &["on-call", "-o", "json"], "").json(), on_call());
}

#[test]
fn an_override_is_for_a_while() {
    let hub = hub();
    let args = ["schedule", "override", "db", "--user", "ben", "--instead-of", "ann", "--for", "2h"];
    assert_eq!(watchtower(&hub.url, &args, "").exit, Exit::Ok);
    let body = sent(&hub, "POST");
    assert_eq!(
        (&body["kind"], &body["user"], &body["instead_of"]),
        (&json!("replace"), &json!("ben"), &json!("ann"))
    );
    assert!(body["to_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{body}");
    assert_eq!(watchtower(&hub.url, &["schedule", "end-override", "db", "1"], "").exit, Exit::Ok);
    assert_eq!(hub.requests.lock().unwrap().last().unwrap().path, "/api/v1/schedules/db/overrides/1");
}

#[test]
fn a_shift_is_offered_taken_and_taken_back() {
    let swap = json!({"id": "1", "user_id": ANN, "from_at": "2026-12-24T08:00:00.000Z", "to_at": "2026-12-25T08:00:00.000Z",
        "note": "", "created_by": "ann", "created_at": "2026-11-30T02:30:00.000Z"});
    let hub = FakeHub::start(move |request| match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/api/v1/schedules/db/swaps") => (200, swap.clone()),
        ("POST", "/api/v1/schedules/db/swaps/1/take") => (
            200,
            json!({"overrides": [{"id": "7", "kind": "replace", "user_id": BEN, "instead_of_id": ANN}]}),
        ),
        ("DELETE", _) => (204, json!(null)),
        _ => {
            let mut schedule = schedule();
            schedule["swaps"] = json!([swap]);
            (200, schedule)
        }
    });
    let run = |words: &[&str]| watchtower(&hub.url, &[&["schedule"], words].concat(), "");
    assert_eq!(run(&["swap", "db"]).exit, Exit::Ok);
    assert_eq!(sent(&hub, "POST"), json!({}), "one's next shift, whole");
    let (from, to) = ("2026-12-31T08:00:00Z", "2027-01-01T08:00:00Z");
    assert_eq!(run(&["swap", "db", "--from", from, "--want-from", from, "--want-to", to]).exit, Exit::Ok);
    let body = sent(&hub, "POST");
    assert_eq!((&body["from_at"], &body["in_return"]["to_at"]), (&json!(from), &json!(to)), "{body}");
    assert_eq!(run(&["swap", "db", "--want-from", from]).exit, Exit::Usage, "half of a time");
    let shown = run(&["swaps", "db", "-o", "json"]).json();
    assert_eq!(shown["items"][0]["user_id"], ANN, "{shown}");
    let taken = run(&["take-swap", "db", "1", "--user", "ben", "-o", "json"]).json();
    assert_eq!(taken["items"][0]["user_id"], BEN, "{taken}");
    assert_eq!(sent(&hub, "POST"), json!({"user": "ben"}));
    assert_eq!(run(&["withdraw-swap", "db", "1"]).exit, Exit::Ok);
    assert_eq!(hub.requests.lock().unwrap().last().unwrap().path, "/api/v1/schedules/db/swaps/1");
}
