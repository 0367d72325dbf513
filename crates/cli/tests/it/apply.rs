//! `apply`, `create` and `edit`: what is sent, and that nothing is sent for nothing.

use serde_json::{Value, json};
use watchtower_cli::Exit;

use crate::hub::{FakeHub, watchtower, watchtower_at_home};

const POLICY_ID: &str = "01936f2e-0000-7000-8000-000000000001";

fn rule(name: &str) -> Value {
    json!({
        "id": "01936f2e-0000-7000-8000-000000000009", "name": name, "kind": "metric", "enabled": true, "paging": true,
        "severity": "warning", "expr": "up == 0", "recover_expr": null, "for_seconds": 60.0,
        "keep_firing_for_seconds": 0.0, "no_data": "ok", "event_kind": null, "resolve_kind": null,
        "event_matchers": null, "labels": {"team": "ops"}, "annotations": {}, "version": 3, "firing": 0,
        "builtin": false, "instances": [],
    })
}

/// A hub that knows the rule `known`, and answers writes with what it was sent.
fn hub() -> FakeHub {
    FakeHub::start(|request| {
        let missing = json!({"type": "", "title": "", "status": 404, "code": "not_found", "detail": "no", "request_id": "r"});
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/api/v1/rules/known") => (200, rule("known")),
            ("GET", "/api/v1/policies/default") => (200, json!({"id": POLICY_ID, "name": "default"})),
            ("GET", "/api/v1/servers/web-1") => (
                200,
                json!({"name": "web-1", "labels": {"env": "prod", "old": "x"}, "maintenance_until": null, "status": "up"}),
            ),
            ("GET", _) => (404, missing),
            _ => (200, request.body.clone()),
        }
    })
}

#[test]
fn apply_creates_updates_and_leaves_alone() {
    let hub = hub();
    let same = rule("known");
    let mut other = json!({"name": "known", "for_seconds": 60, "severity": "critical"});
    let input = json!([same, {"name": "fresh", "expr": "up"}]).to_string();
    let outcome = watchtower(&hub.url, &["rule", "apply", "-f", "-", "--json"], &input);
    assert_eq!(outcome.exit, Exit::Ok, "{outcome:?}");
    assert_eq!(
        outcome.json(),
        json!({"items": [{"name": "known", "result": "unchanged"}, {"name": "fresh", "result": "created"}]})
    );
    assert!(hub.bodies("PUT").is_empty());
    assert_eq!(hub.bodies("POST"), [json!({"name": "fresh", "expr": "up", "kind": "metric"})]);

    let outcome = watchtower(&hub.url, &["rule", "apply", "-f", "-", "-o", "csv"], &other.to_string());
    assert_eq!(outcome.out, "name,result\r\nknown,updated\r\n");
    let put = hub.bodies("PUT").remove(0);
    // What the file does not name stays, and what the hub only answers with is not sent back.
    assert_eq!(
        (&put["severity"], &put["expr"], &put["labels"]),
        (&json!("critical"), &json!("up == 0"), &json!({"team": "ops"}))
    );
    assert_eq!((put.get("id"), put.get("version")), (None, None));

    // A field that nobody knows reaches the hub, which refuses it by name.
    other["expresion"] = json!("up");
    watchtower(&hub.url, &["rule", "apply", "-f", "-"], &other.to_string());
    assert_eq!(hub.bodies("PUT")[1]["expresion"], "up");
}

#[test]
fn routes_have_no_name_and_are_found_by_their_matchers() {
    let hub = FakeHub::start(|request| match request.method.as_str() {
        "GET" => (
            200,
            json!({"items": [{"id": "r1", "matchers": "env=\"prod\"", "position": 0, "service_id": POLICY_ID}]}),
        ),
        _ => (200, request.body.clone()),
    });
    let routes = json!([
        {"matchers": "env=\"prod\"", "position": 0},
        {"matchers": "env=\"dev\"", "service_id": POLICY_ID},
    ]);
    let outcome = watchtower(&hub.url, &["route", "apply", "-f", "-", "-o", "csv"], &routes.to_string());
    assert_eq!(outcome.out.matches("unchanged").count(), 1, "{outcome:?}");
    assert_eq!(hub.bodies("POST"), [routes[1].clone()]);
    let moved = json!({"matchers": "env=\"prod\"", "position": 3}).to_string();
    watchtower(&hub.url, &["route", "apply", "-f", "-"], &moved);
    assert_eq!(hub.log().last().unwrap(), "PUT /api/v1/routes/r1");
}

#[test]
fn a_dry_run_sends_nothing() {
    let hub = hub();
    let outcome =
        watchtower(&hub.url, &["rule", "apply", "-n", "-f", "-", "--no-headers"], r#"{"name": "fresh"}"#);
    assert_eq!(outcome.out, "fresh\tcreated\n");
    let outcome =
        watchtower(&hub.url, &["server", "create", "web-9", "--label", "env=prod", "-n", "--json"], "");
    let plan: Value = outcome.json();
    assert_eq!(
        plan,
        json!({"method": "POST", "path": "/api/v1/servers", "body": {"name": "web-9", "labels": {"env": "prod"}}})
    );
    let outcome = watchtower(&hub.url, &["rule", "delete", "a", "b", "--dry-run", "--json"], "");
    assert_eq!(outcome.json()["items"][1]["path"], "/api/v1/rules/b");
    assert!(hub.log().iter().all(|line| line.starts_with("GET")), "{:?}", hub.log());
}

#[test]
fn flags_fill_the_body_and_names_become_ids() {
    let hub = hub();
    let args = ["service", "create", "shop", "--policy", "default", "--ack-timeout", "30m", "-o", "json"];
    assert_eq!(
        watchtower(&hub.url, &args, "").json(),
        json!({"name": "shop", "policy_id": POLICY_ID, "ack_timeout_seconds": 1800})
    );
    let args = [
        "policy",
        "create",
        "p",
        "--step",
        "5m:channel=01936f2e-0000-7000-8000-000000000002",
        "--repeat",
        "1",
        "--json",
    ];
    let steps = json!([{"delay_seconds": 300, "targets": [{"kind": "channel", "id": "01936f2e-0000-7000-8000-000000000002"}]}]);
    assert_eq!(watchtower(&hub.url, &args, "").json()["steps"], steps);
    let args = ["channel", "create", "chat", "--kind", "slack", "--target-url-file", "-", "--json"];
    let config = json!({"kind": "slack", "url": "https://chat.example/x"});
    assert_eq!(watchtower(&hub.url, &args, "https://chat.example/x\n").json()["config"], config);
    let args = ["channel", "create", "sms", "--kind", "twilio", "--account", "AC1", "--token-file", "-"];
    let more = ["--from", "+1500", "--phone", "+4930", "--voice", "--json"];
    let config = json!({"kind": "twilio", "account": "AC1", "token": "t", "from": "+1500", "phone": "+4930", "voice": true});
    assert_eq!(watchtower(&hub.url, &[&args[..], &more].concat(), "t\n").json()["config"], config);
    let args =
        ["integration", "create", "generic", "--name", "own", "--map-key", "id", "--map-title", "check.name"];
    let more = [
        "--map-state",
        "state",
        "--map-resolved",
        "ok,closed",
        "--map-label",
        "host=tags[\"a b\"]",
        "--json",
    ];
    let mapping = json!({"key": "id", "title": "check.name", "state": "state", "resolved": ["ok", "closed"],
        "labels": {"host": "tags[\"a b\"]"}});
    assert_eq!(watchtower(&hub.url, &[&args[..], &more].concat(), "").json()["mapping"], mapping);
}

#[test]
fn a_patch_sends_only_what_changed() {
    let hub = hub();
    let args = ["server", "edit", "web-1", "--label", "role=web", "--label", "old=", "--json"];
    let outcome = watchtower(&hub.url, &args, "");
    assert_eq!(outcome.json(), json!({"labels": {"env": "prod", "role": "web"}}), "{outcome:?}");
    let outcome = watchtower(&hub.url, &["server", "edit", "web-1", "--label", "env=prod"], "");
    assert!(outcome.err.contains("unchanged"), "{outcome:?}");
    let outcome = watchtower(&hub.url, &["server", "edit", "web-1"], "");
    assert_eq!(outcome.exit, Exit::Usage);
    let outcome = watchtower(&hub.url, &["user", "edit", "ana", "--password-file", "-"], "pw");
    assert_eq!(outcome.exit, Exit::Usage, "{outcome:?}");
    assert_eq!(hub.bodies("PATCH").len(), 1);
}

#[test]
fn disabling_keeps_all_else() {
    let hub = hub();
    let outcome = watchtower(&hub.url, &["rule", "disable", "known", "-o", "name"], "");
    assert_eq!(outcome.out, "known\n");
    let put = hub.bodies("PUT").remove(0);
    assert_eq!((&put["enabled"], &put["expr"]), (&json!(false), &json!("up == 0")));
    watchtower(&hub.url, &["rule", "enable", "known"], "");
    assert_eq!(hub.bodies("PUT").len(), 1, "what is enabled already is left alone");
}

#[test]
fn login_keeps_a_session_and_logout_ends_it() {
    let hub = FakeHub::start(|request| match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/api/v1/login") => {
            (200, json!({"user": {"name": "ana", "role": "admin"}, "expires_at": "x"}))
        }
        ("GET", "/api/v1/me") => (200, json!({"name": "ana", "role": "admin", "token": request.token})),
        _ => (204, json!(null)),
    });
    let home = tempfile::tempdir().unwrap();
    let run = |args: &[&str], input: &str| watchtower_at_home(home.path(), &hub.url, args, input);
    let outcome = run(&["login", "--name", "ana", "--password-stdin", "--json"], "pass word\n");
    assert_eq!((outcome.exit, &outcome.json()["token"]), (Exit::Ok, &json!("Bearer wts_c1")), "{outcome:?}");
    assert_eq!(hub.bodies("POST")[0], json!({"name": "ana", "password": "pass word"}));
    assert_eq!(run(&["whoami", "--json"], "").json()["token"], "Bearer wts_c1");
    assert!(!run(&["config", "show"], "").out.contains("wts_c1"));
    assert_eq!(run(&["logout"], "").exit, Exit::Ok);
    assert_eq!(hub.log().last().unwrap(), "POST /api/v1/logout");
    assert_eq!(run(&["whoami", "--json"], "").json()["token"], json!(null));
    // An API token is not this command's to end.
    assert_eq!(run(&["login", "--token-stdin"], "wt_k3y\n").exit, Exit::Ok);
    let before = hub.log().len();
    assert!(run(&["logout"], "").err.contains("watchtower token delete"));
    assert_eq!(hub.log().len(), before);
}

#[test]
fn files_may_be_yaml() {
    let hub = hub();
    let input = "# two rules\n- name: known\n  expr: up == 0\n- name: fresh\n  expr: |\n    up\n      == 1\n  for_seconds: 60\n  enabled: no\n";
    let outcome = watchtower(&hub.url, &["rule", "apply", "-f", "-", "--json"], input);
    assert_eq!(outcome.exit, Exit::Ok, "{outcome:?}");
    let sent = hub.bodies("POST").remove(0);
    assert_eq!((&sent["expr"], &sent["for_seconds"]), (&json!("up\n  == 1\n"), &json!(60)));
    let outcome = watchtower(&hub.url, &["rule", "apply", "-f", "-"], "name: [unclosed\n");
    assert_eq!(outcome.exit, Exit::Usage);
    assert!(outcome.err.contains("not YAML"), "{outcome:?}");
    let outcome = watchtower(&hub.url, &["rule", "apply", "-f", "-"], "{\"name\": }");
    assert!(outcome.err.contains("not JSON"), "{outcome:?}");
}
