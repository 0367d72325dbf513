//! Merging by the API: what is answered, what is refused and how it is said, and that nobody reaches what they may not see.

use serde_json::{Value, json};

use crate::hub::{Answer, BOOTSTRAP, TestHub};

async fn open(test: &TestHub, body: Value) -> i64 {
    test.admin("POST", "/api/v1/incidents", body).await["number"].as_i64().unwrap()
}

async fn merge(test: &TestHub, by: &str, from: i64, into: Value) -> Answer {
    test.ask(by, "POST", &format!("/api/v1/incidents/{from}/merge"), json!({ "into": into })).await
}

/// Status, code or field, and that the words are there.
async fn refused(test: &TestHub, by: &str, (from, into): (i64, Value), status: u16, words: &str) {
    let answer = merge(test, by, from, into).await;
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(answer.json()["detail"].as_str().unwrap().contains(words), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_become_one_and_what_is_impossible_is_said() {
    let test = TestHub::start().await;
    let mut numbers = Vec::new();
    for title in ["disk", "mount", "share", "over"] {
        numbers.push(open(&test, json!({"title": title})).await);
    }
    let [disk, mount, share, over] = numbers[..] else { unreachable!() };
    let merged = merge(&test, BOOTSTRAP, mount, json!(disk)).await;
    assert_eq!(merged.status, 200, "{}", merged.body);
    let merged = merged.json();
    assert_eq!((&merged["number"], &merged["open_alert_count"]), (&json!(disk), &json!(2)));
    assert_eq!((&merged["merged"], &merged["title"]), (&json!([mount]), &json!("disk (+1 more)")));
    let source = test.admin("GET", &format!("/api/v1/incidents/{mount}"), json!(null)).await;
    assert_eq!((&source["state"], &source["merged_into"]), (&json!("resolved"), &json!(disk)));
    assert_eq!((&source["resolve_reason"], &source["alerts"]), (&json!("merged"), &Value::Null));
    for (number, words) in [(mount, format!("merged into INC-{disk}")), (disk, format!("INC-{mount} was"))] {
        let timeline =
            test.admin("GET", &format!("/api/v1/incidents/{number}/timeline"), json!(null)).await.to_string();
        assert!(timeline.contains(&words), "{timeline}");
    }
    test.admin("POST", &format!("/api/v1/incidents/{over}/resolve"), json!({})).await;
    refused(&test, BOOTSTRAP, (disk, json!(disk)), 422, "into: an incident cannot be merged into itself")
        .await;
    let again = merge(&test, BOOTSTRAP, mount, json!(disk)).await;
    assert_eq!((again.status, &again.json()["merged"]), (200, &json!([mount])), "{}", again.body);
    refused(&test, BOOTSTRAP, (mount, json!(share)), 409, &format!("INC-{mount} was merged into INC-{disk}"))
        .await;
    refused(&test, BOOTSTRAP, (disk, json!(mount)), 409, "merge into that one").await;
    refused(&test, BOOTSTRAP, (share, json!(mount)), 409, "merge into that one").await;
    refused(&test, BOOTSTRAP, (over, json!(disk)), 409, "is over: only what is open can be merged").await;
    refused(&test, BOOTSTRAP, (disk, json!(over)), 409, "is over: merge into one that is open").await;
    refused(&test, BOOTSTRAP, (disk, json!(99_999)), 404, "does not exist").await;
    refused(&test, BOOTSTRAP, (disk, json!("x")), 422, "invalid type").await;
    let drill = open(&test, json!({"title": "drill", "test": true})).await;
    refused(&test, BOOTSTRAP, (drill, json!(disk)), 409, "is a drill").await;
    // It counts once, and not as what a person resolved.
    let stats = test.admin("GET", "/api/v1/incidents/stats", json!(null)).await;
    assert_eq!((&stats["total"], &stats["open"]), (&json!(3), &json!(2)));
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_caller_merges_only_what_they_see() {
    let test = TestHub::start().await;
    for (name, env) in [("web-1", "dev"), ("web-2", "dev"), ("db-1", "prod")] {
        test.admin("POST", "/api/v1/servers", json!({"name": name, "labels": {"env": env}})).await;
    }
    let mut numbers = Vec::new();
    for name in ["web-1", "web-2", "db-1"] {
        numbers.push(open(&test, json!({"title": name, "server": name})).await);
    }
    let [one, two, foreign] = numbers[..] else { unreachable!() };
    let token = json!({"name": "dev", "role": "responder", "servers": "env=\"dev\""});
    let token = test.admin("POST", "/api/v1/tokens", token).await["secret"].as_str().unwrap().to_string();
    refused(&test, &token, (foreign, json!(one)), 404, "does not exist").await;
    refused(&test, &token, (one, json!(foreign)), 404, "does not exist").await;
    refused(&test, BOOTSTRAP, (foreign, json!(one)), 409, "seen whole or not at all").await;
    assert_eq!(merge(&test, &token, two, json!(one)).await.status, 200);
    let viewer = test.admin("POST", "/api/v1/tokens", json!({"name": "v", "role": "viewer"})).await;
    let viewer = viewer["secret"].as_str().unwrap();
    assert_eq!(merge(&test, viewer, one, json!(foreign)).await.status, 403);
    test.stop().await;
}
