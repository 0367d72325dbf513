//! `config apply` where a hub is not as it was a moment before, or says no in the middle.

use serde_json::{Value, json};
use watchtower_cli::Exit;

use crate::hub::{FakeHub, watchtower};

const POLICY: &str = "01936f2e-0000-7000-8000-000000000001";
const SERVICE: &str = "01936f2e-0000-7000-8000-000000000002";

fn service(description: &str) -> Value {
    json!({"id": SERVICE, "name": "payments", "description": description, "policy_id": POLICY, "open_incidents": 3})
}

/// A hub with one policy and one service. `now`: the service when it is asked for alone; what makes a team is answered by `team`.
fn hub(now: Value, team: impl Fn(&Value) -> (u16, Value) + Send + Sync + 'static) -> FakeHub {
    FakeHub::start(move |request| {
        let path = request.path.split('?').next().unwrap_or_default();
        match (request.method.as_str(), path) {
            ("GET", "/api/v1/policies") => (200, json!({"items": [{"id": POLICY, "name": "climb"}]})),
            ("GET", "/api/v1/services") => (200, json!({"items": [service("old")]})),
            ("GET", path) if path.starts_with("/api/v1/services/") => (200, now.clone()),
            ("GET", _) => (200, json!({"items": []})),
            ("POST", "/api/v1/config/check") => (200, json!({"problems": [], "unchanged": []})),
            ("POST", "/api/v1/teams") => team(&request.body),
            _ => (200, request.body.clone()),
        }
    })
}

fn made(body: &Value) -> (u16, Value) {
    let mut body = body.clone();
    body["id"] = json!("01936f2e-0000-7000-8000-000000000009");
    (200, body)
}

const FILE: &str =
    "teams:\n  - name: ops\nservices:\n  - name: payments\n    description: new\n    team: ops\n";

#[test]
fn what_is_written_is_checked_first_and_goes_to_the_version_that_was_read() {
    let hub = hub(service("old"), made);
    let outcome = watchtower(&hub.url, &["config", "apply", "-", "-o", "json"], FILE);
    assert_eq!(outcome.exit, Exit::Ok, "{outcome:?}");
    let results: Vec<Value> =
        outcome.json()["items"].as_array().unwrap().iter().map(|one| one["result"].clone()).collect();
    assert_eq!(results, ["created", "updated"]);
    // One that is to be made has an id that others refer to it by until it is.
    let (check, stand_in) = (hub.bodies("POST").remove(0), "00000000-0000-4000-8000-000000000001");
    assert_eq!(
        (&check["changes"][0]["id"], &check["changes"][1]["input"]["team_id"]),
        (&json!(stand_in), &json!(stand_in))
    );
    let put = hub.bodies("PUT").remove(0);
    assert_eq!(put["team_id"], "01936f2e-0000-7000-8000-000000000009");
    assert_eq!(
        (&put["description"], &put["policy_id"], put.get("open_incidents")),
        (&json!("new"), &json!(POLICY), None)
    );
    let requests = hub.requests.lock().unwrap();
    let put = requests.iter().find(|one| one.method == "PUT").unwrap();
    assert_eq!(put.if_match.as_deref(), Some("\"7\""));
}

#[test]
fn what_was_changed_meanwhile_is_a_conflict_and_not_overwritten() {
    let hub = hub(service("by somebody else"), made);
    let outcome = watchtower(
        &hub.url,
        &["config", "apply", "-"],
        "services:\n  - name: payments\n    description: new\n",
    );
    assert_eq!(outcome.exit, Exit::Conflict, "{outcome:?}");
    assert!(
        outcome.err.contains("service \"payments\"") && outcome.err.contains("somebody else"),
        "{outcome:?}"
    );
    assert!(hub.bodies("PUT").is_empty());
}

#[test]
fn where_it_stops_it_says_what_is_done_and_can_be_run_again() {
    let hub = hub(service("by somebody else"), made);
    let outcome = watchtower(&hub.url, &["config", "apply", "-", "--json"], FILE);
    assert_eq!(outcome.exit, Exit::Partial, "{outcome:?}");
    assert_eq!(
        outcome.json()["items"],
        json!([{"noun": "team", "name": "ops", "result": "created", "key": null}])
    );
    let error = outcome.error();
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("stopped at service \"payments\", with 1 of 2 changes made: "), "{error}");
}

#[test]
fn nothing_is_asked_of_a_hub_that_files_do_not_want_anything_of() {
    let hub = hub(service("old"), made);
    for verb in ["diff", "apply"] {
        let outcome = watchtower(
            &hub.url,
            &["config", verb, "-"],
            "services:\n  - {name: payments, description: old, policy: climb}\n",
        );
        assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Ok, ""), "{outcome:?}");
    }
    assert!(hub.bodies("POST").is_empty() && hub.bodies("PUT").is_empty());
    let gone = watchtower(&hub.url, &["config", "diff", "-", "--prune", "--json"], "services: []\n");
    assert_eq!(gone.exit, Exit::Finding);
    assert_eq!(
        gone.json()["items"],
        json!([{"noun": "service", "name": "payments", "action": "delete", "fields": []}])
    );
}

#[test]
fn of_two_routes_with_the_same_matchers_the_first_is_the_one_in_files() {
    let route = |n: u32, matchers: &str| json!({"id": format!("01936f2e-0000-7000-8000-0000000000a{n}"), "matchers": matchers, "service_id": SERVICE, "position": n});
    let routes = json!({"items": [route(1, "{a=\"b\"}"), route(2, "{a=\"b\"}"), route(3, "")]});
    let hub = FakeHub::start(move |request| match request.path.split('?').next().unwrap_or_default() {
        "/api/v1/routes" => (200, routes.clone()),
        "/api/v1/services" => (200, json!({"items": [service("old")]})),
        _ => (200, json!({"items": []})),
    });
    let exported = watchtower(&hub.url, &["config", "export", "routes"], "");
    assert!(exported.out.ends_with("\nroutes:\n  - matchers: \"{a=\\\"b\\\"}\"\n    service: payments\n  - matchers: \"\"\n    service: payments\n"), "{exported:?}");
    let diff = watchtower(&hub.url, &["config", "diff", "-"], &exported.out);
    assert_eq!((diff.exit, diff.out.as_str()), (Exit::Ok, ""), "{diff:?}");
}
