//! `config apply` where a hub is not as it was a moment before, or says no in the middle.

use serde_json::{Value, json};
use watchtower_cli::Exit;

use crate::hub::{FakeHub, watchtower};

const POLICY: &str = "01936f2e-0000-7000-8000-000000000001";
const SERVICE: &str = "01936f2e-0000-7000-8000-000000000002";

fn service(description: &str) -> Value {
    json!({"id": SERVICE, "name": "payments", "description": description, "policy_id": POLICY, "open_incidents": 3})
}

/// A hub with one policy and one service, which answers `applied` to the changes that it is sent.
fn hub(applied: impl Fn(&Value) -> (u16, Value) + Send + Sync + 'static) -> FakeHub {
    FakeHub::start(move |request| {
        let path = request.path.split('?').next().unwrap_or_default();
        match (request.method.as_str(), path) {
            ("GET", "/api/v1/config/versions") => {
                (200, json!({"items": [{"noun": "service", "id": SERVICE, "version": 7}]}))
            }
            ("GET", "/api/v1/policies") => (200, json!({"items": [{"id": POLICY, "name": "climb"}]})),
            ("GET", "/api/v1/services") => (200, json!({"items": [service("old")]})),
            ("GET", _) => (200, json!({"items": []})),
            ("POST", "/api/v1/config/check") => (200, json!({"problems": [], "unchanged": []})),
            ("POST", "/api/v1/config/apply") => applied(&request.body),
            _ => (404, json!({})),
        }
    })
}

fn done(indices: &[u32]) -> Value {
    indices.iter().map(|index| json!({"index": index, "id": POLICY, "key": null})).collect()
}

fn all(body: &Value) -> (u16, Value) {
    let changes = body["changes"].as_array().unwrap().len() as u32;
    (200, json!({"done": done(&(0..changes).collect::<Vec<_>>()), "stopped": null}))
}

const FILE: &str =
    "teams:\n  - name: ops\nservices:\n  - name: payments\n    description: new\n    team: ops\n";

#[test]
fn what_is_written_is_checked_first_and_goes_to_the_version_that_was_read() {
    let hub = hub(all);
    let outcome = watchtower(&hub.url, &["config", "apply", "-", "-o", "json"], FILE);
    assert_eq!(outcome.exit, Exit::Ok, "{outcome:?}");
    let results: Vec<Value> =
        outcome.json()["items"].as_array().unwrap().iter().map(|one| one["result"].clone()).collect();
    assert_eq!(results, ["created", "updated"]);
    let log = hub.log();
    let of = |path: &str| log.iter().position(|line| line.contains(path)).unwrap();
    assert!(
        of("config/versions") < of("GET /api/v1/services"),
        "versions are those of what is read, or older"
    );
    let (check, apply) = (hub.bodies("POST").remove(0), hub.bodies("POST").remove(1));
    // One that is to be made has an id that others refer to it by until it is.
    let stand_in = "00000000-0000-4000-8000-000000000001";
    for body in [&check, &apply] {
        let (team, service) = (&body["changes"][0], &body["changes"][1]["input"]);
        assert_eq!((&team["id"], &service["team_id"]), (&json!(stand_in), &json!(stand_in)));
        assert_eq!(
            (&service["description"], &service["policy_id"], service.get("open_incidents")),
            (&json!("new"), &json!(POLICY), None)
        );
    }
    let read = |at: usize| apply["changes"][at].get("read").cloned();
    assert_eq!((read(0), read(1)), (None, Some(json!(7))));
}

#[test]
fn what_the_hub_refuses_as_changed_is_a_conflict() {
    let text = "nothing was written; service \"payments\": it was changed by somebody else meanwhile";
    let problem = json!({"type": "about:blank", "title": "Conflict", "status": 409, "code": "conflict", "detail": text, "request_id": "r"});
    let hub = hub(move |_| (409, problem.clone()));
    let outcome = watchtower(&hub.url, &["config", "apply", "-"], FILE);
    assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Conflict, ""), "{outcome:?}");
    assert!(outcome.err.contains(text) && outcome.err.contains("config diff"), "{outcome:?}");
}

#[test]
fn where_it_stops_it_says_what_is_done_and_can_be_run_again() {
    let stopped = json!({"index": 1, "field": "", "message": "service \"payments\": it was changed"});
    let hub = hub(move |_| (200, json!({"done": done(&[0]), "stopped": stopped})));
    let outcome = watchtower(&hub.url, &["config", "apply", "-", "--json"], FILE);
    assert_eq!(outcome.exit, Exit::Partial, "{outcome:?}");
    assert_eq!(
        outcome.json()["items"],
        json!([{"noun": "team", "name": "ops", "result": "created", "key": null}])
    );
    let error = outcome.error();
    let message = error["message"].as_str().unwrap();
    assert_eq!(message, "stopped with 1 of 2 changes made: service \"payments\": it was changed", "{error}");
}

#[test]
fn nothing_is_asked_of_a_hub_that_files_do_not_want_anything_of() {
    let hub = hub(all);
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
