//! Every route, by every role, over an object of somebody else.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_api_types::Role;
use watchtower_api_types::endpoints::{Access, ENDPOINTS, Endpoint, Method};
use watchtower_testkit::wait;
use watchtower_tests::agents::{COUNTER, Fleet, Pace};
use watchtower_tests::api::{Answer, Api};
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(30);
const NOBODY: &str = "0199b2f0-7d3c-7a10-8c5e-2f1d6a9b4c11";
const ROLES: [Role; 4] = [Role::Viewer, Role::Responder, Role::Operator, Role::Admin];

fn method(endpoint: &Endpoint) -> &'static str {
    match endpoint.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

/// Calls with every `{part}` of the path replaced; an empty object where a body is due.
fn call(api: &Api, endpoint: &Endpoint, part: impl Fn(&str) -> String) -> Answer {
    let mut path = String::from("/api/v1");
    for piece in endpoint.path.split('/').skip(1) {
        let name = piece.strip_prefix('{').and_then(|piece| piece.strip_suffix('}'));
        path = format!("{path}/{}", name.map_or_else(|| piece.to_string(), &part));
    }
    let body = endpoint.body.is_some().then(|| json!({}));
    api.call(method(endpoint), &path, body.as_ref())
}

fn token(api: &Api, name: &str, role: Role, servers: Option<&str>) -> (String, String) {
    let input = json!({"name": name, "role": role.as_str(), "scopes": ["all"], "servers": servers});
    let made = api.post("/tokens", &input);
    (text(&made["token"]["id"]), text(&made["secret"]))
}

fn least(access: Access) -> Role {
    match access {
        Access::Public | Access::View => Role::Viewer,
        Access::Respond => Role::Responder,
        Access::Operate => Role::Operator,
        Access::Admin => Role::Admin,
    }
}

#[test]
fn every_route_asks_for_its_role() {
    let hub = Hub::start(Setup::default());
    let admin = hub.api();
    let (revoked_id, revoked) = token(&admin, "revoked", Role::Admin, None);
    admin.call("DELETE", &format!("/api/v1/tokens/{revoked_id}"), None);
    let strangers = [None, Some(revoked), Some("wtt_never-made".to_string())];
    let insiders: Vec<(Role, String)> =
        ROLES.map(|role| (role, token(&admin, role.as_str(), role, None).1)).to_vec();
    let mut wrong = Vec::new();
    for endpoint in ENDPOINTS {
        let name = format!("{} {}", method(endpoint), endpoint.path);
        for secret in &strangers {
            let answer = call(&admin.with_token(secret.as_deref()), endpoint, |_| NOBODY.into());
            let open = endpoint.access == Access::Public;
            // A public endpoint may refuse what it was sent, never who sent it.
            if (answer.status == 401) == open && !(open && endpoint.id == "login") {
                wrong.push(format!("{name} as a stranger: {} {}", answer.status, answer.body["detail"]));
            }
        }
        for (role, secret) in &insiders {
            let answer = call(&admin.with_token(Some(secret)), endpoint, |_| NOBODY.into());
            let denied = answer.status == 403;
            let failed = answer.status >= 500 || answer.status == 405;
            // A login with an empty body is refused as one.
            let unknown = answer.status == 401 && endpoint.id != "login";
            if denied != (*role < least(endpoint.access)) || failed || unknown {
                wrong.push(format!("{name} as {role}: {} {}", answer.status, answer.body["detail"]));
            }
        }
    }
    // Beyond the table: another's password is an administrator's to change.
    for (role, secret) in &insiders[..3] {
        let path = format!("/api/v1/users/{NOBODY}/password");
        let answer = admin.with_token(Some(secret)).call(
            "POST",
            &path,
            Some(&json!({"new": "correct horse battery"})),
        );
        assert_eq!(answer.status, 403, "as {role}: {}", answer.body);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn other_listeners_of_data_ask_too() {
    let hub = Hub::start(Setup::default());
    let stranger = hub.api().with_token(None);
    for path in [
        "query?query=up",
        "query_range?query=up&start=0&end=1&step=1",
        "series?match[]=up",
        "labels",
        "label/job/values",
        "rules",
        "alerts",
        "metadata",
    ] {
        let answer = stranger.call("GET", &format!("/prometheus/api/v1/{path}"), None);
        assert_eq!(answer.status, 401, "{path}: {}", answer.body);
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(stranger.call("GET", path, None).status, 200, "{path}");
    }
}

/// What one server's objects are named.
struct Foreign {
    parts: BTreeMap<&'static str, String>,
    name: String,
}

/// A server with `env=b` that reports, has an event, an alert, an incident and a run.
fn foreign(admin: &Api, fleet: &Fleet) -> Foreign {
    let name = fleet.agents[0].name.clone();
    admin.call("PATCH", &format!("/api/v1/servers/{name}"), Some(&json!({"labels": {"env": "b"}})));
    wait::until(SOON, "a report with facts", || {
        let server = admin.get(&format!("/servers/{name}"));
        (!server["facts"].is_null() && !admin.promql(COUNTER).is_empty()).then_some(())
    });
    admin.post(
        "/rules",
        &json!({"name": "r", "kind": "event", "event_kind": "custom.bad", "severity": "error"}),
    );
    admin.post("/events", &json!({"kind": "custom.bad", "message": "bad", "server": name}));
    let incident = wait::until(SOON, "an incident", || admin.list("/incidents").first().cloned());
    let run = admin.post("/runs/exec", &json!({"command": ["true"], "on": format!("name=\"{name}\"")}));
    let run = admin.get(&format!("/runs/{}", text(&run["run"]["id"])));
    let target = json!({"host": "127.0.0.1", "port": 9, "server": name});
    let deployment = admin.post("/deployments", &json!({"targets": [target], "ssh": {"password": "unused"}}));
    let parts = BTreeMap::from([
        ("deployment", deployment["items"][0]["number"].to_string()),
        ("server", name.clone()),
        ("incident", incident["number"].to_string()),
        ("run", run["number"].to_string()),
        ("execution", text(&run["executions"][0]["id"])),
    ]);
    Foreign { parts, name }
}

/// Everything an administrator sees, without what moves by itself.
fn everything(admin: &Api) -> Value {
    let mut all = json!({});
    for noun in [
        "rules",
        "services",
        "teams",
        "routes",
        "policies",
        "channels",
        "scripts",
        "automations",
        "users",
        "incidents",
        "runs",
        "deployments",
        "host-keys",
        "credentials",
    ] {
        let items = admin.list(&format!("/{noun}?limit=500"));
        all[noun] = items
            .iter()
            .map(|item| json!([item["id"], item["name"], item["state"], item["version"]]))
            .collect();
    }
    all["servers"] = admin
        .list("/servers")
        .iter()
        .map(|server| json!([server["id"], server["name"], server["labels"]]))
        .collect();
    all["tokens"] =
        admin.list("/tokens").iter().map(|token| json!([token["id"], token["revoked_at"]])).collect();
    all
}

#[test]
fn what_is_outside_the_servers_one_may_see_is_absent_and_untouched() {
    let hub = Hub::start(Setup::default());
    let admin = hub.api();
    let pace = Pace { every: Duration::from_millis(500), more_series: 0 };
    let mut fleet = Fleet::start(&admin, &hub.agent_address(), "foreign", 1, pace);
    let foreign = foreign(&admin, &fleet);
    admin.post("/servers", &json!({"name": "own", "labels": {"env": "a"}}));
    let secrets = ROLES.map(|role| (role, token(&admin, &format!("a-{role}"), role, Some("env=\"a\"")).1));
    let before = everything(&admin);

    let mut wrong = Vec::new();
    for (role, secret) in &secrets {
        let api = admin.with_token(Some(secret));
        for endpoint in ENDPOINTS.iter().filter(|endpoint| *role >= least(endpoint.access)) {
            if ["{server}", "{incident}", "{run}", "{deployment}"]
                .iter()
                .any(|part| endpoint.path.contains(part))
            {
                let answer =
                    call(&api, endpoint, |part| foreign.parts.get(part).cloned().unwrap_or_default());
                // A body that is not acceptable is refused before anything is looked up.
                let early = endpoint.body.is_some() && answer.status == 422;
                if answer.status != 404 && !early {
                    wrong.push(format!("{} as {role}: {} {}", endpoint.id, answer.status, answer.body));
                }
            }
        }
        wrong.extend(told_of(&api, &foreign.name).into_iter().map(|what| format!("{what} as {role}")));
    }
    let restricted_admin = admin.with_token(Some(&secrets[3].1));
    wrong.extend(escapes(&restricted_admin, &admin, &foreign.name));
    fleet.stop();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(everything(&admin), before, "something was changed");
    let target = json!({"host": "127.0.0.1", "port": 9, "server": "mine", "labels": {"env": "a"}});
    let own = restricted_admin.post("/deployments", &json!({"targets": [target], "ssh": {"password": "x"}}));
    let own = restricted_admin.get(&format!("/deployments/{}", own["items"][0]["number"]));
    assert_eq!(own["server"], "mine", "one's own is seen although it has no record yet");
}

/// Lists and queries that tell of the foreign server.
fn told_of(api: &Api, name: &str) -> Vec<String> {
    let mut out = Vec::new();
    for path in [
        "/servers",
        "/events",
        "/alerts",
        "/incidents",
        "/runs",
        "/deployments",
        "/overview",
        "/incidents/stats",
        "/rules",
        "/automations",
    ] {
        let answer = api.call("GET", &format!("/api/v1{path}"), None);
        let own = path == "/incidents/stats" && answer.body["total"] != 0;
        if answer.status != 200 || answer.body.to_string().contains(name) || own {
            out.push(format!("{path}: {} {}", answer.status, answer.body));
        }
    }
    for path in [
        format!("query?query={COUNTER}"),
        format!("query?query=count({COUNTER})"),
        format!("series?match[]={COUNTER}"),
        "label/instance/values".into(),
        "alerts".into(),
    ] {
        let answer = api.call("GET", &format!("/prometheus/api/v1/{path}"), None);
        let data = &answer.body["data"];
        let result = if data["result"].is_array() { &data["result"] } else { data };
        let counted = path.contains("count") && result.as_array().is_some_and(|items| !items.is_empty());
        if answer.status != 200 || answer.body.to_string().contains(name) || counted {
            out.push(format!("{path}: {} {}", answer.status, answer.body));
        }
    }
    out
}

/// Ways by which somebody who is restricted to some servers would reach all.
fn escapes(api: &Api, admin: &Api, name: &str) -> Vec<String> {
    let on = format!("name=\"{name}\"");
    let user = json!({"name": "eve", "password": "correct horse battery", "role": "admin"});
    let tries = [
        ("POST", "/users", user),
        ("POST", "/tokens", json!({"name": "eve", "role": "admin", "scopes": ["all"]})),
        (
            "POST",
            "/tokens",
            json!({"name": "eve", "role": "admin", "scopes": ["all"], "servers": "env=\"b\""}),
        ),
        ("POST", "/runs/exec", json!({"command": ["true"], "on": on})),
        ("POST", "/runs/exec", json!({"command": ["true"], "on": "env=~\".*\""})),
        ("POST", "/events", json!({"kind": "custom.bad", "message": "x", "server": name})),
        ("POST", "/incidents", json!({"title": "x", "server": name})),
        ("POST", "/incidents", json!({"title": "x"})),
        ("POST", "/servers", json!({"name": "new", "labels": {"env": "b"}})),
        (
            "POST",
            "/deployments",
            json!({"targets": [{"host": "h", "server": name}], "ssh": {"password": "x"}}),
        ),
        ("POST", "/deployments", json!({"targets": [{"host": "h"}], "ssh": {"password": "x"}})),
        (
            "POST",
            "/deployments",
            json!({"targets": [{"host": "h", "labels": {"env": "a"}}], "ssh": {"credential": "x"}}),
        ),
        ("POST", "/deployments/host-key", json!({"host": "127.0.0.1"})),
        ("POST", "/host-keys", json!({"host": "h", "fingerprint": "x"})),
        ("POST", "/credentials", json!({"name": "x", "user": "u", "password": "x"})),
        ("GET", "/credentials", Value::Null),
        ("GET", "/host-keys", Value::Null),
        ("PATCH", "/servers/own", json!({"labels": {"env": "b"}})),
        ("POST", "/rules", json!({"name": "x", "kind": "metric", "expr": "up"})),
        ("POST", "/scripts", json!({"name": "x", "body": "true"})),
        ("POST", "/teams", json!({"name": "x"})),
        ("GET", "/audit", Value::Null),
    ];
    let mut out = Vec::new();
    for (method, path, body) in tries {
        let body = (!body.is_null()).then_some(&body);
        let answer = api.call(method, &format!("/api/v1{path}"), body);
        if answer.status < 400 || answer.status >= 500 {
            out.push(format!("{method} {path} {body:?}: {} {}", answer.status, answer.body));
        }
    }
    for rule in admin.list("/rules").iter().take(1) {
        let answer = api.call("DELETE", &format!("/api/v1/rules/{}", text(&rule["id"])), None);
        if answer.status != 403 {
            out.push(format!("DELETE a rule: {}", answer.status));
        }
    }
    out
}
