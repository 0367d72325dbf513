//! Callers who are restricted to some servers see and make nothing beyond them.

use serde_json::{Value, json};
use watchtower_model::Labels;

use crate::hub::{BOOTSTRAP, TestHub};

async fn token(test: &TestHub, by: &str, body: Value) -> (u16, String) {
    let answer = test.ask(by, "POST", "/api/v1/tokens", body).await;
    let secret =
        if answer.status == 200 { answer.json()["secret"].as_str().unwrap().into() } else { String::new() };
    (answer.status, secret)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_administrator_makes_nothing_wider() {
    let test = TestHub::start().await;
    for (name, env) in [("web-1", "dev"), ("db-1", "prod")] {
        test.admin("POST", "/api/v1/servers", json!({"name": name, "labels": {"env": env}})).await;
    }
    let (_, own) =
        token(&test, BOOTSTRAP, json!({"name": "dev", "role": "admin", "servers": "env=\"dev\""})).await;
    let wider = json!({"name": "w", "role": "viewer", "servers": "name=~\".+\""});
    assert_eq!(test.ask(&own, "POST", "/api/v1/tokens", wider).await.status, 403);
    let user = json!({"name": "eve", "password": "a long enough one", "role": "admin"});
    assert_eq!(test.ask(&own, "POST", "/api/v1/users", user).await.status, 403);
    let hook = json!({"name": "hook", "config": {"kind": "webhook", "url": "https://example.com/x"}});
    test.admin("POST", "/api/v1/channels", hook).await;
    let tested = test.ask(&own, "POST", "/api/v1/channels/hook/test", json!(null)).await;
    assert_eq!(tested.status, 403, "{}", tested.body);
    // Rules look at all servers, one by one or by the file.
    let file = json!({"text": "groups: [{name: g, rules: [{record: a, expr: up}]}]"});
    let imported = test.ask(&own, "POST", "/api/v1/rules/import", file.clone()).await;
    assert_eq!(imported.status, 403, "{}", imported.body);
    assert_eq!(test.ask(BOOTSTRAP, "POST", "/api/v1/rules/import", file).await.status, 200);
    // Nor by many changes in one request.
    let rule = json!({"name": "r", "kind": "metric", "expr": "up == 0"});
    let id = "00000000-0000-4000-8000-000000000001";
    let changes = json!({"changes": [{"action": "create", "noun": "rule", "id": id, "input": rule}]});
    let applied = test.ask(&own, "POST", "/api/v1/config/apply", changes.clone()).await;
    assert_eq!(applied.status, 403, "{}", applied.body);
    assert_eq!(test.ask(&own, "GET", "/api/v1/rules/r", json!(null)).await.status, 404);
    assert_eq!(test.ask(BOOTSTRAP, "POST", "/api/v1/config/apply", changes).await.status, 200);
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_an_expression_dropped_hide_no_server() {
    let test = TestHub::start().await;
    for (name, env) in [("web-1", "dev"), ("db-1", "prod")] {
        test.admin("POST", "/api/v1/servers", json!({"name": name, "labels": {"env": env}})).await;
    }
    let scope = json!({"name": "no-prod", "role": "viewer", "servers": "env!=\"prod\""});
    let (_, secret) = token(&test, BOOTSTRAP, scope).await;
    let rule = json!({"name": "Any", "kind": "metric", "paging": false,
        "expr": "label_replace(vector(1), \"instance\", \"db-1\", \"\", \"\") or label_replace(vector(1), \"instance\", \"web-1\", \"\", \"\")"});
    test.admin("POST", "/api/v1/rules", rule).await;
    test.until("the rule fires", || async {
        test.admin("GET", "/api/v1/rules/Any", json!(null)).await["firing"] == json!(2)
    })
    .await;
    for path in ["/api/v1/rules/Any", "/prometheus/api/v1/alerts", "/prometheus/api/v1/rules"] {
        let answer = test.ask(&secret, "GET", path, json!(null)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let shown = answer.body.replace(&rule_text(&answer.body), "");
        assert!(shown.contains("\"instance\":\"web-1\""), "{path}: {shown}");
        assert!(!shown.contains("\"instance\":\"db-1\""), "{path}: {shown}");
    }
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_described_to_those_who_see_their_series() {
    let test = TestHub::start().await;
    for (name, env, metrics) in [
        ("web-1", "dev", ["node_load1", "node_memory_Novel_bytes"]),
        ("db-1", "prod", ["node_forks_total", "private_total"]),
    ] {
        test.admin("POST", "/api/v1/servers", json!({"name": name, "labels": {"env": env}})).await;
        let server = test.hub.servers.find(name).unwrap().id.0;
        test.hub.tsdb.resolve(Some(server), &metrics.map(|name| Labels::from_pairs([("__name__", name)])));
    }
    let scope = json!({"name": "dev", "role": "viewer", "servers": "env=\"dev\""});
    let (_, dev) = token(&test, BOOTSTRAP, scope).await;
    let path = "/prometheus/api/v1/metadata";
    let load = json!([{"type": "gauge", "help": "1m load average.", "unit": ""}]);
    let memory = json!([{"type": "gauge", "help": "Memory information field Novel_bytes.", "unit": "bytes"}]);
    let forks = json!([{"type": "counter", "help": "Total number of forks.", "unit": ""}]);
    let seen = json!({"node_load1": load, "node_memory_Novel_bytes": memory});
    assert_eq!(test.ask(&dev, "GET", path, json!(null)).await.json()["data"], seen);
    let all = json!({"node_load1": load, "node_memory_Novel_bytes": memory, "node_forks_total": forks});
    assert_eq!(test.admin("GET", path, json!(null)).await["data"], all);
    for (metric, shown) in [("node_forks_total", json!({})), ("node_load1", json!({"node_load1": load}))] {
        let answer = test.ask(&dev, "GET", &format!("{path}?metric={metric}"), json!(null)).await;
        assert_eq!(answer.json()["data"], shown, "{metric}");
    }
    test.stop().await;
}

/// The expression names both servers: only what it gave counts.
fn rule_text(_: &str) -> String {
    "label_replace(vector(1)".into()
}
