//! Automations by the clock: what is sent, what is shown, and how a firing by hand exits.

use serde_json::{Value, json};
use watchtower_cli::Exit;

use crate::hub::{FakeHub, watchtower};

fn automation() -> Value {
    json!({
        "id": "0199b2f0-7d3c-7a10-8c5e-2f1d6a9b4c11", "name": "nightly", "enabled": true, "mode": "auto",
        "trigger": {"cron": "30 3 * * *", "timezone": "Europe/Berlin", "overlap": "skip", "missed_grace_seconds": 0.0},
        "script": "backup", "parameters": {}, "on": "env=prod", "breaker_open": false, "created_by": "ada",
        "words": "at 03:30 every day, Europe/Berlin",
        "next": [{"at": "2026-11-30T02:30:00.000Z", "local": "2026-11-30T03:30:00+01:00"}],
        "firings": [
            {"due_at": "2026-11-29T02:30:00.000Z", "state": "skipped", "reason": "no server matches", "left_out": []},
            {"due_at": "2026-11-28T02:30:00.000Z", "state": "succeeded", "run_number": 8, "reason": "", "left_out": []},
        ],
    })
}

fn hub() -> FakeHub {
    FakeHub::start(|request| match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/api/v1/automations/preview") if request.body["cron"] == "wrong" => {
            (200, json!({"error": "has 1 fields, not 5", "error_field": "cron", "words": "", "next": []}))
        }
        ("POST", "/api/v1/automations/preview") => (
            200,
            json!({"timezone": "Europe/Berlin", "words": "at 03:30 every day, Europe/Berlin", "next": automation()["next"]}),
        ),
        ("POST", "/api/v1/automations/nightly/fire") => (200, automation()["firings"][0].clone()),
        ("POST", "/api/v1/automations/other/fire") => (200, automation()["firings"][1].clone()),
        ("GET", "/api/v1/automations/alerts") => {
            (200, json!({"name": "alerts", "trigger": {"matchers": "a=b"}}))
        }
        ("GET", path) if path.starts_with("/api/v1/automations?") => (200, json!({"items": [automation()]})),
        ("POST" | "GET" | "PUT", _) => (200, automation()),
        _ => (404, json!(null)),
    })
}

#[test]
fn a_trigger_by_the_clock_is_made_from_flags() {
    let hub = hub();
    let args = [
        "automation",
        "create",
        "nightly",
        "--cron",
        "30 3 * * *",
        "--timezone",
        "Europe/Berlin",
        "--on",
        "env=prod",
        "--script",
        "backup",
        "--overlap",
        "queue",
        "--missed-grace",
        "1h",
        "--at-once",
        "2",
        "--mode",
        "auto",
    ];
    let outcome = watchtower(&hub.url, &args, "");
    assert_eq!(outcome.exit, Exit::Ok, "{outcome:?}");
    let body = hub.requests.lock().unwrap().last().unwrap().body.clone();
    assert_eq!(body["on"], "env=prod");
    assert_eq!(body["rollout"], json!({"at_once": "2"}));
    let trigger = &body["trigger"];
    assert_eq!(
        (&trigger["cron"], &trigger["timezone"], &trigger["overlap"]),
        (&json!("30 3 * * *"), &json!("Europe/Berlin"), &json!("queue"))
    );
    assert_eq!(trigger["missed_grace_seconds"].as_f64(), Some(3600.0));
}

/// What `get` prints can be applied again: what only the hub says is left out.
#[test]
fn an_edit_sends_back_what_people_write_alone() {
    let hub = hub();
    let outcome = watchtower(&hub.url, &["automation", "edit", "nightly", "--cron", "@weekly"], "");
    assert_eq!(outcome.exit, Exit::Ok, "{outcome:?}");
    let sent =
        hub.requests.lock().unwrap().iter().rfind(|request| request.method == "PUT").unwrap().body.clone();
    assert_eq!(sent["trigger"]["cron"], "@weekly");
    assert_eq!(sent["trigger"]["timezone"], "Europe/Berlin");
    for told in ["words", "next", "firings", "breaker_open"] {
        assert!(sent.get(told).is_none(), "{told}: {sent}");
    }
}

#[test]
fn lists_show_when_it_is_due_and_how_the_last_one_ended() {
    let outcome = watchtower(&hub().url, &["automation", "list", "-o", "csv"], "");
    let mut lines = outcome.out.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert!(header.contains(&"next.0.at") && header.contains(&"firings.0.state"), "{header:?}");
    let row = lines.next().unwrap();
    for cell in ["2026-11-30T02:30:00.000Z", "skipped", "at 03:30 every day"] {
        assert!(row.contains(cell), "{row}");
    }
    let firings = watchtower(&hub().url, &["automation", "firings", "nightly"], "");
    assert!(firings.out.contains("no server matches"), "{firings:?}");
    let alerts = watchtower(&hub().url, &["automation", "firings", "alerts"], "");
    assert_eq!(alerts.exit, Exit::Conflict, "{alerts:?}");
}

#[test]
fn a_preview_says_it_in_words_and_times() {
    let args = ["automation", "preview", "30 3 * * *", "--timezone", "Europe/Berlin"];
    let outcome = watchtower(&hub().url, &args, "");
    assert!(outcome.out.contains("2026-11-30T03:30:00+01:00"), "{outcome:?}");
    assert_eq!(outcome.err, "at 03:30 every day, Europe/Berlin\n");
    let wrong = watchtower(&hub().url, &["automation", "preview", "wrong"], "");
    assert_eq!(wrong.exit, Exit::Validation, "{wrong:?}");
    assert!(wrong.err.contains("cron: has 1 fields"), "{wrong:?}");
    let json = watchtower(&hub().url, &[&args[..], &["-o", "json"]].concat(), "").json();
    assert_eq!(json["words"], "at 03:30 every day, Europe/Berlin");
}

#[test]
fn a_firing_by_hand_that_a_gate_refused_is_a_finding() {
    let refused = watchtower(&hub().url, &["automation", "fire", "nightly"], "");
    assert_eq!(refused.exit, Exit::Finding, "{refused:?}");
    assert!(refused.out.contains("no server matches"), "{refused:?}");
    assert_eq!(watchtower(&hub().url, &["automation", "fire", "other"], "").exit, Exit::Ok);
    let plan = watchtower(&hub().url, &["automation", "fire", "nightly", "-n", "-o", "json"], "").json();
    assert_eq!(plan["path"], "/api/v1/automations/nightly/fire");
}
